# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Room for a graph: an empty one, and a larger one into which what lives is carried."""

import numba as nb
import numpy as np

from pipelines.rules.kernels.graph import (
    AGAINST_TIME,
    EDGE,
    EDGES,
    LEGS,
    LOWEST,
    MEMORY_DAYS,
    PAIR,
    PAIRS,
    PARTIES,
    PARTY,
    SINCE,
    STAMPS,
    TAIL,
    USED,
    WITH_TIME,
    Graph,
    count_rings_from,
    expire,
    place_of_pair,
    slot_of_party,
)
from pipelines.rules.kernels.graph_runs import LEG, PER_EDGE, carry_legs


def empty(parties: int, pairs: int, edges: int) -> Graph:
    """A graph with nothing in it and room for so much."""
    return Graph(
        table=np.zeros(_places(parties), np.int32),
        party=np.zeros(parties, PARTY),
        pairs=np.zeros(_places(pairs), PAIR),
        edges=np.zeros(edges, EDGE),
        days=np.zeros(PER_EDGE * edges, np.int32),
        legs=np.zeros(PER_EDGE * edges, LEG),
        marks=np.zeros(parties, np.int32),
        used=np.zeros(USED, np.int64),
        quiet=np.zeros((3, LOWEST + 1), np.int64),
        loud=np.zeros(2, np.int64),
    )


def _places(many: int) -> int:
    """Places of a hash that is at most two thirds full."""
    places = 64
    while 2 * places < 3 * many:
        places *= 2
    return places


def with_room(g: Graph, parties: int, pairs: int, edges: int, day: int) -> Graph:
    """A graph with room for so many more; what is dead on `day` is dropped if it must grow."""
    used = g.used.tolist()
    if (
        used[PARTIES] + parties <= len(g.party)
        and 3 * (used[PAIRS] + pairs) <= 2 * len(g.pairs)
        and used[EDGES] + edges <= len(g.edges)
    ):
        return g
    first = int(expire(g, day))
    keeps = np.zeros(used[PARTIES], np.bool_)
    n_pairs = int(keep_alive(g, day, keeps))
    n_parties = int(keeps.sum())
    n_edges = used[EDGES] - first
    # room for half as much again, so that dropping stays cheap per transfer
    fresh = empty(
        n_parties + max(parties, n_parties // 2),
        n_pairs + max(pairs, n_pairs // 2),
        n_edges + max(edges, n_edges // 2),
    )
    carry(g, fresh, day, keeps)
    return fresh


@nb.njit(cache=True, nogil=True)
def keep_alive(g, day, keeps):
    """Mark the parties of remembered pairs; return how many pairs are remembered on a day."""
    count = 0
    for place in range(len(g.pairs)):
        pair = g.pairs[place]
        if pair.key != 0 and pair.day > day - MEMORY_DAYS:
            keeps[(pair.key >> 32) - 1] = True
            keeps[(pair.key & 0xFFFFFFFF) - 1] = True
            count += 1
    return count


@nb.njit(cache=True, nogil=True)
def carry(g, fresh, day, keeps):
    """Fill an empty graph with what is alive in `g`. A living edge's pair is remembered too."""
    slots = np.full(g.used[PARTIES], -1, np.int32)
    fresh.quiet[:] = g.quiet
    fresh.loud[:] = g.loud
    first = g.used[TAIL]
    for slot in range(g.used[PARTIES]):
        if keeps[slot]:
            old = g.party[slot]
            here = slot_of_party(fresh, old.id)
            slots[slot] = here
            row = fresh.party[here]
            row.out = old.out
            row.into = old.into
            row.once = old.once
            row.last_out = max(old.last_out - first, -1)
            row.last_in = max(old.last_in - first, -1)
    used = np.int64(0)
    for slot in range(g.used[PARTIES]):
        if keeps[slot]:
            old = g.party[slot]
            row = fresh.party[slots[slot]]
            row.run_out, used = carry_legs(
                g.days, g.legs, old.run_out, old.out, fresh.days, fresh.legs, used, slots
            )
            row.run_in, used = carry_legs(
                g.days, g.legs, old.run_in, old.into, fresh.days, fresh.legs, used, slots
            )
    fresh.used[LEGS] = used
    for place in range(len(g.pairs)):
        pair = g.pairs[place]
        if pair.key != 0 and pair.day > day - MEMORY_DAYS:
            payer, payee = slots[(pair.key >> 32) - 1], slots[(pair.key & 0xFFFFFFFF) - 1]
            there, key = place_of_pair(fresh.pairs, payer, payee)
            fresh.pairs[there].key = key
            fresh.pairs[there].day = pair.day
            fresh.pairs[there].edge = max(pair.edge - first, -1)
            fresh.used[PAIRS] += 1
    count = g.used[EDGES] - first
    for i in range(count):
        old_edge = g.edges[first + i]
        fresh.edges[i] = old_edge
        edge = fresh.edges[i]
        edge.payer = slots[old_edge.payer]
        edge.payee = slots[old_edge.payee]
        edge.prev_out = max(old_edge.prev_out - first, -1)
        edge.prev_in = max(old_edge.prev_in - first, -1)
    fresh.used[EDGES] = count
    count_rings_from(g, max(g.used[SINCE], first))
    fresh.used[SINCE] = g.used[SINCE] - first
    fresh.used[WITH_TIME] = g.used[WITH_TIME]
    fresh.used[AGAINST_TIME:] = g.used[AGAINST_TIME:]
    fresh.used[STAMPS] = 0
