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
(
    _QUIET_DAYS, _QUIET_LONGEST, _EDGE_MOST, _MEAN_MOST, _QUIET_STEPS, _QUIET_RINGS,
    _ORDERED_DAYS, _ORDERED_LONGEST, _HOP, _FACTOR, _ORDERED_STEPS, _ORDERED_RINGS,
    _AGAINST_DAYS, _AGAINST, _SHORTEST, _LEARNING, _BAND_2, _BAND_3, _ORDERED_EDGE_MOST,
) = range(len(PARAMETERS))  # fmt: skip
QUIET, ORDERED = 0, 1  # places in VARIANTS
_COLUMNS = 6


def scratch(parameters: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Room for the columns of a path."""
    longest = max(parameters["quiet_longest"], parameters["ordered_longest"], 2)
    return np.zeros(_COLUMNS * longest, np.int64)


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """The rings that edge `at` closes; `p` is PARAMETERS."""
    learned = reaches_back(g, g.edges[at].day, p[_LEARNING])
    if learned:
        hits, n_hits, evidence, n_evidence = _quiet(
            g, at, p, work, hits, n_hits, evidence, n_evidence
        )
    first_hit, first_evidence = n_hits, n_evidence
    hits, n_hits, evidence, n_evidence, ran_with = _ordered(
        g, at, False, p, work, hits, n_hits, evidence, n_evidence
    )
    hits, _, evidence, _, ran_against = _ordered(
        g, at, True, p, work, hits, n_hits, evidence, n_evidence
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
def _quiet(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """Quiet rings closed by `at`."""
    closing = g.edges[at]
    first = closing.day - p[_QUIET_DAYS]
    edge_most = p[_EDGE_MOST]
    goal = np.int64(closing.payee)
    into_goal = g.party[goal].run_out
    if np.int64(g.party[closing.payer].out) * g.party[goal].into > edge_most:
        return hits, n_hits, evidence, n_evidence
    if into_goal < 0 or g.days[into_goal] <= first:  # no ring can be closed
        return hits, n_hits, evidence, n_evidence
    room = len(work) // _COLUMNS
    # Of the path, by its transfers, the closing one first:
    met = work[:room]  # whom it has come to
    look = work[room : 2 * room]  # the leg to try next
    noise = work[2 * room : 3 * room]  # sum of milli logs up to each
    longest = p[_QUIET_LONGEST]
    steps = p[_QUIET_STEPS]
    start = n_hits
    rings = 0
    cut = False
    met[0] = closing.payer
    look[0] = g.party[met[0]].run_in
    noise[0] = loudness(g, at)
    depth = 0
    while depth >= 0 and not cut:
        degree = np.int64(g.party[met[depth]].into)
        before = noise[depth] + milli_log10(degree)
        length = depth + 2  # with the leg that is looked at
        place = look[depth]
        depth -= 1  # unless a leg leads on
        while place >= 0:
            if g.days[place] <= first:
                if g.days[place] != LINK:
                    break
                place = np.int64(g.legs[place].party)
                continue
            if steps == 0:
                cut = True
                break
            steps -= 1
            end = np.int64(g.legs[place].party)
            place -= 1
            if length == longest and end != goal:
                continue
            other = np.int64(g.party[end].out)
            if degree * other > edge_most:
                continue
            total = before + milli_log10(other)
            if end == goal:
                if length < p[_SHORTEST] or total > p[_MEAN_MOST] * length:
                    continue
                if rings == p[_QUIET_RINGS]:
                    cut = True
                    break
                rings += 1
                hits, n_hits, evidence, n_evidence = _hit(
                    g, at, goal, length, QUIET, first, p, work, hits, n_hits, evidence, n_evidence
                )
                continue
            k = length - 2
            while k >= 0 and met[k] != end:
                k -= 1
            if k < 0:  # the path does not go through it yet
                depth = length - 1
                look[depth - 1] = place
                met[depth] = end
                look[depth] = g.party[end].run_in
                noise[depth] = total
                break
    if cut:
        _cut_short(g, hits, start, n_hits)
    return hits, n_hits, evidence, n_evidence


@nb.njit(cache=True, nogil=True)
def _ordered(g, at, forth, p, work, hits, n_hits, evidence, n_evidence):
    """Rings in order of time closed by `at`; if `forth`, against it: counted without hits.

    Returns:
        (hits, how many, evidence, how many, rings found).
    """
    closing = g.edges[at]
    last = np.int64(closing.day)
    first = last - p[_ORDERED_DAYS]
    edge_most = p[_ORDERED_EDGE_MOST]
    goal = np.int64(closing.payer if forth else closing.payee)
    into_goal = g.party[goal].run_in if forth else g.party[goal].run_out
    rings = 0
    if np.int64(g.party[closing.payer].out) * g.party[closing.payee].into > edge_most:
        return hits, n_hits, evidence, n_evidence, rings
    if into_goal < 0 or g.days[into_goal] <= first:  # no ring can be closed
        return hits, n_hits, evidence, n_evidence, rings
    room = len(work) // _COLUMNS
    # Of the path, by its transfers, the closing one first:
    met = work[:room]  # whom it has come to
    look = work[room : 2 * room]  # the leg to try next
    # The latest day that is still in order; but the closing day, on which nothing has an order.
    bar = work[2 * room : 3 * room]
    days = work[3 * room : 4 * room]
    amounts = work[4 * room : 5 * room]
    longest = p[_ORDERED_LONGEST]
    steps = p[_ORDERED_STEPS]
    factor = p[_FACTOR]
    start = n_hits
    cut = False
    met[0] = closing.payee if forth else closing.payer
    look[0] = g.party[met[0]].run_out if forth else g.party[met[0]].run_in
    bar[0] = last
    days[0] = last
    amounts[0] = closing.amount_fen
    depth = 0
    while depth >= 0 and not cut:
        degree = np.int64(g.party[met[depth]].out if forth else g.party[met[depth]].into)
        before = amounts[depth]
        most = before * factor
        length = depth + 2  # with the leg that is looked at
        low = bar[depth]
        place = look[depth]
        depth -= 1  # unless a leg leads on
        while place >= 0:
            day = np.int64(g.days[place])
            if day > low and day != last:  # legs out of order, all at once
                newest = place
                while g.days[place] > low:
                    place -= 1
                steps -= newest - place
                if steps < 0:
                    cut = True
                    break
                continue
            if day <= first:
                if day != LINK:
                    break
                place = np.int64(g.legs[place].party)
                continue
            if steps == 0:
                cut = True
                break
            steps -= 1
            amount = g.legs[place].amount_fen
            end = np.int64(g.legs[place].party)
            place -= 1
            if amount > most or before > amount * factor:
                continue
            if length == longest and end != goal:
                continue
            other = np.int64(g.party[end].into if forth else g.party[end].out)
            if degree * other > edge_most:
                continue
            if end == goal:
                days[length - 1] = day
                if length < p[_SHORTEST] or not _prompt(days, length, p[_HOP]):
                    continue
                if rings == p[_ORDERED_RINGS]:
                    cut = True
                    break
                rings += 1
                if not forth:
                    hits, n_hits, evidence, n_evidence = _hit(
                        g,
                        at,
                        goal,
                        length,
                        ORDERED,
                        first,
                        p,
                        work,
                        hits,
                        n_hits,
                        evidence,
                        n_evidence,
                    )
                continue
            k = length - 2
            while k >= 0 and met[k] != end:
                k -= 1
            if k < 0:  # the path does not go through it yet
                depth = length - 1
                look[depth - 1] = place
                met[depth] = end
                look[depth] = g.party[end].run_out if forth else g.party[end].run_in
                # Days never rise on the way back, but once, from the first day to the closing one.
                bar[depth] = day if low >= day else first
                days[depth] = day
                amounts[depth] = amount
                break
    if cut:
        _cut_short(g, hits, start, n_hits)
    return hits, n_hits, evidence, n_evidence, rings


@nb.njit(cache=True, nogil=True)
def _cut_short(g, hits, start, end):
    """Say of a search that it stopped at its bound."""
    g.used[CUT_HERE] += 1
    for k in range(start, end):
        hits[k].variant |= CUT


@nb.njit(cache=True, nogil=True)
def _prompt(days, length, tenth_days):
    """Whether the ring took at most so many tenths of a day a transfer."""
    earliest = days[0]
    for k in range(length):
        earliest = min(earliest, days[k])
    return (days[0] - earliest) * 10 <= tenth_days * length


@nb.njit(cache=True, nogil=True)
def _hit(g, at, goal, length, variant, first, p, work, hits, n_hits, evidence, n_evidence):
    """The ring of so many transfers that the path in `work` and the leg to `goal` make."""
    room = len(work) // _COLUMNS
    met = work[:room]
    ids = work[5 * room :]
    hits = room_for_hit(hits, n_hits)
    evidence = room_for_evidence(evidence, n_evidence, length)
    hit = hits[n_hits]
    low = g.edges[at].amount_fen
    for k in range(length):
        payer = met[k] if k < length - 1 else goal
        edge = g.edges[edge_of_pair(g, payer, met[k - 1], first) if k > 0 else at]
        evidence[n_evidence + k] = edge.key
        ids[k] = g.party[payer].id
        low = min(low, edge.amount_fen)
    evidence[n_evidence : n_evidence + length].sort()
    hit.subject = set_id(ids, length)
    hit.instant = g.edges[at].time
    hit.measure = low
    hit.variant = variant
    hit.band = 3 if low >= p[_BAND_3] else (2 if low >= p[_BAND_2] else 1)
    hit.first = n_evidence
    hit.count = length
    return hits, n_hits + 1, evidence, n_evidence + length
