"""The rule `reporting_gap`: see rule.toml."""
