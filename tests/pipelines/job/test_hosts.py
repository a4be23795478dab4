"""The Flink-free part of the job: whatever is interrupted wherever, the crossings are the same."""

from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.job.hosts import PairHost, RulesHost
from pipelines.job.outputs import CROSSINGS, Outputs, line, parse
from pipelines.job.retained import MemoryStore
from pipelines.job.segments import Message, split
from pipelines.lanes.stream import run_plain
from tests.pipelines.job import market

WAIT = 5 * market.SECOND
LANES, BUCKETS = 3, 2
ORDER = [
    (name, "ascending")
    for name in ("rule", "variant", "subject", "instant", "vantage", "measure", "band")
]


@cache
def small_market() -> tuple[np.ndarray, np.ndarray]:
    return market.reports(4_000, days=14)


@cache
def expected() -> pa.Table:
    rows, received = small_market()
    parts = list(market.segments(rows, received, 9))
    table = run_plain([part for part, _ in parts], [mark - market.SLACK for _, mark in parts])
    return table.sort_by(ORDER)


class Stages:
    """Both stages over stores that survive; `crash` loses everything else."""

    def __init__(self) -> None:
        self.pair_stores = [(MemoryStore(), MemoryStore()) for _ in range(BUCKETS)]
        self.rule_stores = [MemoryStore() for _ in range(LANES)]
        self.done: int | None = None
        self.lines: list[str] = []
        self.counters: Counter[str] = Counter()
        self.crash()

    def crash(self) -> None:
        self.pairs = [PairHost(*stores, WAIT, LANES, self.done) for stores in self.pair_stores]
        self.rules = [RulesHost(store, None, WAIT, self.done) for store in self.rule_stores]

    def feed(self, message: Message, watermark: int | None) -> None:
        for bucket, host in enumerate(self.pairs):
            rows = message.rows[message.rows["key"] % BUCKETS == bucket]
            if len(rows):
                self.counters["behind"] += host.add(rows.tobytes())
        if watermark is not None:
            self.advance(watermark)

    def advance(self, watermark: int) -> None:
        for host in self.pairs:
            for upto in host.steps(watermark):
                step = host.advance(upto)
                for lane, payload in step.messages:
                    self.rules[lane].add(payload)
                self.counters.update(step.counters)
        for host in self.rules:
            self.lines += [line(CROSSINGS, found) for found in host.advance(watermark)]
            self.counters.update(host.counters())
        self.done = watermark

    def outputs(self) -> Outputs:
        return parse(self.lines)

    def crossings(self) -> pa.Table:
        return self.outputs().crossings.sort_by(ORDER)


def run(
    stages: Stages, count: int, batch_rows: int, crash_every: int = 0, shuffle: int | None = None
) -> None:
    rows, received = small_market()
    fed = 0
    for part, mark in market.segments(rows, received, count, shuffle):
        for message in split(Message(mark, part), batch_rows):
            moves = message.watermark_us > market.SLACK
            stages.feed(message, message.watermark_us - market.SLACK if moves else None)
            fed += 1
            if crash_every and fed % crash_every == 0:
                stages.crash()
    stages.advance(1 << 61)


def test_the_market_holds_what_the_tests_are_about() -> None:
    found = {
        (row["rule"], row["variant"], row["vantage"], row["band"])
        for row in expected().select(["rule", "variant", "vantage", "band"]).to_pylist()
    }
    assert {band for rule, _, _, band in found if rule == "structuring"} == {1, 2, 3}
    assert {variant for _, variant, _, _ in found} >= {"same_pair", "same_customer", "pass_through"}
    assert {vantage for _, _, vantage, _ in found} == {0, 1, 2, 3, 4}
    solo = set(zip(*(expected().filter(pc.field("vantage") < 4)[name].to_pylist()
                     for name in ("rule", "subject")), strict=True))  # fmt: skip
    joint = set(zip(*(expected().filter(pc.field("vantage") == 4)[name].to_pylist()
                      for name in ("rule", "subject")), strict=True))  # fmt: skip
    assert joint - solo, "no subject is seen jointly only"


@pytest.mark.parametrize(("count", "batch_rows"), [(1, 10**6), (9, 100), (60, 5_000), (200, 7)])
def test_batching_changes_nothing(count: int, batch_rows: int) -> None:
    stages = Stages()
    run(stages, count, batch_rows)
    assert stages.crossings().equals(expected())
    assert stages.counters["reports"] == len(small_market()[0])
    assert stages.counters["behind"] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_arrival_within_the_slack_changes_nothing(seed: int) -> None:
    stages = Stages()
    run(stages, 40, 5_000, shuffle=seed)
    assert stages.crossings().equals(expected())
    assert stages.counters["behind"] == 0


@pytest.mark.parametrize("crash_every", [1, 4, 23])
def test_hosts_made_again_from_their_stores_go_on_where_the_old_ones_stood(
    crash_every: int,
) -> None:
    stages = Stages()
    run(stages, 60, 300, crash_every=crash_every)
    assert stages.crossings().equals(expected())


def test_reports_are_forgotten_once_nothing_needs_them() -> None:
    stages = Stages()
    run(stages, 60, 5_000)
    assert [len(rows) for rows, _ in stages.pair_stores] == [0] * BUCKETS
    kept = sum(len(batch) for store in stages.rule_stores for batch in store.values())
    rows, _ = small_market()
    assert kept < 0.7 * rows.nbytes


def test_reports_behind_the_watermark_are_counted_and_take_no_part() -> None:
    stages = Stages()
    rows, _ = small_market()
    stages.advance(int(rows["event_time"][2_000]))
    early = rows[rows["event_time"] <= rows["event_time"][2_000]]
    stages.feed(Message(0, rows), 1 << 61)
    assert stages.counters["behind"] == len(early)
    assert stages.counters["reports"] + stages.counters["behind"] == len(rows)
    later = set(rows[rows["event_time"] > rows["event_time"][2_000]]["key"].tolist())
    gone = set(early["key"].tolist()) - later  # a transaction may have a leg on either side
    assert set(_evidence(stages.crossings())).isdisjoint(gone)


def test_variants_behind_what_the_rules_judged_are_counted() -> None:
    stages = Stages()
    rows, _ = small_market()
    stages.feed(Message(0, rows), None)
    for host in stages.rules:
        host.advance(1 << 61)  # ahead of the stage before it
    stages.advance(1 << 61)
    assert stages.counters["behind"] > 0


@pytest.mark.parametrize("crash_every", [0, 5])
def test_every_report_and_every_transaction_is_counted_once(crash_every: int) -> None:
    stages = Stages()
    run(stages, 20, 500, crash_every=crash_every)
    rows, _ = small_market()
    assert stages.counters["reports"] == len(rows)
    assert stages.counters["transactions"] == len(np.unique(rows["key"]))


def test_a_watermark_that_leaps_past_the_memory_of_pairs_changes_nothing() -> None:
    stages = Stages()
    rows, _ = small_market()
    third = len(rows) // 3
    stages.feed(Message(0, rows[:third]), int(rows["event_time"][third - 1]) - market.SLACK)
    stages.crash()
    stages.feed(Message(0, rows[third:]), 1 << 61)
    assert stages.crossings().equals(expected())
    assert stages.counters["transactions"] == len(np.unique(rows["key"]))


def _evidence(crossings: pa.Table) -> Iterator[int]:
    for keys in crossings["evidence"].to_pylist():
        yield from keys
