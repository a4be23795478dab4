"""The rule `shared_identity`: see rule.toml."""
