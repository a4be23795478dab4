"""The rule `spot_futures`: see rule.toml."""
