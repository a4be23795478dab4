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
    TAIL,
    edge_of_pair,
    milli_log10,
    reaches_back,
)
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
_COLUMNS = 10


def scratch(parameters: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Room for the columns of a search: two rows a step at most."""
    most = max(parameters["quiet_steps"], parameters["conserving_steps"])
    return np.zeros(_COLUMNS * (2 * most + 2), np.int64)


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
    hits, n_hits, evidence, n_evidence = _quiet(g, at, p, work, hits, n_hits, evidence, n_evidence)
    return _conserving(g, at, p, work, hits, n_hits, evidence, n_evidence)


@nb.njit(cache=True, nogil=True)
def _band(amount, p):
    return 3 if amount >= p[_BAND_3] else (2 if amount >= p[_BAND_2] else 1)


@nb.njit(cache=True, nogil=True)
def _quiet(g, at, p, work, hits, n_hits, evidence, n_evidence):
    last = g.edges[at]
    sink = last.payee
    first = last.day - p[_DAYS]
    steps = p[_STEPS]
    into = np.int64(milli_log10(g.party[sink].into))
    start = n_hits
    cut = False
    s = g.party[last.payer].last_in
    while s >= g.used[TAIL] and g.edges[s].day > first and not cut:
        source = g.edges[s].payer
        s = g.edges[s].prev_in
        ends = into + milli_log10(g.party[source].out)
        # every middle has both in its two legs: the mean is half their sum, or more
        if source == sink or ends > 2 * p[_MEAN_MOST]:
            continue
        n = 0
        noise = np.int64(0)
        amount = np.int64(0)
        forth = g.party[source].out < g.party[sink].into  # middles from the shorter list
        i = g.party[source].last_out if forth else g.party[sink].last_in
        while i >= g.used[TAIL] and g.edges[i].day > first:
            if steps == 0:
                cut = True
                break
            steps -= 1
            middle = g.edges[i].payee if forth else g.edges[i].payer
            if forth:
                scattered, gathered = np.int64(i), edge_of_pair(g, middle, sink, first)
            else:
                scattered, gathered = edge_of_pair(g, source, middle, first), np.int64(i)
            if min(scattered, gathered) >= 0 and g.edges[scattered].day <= g.edges[gathered].day:
                work[2 * n] = gathered
                work[2 * n + 1] = scattered
                n += 1
                noise += ends + milli_log10(g.party[middle].into) + milli_log10(g.party[middle].out)
                amount += g.edges[gathered].amount_fen
            i = g.edges[i].prev_out if forth else g.edges[i].prev_in
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
    return hits, n_hits, evidence, n_evidence


@nb.njit(cache=True, nogil=True)
def _conserving(g, at, p, work, hits, n_hits, evidence, n_evidence):
    last = g.edges[at]
    sink = last.payee
    first = last.day - p[_C_DAYS]
    steps = p[_C_STEPS]
    room = len(work) // _COLUMNS
    fan = work[:room]  # edges source -> middle
    outs = work[room : 2 * room]  # edges out of the middles
    ins = work[2 * room : 3 * room]  # edges into them
    of_out = work[3 * room : 4 * room]  # the middle of each, by its place in `fan`
    of_in = work[4 * room : 5 * room]
    order = work[5 * room : 6 * room]
    latest = work[6 * room : 7 * room]  # by middle: the last day it paid a shared sink
    coming = work[7 * room : 8 * room]  # by middle: from shared sources until then
    going = work[8 * room : 9 * room]  # by middle: to shared sinks
    ids = work[9 * room :]
    s = g.party[last.payer].last_in
    while s >= g.used[TAIL] and g.edges[s].day > first:
        if steps == 0:
            g.used[CUT_HERE] += 1
            return hits, n_hits, evidence, n_evidence
        steps -= 1
        source = g.edges[s].payer
        s = g.edges[s].prev_in
        if source == sink:
            continue
        met = False  # another of the source's payees paid the sink
        forth = g.party[source].out < g.party[sink].into
        i = g.party[source].last_out if forth else g.party[sink].last_in
        while i >= g.used[TAIL] and g.edges[i].day > first and not met:
            if steps == 0:
                g.used[CUT_HERE] += 1
                return hits, n_hits, evidence, n_evidence
            steps -= 1
            if forth:
                middle = g.edges[i].payee
                met = middle != last.payer and edge_of_pair(g, middle, sink, first) >= 0
                i = g.edges[i].prev_out
            else:
                middle = g.edges[i].payer
                met = middle != last.payer and edge_of_pair(g, source, middle, first) >= 0
                i = g.edges[i].prev_in
        if not met:
            continue
        n = 0
        i = g.party[source].last_out
        while i >= g.used[TAIL] and g.edges[i].day > first:
            if steps == 0:
                g.used[CUT_HERE] += 1
                return hits, n_hits, evidence, n_evidence
            steps -= 1
            if g.edges[i].payee != sink:
                fan[n] = i
                n += 1
            i = g.edges[i].prev_out
        if n < p[_C_MIDDLES]:
            continue
        n_out = 0
        n_in = 0
        for k in range(n):
            scattered = g.edges[fan[k]]
            i = g.party[scattered.payee].last_out
            while i >= g.used[TAIL] and g.edges[i].day > first:
                if steps == 0:
                    g.used[CUT_HERE] += 1
                    return hits, n_hits, evidence, n_evidence
                steps -= 1
                if g.edges[i].day >= scattered.day and g.edges[i].payee != source:
                    outs[n_out] = i
                    of_out[n_out] = k
                    n_out += 1
                i = g.edges[i].prev_out
            i = g.party[scattered.payee].last_in
            while i >= g.used[TAIL] and g.edges[i].day > first:
                if steps == 0:
                    g.used[CUT_HERE] += 1
                    return hits, n_hits, evidence, n_evidence
                steps -= 1
                if g.edges[i].payer != sink:
                    ins[n_in] = i
                    of_in[n_in] = k
                    n_in += 1
                i = g.edges[i].prev_in
        _keep_shared(g, outs, n_out, order, True)
        _keep_shared(g, ins, n_in, order, False)
        for k in range(n):
            latest[k] = -1
            coming[k] = 0
            going[k] = 0
        for j in range(n_out):
            if outs[j] >= 0:
                going[of_out[j]] += g.edges[outs[j]].amount_fen
                latest[of_out[j]] = max(latest[of_out[j]], g.edges[outs[j]].day)
        for j in range(n_in):
            if ins[j] >= 0 and g.edges[ins[j]].day <= latest[of_in[j]]:
                coming[of_in[j]] += g.edges[ins[j]].amount_fen
        count = 0
        amount = np.int64(0)
        mine = False
        for k in range(n):
            if (
                coming[k] > 0
                and going[k] * 10_000 >= coming[k] * p[_LOW]
                and going[k] * 10_000 <= coming[k] * p[_HIGH]
            ):
                middle = g.edges[fan[k]].payee
                mine |= middle == last.payer
                ids[count] = g.party[middle].id
                count += 1
                amount += going[k]
            else:
                latest[k] = -1
        if not mine or count < p[_C_MIDDLES]:
            continue
        hits = room_for_hit(hits, n_hits)
        evidence = room_for_evidence(evidence, n_evidence, n_out + n_in)
        hit = hits[n_hits]
        hit.first = n_evidence
        for j in range(n_out):
            if outs[j] >= 0 and latest[of_out[j]] >= 0:
                evidence[n_evidence] = g.edges[outs[j]].key
                n_evidence += 1
        for j in range(n_in):
            if ins[j] >= 0 and g.edges[ins[j]].day <= latest[of_in[j]]:
                evidence[n_evidence] = g.edges[ins[j]].key
                n_evidence += 1
        evidence[hit.first : n_evidence].sort()
        hit.count = n_evidence - hit.first
        hit.subject = set_id(ids, count)
        hit.instant = last.time
        hit.measure = amount
        hit.variant = 1
        hit.band = _band(amount, p)
        return hits, n_hits + 1, evidence, n_evidence
    return hits, n_hits, evidence, n_evidence


@nb.njit(cache=True, nogil=True)
def _keep_shared(g, legs, n, order, payee):
    """Set to -1 the legs whose payee (else whose payer) is that of no other leg."""
    for j in range(n):
        edge = g.edges[legs[j]]
        order[j] = (np.int64(edge.payee if payee else edge.payer) << 32) | j
    order[:n].sort()
    for j in range(n):
        party = order[j] >> 32
        if (j == 0 or order[j - 1] >> 32 != party) and (j == n - 1 or order[j + 1] >> 32 != party):
            legs[order[j] & 0xFFFFFFFF] = -1
