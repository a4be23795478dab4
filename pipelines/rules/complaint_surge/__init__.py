"""The rule `complaint_surge`: see rule.toml."""
