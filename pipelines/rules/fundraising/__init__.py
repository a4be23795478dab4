"""The rule `fundraising`: see rule.toml."""
