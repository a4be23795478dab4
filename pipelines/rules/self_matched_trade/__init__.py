"""The rule `self_matched_trade`: see rule.toml."""
