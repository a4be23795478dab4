"""The rule `pass_through`: see rule.toml."""
