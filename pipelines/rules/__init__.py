"""The rules: one folder each, with its declaration, its definition in SQL and its kernel."""
