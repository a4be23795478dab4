"""The ledger: the DuckDB door, tables derived from the schemas, the loader and the named views."""
