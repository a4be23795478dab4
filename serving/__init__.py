"""Published versions of the ledger, the questions asked of them, and what is shown."""
