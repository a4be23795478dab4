"""The rule `large_value`: see rule.toml."""
