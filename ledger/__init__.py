"""The ledger: everything accepted, with the time it happened and the time it became known."""
