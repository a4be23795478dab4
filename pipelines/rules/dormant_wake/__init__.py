"""The rule `dormant_wake`: see rule.toml."""
