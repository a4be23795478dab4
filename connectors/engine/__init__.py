"""One engine that reads every feed from its spec: bytes to cells, cells to canonical columns."""
