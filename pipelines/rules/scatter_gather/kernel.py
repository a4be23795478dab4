# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Money that leaves in parts and comes together again: asked at each part that arrives.

`quiet`: one source, one sink, middles that each were paid before they paid. `conserving`: middles
of a source that share sources and sinks and pass on nearly all of what those paid them.
"""

from collections.abc import Mapping

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import CUT
from pipelines.rules.kernels.graph import (
    CUT_HERE,
    STAMPS,
    TAIL,
    edge_of_pair,
    milli_log10,
    reaches_back,
)
from pipelines.rules.kernels.graph_runs import LINK, legs_after, mark, marked_after
from pipelines.rules.kernels.sets import set_id
from pipelines.rules.kernels.table import pair_id, room_for_evidence, room_for_hit

VARIANTS = ("quiet", "conserving")
PARAMETERS = (
    "quiet_days",
    "quiet_middles",
    "mean_most_milli",
    "quiet_steps",
    "conserving_days",
    "conserving_middles",
    "keeps_low_bp",
    "keeps_high_bp",
    "conserving_steps",
    "learning_days",
    "band_2_fen",
    "band_3_fen",
)
_DAYS, _MIDDLES, _MEAN_MOST, _STEPS = 0, 1, 2, 3
_C_DAYS, _C_MIDDLES, _LOW, _HIGH, _C_STEPS, _LEARNING, _BAND_2, _BAND_3 = 4, 5, 6, 7, 8, 9, 10, 11
_COLUMNS = 15
_LOOK_UP = 8  # legs that are walked over in the time one pair is looked up


def scratch(parameters: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Room for two edges a step of the one search, and for the columns of the other."""
    columns = _COLUMNS * (parameters["conserving_steps"] + 2)
    return np.zeros(max(2 * parameters["quiet_steps"] + 2, columns), np.int64)


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """What the part that edge `at` brings to its sink completes; `p` is PARAMETERS."""
    edge = g.edges[at]
    if (
        g.party[edge.payer].last_in < g.used[TAIL]
        or g.party[edge.payee].into < 2
        or not reaches_back(g, edge.day, p[_LEARNING])
    ):
        return hits, n_hits, evidence, n_evidence
    hits, n_hits, evidence, n_evidence, stamp = _quiet(
        g, at, p, work, hits, n_hits, evidence, n_evidence
    )
    return _conserving(g, at, stamp, p, work, hits, n_hits, evidence, n_evidence)


@nb.njit(cache=True, nogil=True)
def _band(amount, p):
    return 3 if amount >= p[_BAND_3] else (2 if amount >= p[_BAND_2] else 1)


@nb.njit(cache=True, nogil=True)
def _in_common(g, source, sink, first, widest, steps, stamp):
    """How many middles there may be, from marks; -1 if only looking them up tells.

    Middles are looked for in the shorter list, of the source's payees or the sink's payers. The
    sink's payers after day `widest` are marked once, when that is worth it.

    Returns:
        (how many transfers that search looks at, middles at most, the stamp or 0).
    """
    out = np.int64(g.party[source].out)
    into = np.int64(g.party[sink].into)
    if min(out, into) > steps or out > _LOOK_UP * into:
        return np.int64(0), np.int64(-1), stamp
    if stamp == 0:
        if into > 2 * _LOOK_UP * out:
            return np.int64(0), np.int64(-1), stamp
        g.used[STAMPS] += 1
        stamp = g.used[STAMPS]
        mark(g.days, g.legs, g.marks, g.party[sink].run_in, widest, stamp)
    needs, most = marked_after(g.days, g.legs, g.marks, g.party[source].run_out, first, stamp)
    if out >= into:
        needs = legs_after(g.days, g.legs, g.party[sink].run_in, first)
    return needs, most, stamp


@nb.njit(cache=True, nogil=True)
def _quiet(g, at, p, work, hits, n_hits, evidence, n_evidence):
    last = g.edges[at]
    sink = np.int64(last.payee)
    first = last.day - p[_DAYS]
    widest = min(first, last.day - p[_C_DAYS])
    steps = p[_STEPS]
    into = np.int64(milli_log10(g.party[sink].into))
    start = n_hits
    cut = False
    stamp = np.int64(0)
    place = np.int64(g.party[last.payer].run_in)
    while place >= 0 and not cut:
        if g.days[place] <= first:
            if g.days[place] != LINK:
                break
            place = np.int64(g.legs[place].party)
            continue
        source = np.int64(g.legs[place].party)
        place -= 1
        ends = into + milli_log10(g.party[source].out)
        # every middle has both in its two legs: the mean is half their sum, or more
        if source == sink or ends > 2 * p[_MEAN_MOST]:
            continue
        needs, most, stamp = _in_common(g, source, sink, first, widest, steps, stamp)
        if 0 <= most < p[_MIDDLES]:
            cut = needs > steps
            steps -= needs
            continue
        n, noise, amount, steps = _middles(g, source, sink, first, ends, steps, work)
        cut = steps < 0
        if cut or n < p[_MIDDLES] or noise > 2 * n * p[_MEAN_MOST]:
            continue
        hits = room_for_hit(hits, n_hits)
        evidence = room_for_evidence(evidence, n_evidence, 2 * n)
        hit = hits[n_hits]
        n_hits += 1
        for k in range(2 * n):
            evidence[n_evidence + k] = g.edges[work[k]].key
        evidence[n_evidence : n_evidence + 2 * n].sort()
        hit.subject = pair_id(g.party[source].id, g.party[sink].id)
        hit.instant = last.time
        hit.measure = amount
        hit.variant = 0
        hit.band = _band(amount, p)
        hit.first = n_evidence
        hit.count = 2 * n
        n_evidence += 2 * n
    if cut:
        g.used[CUT_HERE] += 1
        for k in range(start, n_hits):
            hits[k].variant |= CUT
    return hits, n_hits, evidence, n_evidence, stamp


