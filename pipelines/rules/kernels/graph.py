# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""What the graph rules remember of who pays whom: first-time pairs of the last 90 days.

One `Graph` a vantage; a rule never sees a vantage's number or a mask. Days are natural days in
Beijing, counted from 1970. In (event time, key) order of the transfers:

- a transfer is a **new edge** if payer and payee are two known parties and this payer made no
  earlier transfer to this payee on its day or the 89 days before: so two new edges of one pair lie
  at least 90 days apart, and a window of up to 90 days holds at most one;
- an edge **lives** on its day and the 89 days after; degrees count living edges, so `out` is how
  many payees a party paid for the first time in 90 days.

Everything is as of the edge that is being added: what was added before it, nothing later. A
party's edges form a list from the newest to the oldest; it ends below the tail, the first living
edge:

    i = g.party[slot].last_in
    while i >= g.used[TAIL]:
        edge = g.edges[i]                     # i < j: edge i came before edge j
        i = edge.prev_in

What a search asks of them most lies side by side as well: `graph_runs`.

A graph rule's `kernel.py` offers `PARAMETERS` (names in rule.toml; `p` has their values in that
order), if it needs room to work in `scratch(values) -> int64 array` (which holds nothing from edge
to edge), and

    step(g, at, p, work, hits, n_hits, evidence, n_evidence) -> (hits, n_hits, evidence, n_evidence)

