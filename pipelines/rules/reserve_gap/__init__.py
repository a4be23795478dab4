"""The rule `reserve_gap`: see rule.toml."""
