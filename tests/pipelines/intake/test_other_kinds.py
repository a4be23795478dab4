"""Indicators, register entries and complaints on their whole way: intake, ledger, revisions."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from connectors.engine.tokens import Tokeniser
from connectors.feeds.complaints import write as complaints
from connectors.feeds.entity_register import write as entries
from connectors.feeds.registry import FOLDER, load_feeds
from connectors.feeds.reserve_report import write as reports
from ledger.checks import check
from ledger.loader import Loader
from pipelines.intake.intake import Intake, Taken
from quality.evaluate.standard import standard
from schemas.fields import IMPLEMENTED_KINDS
from schemas.records import RAW

RECEIVED = datetime(2026, 7, 6, 1, 0, tzinfo=UTC)
KINDS = {"reserve_report": "indicator", "entity_register": "register", "complaints": "complaint"}
SENDERS = {"reserve_report": "PI-SH", "entity_register": "RA-JS", "complaints": "CC-SH"}
PLAIN = {
    "reserve_report": "plain.xlsx",
    "entity_register": "plain.csv",
    "complaints": "plain.ndjson",
}


@pytest.fixture(scope="module")
def intake() -> Intake:
    return Intake(load_feeds(), Tokeniser(b"example key: 16+ bytes"), standard, "SIMULATED")


def take(intake: Intake, feed: str, *bodies: bytes) -> Taken:
    rows = [
        {
            "feed": feed,
            "submitter": SENDERS[feed],
            "received_at": RECEIVED.replace(minute=number),
            "data_origin": "SIMULATED",
            "sha256": hashlib.sha256(body).digest(),
            "size": len(body),
            "file_name": None,
            "body": body,
        }
        for number, body in enumerate(bodies)
    ]
    raw = pa.Table.from_pylist(rows, RAW)
    return intake.process(raw, np.zeros(len(bodies), np.bool_), 0)


def example(feed: str) -> bytes:
    return (FOLDER / feed / "examples" / PLAIN[feed]).read_bytes()


@pytest.mark.parametrize("feed", KINDS)
def test_reports_become_rows_of_their_kind_and_of_no_transaction(
    feed: str, intake: Intake, tmp_path: Path
) -> None:
    taken = take(intake, feed, example(feed))
    kind = KINDS[feed]
    assert set(taken.reports) == set(IMPLEMENTED_KINDS)
    assert {name for name, table in taken.reports.items() if table.num_rows} == {kind}
    assert len(taken.narrow) == 0
    account = taken.submissions.to_pylist()[0]
    assert account["accepted"] == account["submitted"] == taken.reports[kind].num_rows > 0
    with Loader(tmp_path / "l.duckdb", "SIMULATED") as loader:
        loader.load_segment("tape", 0, dict(taken.reports) | {"submission": taken.submissions})
        loader.flush()
        ledger = loader.connection
        assert ledger.scalar(f"SELECT count(*) FROM {kind}") == taken.reports[kind].num_rows
        assert ledger.scalar("SELECT count(*) FROM tx") == 0
        assert check(ledger) == []


def test_a_corrected_figure_replaces_its_predecessor_and_another_month_does_not(
    intake: Intake, tmp_path: Path
) -> None:
    row = {"code": "B01", "title": "客户备付金余额", "unit": "万元", "business": "合计"}
    header = {"institution": "PI-SH", "name": "云汇模拟支付", "filled_on": "2026-07-05"}
    may, june, corrected = (
        reports.write(
            pa.Table.from_pylist([row | {"month": month, "value": value}], reports.RECORD), header
        )
        for month, value in (
            ("2026年05月", "100"),
            ("2026年06月", "120.5"),
            ("2026年06月", "121"),
        )
    )
    later = {**header, "filled_on": "2026-07-06"}
    table = pa.Table.from_pylist([row | {"month": "2026年05月", "value": "100"}], reports.RECORD)
    taken = take(intake, "reserve_report", may, june, corrected, reports.write_csv(table, later))
    with Loader(tmp_path / "l.duckdb", "SIMULATED") as loader:
        loader.load_segment("tape", 0, dict(taken.reports) | {"submission": taken.submissions})
        loader.flush()
        rows = loader.connection.rows(
            "SELECT period_end::VARCHAR, measure_value::VARCHAR, revision_number, is_duplicate, "
            "known_to IS NULL FROM indicator ORDER BY received_at"
        )
        assert check(loader.connection) == []
    assert rows == [
        ("2026-05-31", "1000000.00000", 0, False, True),
        ("2026-06-30", "1205000.00000", 0, False, False),
        ("2026-06-30", "1210000.00000", 1, False, True),
        ("2026-05-31", "1000000.00000", 0, True, True),  # the same figure in another file
    ]


def test_each_state_of_a_complaint_stays_and_an_entry_is_ended_by_its_last_day(
    intake: Intake, tmp_path: Path
) -> None:
    told = {"complaint": "X1", "category": "LOAN", "area": "310115", "institution": "PI-SH"}
    told |= {"received": "2026-07-01T09:00:00+08:00"}
    states = [
        {"state": "RECEIVED", "state_at": "2026-07-01T09:00:00+08:00"},
        {
            "state": "ACCEPTED",
            "state_at": "2026-07-01T10:00:00+08:00",
            "accepted": "2026-07-01T10:00:00+08:00",
        },
    ]
    lines = complaints.write(
        pa.Table.from_pylist([told | state for state in states], complaints.RECORD), {}
    )
    first = take(intake, "complaints", lines)
    entry = {"entry": "E1", "kind": "主体", "act": "设立", "as_of": "2026-07-05", "area": "320500"}
    entry |= {"scheme": "A01", "id": "91320000MG00000176", "start": "2019-03-01"}
    bodies = [
        entries.write(pa.Table.from_pylist([entry | more], entries.RECORD), {})
        for more in ({}, {"act": "注销", "end": "2026-06-30"})
    ]
    second = take(intake, "entity_register", *bodies)
    with Loader(tmp_path / "l.duckdb", "SIMULATED") as loader:
        for number, taken in enumerate((first, second)):
            loader.load_segment("tape", number, taken.reports)
        loader.flush()
        held = loader.connection.rows(
            "SELECT complaint_state, known_to IS NULL, vantage_mask FROM complaint ORDER BY 1"
        )
        ended = loader.connection.rows(
            "SELECT valid_to::VARCHAR, revision_number, known_to IS NULL, vantage_mask "
            "FROM register ORDER BY received_at"
        )
    assert held == [("ACCEPTED", True, 0b10001), ("RECEIVED", True, 0b10001)]
    assert ended == [(None, 0, False, 0b10010), ("2026-06-30", 1, True, 0b10010)]