@nb.njit(cache=True, nogil=True)
def _middles(g, source, sink, first, ends, steps, found):
    """Both legs of every middle into `found`; (how many, their noise, amount, steps left or -1)."""
    n = 0
    noise = np.int64(0)
    amount = np.int64(0)
    forth = g.party[source].out < g.party[sink].into  # middles from the shorter list
    place = np.int64(g.party[source].run_out if forth else g.party[sink].run_in)
    while place >= 0:
        if g.days[place] <= first:
            if g.days[place] != LINK:
                break
            place = np.int64(g.legs[place].party)
            continue
        if steps == 0:
            return n, noise, amount, np.int64(-1)
        steps -= 1
        middle = np.int64(g.legs[place].party)
        place -= 1
        # first the leg that is not of the list: mostly there is none
        if forth:
            other = edge_of_pair(g, middle, sink, first)
        else:
            other = edge_of_pair(g, source, middle, first)
        if other < 0:
            continue
        gathered = other if forth else edge_of_pair(g, middle, sink, first)
        scattered = edge_of_pair(g, source, middle, first) if forth else other
        if g.edges[scattered].day <= g.edges[gathered].day:
            found[2 * n] = gathered
            found[2 * n + 1] = scattered
            n += 1
            noise += ends + milli_log10(g.party[middle].into) + milli_log10(g.party[middle].out)
            amount += g.edges[gathered].amount_fen
    return n, noise, amount, steps


@nb.njit(cache=True, nogil=True)
def _conserving(g, at, stamp, p, work, hits, n_hits, evidence, n_evidence):
    last = g.edges[at]
    sink = np.int64(last.payee)
    first = last.day - p[_C_DAYS]
    widest = min(first, last.day - p[_DAYS])
    steps = p[_C_STEPS]
    start = n_hits
    place = np.int64(g.party[last.payer].run_in)
    while place >= 0 and n_hits == start:
        if g.days[place] <= first:
            if g.days[place] != LINK:
                break
            place = np.int64(g.legs[place].party)
            continue
        steps -= 1
        source = np.int64(g.legs[place].party)
        place -= 1
        if steps >= 0 and source != sink:
            needs, most, stamp = _in_common(g, source, sink, first, widest, steps, stamp)
            if 0 <= most < 2:  # no other than the payer itself
                steps -= needs
            else:
                hits, n_hits, evidence, n_evidence, steps = _of_source(
                    g, at, source, steps, p, work, hits, n_hits, evidence, n_evidence
                )
        if steps < 0:
            g.used[CUT_HERE] += 1
            break
    return hits, n_hits, evidence, n_evidence


@nb.njit(cache=True, nogil=True)
def _shares(g, payer, source, sink, first, steps):
    """Whether another of the source's payees paid the sink; steps left, -1 if they did not do."""
    forth = g.party[source].out < g.party[sink].into
    place = np.int64(g.party[source].run_out if forth else g.party[sink].run_in)
    while place >= 0:
        if g.days[place] <= first:
            if g.days[place] != LINK:
                break
            place = np.int64(g.legs[place].party)
            continue
        if steps == 0:
            return False, np.int64(-1)
        steps -= 1
        middle = np.int64(g.legs[place].party)
        place -= 1
        if middle != payer:
            if forth:
                found = edge_of_pair(g, middle, sink, first)
            else:
                found = edge_of_pair(g, source, middle, first)
            if found >= 0:
                return True, steps
    return False, steps


@nb.njit(cache=True, nogil=True)
def _lay_out(g, last, first, but, parties, amounts, days, of, n, k):
    """A middle's legs after day `first`, but those with one party, into columns; how many now."""
    place = np.int64(last)
    while place >= 0:
        if g.days[place] <= first:
            if g.days[place] != LINK:
                break
            place = np.int64(g.legs[place].party)
            continue
        leg = g.legs[place]
        if leg.party != but:
            parties[n] = leg.party
            amounts[n] = leg.amount_fen
            days[n] = g.days[place]
            of[n] = k
            n += 1
        place -= 1
    return n


