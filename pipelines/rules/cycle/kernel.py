# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Rings that the newest edge closes: quiet ones in any order, and ones in order of time.

Searches go from the closing edge back against the money, edge by edge and newest first, over edges
of the window; rings that run against time are searched with the money. A search stops when it has
looked at so many edges or found so many rings; its hits say so.
"""

from collections.abc import Mapping

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import CUT
from pipelines.rules.kernels.graph import (
    AGAINST_TIME,
    CUT_HERE,
    SINCE,
    WITH_TIME,
    count_rings_from,
    edge_of_pair,
    loudness,
    milli_log10,
    reaches_back,
)
from pipelines.rules.kernels.graph_runs import LINK
from pipelines.rules.kernels.sets import set_id
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit

VARIANTS = ("quiet", "ordered")
PARAMETERS = (
    "quiet_days",
    "quiet_longest",
    "edge_most",
    "mean_most_milli",
    "quiet_steps",
    "quiet_rings",
    "ordered_days",
    "ordered_longest",
    "hop_tenth_days",
    "amount_factor",
    "ordered_steps",
    "ordered_rings",
    "against_days",
    "against_percent",
    "shortest",
    "learning_days",
    "band_2_fen",
    "band_3_fen",
    "ordered_edge_most",
)
_QUIET, _ORDERED = 0, 6  # where the numbers of a search begin: days, longest, ...
_EDGE_MOST, _MEAN_MOST, _HOP, _FACTOR, _STEPS, _RINGS = 2, 3, 8, 9, 4, 5
_AGAINST_DAYS, _AGAINST, _SHORTEST, _LEARNING, _BAND_2, _BAND_3 = 12, 13, 14, 15, 16, 17
_ORDERED_EDGE_MOST = 18
QUIET, WITH, AGAINST = 0, 1, 2  # what is searched for
_COLUMNS = 8


def scratch(parameters: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Room for the columns of a path."""
    longest = max(parameters["quiet_longest"], parameters["ordered_longest"], 2)
    return np.zeros(_COLUMNS * longest, np.int64)


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """The rings that edge `at` closes; `p` is PARAMETERS."""
    learned = reaches_back(g, g.edges[at].day, p[_LEARNING])
    if learned:
        hits, n_hits, evidence, n_evidence, _ = _search(
            g, at, QUIET, p, work, hits, n_hits, evidence, n_evidence
        )
    first_hit, first_evidence = n_hits, n_evidence
    hits, n_hits, evidence, n_evidence, ran_with = _search(
        g, at, WITH, p, work, hits, n_hits, evidence, n_evidence
    )
    hits, _, evidence, _, ran_against = _search(
        g, at, AGAINST, p, work, hits, n_hits, evidence, n_evidence
    )
    g.edges[at].rings = ran_with | ran_against << 16
    g.used[WITH_TIME] += ran_with
    g.used[AGAINST_TIME] += ran_against
    since = g.used[SINCE]
    while since < at and g.edges[since].day <= g.edges[at].day - p[_AGAINST_DAYS]:
        since += 1
    count_rings_from(g, since)
    # As many against the order of time as with it: order tells nothing here.
    if not learned or g.used[AGAINST_TIME] * p[_AGAINST] > g.used[WITH_TIME] * 100:
        return hits, first_hit, evidence, first_evidence
    return hits, n_hits, evidence, n_evidence


