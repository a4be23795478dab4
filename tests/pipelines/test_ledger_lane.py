"""Definitions over the ledger: double financing, and what is not evaluated."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from ledger import duck
from pipelines.lanes.ledger import evaluate, evaluate_lane
from pipelines.rules.registry import load_rules
from schemas.narrow import EVENT_CODES
from tests.pipelines.streams import DAY, HOUR, MONDAY, Market, define_tx, tuples

RULE = load_rules()["invoice_double_financing"]
JOINT = 4
BEIJING_MIDNIGHT = MONDAY - 8 * HOUR


@pytest.fixture
def ledger() -> Iterator[duck.Connection]:
    with duck.memory() as connection:
        yield connection


class Papers:
    """Bill acts and loan statements, each held by the joint vantage and some regions."""

    def __init__(self) -> None:
        self.acts = 0
        self.tx: list[dict[str, Any]] = []
        self.holding: list[dict[str, Any]] = []

    def act(
        self, kind: str, time: int, asset: int, bank: int, *vantages: int, **papers: int
    ) -> int:
        self.acts += 1
        key = 8_000_000 + self.acts
        for vantage in (*vantages, JOINT):
            self.tx.append(
                {
                    "vantage": vantage, "key": key, "event_time": time,
                    "event_code": EVENT_CODES[kind], "asset": asset, "payee_party": bank,
                    "payer_party": 1, "invoice": papers.get("invoice", 0),
                    "contract": papers.get("contract", 0),
                }
            )  # fmt: skip
        return key

    def loan(
        self, asset: int, bank: int, *vantages: int, start: date = date(2026, 1, 14),
        end: date | None = date(2027, 1, 14), stated: int = MONDAY + 10 * DAY, fen: int = 9,
        **papers: int,
    ) -> int:  # fmt: skip
        key = 9_000_000 + len(self.holding)
        for vantage in (*vantages, JOINT):
            self.holding.append(
                {
                    "vantage": vantage, "key": key, "event_time": stated, "amount_fen": fen,
                    "holder_party": bank, "asset": asset, "effective_date": start,
                    "expiration_date": end, "invoice": papers.get("invoice", 0),
                    "contract": papers.get("contract", 0),
                }
            )  # fmt: skip
        return key

    def evaluate(self, connection: duck.Connection) -> list[tuple[Any, ...]]:
        types = {"effective_date": pa.date32(), "expiration_date": pa.date32()}
        # far from everything else, so that both relations have rows
        self.act("DISC", MONDAY, 99, 77, invoice=123_456)
        self.loan(98, 78, invoice=654_321)
        for name, rows in (("tx", self.tx), ("holding", self.holding)):
            schema = pa.schema([(column, types.get(column, pa.int64())) for column in rows[0]])
            connection.register(name, pa.Table.from_pylist(rows, schema=schema))
        evaluation = evaluate(connection, RULE)
        assert evaluation.not_evaluated == ""
        return tuples(evaluation.crossings)


def test_a_bill_and_a_loan_on_one_invoice_at_two_banks_in_two_regions(
    ledger: duck.Connection,
) -> None:
    papers = Papers()
    bill = papers.act("DISC", MONDAY, 1, 50, 0, invoice=700)
    loan = papers.loan(2, 60, 3, invoice=700)
    assert papers.evaluate(ledger) == [
        (
            "invoice_double_financing", "same_invoice", JOINT, 700,
            BEIJING_MIDNIGHT + 2 * DAY, 2, 1, tuple(sorted((bill, loan))),
        )
    ]  # fmt: skip


def test_a_third_institution_is_the_next_band(ledger: duck.Connection) -> None:
    papers = Papers()
    for n in range(3):
        papers.act("PLDG" if n else "DISC", MONDAY + n * HOUR, 1 + n, 50 + n, 2, invoice=700)
    assert [(row[2], row[5], row[6]) for row in papers.evaluate(ledger)] == [
        (2, 2, 1), (2, 3, 2), (JOINT, 2, 1), (JOINT, 3, 2),
    ]  # fmt: skip


def test_one_institution_may_finance_an_invoice_twice(ledger: duck.Connection) -> None:
    papers = Papers()
    papers.act("DISC", MONDAY, 1, 50, 0, invoice=700)
    papers.loan(2, 50, 0, invoice=700)
    assert papers.evaluate(ledger) == []


@pytest.mark.parametrize(("kind", "after", "crosses"), [
    ("RDEM", -1, False), ("RDEM", 0, False), ("RDEM", 1, True),
    ("RLSE", -1, False), ("CNCL", -1, False), ("ENDS", -1, True),
])  # fmt: skip
def test_redemption_or_release_before_the_second_financing_closes_the_first(
    ledger: duck.Connection, kind: str, after: int, crosses: bool
) -> None:
    papers = Papers()
    papers.act("DISC", MONDAY, 1, 50, 0, invoice=700)
    papers.act(kind, MONDAY + DAY + after, 1, 50, 0)
    papers.act("PLDG", MONDAY + DAY, 2, 60, 1, invoice=700)
    assert bool(papers.evaluate(ledger)) == crosses


def test_a_redemption_only_another_region_reports_is_not_raised_jointly(
    ledger: duck.Connection,
) -> None:
    papers = Papers()
    papers.act("DISC", MONDAY, 1, 50, 0, invoice=700)
    papers.act("RDEM", MONDAY + HOUR, 1, 50, 3)
    papers.act("PLDG", MONDAY + DAY, 2, 60, 0, invoice=700)
    assert [row[2] for row in papers.evaluate(ledger)] == [0]


def test_a_bill_sold_on_is_one_financing(ledger: duck.Connection) -> None:
    papers = Papers()
    papers.act("DISC", MONDAY, 1, 50, 0, invoice=700)
    papers.act("DISC", MONDAY + DAY, 1, 60, 0, 1, invoice=700)
    assert papers.evaluate(ledger) == []


def test_a_bill_may_be_financed_again_after_it_was_closed(ledger: duck.Connection) -> None:
    papers = Papers()
    papers.act("PLDG", MONDAY, 1, 50, 0, invoice=700)
    papers.act("RLSE", MONDAY + DAY, 1, 50, 0)
    papers.act("PLDG", MONDAY + 2 * DAY, 1, 60, 0, invoice=700)
    papers.act("DISC", MONDAY + 3 * DAY, 2, 70, 0, invoice=700)
    found = papers.evaluate(ledger)
    assert {(row[4], row[5]) for row in found} == {(MONDAY + 3 * DAY, 2)}


@pytest.mark.parametrize(("first", "second", "crosses"), [
    (0, 0, True), (701, 0, True), (0, 702, True), (701, 702, False),
])  # fmt: skip
def test_a_framework_contract_may_cover_different_deliveries(
    ledger: duck.Connection, first: int, second: int, crosses: bool
) -> None:
    papers = Papers()
    papers.act("DISC", MONDAY, 1, 50, 0, contract=800, invoice=first)
    papers.loan(2, 60, 3, contract=800, invoice=second)
    found = papers.evaluate(ledger)
    assert [row[1] for row in found] == ["same_contract"] * crosses


def test_the_same_invoice_and_contract_are_told_once(ledger: duck.Connection) -> None:
    papers = Papers()
    papers.act("DISC", MONDAY, 1, 50, 0, contract=800, invoice=700)
    papers.loan(2, 60, 3, contract=800, invoice=700)
    assert [row[1] for row in papers.evaluate(ledger)] == ["same_invoice"]


@pytest.mark.parametrize(("days", "crosses"), [(183, True), (184, False)])
def test_a_bill_nobody_redeemed_is_open_for_its_longest_tenor(
    ledger: duck.Connection, days: int, crosses: bool
) -> None:
    papers = Papers()
    papers.act("DISC", MONDAY, 1, 50, 0, invoice=700)
    papers.act("DISC", MONDAY + days * DAY, 2, 60, 0, invoice=700)
    assert bool(papers.evaluate(ledger)) == crosses


@pytest.mark.parametrize(("end", "stated_fen", "crosses"), [
    (date(2026, 1, 11), 9, False), (date(2026, 1, 12), 9, True), (None, 9, True), (None, 0, False),
])  # fmt: skip
def test_a_loan_is_open_through_its_last_day_or_until_nothing_is_owed(
    ledger: duck.Connection, end: date | None, stated_fen: int, crosses: bool
) -> None:
    papers = Papers()
    for stated, fen in ((MONDAY - 9 * DAY, 9), (MONDAY - DAY, stated_fen)):
        papers.loan(1, 50, 0, start=date(2026, 1, 2), end=end, stated=stated, fen=fen, invoice=700)
    papers.act("DISC", MONDAY + HOUR, 2, 60, 0, invoice=700)
    assert bool(papers.evaluate(ledger)) == crosses


def test_a_rule_without_its_data_is_not_evaluated(ledger: duck.Connection) -> None:
    missing = {one.rule: one.not_evaluated for one in evaluate_lane(ledger)}
    assert set(missing) == {name for name, rule in load_rules().items() if rule.lane == "ledger"}
    for rule, reason in missing.items():
        needed = load_rules()[rule].needs[0]
        assert reason == f"{needed}: the ledger has no such relation"
    define_tx(ledger, Market().rows())
    empty = {one.rule: one for one in evaluate_lane(ledger)}[RULE.name]
    assert empty.not_evaluated == "tx: no rows with DISC, PLDG, RDEM, RLSE, CNCL"
    assert empty.crossings.num_rows == 0
