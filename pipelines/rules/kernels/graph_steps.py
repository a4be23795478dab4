# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""The rules on the graph, asked edge by edge: the one list of them.

A rule must see the graph as of each edge, so one kernel adds an edge and then asks every rule. A
graph rule is added here in three places: its module, its name, its lines in `ask`.
"""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

import numba as nb
import numpy as np

from pipelines.lanes.entry import HIT
from pipelines.rules.bipartite import kernel as bipartite
from pipelines.rules.cycle import kernel as cycle
from pipelines.rules.fan_in import kernel as fan_in
from pipelines.rules.fan_out import kernel as fan_out
from pipelines.rules.gather_scatter import kernel as gather_scatter
from pipelines.rules.kernels.graph import CUT_HERE, CUT_OF, add
from pipelines.rules.scatter_gather import kernel as scatter_gather

# In the order of `ask`; `spare` of a hit is its rule's place here.
MODULES: Mapping[str, ModuleType] = MappingProxyType(
    {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "gather_scatter": gather_scatter,
        "cycle": cycle,
        "scatter_gather": scatter_gather,
        "bipartite": bipartite,
    }
)
_fan_in, _fan_out, _gather_scatter = fan_in.step, fan_out.step, gather_scatter.step
_cycle, _scatter_gather, _bipartite = cycle.step, scatter_gather.step, bipartite.step


@nb.njit(cache=True, nogil=True)
def ask(g, at, time, p, work, hits, n_hits, evidence, n_evidence):
    """Ask every rule about the edge that was just added; a rule without numbers is not asked."""
    n = n_hits
    if len(p[0]):
        hits, n_hits, evidence, n_evidence = _fan_in(
            g, at, _in_force(p[0], time), work[0], hits, n_hits, evidence, n_evidence
        )
        n = _of_rule(g, hits, n, n_hits, 0)
    if len(p[1]):
        hits, n_hits, evidence, n_evidence = _fan_out(
            g, at, _in_force(p[1], time), work[1], hits, n_hits, evidence, n_evidence
        )
        n = _of_rule(g, hits, n, n_hits, 1)
    if len(p[2]):
        hits, n_hits, evidence, n_evidence = _gather_scatter(
            g, at, _in_force(p[2], time), work[2], hits, n_hits, evidence, n_evidence
        )
        n = _of_rule(g, hits, n, n_hits, 2)
    if len(p[3]):
        hits, n_hits, evidence, n_evidence = _cycle(
            g, at, _in_force(p[3], time), work[3], hits, n_hits, evidence, n_evidence
        )
        n = _of_rule(g, hits, n, n_hits, 3)
    if len(p[4]):
        hits, n_hits, evidence, n_evidence = _scatter_gather(
            g, at, _in_force(p[4], time), work[4], hits, n_hits, evidence, n_evidence
        )
        n = _of_rule(g, hits, n, n_hits, 4)
    if len(p[5]):
        hits, n_hits, evidence, n_evidence = _bipartite(
            g, at, _in_force(p[5], time), work[5], hits, n_hits, evidence, n_evidence
        )
        n = _of_rule(g, hits, n, n_hits, 5)
    return hits, n_hits, evidence, n_evidence


@nb.njit(cache=True, nogil=True)
def _in_force(periods, time):
    """The numbers in force at an instant: a row is when they begin, then the numbers."""
    row = len(periods) - 1
    while row > 0 and periods[row, 0] > time:
        row -= 1
    return periods[row, 1:]


@nb.njit(cache=True, nogil=True)
def _of_rule(g, hits, first, end, place):
    """Mark a rule's hits as its own, and count its searches that were cut short."""
    g.used[CUT_OF + place] += g.used[CUT_HERE]
    g.used[CUT_HERE] = 0
    for i in range(first, end):
        hits[i].spare = place
    return end


@nb.njit(cache=True, nogil=True)
def run(entries, vantage, g, p, work):
    """Feed a vantage its entries.

    Args:
        entries: ENTRY rows in order, those of other vantages among them.
        vantage: its bit.
        g: its graph, with room for all of them.
        p: for each rule, in the order of MODULES, its numbers by time (int64, 2-D).
        work: for each rule its room to work in (int64).

    Returns:
        (HIT rows, their evidence in the same order), for one rule after the other at each edge.
    """
    hits = np.empty(16, HIT)
    evidence = np.empty(256, np.int64)
    n_hits = 0
    n_evidence = 0
    for i in range(len(entries)):
        e = entries[i]
        if e.mask >> vantage & 1 == 0 or e.subject == e.other:
            continue
        at = add(g, e.key, e.event_time, e.amount_fen, e.subject, e.other, e.role)
        if at < 0:
            continue
        n = n_hits
        hits, n_hits, evidence, n_evidence = ask(
            g, at, e.event_time, p, work, hits, n_hits, evidence, n_evidence
        )
        for k in range(n, n_hits):
            hits[k].vantage = vantage
    return hits[:n_hits], evidence[:n_evidence]


@nb.njit(cache=True, nogil=True)
def claim(entries, classes, level):
    """Mark the entries the graph needs: all but transfers to oneself."""
    for i in range(len(entries)):
        if classes[i] == 0 and entries[i].mask != 0 and entries[i].subject != entries[i].other:
            classes[i] = level