@nb.njit(cache=True, nogil=True)
def _of_source(g, at, source, steps, p, work, hits, n_hits, evidence, n_evidence):
    """Whether middles of one source conserve; `steps` left, -1 if they did not do."""
    last = g.edges[at]
    sink = np.int64(last.payee)
    first = last.day - p[_C_DAYS]
    met, steps = _shares(g, last.payer, source, sink, first, steps)
    if not met:
        return hits, n_hits, evidence, n_evidence, steps
    steps -= legs_after(g.days, g.legs, g.party[source].run_out, first)
    if steps < 0:
        return hits, n_hits, evidence, n_evidence, steps
    room = p[_C_STEPS] + 2
    middles = work[:room]  # whom the source paid, the sink aside
    since = work[room : 2 * room]  # and on which day
    n = _lay_out(
        g, g.party[source].run_out, first, sink,
        middles, work[2 * room : 3 * room], since, work[3 * room : 4 * room], 0, 0,
    )  # fmt: skip
    if n < p[_C_MIDDLES]:
        return hits, n_hits, evidence, n_evidence, steps
    for k in range(n):
        steps -= legs_after(g.days, g.legs, g.party[middles[k]].run_out, first)
        steps -= legs_after(g.days, g.legs, g.party[middles[k]].run_in, first)
        if steps < 0:
            return hits, n_hits, evidence, n_evidence, steps
    # Legs out of the middles, then legs into them: the other party, amount, day, which middle.
    sinks = work[2 * room : 3 * room]
    paid = work[3 * room : 4 * room]
    paid_on = work[4 * room : 5 * room]
    of_out = work[5 * room : 6 * room]
    sources = work[6 * room : 7 * room]
    came = work[7 * room : 8 * room]
    came_on = work[8 * room : 9 * room]
    of_in = work[9 * room : 10 * room]
    order = work[10 * room : 11 * room]
    latest = work[11 * room : 12 * room]  # by middle: the last day it paid a shared sink
    coming = work[12 * room : 13 * room]  # by middle: from shared sources until then
    going = work[13 * room : 14 * room]  # by middle: to shared sinks
    ids = work[14 * room :]
    n_out = 0
    n_in = 0
    for k in range(n):
        n_out = _lay_out(
            g, g.party[middles[k]].run_out, max(first, since[k] - 1), source,
            sinks, paid, paid_on, of_out, n_out, k,
        )  # fmt: skip
        n_in = _lay_out(
            g, g.party[middles[k]].run_in, first, sink, sources, came, came_on, of_in, n_in, k
        )
    _keep_shared(sinks, n_out, order)
    _keep_shared(sources, n_in, order)
    for k in range(n):
        latest[k] = -1
        coming[k] = 0
        going[k] = 0
    for j in range(n_out):
        if sinks[j] >= 0:
            going[of_out[j]] += paid[j]
            latest[of_out[j]] = max(latest[of_out[j]], paid_on[j])
    for j in range(n_in):
        if sources[j] >= 0 and came_on[j] <= latest[of_in[j]]:
            coming[of_in[j]] += came[j]
    count = 0
    amount = np.int64(0)
    mine = False
    for k in range(n):
        if (
            coming[k] > 0
            and going[k] * 10_000 >= coming[k] * p[_LOW]
            and going[k] * 10_000 <= coming[k] * p[_HIGH]
        ):
            mine |= middles[k] == last.payer
            ids[count] = g.party[middles[k]].id
            count += 1
            amount += going[k]
        else:
            latest[k] = -1
    if not mine or count < p[_C_MIDDLES]:
        return hits, n_hits, evidence, n_evidence, steps
    hits = room_for_hit(hits, n_hits)
    evidence = room_for_evidence(evidence, n_evidence, n_out + n_in)
    hit = hits[n_hits]
    hit.first = n_evidence
    for j in range(n_out):
        if sinks[j] >= 0 and latest[of_out[j]] >= 0:
            edge = edge_of_pair(g, middles[of_out[j]], sinks[j], first)
            evidence[n_evidence] = g.edges[edge].key
            n_evidence += 1
    for j in range(n_in):
        if sources[j] >= 0 and came_on[j] <= latest[of_in[j]]:
            edge = edge_of_pair(g, sources[j], middles[of_in[j]], first)
            evidence[n_evidence] = g.edges[edge].key
            n_evidence += 1
    evidence[hit.first : n_evidence].sort()
    hit.count = n_evidence - hit.first
    hit.subject = set_id(ids, count)
    hit.instant = last.time
    hit.measure = amount
    hit.variant = 1
    hit.band = _band(amount, p)
    return hits, n_hits + 1, evidence, n_evidence, steps


@nb.njit(cache=True, nogil=True)
def _keep_shared(parties, n, order):
    """Set to -1 the parties that stand there only once."""
    for j in range(n):
        order[j] = parties[j] << 32 | j
    order[:n].sort()
    for j in range(n):
        party = order[j] >> 32
        if (j == 0 or order[j - 1] >> 32 != party) and (j == n - 1 or order[j + 1] >> 32 != party):
            parties[order[j] & 0xFFFFFFFF] = -1
