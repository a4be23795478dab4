"""Two payers that begin to pay the same payees."""
