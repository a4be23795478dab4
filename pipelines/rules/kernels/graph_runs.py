# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""A party's edges side by side: what a search reads of them without touching the edges.

The legs of a party in one direction lie in runs, the newest leg last; a new run is as long as the
party has living edges, so they are few. In front of a run lies a link, whose `party` is the place
of the leg before the run, or -1. To walk from the newest leg back over the days after `first`:

    place = g.party[slot].run_in
    while place >= 0:
        if g.days[place] > first:
            leg = g.legs[place]
            place -= 1
        elif g.days[place] == LINK:
            place = g.legs[place].party
        else:
            break

Nothing is taken out: legs that no longer live are older than any window, and go with the edges.

Whether two parties have counterparties in common is asked of `marks`: those of the one are marked,
those of the other looked at there, which costs less than to look up pairs. A mark is the number of
the search that made it, so nothing is wiped.
"""

import numba as nb
import numpy as np

LEG = np.dtype(
    [
        ("amount_fen", "<i8"),
        ("party", "<i4"),  # slot of the other party
    ]
)
LINK = np.iinfo(np.int32).min  # stand for days, below all of them
FREE = LINK + 1
# Legs and links that an edge may take: in each direction a run is never longer than what was laid
# before it (or 1), so runs hold at most twice what was laid, and links are at most as many.
PER_EDGE = 6


@nb.njit(cache=True, nogil=True)
def lay(days, legs, used, last, room, day, amount_fen, party):
    """Lay a leg behind the party's last one.

    Args:
        days: int32, beside `legs`.
        legs: LEG.
        used: how many of both are taken.
        last: place of the party's newest leg, -1 if it has none.
        room: how long a new run is to be, if one is needed.
        day: of the edge.
        amount_fen: of the edge.
        party: slot of the other party.

    Returns:
        (its place, how many are taken now).
    """
    place = np.int64(last) + 1
    if last < 0 or place >= used or days[place] != FREE:
        days[used] = LINK
        legs[used].party = last
        place = np.int64(used) + 1
        used = place + max(room, 1)
        for free in range(place, used):
            days[free] = FREE
    days[place] = day
    legs[place].amount_fen = amount_fen
    legs[place].party = party
    return place, used


@nb.njit(cache=True, nogil=True)
def legs_after(days, legs, last, first):
    """How many legs, from the newest one at `last` back, are of days after `first`."""
    count = np.int64(0)
    place = np.int64(last)
    while place >= 0:
        newest = place
        while days[place] > first:
            place -= 1
        count += newest - place
        if days[place] != LINK:
            break
        place = np.int64(legs[place].party)
    return count


@nb.njit(cache=True, nogil=True)
def mark(days, legs, marks, last, first, stamp):
    """Mark the other parties of the legs after day `first`, the newest of which is at `last`."""
    place = np.int64(last)
    while place >= 0:
        while days[place] > first:
            marks[legs[place].party] = stamp
            place -= 1
        if days[place] != LINK:
            break
        place = np.int64(legs[place].party)


@nb.njit(cache=True, nogil=True)
def marked_after(days, legs, marks, last, first, stamp):
    """How many legs there are after day `first`, and how many of them are to marked parties."""
    count = 0
    found = 0
    place = np.int64(last)
    while place >= 0:
        while days[place] > first:
            found += marks[legs[place].party] == stamp
            count += 1
            place -= 1
        if days[place] != LINK:
            break
        place = np.int64(legs[place].party)
    return count, found


@nb.njit(cache=True, nogil=True)
def carry_legs(days, legs, last, count, fresh_days, fresh_legs, used, slots):
    """Lay a party's newest legs as one run elsewhere.

    Args:
        days: int32, beside `legs`.
        legs: LEG.
        last: place of the party's newest leg.
        count: how many are carried.
        fresh_days: where to; beside `fresh_legs`.
        fresh_legs: LEG.
        used: how many of both are taken.
        slots: which slot a party has there.

    Returns:
        (the place of its newest leg there, how many are taken now).
    """
    if count == 0:
        return np.int64(-1), used
    fresh_days[used] = LINK
    fresh_legs[used].party = -1
    place = np.int64(last)
    to = used + count
    while to > used:
        if days[place] == LINK:
            place = np.int64(legs[place].party)
        else:
            fresh_days[to] = days[place]
            fresh_legs[to].amount_fen = legs[place].amount_fen
            fresh_legs[to].party = slots[legs[place].party]
            place -= 1
            to -= 1
    return used + count, used + count + 1
