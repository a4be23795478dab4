"""The rules on the graph: kernels give what definitions say, whatever the batches; their memory."""

from functools import cache
from math import log10
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ledger import duck
from pipelines.lanes.entry import BUCKETS, GROUPS, ROLE_PAYER_PERSON
from pipelines.lanes.host import Kept, RuleHost
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.routing import route
from pipelines.lanes.stream import run_plain
from pipelines.pairing.pairing import Closed, merge
from pipelines.rules.kernels.graph import (
    CUSTOM,
    DAY_US,
    EDGES,
    LOOKS_BACK_US,
    MILLI_LOG10,
    ONCE,
    TAIL,
)
from pipelines.rules.kernels.graph_runs import LINK
from pipelines.rules.kernels.graph_state import GraphState
from pipelines.rules.registry import load_rules, parameters_on
from tests.pipelines.graphs import NUMBERS, graphs, stars
from tests.pipelines.streams import (
    DAY,
    HOUR,
    MONDAY,
    SECOND,
    Market,
    Rows,
    arrivals,
    define_tx,
    tuples,
)

STARS = ("fan_in", "fan_out", "gather_scatter")
GRAPH = tuple(rule for rule in load_rules().values() if rule.group == "graph")
SLACK = 600 * SECOND
Found = list[tuple[Any, ...]]


def by_kernel(rows: Rows, size: int = 1 << 30, order: list[int] | None = None) -> Found:
    found = tuples(run_plain(*arrivals(rows, order, size, SLACK), NUMBERS))
    return [row for row in found if row[0] in STARS]


def by_definition(rows: Rows) -> Found:
    with duck.memory() as connection:
        define_tx(connection, rows)
        tables = [evaluate(connection, load_rules()[name], NUMBERS).crossings for name in STARS]
    return tuples(pa.concat_tables(tables))


def proves(found: Found) -> None:
    """Assert that each rule crosses in every band, hidden by the split, and not jointly."""
    for name in STARS:
        mine = [row for row in found if row[0] == name]
        assert {row[6] for row in mine} == {1, 2}, f"{name}: not every band"
        by_vantage = [{row[3] for row in mine if row[2] == vantage} for vantage in range(5)]
        solo = set.union(*by_vantage[:4])
        assert by_vantage[4] - solo, f"{name}: nothing hidden by the split"
        assert solo - by_vantage[4], f"{name}: nothing that is not raised jointly"


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    rows=graphs(),
    size=st.integers(1, 300),
    order=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=50),
)
def test_kernels_and_definitions_cross_alike(rows: Rows, size: int, order: list[int]) -> None:
    defined = by_definition(rows)
    proves(defined)
    assert by_kernel(rows, size, order) == defined


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(rows=graphs(most=150), every=st.integers(1, 5), size=st.integers(20, 200))
def test_a_host_restored_from_kept_batches_goes_on_as_if_nothing_happened(
    rows: Rows, every: int, size: int
) -> None:
    whole = by_kernel(rows)
    proves(whole)
    variants = merge(rows, 1 << 62, 5 * SECOND, Closed()).ready
    bucket = GROUPS["graph"] * BUCKETS
    host, kept, found = RuleHost(bucket, NUMBERS), list[Kept](), Found()
    batches, marks = arrivals(variants, None, size, 0)
    for step, (batch, mark) in enumerate(zip(batches, marks, strict=True)):
        for place, payload in route(batch, GRAPH):
            assert place == bucket
            kept += host.add(payload)
        last = step == len(batches) - 1
        found += tuples(host.advance(1 << 62 if last else mark))
        kept = [one for one in kept if not host.expired(one.meta)]
        if step % every == 0 and not last:  # the process is lost here
            up_to, host = host.processed_up_to, RuleHost(bucket, NUMBERS)
            host.restore([one.payload for one in kept], up_to)
    assert sorted(row for row in found if row[0] in STARS) == whole


def test_what_the_memory_has_left_behind_is_let_go_and_nothing_else() -> None:
    host = RuleHost(GROUPS["graph"] * BUCKETS)
    market = Market()
    market.pay(MONDAY, 1, 1, 2, 1)
    market.pay(MONDAY + LOOKS_BACK_US, 1, 3, 4, 1)
    kept = []
    for row in merge(market.rows(), 1 << 62, 0, Closed()).ready:
        for _, payload in route(np.array([row]), GRAPH):
            kept += host.add(payload)
    host.advance(MONDAY + LOOKS_BACK_US - 1)
    assert [host.expired(one.meta) for one in kept] == [False, False]
    host.advance(MONDAY + LOOKS_BACK_US)
    assert [host.expired(one.meta) for one in kept] == [True, False]


def test_a_transfer_to_oneself_or_to_nobody_is_not_kept() -> None:
    market = Market()
    market.pay(MONDAY, 1, 1, 1, 1)
    market.pay(MONDAY, 1, 1, 0, 1)
    market.pay(MONDAY, 1, 0, 1, 1)
    host = RuleHost(GROUPS["graph"] * BUCKETS)
    rows = merge(market.rows(), 1 << 62, 0, Closed()).ready
    assert [host.add(payload) for _, payload in route(rows, GRAPH)] == [()]


def entries_of(rows: Rows) -> np.ndarray[Any, Any]:
    from pipelines.lanes.entry import ENTRY

    ((_, payload),) = route(merge(rows, 1 << 62, 0, Closed()).ready, GRAPH)
    entries = np.frombuffer(payload, ENTRY)
    return entries[np.lexsort((entries["key"], entries["event_time"]))]


