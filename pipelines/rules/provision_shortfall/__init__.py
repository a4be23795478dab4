"""The rule `provision_shortfall`: see rule.toml."""
