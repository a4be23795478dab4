"""The rule `exposure_concentration`: see rule.toml."""
