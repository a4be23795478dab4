"""One party begins to pay many quiet payees."""
