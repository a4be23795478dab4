"""The rule `quota_splitting_proxy`: see rule.toml."""