def test_degrees_and_lists_are_those_of_the_last_90_days_after_months_of_growth() -> None:
    """Arrays are outgrown and compacted several times; the graph is compared with a plain one."""
    rng = np.random.default_rng(5)
    market = Market()
    for day in range(240):
        for n in range(9):
            payer, payee = (int(one) for one in rng.integers(1, 20 + day // 4, 2))
            time = MONDAY + day * DAY + n * 60 * SECOND
            market.pay(time, 1, payer, payee, 1, person=payer % 7 == 0)
            if n % 3 == 0:  # again on the day, or on a later one
                market.pay(time + n // 6 * 20 * DAY, 1, payer, payee, 1, person=payer % 7 == 0)
    entries = entries_of(market.rows())
    state = GraphState([load_rules()["fan_in"]], parameters_on())
    edges: list[tuple[int, int, int]] = []
    once: dict[tuple[int, int], bool] = {}
    last: dict[tuple[int, int], int] = {}
    for first in range(0, len(entries), 400):
        some = entries[first : first + 400]
        state.run(some)
        for entry in some:
            day = (int(entry["event_time"]) + 8 * HOUR) // DAY_US
            pair = (int(entry["subject"]), int(entry["other"]))
            if pair[0] != pair[1] and last.get(pair, -1000) <= day - 90:
                edges.append((*pair, day))
                once[pair] = not entry["role"] & ROLE_PAYER_PERSON
            elif pair[0] != pair[1]:
                once[pair] &= day == last[pair]
            if pair[0] != pair[1]:
                last[pair] = day
        edges = [edge for edge in edges if edge[2] > day - 90]
        assert_same(state.graphs[4], edges)
        assert_one_off(state.graphs[4], [once[edge[:2]] for edge in edges])
    assert len(state.graphs[4].edges) < len(entries)


def assert_same(g: Any, edges: list[tuple[int, int, int]]) -> None:
    living = g.edges[g.used[TAIL] : g.used[EDGES]]
    ids = g.party["id"]
    names = zip(ids[living["payer"]], ids[living["payee"]], living["day"], strict=True)
    assert [tuple(map(int, one)) for one in names] == edges
    previous_of = {side: living[side].tolist() for side in ("prev_out", "prev_in")}
    tail = int(g.used[TAIL])
    for slot in range(g.used[0]):
        party = g.party[slot]
        for newest, previous, degree, side, run in (
            (party["last_out"], "prev_out", party["out"], 0, "run_out"),
            (party["last_in"], "prev_in", party["into"], 1, "run_in"),
        ):
            walked = []
            at = int(newest)
            while at >= tail:
                walked.append(at - tail)
                at = previous_of[previous][at - tail]
            mine = [n for n, edge in enumerate(edges) if edge[side] == party["id"]]
            assert walked == mine[::-1]
            assert degree == len(mine)
            legs = [(edges[n][2], edges[n][1 - side]) for n in mine[::-1]]
            assert laid(g, int(party[run]))[: len(mine)] == legs
    for row, side in ((0, "out"), (1, "into")):
        end = "payer" if row == 0 else "payee"
        degrees = g.party[side][living[end]]
        counted = np.bincount(degrees, minlength=17)[:17]
        assert g.quiet[row][1:].tolist() == counted[1:].tolist()


def assert_one_off(g: Any, once: list[bool]) -> None:
    """Which edges are one-off, how many a payer has, and how many there are by its degree."""
    living = g.edges[g.used[TAIL] : g.used[EDGES]]
    assert living["one_off"].tolist() == once
    assert len(set(once)) == 2
    mine = living["payer"][np.array(once)]
    assert g.party["once"][: g.used[0]].tolist() == np.bincount(mine, minlength=g.used[0]).tolist()
    counted = np.bincount(g.party["out"][mine], minlength=17)[:17]
    assert g.quiet[ONCE][1:].tolist() == counted[1:].tolist()
    assert g.used[CUSTOM] == np.count_nonzero(living["role"] & ROLE_PAYER_PERSON) > 0


def laid(g: Any, place: int) -> list[tuple[int, int]]:
    """Day and other party of the legs that lie side by side, the newest first."""
    legs = []
    while place >= 0:
        leg = g.legs[place]
        if g.days[place] == LINK:
            place = int(leg["party"])
        else:
            legs.append((int(g.days[place]), int(g.party["id"][leg["party"]])))
            place -= 1
    return legs


def test_logarithms_are_whole_numbers_far_from_being_rounded_otherwise() -> None:
    exact = [1000 * log10(n) for n in range(1, len(MILLI_LOG10))]
    assert MILLI_LOG10[1:].tolist() == [round(one) for one in exact]
    assert min(abs(one % 1 - 0.5) for one in exact) > 1e-6


def test_an_alert_of_a_growing_star_is_one() -> None:
    from pipelines.episodes.episodes import episodes

    found = run_plain(*arrivals(stars().rows(), None, 1 << 30, SLACK), NUMBERS)
    alerts = episodes(found, load_rules(), "SIMULATED", _known())
    of = [row for row in alerts.to_pylist() if row["rule"] in STARS]
    subjects = [(row["rule"], row["subject"]) for row in of]
    assert len(set(subjects)) == len(subjects)
    (big,) = [row for row in of if row["subject"] == 22]
    assert (len(big["evidence"]), big["peak_measure"], big["peak_band"]) == (9, 9, 2)


def _known() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 6, 1, tzinfo=UTC)


def test_no_rule_of_the_graph_looks_further_back_than_edges_live() -> None:
    windows = {
        (rule.name, name): parameter.default
        for rule in GRAPH
        for name, parameter in rule.parameters.items()
        if name.endswith("_days") and "window" in name
    }
    assert {rule for rule, _ in windows} >= set(STARS)
    assert all(days <= 90 for days in windows.values())


@cache
def crossings() -> Found:
    return by_kernel(stars().rows())


def test_the_market_of_stars_crosses_in_every_way() -> None:
    proves(crossings())
