"""The rule `loan_round_trip`: see rule.toml."""