called after edge `at` was added. It appends HIT rows with subject, instant (the edge's time),
measure, band, variant, first and count, and their evidence, sorted; `graph_steps` does the rest. A
search that stops at its bound adds 1 to `g.used[CUT_HERE]`, whether or not it found anything.

To know what is new and what lives takes 180 days of transfers: `LOOKS_BACK_US`.
"""

from typing import Any, NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import ROLE_PAYEE_PERSON, ROLE_PAYER_PERSON
from pipelines.rules.kernels.graph_runs import lay

MEMORY_DAYS = 90
DAY_US = 86_400_000_000
BEIJING_US = 8 * 3_600_000_000
LOOKS_BACK_US = 2 * MEMORY_DAYS * DAY_US
PARTIES, PAIRS, EDGES, TAIL, LEGS = 0, 1, 2, 3, 4  # places in `used`
# More of them, for `cycle`: rings run with time and against it since an edge, and which edge.
SINCE, WITH_TIME, AGAINST_TIME = 5, 6, 7
# And for whom a search says that it stopped at its bound: of the edge asked about; of all by rule.
CUT_HERE, CUT_OF = 8, 9
STAMPS = 30  # how many searches marked parties since `marks` was laid
CUSTOM = 31  # how many living edges are custom
USED = 32  # places
OUT, IN, ONCE = 0, 1, 2  # rows of `quiet`
LOWEST = 16  # degrees up to here are counted in `quiet`
_MIXER = 0x9E3779B97F4A7C15
# round(1000 log10(n)), a whole number so that definition and kernel decide alike; above: the last.
MILLI_LOG10 = np.rint(1000 * np.log10(np.maximum(np.arange(10_001), 1))).astype(np.int32)
MILLI_FACTORIAL = np.cumsum(MILLI_LOG10, dtype=np.int64)  # the same of n!, as a sum of those

PARTY = np.dtype(
    [
        ("id", "<i8"),
        ("out", "<i4"),  # living edges from it
        ("into", "<i4"),  # and to it
        ("last_out", "<i4"),  # the newest of them; below the tail: none
        ("last_in", "<i4"),
        ("run_out", "<i4"),  # place of its newest leg in `legs`, or -1
        ("run_in", "<i4"),
        ("once", "<i4"),  # of its living edges as payer those that are one-off
    ]
)
PAIR = np.dtype(
    [
        ("key", "<i8"),  # (payer slot + 1) << 32 | payee slot + 1; 0 = free
        ("day", "<i4"),  # of its last transfer
        ("edge", "<i4"),  # its newest one; below the tail: none lives
    ]
)
EDGE = np.dtype(
    [
        ("key", "<i8"),  # transaction
        ("time", "<i8"),
        ("amount_fen", "<i8"),
        ("day", "<i4"),
        ("payer", "<i4"),  # slots of `party`
        ("payee", "<i4"),
        ("prev_out", "<i4"),  # the payer's edge before this one
        ("prev_in", "<i4"),  # the payee's edge before this one
        ("rings", "<i4"),  # it closed: with time, and against it << 16
        ("role", "<i4"),  # ROLE_*, as the transfer says
        ("one_off", "<i4"),  # 1 = no custom, and the payer has not paid again on a later day
    ]
)


class Graph(NamedTuple):
    """The memory of one vantage: arrays, so that it passes into kernels."""

    table: npt.NDArray[np.int32]  # hash of party ids: slot + 1, 0 = free; a power of two long
    party: npt.NDArray[Any]  # PARTY, by slot
    pairs: npt.NDArray[Any]  # PAIR, a hash; a power of two long
    edges: npt.NDArray[Any]  # EDGE, the oldest first
    days: npt.NDArray[np.int32]  # of `legs`
    legs: npt.NDArray[Any]  # LEG, in runs
    marks: npt.NDArray[np.int32]  # by slot: the last search that marked the party (`graph_runs`)
    # How many parties, pairs, edges; the tail; how many legs; rings; searches cut.
    used: npt.NDArray[np.int64]
    # Living edges by degree 1 to LOWEST: OUT by their payer's `out`, IN by their payee's `into`;
    # ONCE those that are one-off, by their payer's `out`.
    quiet: npt.NDArray[np.int64]
    # Sum over living edges of 1000 log10 of the payer's `out` (OUT), of the payee's `into` (IN).
    loud: npt.NDArray[np.int64]


@nb.njit(cache=True, nogil=True)
def day_of(time):
    """The natural day in Beijing of an instant (us), counted from 1970."""
    return (time + BEIJING_US) // DAY_US


@nb.njit(cache=True, nogil=True)
def reaches_back(g, day, days):
    """Whether what lives on a day reaches back so many days: before, everybody seems quiet."""
    return g.edges[g.used[TAIL]].day <= day - days


@nb.njit(cache=True, nogil=True)
def milli_log10(count):
    """1000 log10 of a count of at least 1, rounded; counts above 10,000 are taken as 10,000."""
    return MILLI_LOG10[min(count, len(MILLI_LOG10) - 1)]


@nb.njit(cache=True, nogil=True)
def loudness(g, i):
    """1000 log10 of the payer's payees times the payee's payers, of edge `i`."""
    edge = g.edges[i]
    return milli_log10(g.party[edge.payer].out) + milli_log10(g.party[edge.payee].into)


@nb.njit(cache=True, nogil=True)
def is_trade(edge):
    """Whether a natural person pays another kind of party, or is paid by one: custom and wages."""
    return (edge.role & ROLE_PAYER_PERSON != 0) != (edge.role & ROLE_PAYEE_PERSON != 0)


@nb.njit(cache=True, nogil=True)
def _mixed(key):
    return np.int64((np.uint64(key) * np.uint64(_MIXER)) >> np.uint64(20))


@nb.njit(cache=True, nogil=True)
def slot_of_party(g, party):
    """The slot of a party, given one if it has none."""
    mask = len(g.table) - 1
    place = _mixed(party) & mask
    while g.table[place] != 0:
        slot = g.table[place] - 1
        if g.party[slot].id == party:
            return slot
        place = (place + 1) & mask
    slot = np.int64(g.used[PARTIES])
    g.used[PARTIES] += 1
    g.table[place] = slot + 1
    row = g.party[slot]
    row.id = party
    row.out = 0
    row.into = 0
    row.last_out = -1
    row.last_in = -1
    row.run_out = -1
    row.run_in = -1
    row.once = 0
    return slot


@nb.njit(cache=True, nogil=True)
def place_of_pair(pairs, payer, payee):
    """Where an ordered pair of slots is, or the free place where it would be."""
    key = (np.int64(payer) + 1) << 32 | (np.int64(payee) + 1)
    mask = len(pairs) - 1
    place = _mixed(key) & mask
    while pairs[place].key != 0 and pairs[place].key != key:
        place = (place + 1) & mask
    return place, key


@nb.njit(cache=True, nogil=True)
def last_day_of_pair(g, payer, payee):
    """The day of the last transfer between two slots, -1 if none is remembered."""
    place, _ = place_of_pair(g.pairs, payer, payee)
    return np.int64(g.pairs[place].day) if g.pairs[place].key != 0 else np.int64(-1)


@nb.njit(cache=True, nogil=True)
def edge_of_pair(g, payer, payee, first):
    """The edge from one slot to another in the window (day > first), or -1."""
    place, _ = place_of_pair(g.pairs, payer, payee)
    pair = g.pairs[place]
    if pair.key == 0 or pair.edge < g.used[TAIL] or g.edges[pair.edge].day <= first:
        return np.int64(-1)
    return np.int64(pair.edge)


@nb.njit(cache=True, nogil=True)
def _moves(g, row, before, after):
    """A party's degree moves, and with it as many edges as it has."""
    quiet = g.quiet[row]
    g.loud[row] += after * milli_log10(after) - before * milli_log10(before)
    if 0 < before <= LOWEST:
        quiet[before] -= before
    if 0 < after <= LOWEST:
        quiet[after] += after


@nb.njit(cache=True, nogil=True)
def _carries(g, before, after, once):
    """A payer's degree moves, and with it its one-off edges."""
    if once:
        if before <= LOWEST:
            g.quiet[ONCE, before] -= once
        if after <= LOWEST:
            g.quiet[ONCE, after] += once


@nb.njit(cache=True, nogil=True)
def _count_once(g, i, by):
    """A living edge becomes one-off (`by` 1), or is no longer (-1)."""
    payer = g.party[g.edges[i].payer]
    g.edges[i].one_off += by
    payer.once += by
    if payer.out <= LOWEST:
        g.quiet[ONCE, payer.out] += by


@nb.njit(cache=True, nogil=True)
def expire(g, day):
    """Take edges that no longer live on a day out of the degrees; return the tail."""
    tail = g.used[TAIL]
    end = g.used[EDGES]
    while tail < end and g.edges[tail].day <= day - MEMORY_DAYS:
        if g.edges[tail].one_off:
            _count_once(g, tail, -1)
        g.used[CUSTOM] -= is_trade(g.edges[tail])
        payer = g.party[g.edges[tail].payer]
        payee = g.party[g.edges[tail].payee]
        _carries(g, payer.out, payer.out - 1, payer.once)
        _moves(g, OUT, payer.out, payer.out - 1)
        _moves(g, IN, payee.into, payee.into - 1)
        payer.out -= 1
        payee.into -= 1
        tail += 1
    g.used[TAIL] = tail
    return tail


@nb.njit(cache=True, nogil=True)
def add(g, key, time, amount_fen, payer_party, payee_party, role):
    """Add a transfer between two parties; return its edge, or -1 if it is none.

    Transfers come in (time, key) order; there is room for two parties, a pair and an edge.
    """
    day = day_of(time)
    tail = expire(g, day)
    payer = slot_of_party(g, payer_party)
    payee = slot_of_party(g, payee_party)
    place, pair_key = place_of_pair(g.pairs, payer, payee)
    pair = g.pairs[place]
    if pair.key == 0:
        pair.key = pair_key
        g.used[PAIRS] += 1
    elif pair.day > day - MEMORY_DAYS:
        pair.day = day
        if pair.edge >= tail and g.edges[pair.edge].one_off and g.edges[pair.edge].day != day:
            _count_once(g, pair.edge, -1)
        return -1
    pair.day = day
    at = g.used[EDGES]
    g.used[EDGES] += 1
    pair.edge = at
    edge = g.edges[at]
    edge.key = key
    edge.time = time
    edge.amount_fen = amount_fen
    edge.day = day
    edge.payer = payer
    edge.payee = payee
    edge.rings = 0
    edge.role = role
    edge.one_off = 0
    edge.prev_out = g.party[payer].last_out if g.party[payer].last_out >= tail else -1
    edge.prev_in = g.party[payee].last_in if g.party[payee].last_in >= tail else -1
    source = g.party[payer]
    target = g.party[payee]
    _carries(g, source.out, source.out + 1, source.once)
    _moves(g, OUT, source.out, source.out + 1)
    _moves(g, IN, target.into, target.into + 1)
    source.last_out = at
    source.out += 1
    target.last_in = at
    target.into += 1
    if is_trade(edge):
        g.used[CUSTOM] += 1
    else:
        _count_once(g, at, 1)
    source.run_out, used = lay(
        g.days, g.legs, g.used[LEGS], source.run_out, source.out, day, amount_fen, payee
    )
    target.run_in, used = lay(
        g.days, g.legs, used, target.run_in, target.into, day, amount_fen, payer
    )
    g.used[LEGS] = used
    return at


@nb.njit(cache=True, nogil=True)
def count_rings_from(g, since):
    """Let `used` count the rings that edges from `since` on closed, not those of earlier ones."""
    for i in range(g.used[SINCE], since):
        g.used[WITH_TIME] -= g.edges[i].rings & 0xFFFF
        g.used[AGAINST_TIME] -= g.edges[i].rings >> 16
    g.used[SINCE] = since
