# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Fan-in from the graph: new payers of a party that hardly pay anybody else new."""

import numba as nb

from pipelines.rules.kernels.graph import TAIL
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit

VARIANTS = ("fan_in",)
PARAMETERS = ("window_days", "least_payers", "quiet_degree", "least_days", "busy_degree")


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """Walk the payee's new payers, the newest first."""
    e = g.edges[at]
    hub = g.party[e.payee]
    if hub.into < p[1] or hub.into > p[4] or g.party[e.payer].out > p[2]:
        return hits, n_hits, evidence, n_evidence
    evidence = room_for_evidence(evidence, n_evidence, hub.into)
    count = 0
    days = 0
    day = -1
    i = at
    while i >= g.used[TAIL] and g.edges[i].day > e.day - p[0]:
        edge = g.edges[i]
        if g.party[edge.payer].out <= p[2]:
            evidence[n_evidence + count] = edge.key
            count += 1
            if edge.day != day:
                days += 1
                day = edge.day
        i = edge.prev_in
    if count < p[1] or days < p[3]:
        return hits, n_hits, evidence, n_evidence
    hits = room_for_hit(hits, n_hits)
    hit = hits[n_hits]
    hit.subject = hub.id
    hit.instant = e.time
    hit.measure = count
    hit.variant = 0
    hit.band = 1
    hit.first = n_evidence
    hit.count = count
    evidence[n_evidence : n_evidence + count].sort()
    return hits, n_hits + 1, evidence, n_evidence + count
