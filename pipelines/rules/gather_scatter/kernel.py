# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Gather-scatter from the graph: a hub's new payers, then its new payees."""

import numba as nb

from pipelines.rules.kernels.graph import EDGES, IN, OUT, TAIL, is_trade, loudness, reaches_back
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit

VARIANTS = ("gather_scatter",)
PARAMETERS = (
    "learning_days",
    "window_days",
    "least_payers",
    "least_payees",
    "margin_milli",
    "quiet_milli",
    "busy_degree",
    "band_2_legs",
)


@nb.njit(cache=True, nogil=True)
def step(g, at, p, work, hits, n_hits, evidence, n_evidence):
    """Look at the payer of edge `at`: who began to pay it before, whom did it begin to pay then?"""
    e = g.edges[at]
    hub = g.party[e.payer]
    if hub.out < p[3] or hub.into < p[2] or hub.out + hub.into > p[6]:
        return hits, n_hits, evidence, n_evidence
    if is_trade(e) or not reaches_back(g, e.day, p[0]):
        return hits, n_hits, evidence, n_evidence
    first = e.day - p[1]
    tail = g.used[TAIL]
    gathered = 0
    i = hub.last_in
    while i >= tail and g.edges[i].day > first:
        gathered += not is_trade(g.edges[i])
        i = g.edges[i].prev_in
    if gathered < p[2]:
        return hits, n_hits, evidence, n_evidence
    evidence = room_for_evidence(evidence, n_evidence, hub.into + hub.out)
    end = n_evidence
    loud = 0
    enough = -1  # the in-leg with which enough was gathered: legs out count after it
    i = hub.last_in
    while i >= tail and g.edges[i].day > first:
        if not is_trade(g.edges[i]):
            evidence[end] = g.edges[i].key
            end += 1
            loud += loudness(g, i)
            if end - n_evidence == gathered - p[2] + 1:
                enough = i
        i = g.edges[i].prev_in
    scattered = 0
    i = at
    while i > enough:
        if not is_trade(g.edges[i]):
            evidence[end] = g.edges[i].key
            end += 1
            loud += loudness(g, i)
            scattered += 1
        i = g.edges[i].prev_out
    legs = end - n_evidence
    usual = (g.loud[OUT] + g.loud[IN]) // (g.used[EDGES] - tail)
    if scattered < p[3] or loud > max(usual - p[4], p[5]) * legs:
        return hits, n_hits, evidence, n_evidence
    evidence[n_evidence:end].sort()
    hits = room_for_hit(hits, n_hits)
    hit = hits[n_hits]
    hit.subject = hub.id
    hit.instant = e.time
    hit.measure = legs
    hit.variant = 0
    hit.band = 2 if legs >= p[7] else 1
    hit.first = n_evidence
    hit.count = legs
    return hits, n_hits + 1, evidence, end
