# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Gather-scatter from the graph: a hub's new payers, then its new payees."""

import numba as nb

from pipelines.rules.kernels.graph import TAIL, milli_log10
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit

VARIANTS = ("gather_scatter",)
PARAMETERS = ("window_days", "least_payers", "least_payees", "quiet_milli")


@nb.njit(cache=True, nogil=True)
def _quiet(g, i):
    return milli_log10(g.party[g.edges[i].payer].out) + milli_log10(g.party[g.edges[i].payee].into)


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """Look at a payer that begins to pay: who began to pay it before?"""
    e = g.edges[at]
    hub = g.party[e.payer]
    if hub.out < p[2] or hub.into < p[1]:
        return hits, n_hits, evidence, n_evidence
    first = e.day - p[0]
    # the third in-leg: the gathering
    tail = g.used[TAIL]
    n_in = 0
    i = hub.last_in
    while i >= tail and g.edges[i].day > first:
        n_in += 1
        i = g.edges[i].prev_in
    if n_in < p[1]:
        return hits, n_hits, evidence, n_evidence
    evidence = room_for_evidence(evidence, n_evidence, hub.into + hub.out)
    total = 0
    count = 0
    third = -1
    i = hub.last_in
    while i >= tail and g.edges[i].day > first:
        evidence[n_evidence + count] = g.edges[i].key
        total += _quiet(g, i)
        count += 1
        if count == n_in - p[1] + 1:
            third = i
        i = g.edges[i].prev_in
    n_out = 0
    i = at
    while i > third and i >= tail and g.edges[i].day > first:
        evidence[n_evidence + count] = g.edges[i].key
        total += _quiet(g, i)
        count += 1
        n_out += 1
        i = g.edges[i].prev_out
    if n_out < p[2] or total > p[3] * count:
        return hits, n_hits, evidence, n_evidence
    hits = room_for_hit(hits, n_hits)
    hit = hits[n_hits]
    hit.subject = hub.id
    hit.instant = e.time
    hit.measure = n_in + n_out
    hit.variant = 0
    hit.band = 1
    hit.first = n_evidence
    hit.count = count
    evidence[n_evidence : n_evidence + count].sort()
    return hits, n_hits + 1, evidence, n_evidence + count
