"""Evaluation over whole batches, and the coalescer before it."""

import datetime
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import duck
from quality import examples
from quality.evaluate import EVALUATION, Coalescer, Evaluator
from quality.evaluate.helpers import area_index, build
from quality.rules import Rule, catalogue, parse
from schemas.identifiers import check_column
from tests.quality.test_catalogue import written

PAYMENT_RULES = [r for r in catalogue() if "PYMT" in r.markets and r.scope == "record"]
FAULTS = [dict(rule.failing[0]) for rule in PAYMENT_RULES]


def made(rules: list[Rule], **kwargs: object) -> Evaluator:
    return Evaluator(
        rules, duck.memory, validator=check_column, areas=examples.register(), **kwargs  # type: ignore[arg-type]
    )  # fmt: skip


@cache
def record_rules() -> Evaluator:
    return made(PAYMENT_RULES)


def found(evaluator: Evaluator, rows: list[dict[str, object]]) -> list[tuple[int, str, str]]:
    table = evaluator.evaluate(examples.batch("PYMT", rows), "event", "PYMT")
    assert table.schema == EVALUATION
    return [(row["row"], row["rule_id"], row["outcome"]) for row in table.to_pylist()]


def rules_of(text: str) -> list[Rule]:
    return parse("catalogue/x.toml", text)


def test_findings_name_row_and_rule_in_order(evaluator: Evaluator) -> None:
    rows = [{}, {"settlement_amount": "-1.00", "counterparty_2_account_token": "~null"}, {}]
    assert found(evaluator, rows) == [(1, "PYMT-103", "rejected"), (1, "PYMT-114", "warning")]


def test_a_null_answer_means_that_the_rule_does_not_apply() -> None:
    evaluator = made(rules_of(written(expression="length(uetr) > 100")))
    assert found(evaluator, [{"uetr": "~null"}]) == []
    assert found(evaluator, [{}]) == [(0, "PYMT-901", "warning")]


def test_an_empty_batch_has_no_findings(evaluator: Evaluator) -> None:
    assert found(evaluator, []) == []


def test_a_market_or_kind_without_rules_has_no_findings() -> None:
    evaluator = made(rules_of(written(expression="uetr IS NULL")))
    batch = examples.batch("LOAN", [{}])
    assert evaluator.evaluate(batch, "position", "LOAN").num_rows == 0


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_findings_of_record_rules_do_not_depend_on_how_batches_are_cut(data: st.DataObject) -> None:
    evaluator = record_rules()
    rows = data.draw(st.lists(st.sampled_from([{}, *FAULTS]), min_size=2, max_size=30))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows) - 1), max_size=4)))
    whole = found(evaluator, rows)
    pieces = [
        (start + row, rule, outcome)
        for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)
        for row, rule, outcome in found(evaluator, rows[start:end])
    ]
    assert pieces == whole
    assert bool(whole) == any(rows)


def test_a_rule_holds_for_records_received_within_its_dates() -> None:
    old = written(valid_to="valid_to = 2026-03-10", expression="false")
    new = written(version=2, valid_from="2026-03-10", expression="false").replace(
        '"warning"', '"fatal"'
    )
    evaluator = made(rules_of(old + new))
    before = {"received_at": "2026-03-09T15:59:59Z"}  # 23:59:59 in Beijing
    after = {"received_at": "2026-03-09T16:00:00Z"}
    assert found(evaluator, [before, after]) == [
        (0, "PYMT-901", "warning"),
        (1, "PYMT-901", "rejected"),
    ]
    assert found(evaluator, [before]) == [(0, "PYMT-901", "warning")]
    assert found(evaluator, [after]) == [(0, "PYMT-901", "rejected")]
    never = made(rules_of(written(valid_from="2027-01-01", expression="false")))
    assert found(never, [before, after]) == []


def test_a_rule_that_cannot_be_computed_quarantines_those_rows_and_no_other() -> None:
    text = written(expression="CAST(source_trade_id AS INTEGER) > 0", severity="fatal")
    evaluator = made(rules_of(text) + [r for r in PAYMENT_RULES if r.id == "PYMT-103"])
    rows: list[dict[str, object]] = [{"source_trade_id": str(n)} for n in range(20)]
    rows[3] = {"source_trade_id": "three"}
    rows[17] = {"source_trade_id": "seventeen", "settlement_amount": "-1.00"}
    assert found(evaluator, rows) == [
        (0, "PYMT-901", "rejected"),
        (3, "PYMT-901", "quarantined"),
        (17, "PYMT-103", "rejected"),
        (17, "PYMT-901", "quarantined"),
    ]


def test_when_nearly_every_row_raises_the_search_ends_and_no_row_is_lost() -> None:
    text = written(expression="CAST(source_trade_id AS INTEGER) > 0", severity="fatal")
    rows: list[dict[str, object]] = [{"source_trade_id": f"no number {n}"} for n in range(600)]
    rows[0] = {"source_trade_id": "7"}
    outcomes = found(made(rules_of(text)), rows)
    assert {outcome for _, _, outcome in outcomes} == {"quarantined"}
    assert {row for row, _, _ in outcomes} >= set(range(1, 600))


