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
    TAIL,
    WITH_TIME,
    count_rings_from,
    loudness,
    reaches_back,
)
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
    path = work[:room]  # edges of the path, the closing one first
    look = work[room : 2 * room]  # the edge to try next at each
    noise = work[2 * room : 3 * room]  # sum of milli logs up to each
    turned = work[3 * room : 4 * room]  # whether the path went on from the first day to the last
    # What the edges of the path say, side by side: asked at every step.
    met = work[4 * room : 5 * room]  # whom the path has come to
    days = work[5 * room : 6 * room]
    amounts = work[6 * room : 7 * room]
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
    edge_most = p[_EDGE_MOST] if mode == QUIET else p[_ORDERED_EDGE_MOST]
    if _product(g, closing) > edge_most:
        return hits, n_hits, evidence, n_evidence, rings
    noise[0] = loudness(g, at)
    forth = mode == AGAINST  # with the money
    goal = closing.payer if forth else closing.payee
    tail = max(g.used[TAIL], 0)
    into_goal = g.party[goal].last_in if forth else g.party[goal].last_out
    if into_goal < tail or g.edges[into_goal].day <= first:  # no ring can be closed
        return hits, n_hits, evidence, n_evidence, rings
    path[0] = at
    turned[0] = 0
    met[0] = closing.payee if forth else closing.payer
    days[0] = closing.day
    amounts[0] = closing.amount_fen
    look[0] = g.party[met[0]].last_out if forth else g.party[met[0]].last_in
    depth = 0
    while depth >= 0:
        i = look[depth]
        if i < tail:
            depth -= 1
            continue
        edge = g.edges[i]
        day = np.int64(edge.day)
        if day <= first:
            depth -= 1
            continue
        look[depth] = edge.prev_out if forth else edge.prev_in
        if steps == 0:
            cut = True
            break
        steps -= 1
        amount = edge.amount_fen
        total = np.int64(0)
        turns = turned[depth]
        if mode == QUIET:
            if _product(g, edge) > edge_most:
                continue
            total = noise[depth] + loudness(g, i)
        else:
            # Days never rise on the way back; only what lies on the closing day has no order.
            turns = 1 if day > days[depth] else turns
            if turns and day != last:
                continue
            before = amounts[depth]
            if amount > before * factor or before > amount * factor:
                continue
            if _product(g, edge) > edge_most:
                continue
        end = edge.payee if forth else edge.payer
        length = depth + 2  # with this edge
        if end == goal:
            path[depth + 1] = i
            days[depth + 1] = day
            if length < p[_SHORTEST]:
                continue
            if mode == QUIET:
                fits = total <= p[_MEAN_MOST] * length
            else:
                fits = _prompt(days, length, p[_HOP])
            if not fits:
                continue
            if rings == most:
                cut = True
                break
            rings += 1
            if mode != AGAINST:
                hits, n_hits, evidence, n_evidence = _hit(
                    g, path, length, mode, p, ids, hits, n_hits, evidence, n_evidence
                )
            continue
        if length == longest or _passes(met, depth, end):
            continue
        depth += 1
        path[depth] = i
        noise[depth] = total
        turned[depth] = turns
        met[depth] = end
        days[depth] = day
        amounts[depth] = amount
        look[depth] = g.party[end].last_out if forth else g.party[end].last_in
    if cut:
        g.used[CUT_HERE] += 1
        for k in range(start, n_hits):
            hits[k].variant |= CUT
    return hits, n_hits, evidence, n_evidence, rings


@nb.njit(cache=True, nogil=True)
def _product(g, edge):
    """How many its payer pays, times how many pay its payee."""
    return np.int64(g.party[edge.payer].out) * np.int64(g.party[edge.payee].into)


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
