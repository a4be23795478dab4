"""The rule `multi_lender`: see rule.toml."""
