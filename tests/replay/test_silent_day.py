"""A simulated tape in which one bank's payment reports of a day are left out: the rule finds it."""

from pathlib import Path
from typing import Any

import pytest

from connectors.ends.tape import TapeWriter
from ledger.duck import Connection
from pipelines.lanes.known import evaluate
from pipelines.rules.registry import load_rules, parameters_on
from schemas.regions import REGIONS
from serving.publish import open_version
from yrd.processes.tape_ledger import tried_on
from yrd.settings import Settings

RULE = load_rules()["reporting_gap"]
WEEK = ("2026-04-20", "2026-04-28")
_BUSIEST = """
SELECT e.institution, any_value(i.institution_id) AS bank, e.business_ordinal AS day,
    count(*) FILTER (told_us IS NOT NULL)::BIGINT AS named
FROM expected_report AS e JOIN institution AS i ON i.reporter = e.institution
WHERE e.vantage = 4 AND e.business_ordinal < (SELECT max(business_ordinal) FROM event) - 1
GROUP BY e.institution, e.business_ordinal HAVING sum(e.amount_fen) > 20000000
ORDER BY named DESC, bank, day LIMIT 1
"""
_SENT = """
SELECT DISTINCT submission_id FROM event
WHERE report_submitting_entity_id = $bank AND business_ordinal = $day
"""
_ENDS = """
SELECT ((business_date - DATE '1970-01-01') + 1) * 86400000000 - 28800000000
FROM calendar WHERE calendar = 'BANK' AND business_ordinal = $day + 1
"""


def silent(ledger: Connection) -> list[tuple[int, int, int, int]]:
    """Of each silent day: vantage, bank, instant and how many payments name the bank."""
    found = evaluate(ledger, RULE, parameters_on()).crossings.to_pylist()
    names = ("vantage", "subject", "instant", "measure")
    return sorted(tuple(r[n] for n in names) for r in found if r["variant"] == "silent_day")


def reported(folder: Path, rows: list[dict[str, Any]], left_out: set[bytes]) -> Connection:
    """A ledger of the week's payment reports, but for some submissions."""
    with TapeWriter(folder / "tape", "SIMULATED") as tape:
        for row in rows:
            if row["sha256"] not in left_out:
                body, name = row["body"], row["file_name"]
                tape.add(row["feed"], row["submitter"], row["received_at"], body, name)
    settings = Settings().model_copy(update={"var": folder / "var"})
    ledger, _ = open_version(tried_on(folder / "tape", None, settings, lambda *_: None).ledger)
    return ledger


@pytest.fixture(scope="module")
def week(submissions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row
        for row in submissions
        if row["feed"] == "pacs008" and WEEK[0] <= row["received_at"].date().isoformat() <= WEEK[1]
    ]


def test_a_bank_whose_reports_of_a_day_are_left_out_has_a_silent_day(
    week: list[dict[str, Any]], tmp_path: Path
) -> None:
    with reported(tmp_path / "whole", week, set()) as ledger:
        assert silent(ledger) == []
        subject, bank, day, named = ledger.rows(_BUSIEST)[0]
        sent = {row[0] for row in ledger.rows(_SENT, {"bank": bank, "day": day})}
        deadline = ledger.scalar(_ENDS, {"day": day})
    assert 0 < len(sent) < len(week) / 10
    with reported(tmp_path / "silent", week, sent) as ledger:
        found = silent(ledger)
        kept = ledger.scalar("SELECT count(DISTINCT business_ordinal) FROM event")
    assert (len(REGIONS), subject, deadline, named) in found
    assert {(bank, instant) for _, bank, instant, _ in found} == {(subject, deadline)}
    assert kept > 1
