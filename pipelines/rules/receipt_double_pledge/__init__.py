"""The rule `receipt_double_pledge`: see rule.toml."""
