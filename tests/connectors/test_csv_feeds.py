"""The CSV feeds of the markets: writers and specs agree, and what no single example can show."""

import csv
import hashlib
import importlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from connectors.engine.engine import Decoded
from connectors.engine.spec import parse
from connectors.feeds.bill_exchange.hatches import amount
from connectors.feeds.registry import load_feeds
from ledger.loader import Loader
from schemas.records import RAW
from tests.connectors.support import run
from tests.ledger.made import acknowledged, submitted
from yrd.processes.trying import intake_of

FEEDS = load_feeds()
WRITTEN = (
    *("fx_settlement", "receivables", "warehouse_receipts", "warehouse_stock", "loan_drawdowns"),
    *("loan_register", "lender_report", "entity_register"),
)
AWKWARD = '某某 "贸易", 有限公司'
FREE_TEXT = {
    "fx_settlement": "name",
    "receivables": "creditor_name",
    "warehouse_receipts": "brand",
    "warehouse_stock": "variety_name",
    "loan_drawdowns": "loan_contract",
    "loan_register": "loan_contract",
    "lender_report": "name",
    "entity_register": "name",
}


def writer(feed: str) -> Any:
    return importlib.import_module(f"connectors.feeds.{feed}.write")


def records(feed: str, **values: str) -> pa.Table:
    """The rows of the feed's plain example as records of its writer, some columns replaced."""
    write = writer(feed)
    text = (FEEDS[feed].folder / "examples" / "plain.csv").read_text(FEEDS[feed].encoding)
    lines = text.splitlines()
    head = next(n for n, line in enumerate(lines) if line.startswith(next(iter(write.COLUMNS))))
    rows = [
        {write.COLUMNS[name]: cell for name, cell in row.items()} | values
        for row in csv.DictReader(lines[head:])
    ]
    return pa.Table.from_pylist(rows, schema=write.RECORD)


def decoded(feed: str, **values: str) -> Decoded:
    return run(FEEDS[feed], writer(feed).write(records(feed, **values), {}))


@pytest.mark.parametrize("feed", WRITTEN)
def test_a_writer_writes_what_its_spec_reads_whatever_stands_in_a_text(feed: str) -> None:
    table = records(feed)
    plain = (FEEDS[feed].folder / "examples" / "plain.csv").read_bytes()
    assert run(FEEDS[feed], plain).batch.num_rows + run(FEEDS[feed], plain).counts[0].skipped == (
        table.num_rows
    )
    one = decoded(feed, **{FREE_TEXT[feed]: AWKWARD})
    assert one.findings.num_rows == 0
    assert one.counts[0].accepted == one.counts[0].records - one.counts[0].skipped > 0


@pytest.mark.parametrize("feed", WRITTEN)
def test_a_value_that_is_null_is_written_as_nothing(feed: str) -> None:
    write = writer(feed)
    nothing = pa.table({name: pa.nulls(1, pa.string()) for name in write.RECORD.names})
    assert write.render(nothing).to_pylist() == ["," * (len(write.COLUMNS) - 1)]


def test_client_and_agent_with_one_document_are_one_person_whatever_its_spelling() -> None:
    first = decoded("fx_settlement", agent_scheme="B01", agent="110105 491231002").batch
    assert set(first["representative_token"].to_pylist()) == {first["counterparty_1_id"][0].as_py()}
    other = decoded("fx_settlement", agent_scheme="B03", agent="110105491231002").batch
    assert not set(other["representative_token"].to_pylist()) & set(
        first["representative_token"].to_pylist()
    ), "the same digits in a passport are another person"


@pytest.mark.parametrize(
    ("stated", "wanted"), [("704.6000", "7.046"), ("4.7210", "0.04721"), ("100", "1")]
)
def test_a_rate_for_a_hundred_units_becomes_one_for_a_unit(stated: str, wanted: str) -> None:
    rates = decoded("fx_settlement", rate=stated).batch["exchange_rate"].to_pylist()
    assert set(rates) == {Decimal(wanted).quantize(Decimal(1).scaleb(-13))}


def test_the_other_side_of_a_receivable_is_its_financier_and_so_is_its_area() -> None:
    unknown = {"financier": "91340000MG9000013R", "financier_name": "", "debtor_area": "330106"}
    rows = decoded("receivables", kind="融资", financier_area="320102", **unknown).batch
    assert set(rows["counterparty_2_id"].to_pylist()) == {"91340000MG9000013R"}
    assert set(rows["counterparty_2_region"].to_pylist()) == {"320102"}
    rows = decoded("receivables", kind="融资", financier_area="", **unknown).batch
    assert set(rows["counterparty_2_region"].to_pylist()) == {None}, "not the debtor's"


def test_an_account_of_a_drawdown_is_that_of_payments() -> None:
    loan = decoded("loan_drawdowns", account_bank="381301000013", account="6222 0000 0001").batch
    deal = decoded("fx_settlement", branch="381301000013", account="622200000001").batch
    token = loan["counterparty_2_account_token"][0].as_py()
    assert token == deal["counterparty_1_account_token"][0].as_py() is not None


@pytest.mark.parametrize("status", ["1", "2"])
def test_totals_of_a_stock_file_are_skipped_and_counted(status: str) -> None:
    counts = decoded("warehouse_stock", row=status, region="", weight="no number").counts[0]
    assert (counts.accepted, counts.rejected, counts.quarantined) == (0, 0, 0)
    assert counts.skipped == counts.records > 0


