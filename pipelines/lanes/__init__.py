"""Lanes: where rules run, in the stream or over the ledger."""
