"""Withdrawn orders in the stream: beside payments, a day behind, looked at again where late."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ledger import duck
from ledger.duck import Connection
from pipelines.episodes.episodes import episodes
from pipelines.lanes.definitions import run_definition
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.stream import run_plain
from pipelines.rules.registry import load_rules, parameters_on
from schemas.contracts import CONTRACT_CLASSES
from schemas.narrow import (
    CLASS_MASK,
    CLASS_SHIFT,
    EVENT_CODES,
    FLAG_CANCELLED,
    FLAG_HEDGE,
    FLAG_IMMEDIATE,
    MOST_LOTS,
    ORDER_DELAY_US,
    order_size,
)
from tests.pipelines.job.test_hosts import Stages
from tests.pipelines.known import closed_days, ledger_of
from tests.pipelines.streams import (
    AH,
    DAY,
    HOUR,
    JS,
    MONDAY,
    SECOND,
    SH,
    ZJ,
    Rows,
    define_tx,
    every_kind,
    narrow,
    tuples,
)
from yrd.processes.concluding import conclusions

RULE = load_rules()["cancel_ratio"]
SLACK = 600 * SECOND
FEW = parameters_on().changed(
    "cancel_ratio", frequent_times=4, frequent_times_index=3, large_times_shfe=2, large_times_dce=2,
    large_times_czce=2, large_times_cffex=2, evidence_limit=9,
)  # fmt: skip
CLASS_OF = {61: 1, 62: 6, 63: 3}  # contract -> class; 64 is none the register knows
GROUP = 91


@dataclass
class Book:
    """Withdrawn orders, added one by one; a trading day begins at 20:00 Beijing, noon UTC."""

    legs: list[dict[str, int]] = field(default_factory=list)

    def cancel(
        self,
        time: int,
        client: int,
        account: int,
        mask: int,
        *,
        contract: int = 61,
        lots: int = 300,
        terms: int = 0,
        group: int = 0,
        **more: int,
    ) -> None:
        number = len(self.legs)
        flags = FLAG_CANCELLED | terms | CLASS_OF.get(contract, 0) << CLASS_SHIFT
        row = {
            "key": 31_000_000 + number * 89,
            "report": 500_000 + number,
            "event_time": time,
            "payer_party": client,
            "payer_account": account,
            "payer_group": group,
            "instrument": contract,
            "range_start": int(order_size(np.array([lots]), np.array([500]))[0]),
            "mask": mask,
            "flags": flags,
            "event_code": EVENT_CODES["EXEC"],
            "business_ordinal": (time + DAY // 2) // DAY,
        }
        self.legs.append(row | more)

    def rows(self) -> Rows:
        return narrow(self.legs)


def every_level(book: Book, start: int) -> None:
    """Crossings of every variant and band, some hidden by split, some not raised jointly."""
    for n in range(8):
        book.cancel(start + n * SECOND, 11, 21, SH)
        book.cancel(start + n * SECOND, 12, 22 + n % 2, (SH, JS)[n % 2], lots=5 + 300 * (n > 4))
        book.cancel(start + n * SECOND, 13 + n % 2, 31 + n % 2, (ZJ, AH)[n % 2], group=GROUP)
        book.cancel(start + n * SECOND, 15, 41 + n % 2, SH, lots=1)
        book.cancel(start - HOUR // 2 + n * SECOND, 15, 41, JS, lots=1)


CANCEL = st.tuples(
    st.integers(0, 3 * DAY // HOUR).map(lambda hours: hours * HOUR),
    st.sampled_from([0, 0, 1, SECOND, HOUR - 1]),
    st.sampled_from([0, 1, 2]),  # client
    st.sampled_from([0, 1, 2]),  # account
    st.sampled_from([61, 61, 62, 63, 64]),
    st.sampled_from([1, 299, 300, 400, 401, 500]),
    st.sampled_from([0, 0, 0, 0, FLAG_HEDGE, FLAG_IMMEDIATE]),
    st.sampled_from([0, GROUP]),
    st.sampled_from([SH, JS, ZJ, SH | JS, 0]),
    st.booleans(),  # sent again by the same submitter
)


@st.composite
def books(draw: st.DrawFn) -> Rows:
    book = Book()
    every_level(book, MONDAY + draw(st.integers(0, 6)) * HOUR)
    for hours, extra, client, account, contract, lots, terms, group, mask, again in draw(
        st.lists(CANCEL, max_size=80)
    ):
        where = {"contract": contract, "lots": lots, "terms": terms, "group": group}
        book.cancel(MONDAY + hours + extra, client, account, mask, **where)
        if again:
            book.legs.append(book.legs[-1] | {"report": 700_000 + len(book.legs)})
    return book.rows()


def in_order_of_receipt(
    rows: Rows, delays: list[int], size: int
) -> tuple[list[Rows], list[int], npt.NDArray[np.int64]]:
    """Batches and watermarks: payments come at once, orders up to a day and the slack later."""
    orders = rows["flags"] & FLAG_CANCELLED != 0
    delay = np.resize(np.asarray(delays, np.int64), len(rows)) % (ORDER_DELAY_US + 1)
    received = rows["event_time"] + np.where(orders, delay, 0)
    rows = rows[np.argsort(received, kind="stable")]
    received = np.sort(received)
    batches = [rows[at : at + size] for at in range(0, len(rows), size)]
    newest = [int(received[min(at + size, len(rows)) - 1]) for at in range(0, len(rows), size)]
    return batches, [one - SLACK - 1 for one in newest], received


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    orders=books(),
    delays=st.lists(st.integers(0, ORDER_DELAY_US), min_size=1, max_size=40),
    size=st.integers(1, 90),
)
def test_kernel_and_definition_agree_beside_payments_however_late_orders_come(
    orders: Rows, delays: list[int], size: int
) -> None:
    rows = np.concatenate([every_kind(MONDAY + HOUR, 0).rows(), orders])
    with duck.memory() as connection:
        define_tx(connection, rows)
        mine = tuples(run_definition(connection, RULE, FEW.of(RULE)))
    assert {row[1] for row in mine} == {variant.name for variant in RULE.variants}
    assert {row[6] for row in mine} == {1, 2}
    hidden = {row[3] for row in mine if row[2] == 4} - {row[3] for row in mine if row[2] < 4}
    alone = {(row[1], row[3]) for row in mine if row[2] < 4}
    assert hidden
    assert alone - {(row[1], row[3]) for row in mine if row[2] == 4}
    batches, marks, _ = in_order_of_receipt(rows, delays, size)
    found = tuples(run_plain(batches, marks, FEW))
    assert [row for row in found if row[0] == RULE.name] == mine


def test_payments_cross_alike_with_and_without_orders_beside_them() -> None:
    book = Book()
    every_level(book, MONDAY)
    payments = every_kind(MONDAY + HOUR, 0).rows()
    alone = tuples(run_plain([payments], [MONDAY - 1], FEW))
    beside = tuples(run_plain([np.concatenate([payments, book.rows()])], [MONDAY - 1], FEW))
    assert alone == [row for row in beside if row[0] != RULE.name]
    assert len(alone) < len(beside)


def test_a_job_that_is_interrupted_everywhere_says_the_same_of_orders() -> None:
    """With the agreed numbers: fifty large ones over two brokers."""
    book = Book()
    for n in range(54):
        book.cancel(MONDAY + n * 60 * SECOND, 12, 22 + n % 2, (SH, JS)[n % 2])
        book.cancel(MONDAY + n * 60 * SECOND, 11, 21, ZJ)
    rows = np.concatenate([every_kind(MONDAY + HOUR, 0).rows(), book.rows()])
    delays = [*range(0, ORDER_DELAY_US, 7 * HOUR), ORDER_DELAY_US]
    batches, marks, _ = in_order_of_receipt(rows, delays, 40)
    expected = tuples(run_plain([rows], [MONDAY - 1]))
    found = {(row[1], row[2], row[3]) for row in expected if row[0] == RULE.name}
    assert found == {("large_party", 4, 12), ("large_account", 2, 21), ("large_account", 4, 21)}
    stages = Stages()
    for batch, mark in zip(batches, marks, strict=True):
        for bucket, host in enumerate(stages.pairs):
            mine = batch[batch["key"] % len(stages.pairs) == bucket]
            if len(mine):
                stages.counters["behind"] += host.add(mine.tobytes())
        stages.advance(mark)
        stages.crash()
    stages.advance(1 << 61)
    assert tuples(stages.outputs().crossings) == expected
    assert stages.counters["behind"] == 0
    assert stages.counters["reports"] == len(rows)
    paid = len(np.unique(rows["key"][rows["flags"] & FLAG_CANCELLED == 0]))
    assert stages.counters["transactions"] == paid  # nobody waits for an order's other side


def _said(row: Any) -> dict[str, Any]:
    """What an event of the ledger says of a withdrawn order; quantities in hundredths."""
    lots, most = int(row["range_start"]) & MOST_LOTS, int(row["range_start"]) >> 32
    flags = int(row["flags"])
    return {
        "market_segment": "FUTR",
        "order_status": "CNCL",
        "orig_order_id": None if flags & FLAG_IMMEDIATE else "C1",
        "trading_purpose": "HEDG" if flags & FLAG_HEDGE else "SPEC",
        "contract_class": CONTRACT_CLASSES[(flags >> CLASS_SHIFT & CLASS_MASK) - 1],
        "order_quantity": (lots + 7) * 100,
        "cumulative_quantity": 700,
        "max_order_quantity": most * 100,
        "counterparty_1_nature": None,
        "debtor_agent_id": None,
        "creditor_agent_id": None,
    }


@contextmanager
def _concluded(rows: Rows, known: npt.NDArray[np.int64]) -> Iterator[Connection]:
    late = known > rows["event_time"] + DAY
    more = [
        _said(row) | {"is_late": bool(is_late)} for row, is_late in zip(rows, late, strict=True)
    ]
    ledger = ledger_of(rows, known, more=more)
    groups = {(int(row["payer_party"]), int(row["payer_group"])) for row in rows}
    since = pa.scalar(MONDAY - 9 * DAY, pa.int64()).cast(pa.timestamp("us", "UTC")).as_py()
    for party, group in sorted(groups):
        if group:
            entry = {"party": party, "group_id": group, "valid_from": since, "known_from": since}
            ledger.append("controller_group", pa.Table.from_pylist([entry]))
    try:
        yield ledger
    finally:
        ledger.execute("DELETE FROM controller_group")


def test_late_orders_and_groups_are_judged_as_closings_know_them() -> None:
    book = Book()
    for n in range(30):
        for client, account, mask, group in (
            (12, 22, SH, 0), (12, 23, JS, 0), (13, 31, ZJ, GROUP), (14, 32, AH, GROUP),
            (15, 33, SH, 0), (15, 33, SH, 0),
        ):  # fmt: skip
            book.cancel(MONDAY + n * 60 * SECOND, client, account, mask, group=group)
    book.cancel(MONDAY + 9 * DAY, 16, 34, SH)
    rows = book.rows()
    known = rows["event_time"] + 9 * HOUR
    late = (rows["payer_account"] == 23) & (rows["event_time"] > MONDAY + 10 * 60 * SECOND)
    known[late] += 3 * DAY
    closed = closed_days(known)
    stream = run_plain([rows[~late]], [MONDAY - 1])
    with _concluded(rows, known) as ledger:
        found, crossings, _ = conclusions(ledger, stream, closed, "SIMULATED", parameters_on())
        whole = evaluate(ledger, RULE).crossings
    names = ("variant", "vantage", "subject", "instant", "measure", "band", "evidence")
    mine = crossings.filter(pa.array([rule == RULE.name for rule in crossings["rule"].to_pylist()]))
    assert tuples(mine.select(["rule", *names])) == tuples(whole.select(["rule", *names]))
    rows_of = [row for row in found.revisions.to_pylist() if row["rule"] == RULE.name]
    told = {row["subject"]: (row["variant"], row["cause"]) for row in rows_of}
    assert told == {
        12: ("large_party", "LATE"),
        GROUP: ("large_group", "NEW"),
        33: ("large_account", "NEW"),
    }
    for row in rows_of:
        first = row["first_crossing"].timestamp() * 1_000_000
        until = max(one.until_us for one in closed if one.known_at == row["known_from"])
        assert first + ORDER_DELAY_US < until  # complete for orders, not for payments only
    hidden = {row["subject"] for row in found.standing.to_pylist() if row["hidden_by_split"]}
    assert hidden == {12, GROUP}
    again = episodes(whole, load_rules(), "SIMULATED", closed[-1].known_at)
    assert set(again["alert_id"].to_pylist()) == set(found.standing["alert_id"].to_pylist())
