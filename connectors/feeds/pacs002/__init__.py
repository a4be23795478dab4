"""Payment status reports: ISO 20022 pacs.002."""
