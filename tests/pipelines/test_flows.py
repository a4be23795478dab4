"""Rings, scatter-gather, shared payees: kernels give what definitions say, searches are bounded."""

import time
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ledger import duck
from pipelines.lanes.entry import BUCKETS, CUT, GROUPS
from pipelines.lanes.host import RuleHost
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.routing import route
from pipelines.lanes.stream import run_once, run_plain
from pipelines.pairing.pairing import Closed, merge
from pipelines.rules.kernels.sets import set_id as kernels_id
from pipelines.rules.plain import set_id
from pipelines.rules.registry import ParameterSet, load_rules
from tests.pipelines.flows import VARIANTS, every_flow, flows, numbers
from tests.pipelines.streams import (
    DAY,
    HOUR,
    MONDAY,
    SH,
    YUAN,
    Market,
    Rows,
    arrivals,
    define_tx,
    proves,
    tuples,
)

RULES = tuple(dict.fromkeys(rule for rule, _ in VARIANTS))
SLACK = 600_000_000
Found = list[tuple[Any, ...]]
# Bounds that searches of such markets reach.
TIGHT = {
    "cycle": {"quiet_steps": 6, "quiet_rings": 1, "ordered_steps": 9, "ordered_rings": 2,
              "shortest": 3, "edge_most": 20},
    "scatter_gather": {"quiet_steps": 5, "conserving_steps": 25, "mean_most_milli": 1800,
                       "conserving_middles": 2},
    "bipartite": {"steps": 9, "side_most": 30},
}  # fmt: skip


def of_mine(crossings: pa.Table) -> Found:
    return [row for row in tuples(crossings) if row[0] in RULES]


def by_definition(rows: Rows, agreed: ParameterSet) -> Found:
    with duck.memory() as connection:
        define_tx(connection, rows)
        parts = [evaluate(connection, load_rules()[rule], agreed).crossings for rule in RULES]
    return tuples(pa.concat_tables(parts))


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(rows=flows(), order=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=50))
def test_kernels_and_definitions_cross_alike(rows: Rows, order: list[int]) -> None:
    agreed = numbers()
    defined = by_definition(rows, agreed)
    for rule, variant in VARIANTS:
        proves(defined, rule, variant)
    assert of_mine(run_plain(*arrivals(rows, order, 40, SLACK), agreed)) == defined


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(rows=flows(most=160))
def test_a_search_that_is_cut_short_stops_at_the_same_edge_in_both(rows: Rows) -> None:
    agreed = numbers(**TIGHT)
    assert of_mine(run_once(rows, agreed)) == by_definition(rows, agreed)


@cache
def crowd(many: int, days: int) -> Rows:
    """Everybody begins to pay everybody: the worst a search can meet."""
    rng = np.random.default_rng(7)
    market = Market()
    for n in range(many):
        payer, payee = (int(one) for one in rng.integers(1, 150, 2))
        yuan = int(rng.integers(900, 1_100))
        market.pay(MONDAY + n * days * DAY // many, yuan * YUAN, payer, payee, SH)
    return market.rows()


def test_a_dense_market_costs_what_the_bounds_allow_and_says_so() -> None:
    loud = numbers(
        cycle={"edge_most": 1 << 40, "mean_most_milli": 8_000, "against_percent": 0},
        scatter_gather={"mean_most_milli": 8_000},
        bipartite={"side_most": 1 << 20, "steps": 300},
    )
    run_once(crowd(200, 5), loud)  # compiles
    rows = crowd(4_000, 20)
    begin = time.process_time()
    found = run_once(rows, loud)
    spent = time.process_time() - begin
    cut = found.filter(found["search_cut"])
    assert set(cut["rule"].to_pylist()) >= {"cycle", "bipartite"}
    assert spent / len(rows) < 0.004, "seconds a transfer"


def test_a_search_that_came_to_its_end_says_nothing_of_a_bound() -> None:
    found = run_once(every_flow().rows(), numbers())
    assert found.num_rows and not any(found["search_cut"].to_pylist())


@pytest.mark.parametrize("members", [(5,), (1, 2), (7, 3, 5), (1 << 62, 9, (1 << 63) - 1, 2)])
def test_the_id_of_a_set_is_one_in_kernels_and_in_plain_python(members: tuple[int, ...]) -> None:
    array = np.array(members, np.int64)
    assert kernels_id(array, len(members)) == set_id(members) == set_id([*members, members[0]])
    assert 0 < set_id(members) < 1 << 63


def test_rings_are_counted_alike_after_a_restore() -> None:
    """How many rings ran with time and against it is remembered over 60 days."""
    agreed = numbers()
    rows = every_flow().rows()
    whole = of_mine(run_once(rows, agreed))
    entries = [
        payload
        for bucket, payload in route(merge(rows, 1 << 62, 0, Closed()).ready)
        if bucket == GROUPS["graph"] * BUCKETS
    ]
    middle = MONDAY + 103 * DAY + 12 * HOUR
    host = RuleHost(GROUPS["graph"] * BUCKETS, agreed)
    kept = [one for payload in entries for one in host.add(payload)]
    before = host.advance(middle)
    again = RuleHost(GROUPS["graph"] * BUCKETS, agreed)
    again.restore([one.payload for one in kept], middle)
    found = pa.Table.from_batches([before, again.advance(1 << 62)])
    assert before.num_rows and of_mine(found) == whole


def test_the_mark_of_a_bound_is_no_variant() -> None:
    assert all(len(load_rules()[rule].variants) < CUT for rule in RULES)


def test_searches_that_stopped_are_counted_once_whether_they_found_anything_or_not() -> None:
    agreed = numbers(**TIGHT)
    variants = merge(every_flow().rows(), 1 << 62, 0, Closed()).ready
    graph = GROUPS["graph"] * BUCKETS
    host = RuleHost(graph, agreed)
    kept = [
        one for bucket, payload in route(variants) if bucket == graph for one in host.add(payload)
    ]
    found = host.advance(1 << 62)
    cut = host.cut_short()
    told = sum(one.as_py() for one in found["search_cut"])
    assert cut["cycle"] > 0 < told < sum(cut.values())
    assert host.cut_short() == {}
    again = RuleHost(graph, agreed)
    again.restore([one.payload for one in kept], 1 << 62)
    assert again.cut_short() == {}
