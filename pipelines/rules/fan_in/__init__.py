"""Many quiet payers begin to pay one party."""