def test_more_rules_than_one_mask_holds_are_told_apart() -> None:
    texts = [
        written(id=f"PYMT-{number}", expression=f"source_trade_id <> '{number}'")
        for number in range(100, 230)
    ]
    evaluator = made(rules_of("".join(texts)))
    rows: list[dict[str, object]] = [{"source_trade_id": str(n)} for n in (229, 100, 161, 162, 99)]
    assert found(evaluator, rows) == [
        (0, "PYMT-229", "warning"),
        (1, "PYMT-100", "warning"),
        (2, "PYMT-161", "warning"),
        (3, "PYMT-162", "warning"),
    ]


def test_the_field_is_the_source_path_where_the_feed_is_known() -> None:
    evaluator = made(PAYMENT_RULES, source_paths={"PYMT": {"settlement_amount": "IntrBkSttlmAmt"}})
    batch = examples.batch("PYMT", [{"settlement_amount": "-1.00", "purpose_code": "goods"}])
    fields = evaluator.evaluate(batch, "event", "PYMT")["field"].to_pylist()
    assert fields == ["IntrBkSttlmAmt", "purpose_code"]


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("BILL-105", {"asset_range_start": 1, "asset_range_end": 2**63 - 1}),
        ("BILL-105", {"notional_amount_leg_1": "99999999999999999999.00"}),
        ("PYMT-103", {"settlement_amount": "-99999999999999999999.99"}),
        ("BILL-101", {"asset_reference_id": "٣" * 30}),
        ("BILL-101", {"asset_reference_id": ""}),
    ],
)
def test_extreme_values_are_judged_and_never_raise(
    evaluator: Evaluator, rule: str, values: dict[str, object]
) -> None:
    market = rule[:4]
    table = evaluator.evaluate(examples.batch(market, [values]), "event", market)
    assert rule in table["rule_id"].to_pylist()
    assert "quarantined" not in table["outcome"].to_pylist()


def test_the_area_of_an_identifier_that_offices_share_is_unknown_but_the_identifier_is_not() -> (
    None
):
    index = area_index(
        [
            {"institution_id": "A", "area": "310000", "lei": "L"},
            {"institution_id": "B", "area": "320000", "lei": "L"},
        ]
    )
    column = {"debtor_agent_id": pa.array(["A", "L", "X", None])}
    area = build("_area_debtor_agent_id", column, check_column, index)
    known = build("_known_debtor_agent_id", column, check_column, index)
    assert area.to_pylist() == ["310000", None, None, None]
    assert known.to_pylist() == [True, True, False, None]


def test_the_beijing_day_turns_at_16_utc() -> None:
    times = ["2026-03-09T15:59:59+00:00", "2026-03-09T16:00:00+00:00", None]
    column = pa.array(
        [datetime.datetime.fromisoformat(t) if t else None for t in times],
        pa.timestamp("us", "UTC"),
    )
    days = build("_day_received_at", {"received_at": column}, check_column, {}).to_pylist()
    assert days == [datetime.date(2026, 3, 9), datetime.date(2026, 3, 10), None]


class TestCoalescer:
    def batch(self, *ids: str) -> pa.RecordBatch:
        return examples.batch("PYMT", [{"source_trade_id": name} for name in ids])

    def test_small_batches_wait_until_the_first_is_200_ms_old(self) -> None:
        coalescer: Coalescer[str] = Coalescer()
        assert coalescer.next_due() is None
        assert coalescer.add(self.batch("1"), "event", "PYMT", "a", now=10.0) == []
        assert coalescer.add(self.batch("2", "3"), "event", "PYMT", "b", now=10.1) == []
        assert coalescer.next_due() == pytest.approx(10.2)
        assert coalescer.due(10.19) == []
        (gathered,) = coalescer.due(10.2)
        assert gathered.table["source_trade_id"].to_pylist() == ["1", "2", "3"]
        assert (gathered.tags, gathered.starts) == (("a", "b"), (0, 1, 3))
        assert coalescer.flush() == []

    def test_a_full_pile_goes_at_once_and_kinds_and_markets_stay_apart(self) -> None:
        coalescer: Coalescer[str] = Coalescer(max_rows=3)
        loan = examples.batch("LOAN", [{}, {}])
        assert coalescer.add(loan, "position", "LOAN", "l", now=0.0) == []
        assert coalescer.add(self.batch("1", "2"), "event", "PYMT", "a", now=0.0) == []
        (gathered,) = coalescer.add(self.batch("3"), "event", "PYMT", "b", now=0.0)
        assert (gathered.market, gathered.table.num_rows) == ("PYMT", 3)
        (rest,) = coalescer.flush()
        assert (rest.market, rest.tags) == ("LOAN", ("l",))

    def test_every_batch_gets_its_own_findings_back(self, evaluator: Evaluator) -> None:
        coalescer: Coalescer[str] = Coalescer()
        bad = {"settlement_amount": "-1.00"}
        for tag, rows in (("a", [{}, bad]), ("b", [{}]), ("c", [bad, {}, bad])):
            coalescer.add(examples.batch("PYMT", rows), "event", "PYMT", tag, now=0.0)
        (gathered,) = coalescer.flush()
        findings = evaluator.evaluate(gathered.table, gathered.kind, gathered.market)
        parts = {tag: part["row"].to_pylist() for tag, part in gathered.split(findings)}
        assert parts == {"a": [1], "b": [], "c": [0, 2]}
