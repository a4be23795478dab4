"""The rule `public_to_private`: see rule.toml."""
