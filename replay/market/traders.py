"""Firms that deal in goods: they own receipts, hedge them in futures and finance both.

One set for all markets, so that a firm's goods, futures, bills, loans and payments meet.
"""

import numpy as np

from replay.market.population import Ints, Population

INDUSTRIES = ("F51", "D44", "C34", "C26")
_MOST = 60


def traders(who: Population) -> Ints:
    """Party rows of the busiest firms at home in the four regions that deal in goods."""
    fits = ~who.person & who.inside & np.isin(who.industry, INDUSTRIES)
    rows = np.flatnonzero(fits)
    return np.sort(rows[np.argsort(-who.weight[rows], kind="stable")[:_MOST]])
