"""One party collects from new payers, then pays new payees."""
