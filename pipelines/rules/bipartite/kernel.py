# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Two payers that pay the same payees within days: asked at each payment to a shared payee."""

from collections.abc import Mapping

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import CUT
from pipelines.rules.kernels.graph import CUT_HERE, TAIL, edge_of_pair, reaches_back
from pipelines.rules.kernels.sets import set_id
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit

VARIANTS = ("bipartite",)
PARAMETERS = (
    "window_days",
    "shared_payees",
    "side_most",
    "steps",
    "learning_days",
    "band_2_fen",
    "band_3_fen",
)
DAYS, SHARED, SIDE_MOST, STEPS, LEARNING, BAND_2, BAND_3 = range(7)


def scratch(parameters: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Room for the payer's edges and for those shared with another payer."""
    return np.zeros(3 * parameters["steps"] + 8, np.int64)


@nb.njit(cache=True, nogil=True)
def _few(g, edge, most):
    return g.party[edge.payer].out <= most or g.party[edge.payee].into <= most


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """Payers that share enough payees with the payer of edge `at`, this one's among them."""
    last = g.edges[at]
    first = last.day - p[DAYS]
    if (
        g.party[last.payer].out < p[SHARED]
        or g.party[last.payee].into < 2
        or not _few(g, last, p[SIDE_MOST])
        or not reaches_back(g, last.day, p[LEARNING])
    ):
        return hits, n_hits, evidence, n_evidence
    steps = p[STEPS]
    room = len(work) // 3
    mine = work[:room]
    shared = work[room:]
    members = np.empty(2, np.int64)
    n = 0
    i = g.party[last.payer].last_out
    while i >= g.used[TAIL] and g.edges[i].day > first and steps > 0:
        steps -= 1
        if _few(g, g.edges[i], p[SIDE_MOST]):
            mine[n] = i
            n += 1
        i = g.edges[i].prev_out
    cut = steps == 0
    start = n_hits
    s = last.prev_in
    while n >= p[SHARED] and s >= g.used[TAIL] and g.edges[s].day > first and not cut:
        met = g.edges[s]
        s = met.prev_in
        if not _few(g, met, p[SIDE_MOST]) or g.party[met.payer].out < p[SHARED]:
            continue
        k = 0
        amount = np.int64(0)
        for j in range(n):
            if steps == 0:
                cut = True
                break
            steps -= 1
            own = g.edges[mine[j]]
            its = edge_of_pair(g, met.payer, own.payee, first)
            if its >= 0 and _few(g, g.edges[its], p[SIDE_MOST]):
                shared[2 * k] = mine[j]
                shared[2 * k + 1] = its
                k += 1
                amount += own.amount_fen + g.edges[its].amount_fen
        if cut or k < p[SHARED]:
            continue
        hits = room_for_hit(hits, n_hits)
        evidence = room_for_evidence(evidence, n_evidence, 2 * k)
        hit = hits[n_hits]
        n_hits += 1
        for j in range(2 * k):
            evidence[n_evidence + j] = g.edges[shared[j]].key
        evidence[n_evidence : n_evidence + 2 * k].sort()
        members[0] = g.party[last.payer].id
        members[1] = g.party[met.payer].id
        hit.subject = set_id(members, 2)
        hit.instant = last.time
        hit.measure = amount
        hit.variant = 0
        hit.band = 3 if amount >= p[BAND_3] else (2 if amount >= p[BAND_2] else 1)
        hit.first = n_evidence
        hit.count = 2 * k
        n_evidence += 2 * k
    if cut:
        g.used[CUT_HERE] += 1
        for i in range(start, n_hits):
            hits[i].variant |= CUT
    return hits, n_hits, evidence, n_evidence
