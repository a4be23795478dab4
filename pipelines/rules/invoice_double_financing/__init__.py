"""The rule `invoice_double_financing`: see rule.toml."""
