"""A feed; see the package above for its files."""
