"""The rule `volume_share`: see rule.toml."""
