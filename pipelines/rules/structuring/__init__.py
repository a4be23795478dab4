"""The rule `structuring`: see rule.toml."""
