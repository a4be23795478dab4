"""Dormant accounts: kernel and definition alike; a memory that survives restarts, and small."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ledger import duck
from pipelines.job.hosts import RulesHost, pack
from pipelines.job.retained import MemoryStore
from pipelines.lanes.definitions import run_definition
from pipelines.lanes.entry import ENTRY
from pipelines.lanes.routing import route
from pipelines.lanes.stream import run_plain
from pipelines.pairing.pairing import Closed, merge
from pipelines.rules.examples import agent
from pipelines.rules.registry import load_rules, parameters_on
from schemas.narrow import FLAG_PAYER_PERSON
from tests.pipelines.streams import (
    AH,
    DAY,
    HOUR,
    JS,
    MONDAY,
    SECOND,
    SH,
    YUAN,
    ZJ,
    Market,
    Rows,
    arrivals,
    define_tx,
    tuples,
)

RULE = load_rules()["dormant_wake"]
QUIET = 4  # days without a use; markets here span a month
AGREED = parameters_on().changed("dormant_wake", dormant_days=QUIET, window_days=3)
SLACK = 600 * SECOND
HOMES = {name: agent(name) for name in ("1-SH", "2-JS", "3-OUT")}


def by_kernel(rows: Rows, *, size: int = 0, order: list[int] | None = None) -> list[Any]:
    batches = arrivals(rows, order, size, SLACK) if size else ([rows], [MONDAY - 90 * DAY])
    found = run_plain(*batches, AGREED)
    return [row for row in tuples(found) if row[0] == RULE.name]


def by_definition(rows: Rows) -> list[Any]:
    with duck.memory() as connection:
        define_tx(connection, rows)
        return tuples(run_definition(connection, RULE, AGREED.of(RULE)))


def woken(start: int) -> Market:
    """Every band, both variants, hidden by split, and not raised jointly."""
    market = Market()

    def use(day: int, yuan: int, party: int, mask: int, bank: str, account: int = 0) -> None:
        market.pay(
            start + day * DAY, yuan * YUAN, party, 90, mask,
            payer_account=account or 1_000 + party, payer_agent=HOMES[bank],
        )  # fmt: skip

    for party, yuan in ((1, 400_000), (2, 1_000_000), (3, 2_500_000)):
        use(0, 10, party, SH, "1-SH")
        use(QUIET, yuan, party, SH, "1-SH")
    for day, yuan in ((0, 10), (QUIET, 250_000)):  # both wake, each with half
        use(day, yuan, 4, SH, "1-SH", 2_001)
        use(day, yuan, 4, JS, "2-JS", 2_002)
    use(0, 10, 5, SH, "1-SH", 3_001)  # unused in Shanghai, used in Jiangsu
    use(2, 10, 5, JS, "2-JS", 3_002)
    use(QUIET, 450_000, 5, SH, "1-SH", 3_001)
    return market


USE = st.tuples(
    st.integers(0, 30 * 24).map(lambda hours: hours * HOUR),
    st.sampled_from([0, 0, 1, HOUR - 1]),
    st.sampled_from([0, 1, 250_000 * YUAN, 400_000 * YUAN - 1, 400_000 * YUAN, 1_600_000 * YUAN]),
    st.sampled_from([11, 12, 13]),  # payer
    st.sampled_from([0, 11, 12]),  # payee
    st.sampled_from([SH, JS, ZJ | AH, SH | JS]),
    st.sampled_from([0, JS]),  # a second leg that says less
    st.sampled_from(sorted(HOMES)),
    st.sampled_from(sorted(HOMES)),
    st.booleans(),
)


@st.composite
def uses(draw: st.DrawFn) -> Rows:
    market = woken(MONDAY + draw(st.integers(0, 23)) * HOUR)
    for hours, extra, amount, payer, payee, mask, second, one, two, person in draw(
        st.lists(USE, max_size=60)
    ):
        stated = {
            "payer_account": 100 + payer * 10 + HOMES[one] % 3,
            "payee_account": 100 + payee * 10 + HOMES[two] % 3,
            "payer_agent": HOMES[one],
            "payee_agent": HOMES[two],
            "flags": FLAG_PAYER_PERSON * person,
        }
        time = MONDAY + hours + extra
        key = market.pay(time, amount, payer, payee, mask, **stated)
        if second:
            stated["payer_agent"] = 0
            market.leg(key, time, amount, payer, payee, second, **stated)
    return market.rows()


def proven(found: list[Any]) -> None:
    assert {row[6] for row in found} == {1, 2, 3}
    joint = {(row[1], row[3]) for row in found if row[2] == 4}
    solo = {(row[1], row[3]) for row in found if row[2] < 4}
    assert ("customer", 4) in joint - solo  # hidden by the split
    assert ("customer", 5) in solo - joint  # used elsewhere meanwhile


@settings(max_examples=25, deadline=None)
@given(rows=uses(), size=st.integers(3, 40), order=st.lists(st.integers(0, 1 << 40), min_size=1))
def test_kernel_and_definition_cross_alike_in_any_batches(
    rows: Rows, size: int, order: list[int]
) -> None:
    defined = by_definition(rows)
    proven(defined)
    assert by_kernel(rows) == defined
    assert by_kernel(rows, size=size, order=order) == defined


def advanced(host: RulesHost, watermark: int) -> list[Any]:
    parts = [pa.ipc.open_stream(part).read_all() for part in host.advance(watermark)]
    rows = tuples(pa.concat_tables(parts)) if parts else []
    return [row for row in rows if row[0] == RULE.name]


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(rows=uses(), every=st.integers(1, 9))
def test_a_lane_that_is_lost_goes_on_from_what_it_wrote_down(rows: Rows, every: int) -> None:
    variants = merge(rows, 1 << 62, 5 * SECOND, Closed()).ready
    store = MemoryStore()
    host = RulesHost(store, AGREED, 0, None)
    found = []
    batches, marks = arrivals(variants, None, 6, 0)
    for step, (batch, mark) in enumerate(zip(batches, marks, strict=True)):
        host.add(pack(route(batch)))
        found += advanced(host, mark)
        if step % every == 0:
            host = RulesHost(store, AGREED, 0, mark)
    found += advanced(host, 1 << 61)
    assert sorted(found) == by_definition(rows)


def test_what_is_kept_of_a_quiet_year_does_not_grow() -> None:
    """A hundred accounts, used weekly for a year: what is retained is theirs, not their uses'."""
    market = Market()
    for week in range(52):
        for party in range(1, 101):
            market.pay(
                MONDAY + (week - 45) * 7 * DAY + party * SECOND, 5, party, 900, SH,
                payer_account=10_000 + party, payer_agent=HOMES["1-SH"],
            )  # fmt: skip
    variants = merge(market.rows(), 1 << 62, 0, Closed()).ready
    store, sizes, written = MemoryStore(), [], []
    host = RulesHost(store, AGREED, 0, None)
    for batch, mark in zip(*arrivals(variants, None, 100, 0), strict=True):
        host.add(pack(route(batch)))
        host.advance(mark)
        sizes.append(sum(map(len, store.values())))
        written.append(sum(len(batch) for place, batch in store.items() if place < 0))
    assert max(sizes[30:]) == max(sizes[5:30])
    # a last use each, and as they wake every week: sums on five vantages and a transfer
    subjects, heads = 2 * 100, 64 * 40
    assert subjects * ENTRY.itemsize < max(written) <= 7 * subjects * ENTRY.itemsize + heads


@pytest.mark.parametrize("days", [QUIET, 3 * QUIET])
def test_thousands_of_wakes_are_let_go_without_changing_a_crossing(days: int) -> None:
    rng = np.random.default_rng(days)
    market = woken(MONDAY)
    for _ in range(6_000):
        party = int(rng.integers(10, 400))
        market.pay(
            MONDAY + int(rng.integers(0, 60 * DAY)) // SECOND * SECOND,
            int(rng.choice([5, 210_000 * YUAN, 1_650_000 * YUAN])),
            party,
            int(rng.integers(1, 9)),
            SH,
            payer_account=5_000 + party,
            payer_agent=HOMES["1-SH"],
            person=bool(rng.integers(0, 2)),
        )
    rows = market.rows()
    assert by_kernel(rows, size=500) == by_definition(rows)
