"""Account statements: ISO 20022 camt.053."""
