"""Payment returns: ISO 20022 pacs.004."""
