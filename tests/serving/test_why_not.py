"""Why nothing was raised: measure, distance, the condition in the way, and what did not come."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.duck import Connection
from pipelines.rules.registry import load_rules
from schemas.errors import InputError
from schemas.regions import JOINT
from serving.answers.subjects import resolve
from serving.answers.why_not import Seen, WhyNot, why_not
from serving.publish import open_version
from yrd.cli import build

RULE = load_rules()["structuring"]
FIRST_DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def ledger(published: Path) -> Iterator[Connection]:
    connection, _ = open_version(published)
    with connection:
        yield connection


@pytest.fixture(scope="module")
def payer(ledger: Connection) -> str:
    return str(ledger.scalar("SELECT alert_id FROM alerts WHERE rule = 'structuring'"))


def of(found: WhyNot, vantage: str, variant: str = "same_customer") -> Seen:
    (one,) = [v for v in found.variants if v.variant == variant]
    (seen,) = [s for s in one.seen if s.vantage == vantage]
    return seen


def test_what_each_region_lacked_on_the_day_only_all_four_raised_it(
    ledger: Connection, payer: str
) -> None:
    """Nine of CNY 450,000, three a day: Shanghai has one on the first day, then one more."""
    found = why_not(ledger, RULE, resolve(ledger, payer), FIRST_DAY)
    joint, shanghai = of(found, JOINT), of(found, "310000")
    assert joint.raised and joint.measure == 135_000_000
    assert joint.short[1] <= 0
    assert not shanghai.raised
    assert (shanghai.transactions, shanghai.measure) == (1, 45_000_000)
    assert shanghai.short == {1: 75_000_000, 2: 105_000_000, 3: 205_000_000}
    assert set(shanghai.stood_in_the_way) == {"times_a_day", "days_running"}
    assert of(found, "340000").measure is None
    assert found.measured_by == "declared"
    later = why_not(ledger, RULE, resolve(ledger, payer), date(2026, 3, 3))
    assert of(later, "310000").measure == 90_000_000


def test_a_subject_may_be_named_by_number_token_or_pair(ledger: Connection, payer: str) -> None:
    by_alert = resolve(ledger, payer[:10])
    (number,) = by_alert.of("party")
    row = ledger.rows(
        "SELECT lower(hex(counterparty_1_party_key)), payee_party, counterparty_1_account_token "
        f"FROM event WHERE payer_party = {number} LIMIT 1"
    )[0]
    assert resolve(ledger, str(row[0])).of("party") == {number}
    assert resolve(ledger, str(number)).of("party") == {number}
    (pair,) = resolve(ledger, f"{number}>{row[1]}").of("pair")
    found = why_not(ledger, RULE, resolve(ledger, f"{number}>{row[1]}"), FIRST_DAY)
    assert "same_customer" in found.left_out
    (only,) = found.variants
    assert (only.variant, only.subject) == ("same_pair", pair)
    for wrong in ("", "nobody", "12345", "x" * 300, "a>b"):
        with pytest.raises(InputError, match="subject"):
            resolve(ledger, wrong)


def test_somebody_without_reports_that_day_is_told_so(ledger: Connection, payer: str) -> None:
    found = why_not(ledger, RULE, resolve(ledger, payer), date(2026, 1, 5))
    assert not any(seen.raised for one in found.variants for seen in one.seen)
    assert of(found, JOINT).measure is None
    assert "nothing" in {gap.kind for gap in found.missing}


def test_a_number_is_what_its_transactions_know_it_as_and_the_line_is_its_own(
    ledger: Connection, payer: str
) -> None:
    (number,) = resolve(ledger, payer).of("party")
    found = why_not(ledger, RULE, resolve(ledger, str(number)), FIRST_DAY)
    assert "same_pair" in found.left_out
    assert found.variants[0].lines[0].value == 120_000_000  # a person's
    paid = ledger.scalar(
        f"SELECT payee_party FROM tx WHERE payer_party = {number} AND flags & 2 = 0 AND flags & 1"
    )
    firm = why_not(ledger, RULE, resolve(ledger, str(paid)), FIRST_DAY)
    assert firm.variants[0].lines[0].value == 480_000_000  # whatever persons pay it


def test_a_day_that_no_calendar_covers_is_refused(ledger: Connection, payer: str) -> None:
    with pytest.raises(InputError, match="--day: expected a day from 2025-01-01"):
        why_not(ledger, RULE, resolve(ledger, payer), date.max)


def test_a_rule_on_statements_counts_these_too(ledger: Connection, payer: str) -> None:
    assert of(why_not(ledger, RULE, resolve(ledger, payer), FIRST_DAY), JOINT).statements is None
    bank, borrower, expected = ledger.rows(
        "SELECT holder_party, other_party, count(DISTINCT key) FROM holding "
        "WHERE vantage = 4 AND holder_party <> 0 AND other_party <> 0 GROUP BY ALL ORDER BY ALL"
    )[0]
    rule = load_rules()["exposure_concentration"]
    found = why_not(ledger, rule, resolve(ledger, f"{bank}>{borrower}"), date(2026, 12, 31))
    assert of(found, JOINT, "same_borrower").statements == expected > 0
    before = why_not(ledger, rule, resolve(ledger, f"{bank}>{borrower}"), date(2025, 1, 1))
    assert of(before, JOINT, "same_borrower").statements == 0


def test_what_did_not_come_is_said(ledger: Connection, payer: str) -> None:
    found = why_not(ledger, RULE, resolve(ledger, payer), date(2026, 3, 4))
    for gap in found.missing:
        assert gap.zh and gap.en.endswith(".")
    rule = [gap for gap in found.missing if gap.kind == "rule"]
    runs = ledger.rows("SELECT evaluated FROM rule_run WHERE rule = 'structuring'")
    assert bool(rule) == (not runs or not runs[-1][0])


def test_the_session_is_left_as_it_was(ledger: Connection, payer: str) -> None:
    why_not(ledger, RULE, resolve(ledger, payer), FIRST_DAY)
    left = ledger.rows("SELECT table_name FROM duckdb_tables() WHERE temporary")
    assert left == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_says_it_in_both_languages_and_its_exit_code(
    published: Path, payer: str, lang: str
) -> None:
    one = [
        "why-not", payer[:12], "--rule", "structuring", "--ledger", str(published),
        "--lang", lang, "--day",
    ]  # fmt: skip
    app, runner = build("alert"), CliRunner()
    raised = runner.invoke(app, [*one, "2026-03-02"])
    assert raised.exit_code == 1, raised.output
    assert {"en": "RAISED", "zh": "已报出"}[lang] in raised.output
    quiet = runner.invoke(app, [*one, "2026-01-05", "--json"])
    assert quiet.exit_code == 0
    assert json.loads(quiet.stdout)["raised"] is False
    for wrong in ("yesterday", "2026-13-01"):
        ended = runner.invoke(app, [*one, wrong])
        assert (ended.exit_code, "--day" in ended.output) == (2, True)
