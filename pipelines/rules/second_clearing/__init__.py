"""The rule `second_clearing`: see rule.toml."""
