"""The checkpoint of a closed day, run for real on a small made ledger."""

import datetime
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import duck
from quality.suites import checks, profile, run_day
from schemas.errors import InputError
from tests.quality.conftest import (
    DAYS,
    FIRST_DAY,
    LAST_DAY,
    LedgerOf,
    append,
    bills,
    loans,
    payments,
)


@pytest.fixture(autouse=True)
def _no_analytics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")


def trades(ledger: duck.Connection, published: int) -> None:
    """Members' trades of one share, 500 bought; another sale of 300 was cancelled."""
    day = {
        "business_date": LAST_DAY,
        "event_timestamp": f"{LAST_DAY}T07:00:00Z",
        "received_at": f"{LAST_DAY}T09:00:00Z",
    }
    sides = (("TRAD", "BUYI", 200, "1"), ("TRAD", "BUYI", 300, "2"), ("TRAD", "SELL", 300, "3"))
    more = (("TRAD", "SELL", 300, "4"), ("CNCL", "SELL", 300, "4"))
    rows = [
        day
        | {"report_id": f"{number:032x}", "event_type": act, "side": side, "venue_trade_id": trade}
        | {"notional_quantity": str(quantity), "counterparty_2_id": "381290000019"}
        | {"notional_amount_leg_1": None, "settlement_amount": None, "amount_cny": None}  # none due
        for number, (act, side, quantity, trade) in enumerate([*sides, *more])
    ]
    append(ledger, "EQTY", rows)
    total = {"report_id": f"{99:032x}", "measure_value": str(published)}
    append(ledger, "EQTY/indicator", [day | total])


def test_a_good_day_passes_every_check_and_leaves_data_docs(
    ledger_with_last_day: LedgerOf, tmp_path: Path
) -> None:
    ledger = ledger_with_last_day(payments(LAST_DAY), bills(LAST_DAY), loans(LAST_DAY))
    trades(ledger, published=500)  # as much as members bought
    tables = profile(ledger, LAST_DAY)
    assert tables["markets"]["label"].to_pylist() == ["BILL", "EQTY", "LOAN", "PYMT"]
    assert all(tables[name].num_rows for name in tables), "a good day must exercise every table"
    result = run_day(tables, LAST_DAY, tmp_path / "docs")
    assert result.passed
    assert [r.check.id for r in result.results if not r.passed] == []
    assert len(result.results) == len(checks())
    pages = [page.read_text("utf-8") for page in result.docs.parent.rglob("*.html")]
    assert result.docs.is_file()
    assert any("DAY-301" in page for page in pages)


def test_a_bad_day_fails_the_checks_it_should_and_names_who(
    ledger_with_last_day: LedgerOf, tmp_path: Path
) -> None:
    one_side = [
        row for row in payments(LAST_DAY, 60) if row["reporting_region"] == "310000"
    ]  # Jiangsu is silent, the volume is three times the usual
    one_side[1]["report_id"] = one_side[0]["report_id"]
    for row in one_side[:30]:
        row["is_late"] = True
    for row in one_side[:10]:
        row["counterparty_2_account_token"] = "~null"
    for row in one_side[:2]:
        row["event_type"] = "ODDS"
    early = f"{LAST_DAY - datetime.timedelta(days=1)}T17:00:00Z"
    for row in one_side:
        row["event_timestamp"] = early
    overlap = bills(LAST_DAY)
    overlap[1]["asset_range_start"] -= 5
    ledger = ledger_with_last_day(one_side, overlap, [])
    trades(ledger, published=499)
    tables = profile(ledger, LAST_DAY)
    result = run_day(tables, LAST_DAY, tmp_path / "docs")
    failed = {r.check.id: r.labels for r in result.results if not r.passed}
    assert not result.passed
    assert failed == {
        "DAY-101": ("LOAN",),
        "DAY-102": ("LOAN",),
        "DAY-103": ("PYMT",),
        "DAY-105": ("PYMT",),
        "DAY-106": ("PYMT",),
        "DAY-111": ("PYMT",),
        "DAY-202": ("PYMT ODDS NEWT",),
        "DAY-301": (
            "LOAN C1038131000011",
            "PYMT 381301000013",
        ),
        "DAY-302": (
            "LOAN C1038131000011",
            "PYMT 381301000013",
        ),
        "DAY-401": ("BILL-122 SHCPE DISC OP-BILL",),
        "DAY-402": ("EQTY 688111",),
    }
    everything = "".join(page.read_text("utf-8") for page in (tmp_path / "docs").rglob("*.html"))
    assert "1111111111111111" not in everything, "Data Docs must not show an account"
    assert "638129000001" not in everything, "Data Docs must not show a bill"


def test_a_day_counts_reports_of_every_kind(ledger_with_last_day: LedgerOf) -> None:
    ledger = ledger_with_last_day(payments(LAST_DAY), bills(LAST_DAY), loans(LAST_DAY))
    before = [LAST_DAY - datetime.timedelta(days=number) for number in range(DAYS)]
    for market, days in {"ENTR": before[:1], "PAYI": before, "CMPL": before[1:]}.items():
        rows = [
            {"report_id": f"{number:032x}", "business_date": day} for number, day in enumerate(days)
        ]
        append(ledger, market, rows)
    tables = profile(ledger, LAST_DAY)
    counted = {row["label"]: row for row in tables["markets"].to_pylist()}
    assert [counted[name]["reports"] for name in ("ENTR", "PAYI", "CMPL")] == [1, 1, 0]
    # A register need not say something every day, nor does a complaint have a second party.
    assert {counted[name]["volume_ratio"] for name in ("ENTR", "PAYI", "CMPL")} == {None}
    assert counted["PAYI"]["no_amount"] is counted["ENTR"]["no_second_party"] is None
    assert "ENTR" in set(tables["codes"]["market_segment"].to_pylist())


def test_a_day_without_reports_is_refused_with_the_days_there_are(
    ledger_with_last_day: LedgerOf,
) -> None:
    with pytest.raises(InputError, match=f"{FIRST_DAY} to {LAST_DAY}"):
        profile(
            ledger_with_last_day(payments(LAST_DAY), [], []),
            LAST_DAY + datetime.timedelta(days=30),
        )


def test_importing_the_suites_does_not_import_great_expectations() -> None:
    code = "import quality.suites, sys; sys.exit('great_expectations' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
