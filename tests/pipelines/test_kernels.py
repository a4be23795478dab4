"""Every stream rule's kernel gives what its definition in SQL says, however rows arrive."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.lanes.entry import BUCKETS, ENTRY, GROUPS
from pipelines.lanes.host import Kept, RuleHost
from pipelines.lanes.routing import route
from pipelines.lanes.stream import run_plain
from pipelines.pairing.pairing import Closed, merge
from pipelines.rules.registry import parameters_on
from tests.pipelines.streams import (
    DAY,
    HOUR,
    MONDAY,
    SECOND,
    Market,
    Rows,
    arrivals,
    by_definition,
    controlled,
    every_kind,
    proves,
    streams,
    tuples,
)

SLACK = 600 * SECOND
VARIANTS = (
    ("structuring", "same_pair"),
    ("structuring", "same_customer"),
    ("structuring", "same_controller"),
    ("pass_through", "pass_through"),
    ("pass_through", "pass_through_group"),
    ("large_value", "over_institutions"),
    ("large_value", "over_institutions_group"),
    ("public_to_private", "public_to_private"),
    ("public_to_private", "public_to_private_group"),
)


@settings(max_examples=25, deadline=None)
@given(rows=streams(), order=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=50))
def test_kernels_and_definitions_cross_alike(rows: Rows, order: list[int]) -> None:
    defined = tuples(by_definition(rows))
    for rule, variant in VARIANTS:
        proves(defined, rule, variant)
    assert tuples(run_plain(*arrivals(rows, order, 7, SLACK))) == defined


@settings(max_examples=15, deadline=None)
@given(
    rows=streams(), size=st.integers(1, 200), order=st.lists(st.integers(0, 1 << 40), min_size=1)
)
def test_crossings_do_not_depend_on_batches_or_order_of_arrival(
    rows: Rows, size: int, order: list[int]
) -> None:
    once = run_plain([rows], [MONDAY - 1])
    for rule, variant in VARIANTS:
        proves(tuples(once), rule, variant)
    assert run_plain(*arrivals(rows, order, size, SLACK)).equals(once)


@settings(max_examples=15, deadline=None)
@given(rows=streams(), every=st.integers(1, 9))
def test_a_host_restored_from_kept_batches_goes_on_as_if_nothing_happened(
    rows: Rows, every: int
) -> None:
    whole = tuples(run_plain([rows], [MONDAY - 1]))
    variants = merge(rows, 1 << 62, 5 * SECOND, Closed()).ready
    hosts: dict[int, RuleHost] = {}
    kept: dict[int, list[Kept]] = {}
    found = []
    dropped = 0
    batches, marks = arrivals(variants, None, 8, 0)
    for step, (batch, mark) in enumerate(zip(batches, marks, strict=True)):
        last = step == len(batches) - 1
        for bucket, payload in route(batch):
            host = hosts.setdefault(bucket, RuleHost(bucket))
            kept.setdefault(bucket, []).extend(host.add(payload))
        for bucket, host in hosts.items():
            found += tuples_of(host, 1 << 62 if last else mark)
            kept[bucket].extend(host.remembered())
            before = len(kept[bucket])
            kept[bucket] = [one for one in kept[bucket] if not host.expired(one.meta)]
            dropped += before - len(kept[bucket])
            if step % every == 0 and not last:  # the process is lost here
                hosts[bucket] = RuleHost(bucket)
                hosts[bucket].restore([one.payload for one in kept[bucket]], host.processed_up_to)
    assert sorted(found) == whole
    assert dropped or rows["event_time"].max() < MONDAY + 5 * DAY


def tuples_of(host: RuleHost, watermark: int) -> list[tuple[object, ...]]:
    return tuples(host.advance(watermark))


def test_a_party_known_by_name_only_takes_no_part() -> None:
    market = Market()
    for n in range(4):
        market.pay(MONDAY + n * HOUR, 45_000_000, 0, 9, 1)
    assert run_plain([market.rows()], [MONDAY]).num_rows == 0


def test_only_event_codes_a_rule_reads_are_routed() -> None:
    market = Market()
    market.pay(MONDAY, 5, 1, 2, 1)
    market.leg(3, MONDAY, 5, 1, 2, 1, event_code=6)  # DISC
    variants = merge(market.rows(), 1 << 62, 0, Closed()).ready
    routed = route(variants)
    first, graph = (GROUPS[group] * BUCKETS for group in ("party", "graph"))
    assert [bucket for bucket, _ in routed] == [first + 1, first + 2, graph]
    assert {len(payload) for _, payload in routed} == {ENTRY.itemsize}


def test_a_region_never_crosses_on_what_only_another_leg_knows() -> None:
    """Shanghai's legs lack the payee: its pair never crosses, its customer does."""
    market = Market()
    for n in range(3):
        market.leg(10 + n, MONDAY + n * HOUR, 45_000_000, 1, 0, 1, flags=1)
        market.leg(10 + n, MONDAY + n * HOUR, 45_000_000, 1, 2, 2, flags=1)
    found = tuples(run_plain([market.rows()], [MONDAY]))
    raised = {variant: {row[2] for row in found if row[1] == variant} for _, variant in VARIANTS}
    assert raised["same_pair"] == {1, 4}
    assert raised["same_customer"] == {0, 1, 4}


def test_legs_that_disagree_give_different_solo_measures() -> None:
    market = Market()
    for n in range(3):
        market.leg(10 + n, MONDAY + n * HOUR, 45_000_000, 1, 2, 1, flags=1)
        market.leg(10 + n, MONDAY + n * HOUR, 46_000_000, 1, 2, 2, flags=1)
    found = tuples(run_plain([market.rows()], [MONDAY]))
    measures = {row[2]: row[5] for row in found if row[1] == "same_pair"}
    assert measures == {0: 135_000_000, 1: 138_000_000, 4: 135_000_000}


def test_a_busy_subject_is_cut_in_evidence_and_not_in_sums() -> None:
    market = Market()
    for n in range(40):
        market.pay(MONDAY + n * SECOND, 45_000_000, 1, 2, 1)
    few = parameters_on().changed("structuring", evidence_limit=5)
    found = tuples(run_plain([market.rows()], [MONDAY], few))
    last = max(found, key=lambda row: (row[4], row[2], row[1]))
    assert (last[5], len(last[7])) == (40 * 45_000_000, 5)
    assert tuples(by_definition(market.rows(), few)) == found


@pytest.mark.parametrize("many", [3_000])
def test_state_grows_and_is_let_go_without_changing_a_crossing(many: int) -> None:
    """Thousands of subjects in one bucket over months: rings, tables and slots are rebuilt."""
    rng = np.random.default_rng(3)
    market = every_kind(MONDAY, 0)
    for _ in range(many):
        subject = int(rng.integers(1, 200)) * BUCKETS + 7
        day = int(rng.integers(0, 90))
        market.pay(
            MONDAY + day * DAY + int(rng.integers(0, DAY)),
            int(rng.choice([45_000_000, 48_000_000, 190_000_000])),
            subject,
            int(rng.integers(1, 12)) * BUCKETS + 7,
            int(rng.choice([1, 2, 4, 8])),
            person=bool(rng.integers(0, 2)),
        )
    rows = controlled(market.rows())
    defined = tuples(by_definition(rows))
    for rule, variant in VARIANTS:
        proves(defined, rule, variant)
    assert tuples(run_plain(*arrivals(rows, None, 50, SLACK))) == defined