@nb.njit(cache=True, nogil=True)
def _search(g, at, mode, p, work, hits, n_hits, evidence, n_evidence):
    """Rings closed by `at`; those against time are counted and give no hits.

    Returns:
        (hits, how many, evidence, how many, rings found).
    """
    room = len(work) // _COLUMNS
    # Of the path, by its transfers, the closing one first:
    met = work[:room]  # whom it has come to
    look = work[room : 2 * room]  # the leg to try next
    noise = work[2 * room : 3 * room]  # sum of milli logs up to each
    # The latest day that is still in order; but the closing day, on which nothing has an order.
    bar = work[3 * room : 4 * room]
    days = work[4 * room : 5 * room]
    amounts = work[5 * room : 6 * room]
    edges = work[6 * room : 7 * room]
    ids = work[7 * room :]
    closing = g.edges[at]
    at_days = _QUIET if mode == QUIET else _ORDERED
    first = closing.day - p[at_days]
    longest = p[at_days + 1]
    steps = p[at_days + _STEPS]
    most = p[at_days + _RINGS]
    last = np.int64(closing.day)
    factor = p[_FACTOR]
    start = n_hits
    rings = 0
    cut = False
    quiet = mode == QUIET
    edge_most = p[_EDGE_MOST] if quiet else p[_ORDERED_EDGE_MOST]
    if np.int64(g.party[closing.payer].out) * g.party[closing.payee].into > edge_most:
        return hits, n_hits, evidence, n_evidence, rings
    forth = mode == AGAINST  # with the money
    goal = np.int64(closing.payer if forth else closing.payee)
    into_goal = g.party[goal].run_in if forth else g.party[goal].run_out
    if into_goal < 0 or g.days[into_goal] <= first:  # no ring can be closed
        return hits, n_hits, evidence, n_evidence, rings
    met[0] = closing.payee if forth else closing.payer
    here = g.party[met[0]]
    look[0] = here.run_out if forth else here.run_in
    noise[0] = loudness(g, at)
    bar[0] = last
    days[0] = last
    amounts[0] = closing.amount_fen
    depth = 0
    while depth >= 0:
        here = g.party[met[depth]]
        degree = np.int64(here.out if forth else here.into)
        own = np.int64(milli_log10(degree)) if quiet else 0
        before = amounts[depth]
        length = depth + 2  # with the leg that is looked at
        low = bar[depth]
        place = look[depth]
        deeper = False
        while place >= 0:
            day = np.int64(g.days[place])
            if day <= first:
                if day != LINK:
                    break
                place = np.int64(g.legs[place].party)
                continue
            if steps == 0:
                cut = True
                break
            steps -= 1
            leg = g.legs[place]
            place -= 1
            if not quiet:
                if day > low and day != last:
                    continue
                amount = leg.amount_fen
                if amount > before * factor or before > amount * factor:
                    continue
            end = np.int64(leg.party)
            if length == longest and end != goal:
                continue
            other = np.int64(g.party[end].into if forth else g.party[end].out)
            if degree * other > edge_most:
                continue
            total = noise[depth] + own + milli_log10(other) if quiet else 0
            if end == goal:
                days[depth + 1] = day
                if length < p[_SHORTEST]:
                    continue
                if quiet and total > p[_MEAN_MOST] * length:
                    continue
                if not quiet and not _prompt(days, length, p[_HOP]):
                    continue
                if rings == most:
                    cut = True
                    break
                rings += 1
                if not forth:
                    edges[0] = at
                    for k in range(1, length):
                        payer = met[k] if k < depth + 1 else goal
                        edges[k] = edge_of_pair(g, payer, met[k - 1], first)
                    hits, n_hits, evidence, n_evidence = _hit(
                        g, edges, length, mode, p, ids, hits, n_hits, evidence, n_evidence
                    )
                continue
            if _passes(met, depth, end):
                continue
            look[depth] = place
            depth += 1
            met[depth] = end
            look[depth] = g.party[end].run_out if forth else g.party[end].run_in
            noise[depth] = total
            # Days never rise on the way back, but once, from the first day to the closing one.
            bar[depth] = day if low >= day else first
            days[depth] = day
            amounts[depth] = leg.amount_fen
            deeper = True
            break
        if cut:
            break
        if not deeper:
            depth -= 1
    if cut:
        g.used[CUT_HERE] += 1
        for k in range(start, n_hits):
            hits[k].variant |= CUT
    return hits, n_hits, evidence, n_evidence, rings


@nb.njit(cache=True, nogil=True)
def _passes(met, depth, party):
    """Whether the path already goes through a party."""
    for k in range(depth + 1):  # noqa: SIM110 - compiled: no generators
        if met[k] == party:
            return True
    return False


@nb.njit(cache=True, nogil=True)
def _prompt(days, length, tenth_days):
    """Whether the ring took at most so many tenths of a day a transfer."""
    earliest = days[0]
    for k in range(length):
        earliest = min(earliest, days[k])
    return (days[0] - earliest) * 10 <= tenth_days * length


@nb.njit(cache=True, nogil=True)
def _hit(g, path, length, variant, p, ids, hits, n_hits, evidence, n_evidence):
    hits = room_for_hit(hits, n_hits)
    evidence = room_for_evidence(evidence, n_evidence, length)
    hit = hits[n_hits]
    low = g.edges[path[0]].amount_fen
    for k in range(length):
        edge = g.edges[path[k]]
        evidence[n_evidence + k] = edge.key
        ids[k] = g.party[edge.payer].id
        low = min(low, edge.amount_fen)
    evidence[n_evidence : n_evidence + length].sort()
    hit.subject = set_id(ids, length)
    hit.instant = g.edges[path[0]].time
    hit.measure = low
    hit.variant = variant
    hit.band = 3 if low >= p[_BAND_3] else (2 if low >= p[_BAND_2] else 1)
    hit.first = n_evidence
    hit.count = length
    return hits, n_hits + 1, evidence, n_evidence + length
