"""The rule `quota_splitting`: see rule.toml."""
