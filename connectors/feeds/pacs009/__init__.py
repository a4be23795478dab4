"""Credit transfers between financial institutions: ISO 20022 pacs.009."""
