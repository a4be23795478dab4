# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Moving accounts between regions: towards their partners, or at random until enough crosses."""

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True)
def settle(start, other, region, sizes, cap, order, passes):
    """Move each account to the region most of its transfers are with, while that has room.

    Args:
        start: int64, accounts + 1: where each account's neighbours begin.
        other: int64: the other side of each of its transfers.
        region: int64 by account, changed in place.
        sizes: int64 by region: accounts in it, changed in place.
        cap: most accounts a region may have.
        order: the order in which accounts are looked at.
        passes: at most so many rounds; fewer when nobody moves.
    """
    count = np.zeros(len(sizes), np.int64)
    for _ in range(passes):
        moved = 0
        for account in order:
            count[:] = 0
            for at in range(start[account], start[account + 1]):
                count[region[other[at]]] += 1
            mine = region[account]
            best = mine
            for candidate in range(len(sizes)):
                if count[candidate] > count[best] and sizes[candidate] < cap:
                    best = candidate
            if best != mine:
                region[account] = best
                sizes[mine] -= 1
                sizes[best] += 1
                moved += 1
        if moved == 0:
            break


@nb.njit(cache=True, nogil=True)
def scatter(start, other, region, order, drawn, crossing, wanted):
    """Move accounts to drawn regions until `wanted` transfers cross; returns how many do.

    `crossing` is how many do at first; a move that lowers it is left out.
    """
    for at_account in range(len(order)):
        if crossing >= wanted:
            break
        account = order[at_account]
        mine, new = region[account], drawn[at_account]
        change = 0
        for at in range(start[account], start[account + 1]):
            there = region[other[at]]
            if other[at] != account:
                change += (there == mine) - (there == new)
        if change > 0:
            region[account] = new
            crossing += change
    return crossing
