"""The canonical records: fields, kinds, code lists, identifiers, reference data."""