def test_a_file_without_column_names_does_not_take_those_of_the_next_file() -> None:
    feed = FEEDS["warehouse_stock"]
    bodies = [
        (feed.folder / "examples" / name).read_bytes() for name in ("no_header.csv", "plain.csv")
    ]
    together = run(feed, *bodies)
    assert [counts.accepted for counts in together.counts] == [0, 7]
    assert together.findings["expected"].to_pylist() == ["a header line 'TRADINGDAY'"]


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        ("1", "1", "0.01"),
        ("1", "500000000", "5000000.00"),
        ("250000001", "500000000", "2500000.00"),
        ("1", "999999999999999999", "9999999999999999.99"),
        ("999999999999999999", "999999999999999999", "0.01"),
        ("0", "0", None),
        ("3", "2", None),
        ("1", "1000000000000000000", None),
    ],
)
def test_the_amount_of_a_sub_range_is_exact(start: str, end: str, wanted: str | None) -> None:
    columns = [pa.nulls(1, pa.string()), pa.array([start]), pa.array([end])]
    values, bad = amount(columns, {})
    assert values.to_pylist() == [None if wanted is None else Decimal(wanted)]
    assert not bad.any()


def test_parts_of_a_range_add_up_to_it() -> None:
    cuts = sorted(
        {0, 500_000_000, *np.random.default_rng(7).integers(1, 500_000_000, 200).tolist()}
    )
    starts, ends = [str(one + 1) for one in cuts[:-1]], [str(one) for one in cuts[1:]]
    columns = [pa.nulls(len(starts), pa.string()), pa.array(starts), pa.array(ends)]
    values, _ = amount(columns, {})
    assert sum(values.to_pylist()) == Decimal("5000000.00")


def month(day: str, **values: str) -> bytes:
    body: bytes = writer("loan_register").write(records("loan_register", as_of=day, **values), {})
    return body


def loaded(folder: Path, bodies: list[bytes]) -> Loader:
    """A ledger of registers, each its own unit, received a day after the other."""
    intake = intake_of(FEEDS["loan_register"])
    loader = Loader(folder / "ledger.duckdb", "SIMULATED")
    for number, body in enumerate(bodies):
        row = {
            "feed": "loan_register",
            "submitter": "381290000019",
            "received_at": datetime(2026, 6, 15 + number, 2, 0, tzinfo=UTC),
            "data_origin": "SIMULATED",
            "sha256": hashlib.sha256(body).digest(),
            "size": len(body),
            "body": body,
        }
        raw = pa.Table.from_pylist([row], RAW)
        taken = intake.process(raw, np.zeros(1, np.bool_), number)
        reports = taken.reports["position"]
        assert reports.num_rows
        tables = {"feedback": acknowledged(reports), "submission": submitted(reports)}
        loader.load_segment("test", number, {"position": reports, **tables})
    loader.flush()
    return loader


EXPOSURE = """
    SELECT sum(amount_fen)::BIGINT / 100, count(*) FROM holding
    WHERE vantage = 4 AND is_current AND market_segment = 'LOAN'
"""


def test_three_monthly_registers_are_one_exposure_not_three(tmp_path: Path) -> None:
    months = [
        month("20260331", balance="5000000.00", balance_cny="5000000.00"),
        month("20260430", balance="4000000.00", balance_cny="4000000.00"),
        month("20260531", balance="3000000.00", balance_cny="3000000.00"),
    ]
    loans = records("loan_register").num_rows
    for name, order in {"as sent": months, "last first": months[::-1]}.items():
        (tmp_path / name).mkdir()
        with loaded(tmp_path / name, order) as loader:
            assert loader.connection.rows(EXPOSURE) == [(3_000_000 * loans, loans)]
            assert loader.connection.scalar("SELECT count(*) FROM position") == 3 * loans


def test_a_loan_that_the_newest_register_lacks_is_no_exposure(tmp_path: Path) -> None:
    every = records("loan_register", as_of="20260430")
    rest = records("loan_register", as_of="20260531").slice(1)
    bodies = [writer("loan_register").write(rows, {}) for rows in (every, rest)]
    with loaded(tmp_path, bodies) as loader:
        (exposure,) = loader.connection.rows(EXPOSURE)
        assert exposure[1] == rest.num_rows > 0


def test_a_loan_of_which_nothing_is_owed_is_no_exposure(tmp_path: Path) -> None:
    paid = month("20260531", balance="0.00", balance_cny="0.00")
    with loaded(tmp_path, [month("20260430"), paid]) as loader:
        assert loader.connection.rows(EXPOSURE) == [(None, 0)]


def test_a_corrected_register_of_a_month_replaces_that_month(tmp_path: Path) -> None:
    wrong = month("20260531", balance="9000000.00", balance_cny="9000000.00")
    right = month("20260531", balance="3000000.00", balance_cny="3000000.00")
    loans = records("loan_register").num_rows
    with loaded(tmp_path, [month("20260430"), wrong, right]) as loader:
        assert loader.connection.rows(EXPOSURE) == [(3_000_000 * loans, loans)]


def test_a_column_all_in_wan_is_read_in_yuan() -> None:
    path = FEEDS["loan_drawdowns"].folder / "spec.toml"
    text, body = path.read_text("utf-8"), (path.parent / "examples/plain.csv").read_bytes()
    line = '{ from = "发生金额", min = "0"'
    assert line in text
    moved = run(parse(path, text.replace(line, f"{line}, shift = 4")), body)
    stated = run(parse(path, text), body).batch["settlement_amount"].to_pylist()
    assert moved.batch["settlement_amount"].to_pylist() == [10_000 * one for one in stated] != []
