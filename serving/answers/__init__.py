"""Questions asked of a published ledger version, and the words of the answers."""
