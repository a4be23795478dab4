# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""What fan-in and fan-out have in common: a hub and its new, quiet, one-off counterparties.

A spoke is quiet if its own degree (payees of a payer, payers of a payee) is low; it counts if its
amount is not far from that of the deciding transfer. How usual quiet spokes are differs from market
to market, so it is counted: of all living edges, how many are of so quiet a spoke. From that share
follows how likely it is that so many of the hub's spokes are quiet by chance; the rule speaks only
where that is unlikely enough. Where one-off edges of quiet payers are rare, their share is taken.
"""

import numba as nb
import numpy as np

from pipelines.rules.kernels.graph import (
    CUSTOM,
    EDGES,
    IN,
    LOWEST,
    MEMORY_DAYS,
    MILLI_FACTORIAL,
    ONCE,
    OUT,
    TAIL,
    is_trade,
    last_day_of_pair,
    milli_log10,
    reaches_back,
)
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit

WHOLE_BP = 10_000
_COUNT, _DAYS, _LAST = 0, 1, 2  # by degree 1 to LOWEST, in `work`
ROOM = 3 * (LOWEST + 1)


@nb.njit(cache=True, nogil=True)
def unlikely(spokes, quiet, share_bp):
    """-1000 log10 of the chance that just so many of the spokes are quiet; -1 if that is usual."""
    if quiet * WHOLE_BP < share_bp * spokes:
        return np.int64(-1)
    ways = MILLI_FACTORIAL[spokes] - MILLI_FACTORIAL[quiet] - MILLI_FACTORIAL[spokes - quiet]
    each = np.int64(milli_log10(share_bp)) - 4000
    others = np.int64(milli_log10(max(WHOLE_BP - share_bp, 1))) - 4000
    return -(ways + quiet * each + (spokes - quiet) * others)


@nb.njit(cache=True, nogil=True)
def _quiet_degree(g, i, outward, active_degree, day):
    """The degree of the spoke of edge `i`; 0 if it is busy, was met again, trades, or is a partner.

    A partner is one with whom the hub deals both ways.
    """
    edge = g.edges[i]
    spoke = g.party[edge.payee] if outward else g.party[edge.payer]
    degree = spoke.into if outward else spoke.out
    other = spoke.out if outward else spoke.into
    if not edge.one_off or degree > LOWEST or other > active_degree:
        return 0
    return degree if last_day_of_pair(g, edge.payee, edge.payer) <= day - MEMORY_DAYS else 0


@nb.njit(cache=True, nogil=True)
def _alike(amount_fen, other_fen, factor):
    """Whether two amounts differ by no more than a factor."""
    return amount_fen * factor >= other_fen and other_fen * factor >= amount_fen


@nb.njit(cache=True, nogil=True)
def fan(
    g, at, outward, learn, window, least, least_days, quiet, more, active_degree, busy_degree,
    turned, others, amount_factor, chance, rare, band_2, work, hits, n_hits, evidence, n_evidence,
):  # fmt: skip
    """Ask about the hub of edge `at`; numbers as in the rules' declarations.

    `outward`: the hub pays (fan-out), else it is paid. `more`: how many more spokes it takes for
    each degree above 1. `turned`: the hub is at most so many times as much on the other side
    (payees for a payer it has, or payers for a payee). `others`: it has at most so many new
    counterparties for a spoke. `rare`: up to which share, in 10,000, one-off edges of quiet payers
    are counted in place of all of them; -1 for never. `work`: room of `ROOM` numbers.
    """
    e = g.edges[at]
    hub = g.party[e.payer] if outward else g.party[e.payee]
    degree = hub.out if outward else hub.into
    if degree < least or degree > busy_degree:
        return hits, n_hits, evidence, n_evidence
    if (hub.into if outward else hub.out) > turned * degree:
        return hits, n_hits, evidence, n_evidence
    if not reaches_back(g, e.day, learn):
        return hits, n_hits, evidence, n_evidence
    own = _quiet_degree(g, at, outward, active_degree, e.day)  # the dearest question last
    quiet = min(quiet, LOWEST)
    if own == 0 or own > quiet:
        return hits, n_hits, evidence, n_evidence
    count = work[_COUNT * (LOWEST + 1) : (_COUNT + 1) * (LOWEST + 1)]
    days = work[_DAYS * (LOWEST + 1) : (_DAYS + 1) * (LOWEST + 1)]
    last = work[_LAST * (LOWEST + 1) : (_LAST + 1) * (LOWEST + 1)]
    count[:] = 0
    days[:] = 0
    last[:] = -1
    spokes = 0
    custom = 0
    first = e.day - window
    i = at
    while i >= g.used[TAIL] and g.edges[i].day > first:
        spokes += 1
        custom += is_trade(g.edges[i])
        d = _quiet_degree(g, i, outward, active_degree, e.day)
        if 0 < d <= quiet and _alike(g.edges[i].amount_fen, e.amount_fen, amount_factor):
            count[d] += 1
            for q in range(d, quiet + 1):  # a day counts once for every limit it is within
                if last[q] != g.edges[i].day:
                    last[q] = g.edges[i].day
                    days[q] += 1
        i = g.edges[i].prev_out if outward else g.edges[i].prev_in
    living = g.used[EDGES] - g.used[TAIL]
    own_living = living - g.used[CUSTOM]  # at least edge `at`
    row = OUT if not outward else IN
    best = np.int64(-1)
    limit = 0
    measure = np.int64(0)
    so_far = np.int64(0)
    usual = np.int64(0)
    once = np.int64(0)
    for q in range(1, quiet + 1):
        so_far += count[q]
        usual += g.quiet[row, q]
        once += g.quiet[ONCE, q]
        if q < own or so_far < least + more * (q - 1) or days[q] < least_days:
            continue
        if spokes > others * so_far:
            continue
        n, share = spokes, WHOLE_BP * usual // living
        if WHOLE_BP * once // own_living <= rare:
            n, share = spokes - custom, WHOLE_BP * once // own_living
        u = unlikely(n, so_far, max(share, 1))
        if u >= chance and u > best:
            best, limit, measure = u, q, so_far
    if limit == 0:
        return hits, n_hits, evidence, n_evidence
    hits = room_for_hit(hits, n_hits)
    evidence = room_for_evidence(evidence, n_evidence, measure)
    end = n_evidence
    i = at
    while i >= g.used[TAIL] and g.edges[i].day > first:
        d = _quiet_degree(g, i, outward, active_degree, e.day)
        if 0 < d <= limit and _alike(g.edges[i].amount_fen, e.amount_fen, amount_factor):
            evidence[end] = g.edges[i].key
            end += 1
        i = g.edges[i].prev_out if outward else g.edges[i].prev_in
    evidence[n_evidence:end].sort()
    hit = hits[n_hits]
    hit.subject = hub.id
    hit.instant = e.time
    hit.measure = measure
    hit.variant = 0
    hit.band = 2 if measure >= band_2 else 1
    hit.first = n_evidence
    hit.count = end - n_evidence
    return hits, n_hits + 1, evidence, end
