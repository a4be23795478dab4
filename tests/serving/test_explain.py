"""An explained alert: every figure follows from its evidence, every reader gets one wording."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.duck import Connection
from pipelines.rules.registry import load_rules
from schemas.errors import InputError
from schemas.regions import JOINT, REGIONS
from serving.answers import explain_text, words
from serving.answers.below import open_values
from serving.answers.explain import _standing, explanation
from serving.answers.labels import label
from serving.answers.model import Explanation
from serving.publish import open_version
from yrd.cli import build


@pytest.fixture(scope="module")
def ledger(published: Path) -> Iterator[Connection]:
    connection, _ = open_version(published)
    with connection:
        yield connection


@pytest.fixture(scope="module")
def told(ledger: Connection) -> Explanation:
    alert_id = ledger.scalar("SELECT alert_id FROM hidden_by_split")
    return explanation(ledger, alert_id)


def test_the_arithmetic_adds_up_to_the_alert(told: Explanation) -> None:
    total = 0
    for line in told.arithmetic:
        total += line.term
        assert line.running == total
    assert total == told.alert.peak_measure == 9 * 45_000_000
    amounts = {row.transaction_id: row.amount_fen for row in told.evidence}
    assert [line.term for line in told.arithmetic] == [
        amounts[line.transaction_id] for line in told.arithmetic
    ]


def test_evidence_is_what_the_reports_say(told: Explanation, ledger: Connection) -> None:
    reported = ledger.rows(
        "SELECT transaction_id, epoch_us(event_timestamp), (amount_cny * 100)::BIGINT, "
        "reporting_region FROM event WHERE transaction_id IN "
        "(SELECT unnest(evidence) FROM alert) ORDER BY 2, 1"
    )
    assert [
        (row.transaction_id, row.event_time, row.amount_fen, *row.seen_by) for row in told.evidence
    ] == reported


def test_a_region_is_credited_with_what_it_holds_and_nothing_else(told: Explanation) -> None:
    assert tuple(cover.region for cover in told.coverage) == REGIONS
    for cover in told.coverage:
        held = [row for row in told.evidence if cover.region in row.seen_by]
        assert cover.seen_transactions == len(held)
        assert cover.seen_amount_fen == sum(row.amount_fen or 0 for row in held)
        assert cover.peak_measure == cover.seen_amount_fen  # all lie in one window here
        assert len(told.series[cover.region]) == len(held)
        assert not any(point.fires for point in told.series[cover.region])
        assert cover.status == "none"
    assert sum(cover.seen_transactions for cover in told.coverage) == len(told.evidence) == 9


def test_the_joint_series_climbs_to_the_peak_and_fires_where_it_crossed(
    told: Explanation, ledger: Connection
) -> None:
    points = told.series[JOINT]
    assert [point.measure for point in points] == [45_000_000 * n for n in range(1, 10)]
    crossed = ledger.rows(
        "SELECT instant, max(band) FROM crossing "
        "WHERE vantage = 4 AND variant = 'same_customer' GROUP BY 1 ORDER BY 1"
    )
    assert [(point.event_time, point.band) for point in points if point.fires] == crossed
    assert len(crossed) > 1


def test_labels_follow_the_joint_evidence_payer_first(told: Explanation) -> None:
    assert [party.label for party in told.parties] == list("甲乙丙丁戊己庚辛壬癸")
    assert {row.payer_label for row in told.evidence} == {"甲"}
    assert [row.payee_label for row in told.evidence] == list("乙丙丁戊己庚辛壬癸")
    assert told.parties[0].kind == "person"
    assert told.parties[0].areas == REGIONS
    assert [label(n) for n in (0, 9, 10, 109)] == [
        ("甲", "A"),
        ("癸", "J"),
        ("甲甲", "AA"),
        ("癸癸", "JJ"),
    ]


def test_the_law_is_told_number_by_number_or_as_it_was_stored(told: Explanation) -> None:
    zh, en = (explain_text.text(told, lang) for lang in ("zh", "en"))
    assert "extended; law in force, extended: line_person_fen, line_other_fen; superseded" in en
    assert "自设：未见条文规定多近为接近" in zh and "no text says how near" in en
    stored = dict.fromkeys(("variant", "legal_status"), "")
    for row in (stored, stored | {"variant": told.rule.variant, "legal_status": "analogy"}):
        assert _standing(load_rules()[told.rule.name], row, {}) == ""
    older = replace(told, rule=replace(told.rule, standing="", legal_status="analogy; numbers: L-"))
    assert "analogy; numbers: superseded or draft\n" in explain_text.text(older, "en")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_text_holds_every_figure_and_no_identifier(told: Explanation, lang: words.Lang) -> None:
    text = explain_text.text(told, lang)
    total = "405.00 万元" if lang == "zh" else "CNY 4,050,000"
    for needed in (total, "SIMULATED", "2026.1", "2026-03-04 10:00:00", "2/9", "3/9"):
        assert needed in text, needed
    for line in told.rule.lines:
        assert words.measure(line.value, told.rule.unit, lang) in text
        assert line.cited(lang == "zh") in text
    assert words.legal_words(told.rule.standing, lang) in text
    for row in told.evidence:
        assert str(row.transaction_id) not in text
    for party in told.parties:
        assert str(party.id) not in text


def test_lines_rise_and_the_lowest_is_the_least_sum_that_can_fire(told: Explanation) -> None:
    values = [line.value for line in told.rule.lines]
    assert values == sorted(values) == [120_000_000, 150_000_000, 250_000_000]
    assert all(point.measure >= values[0] for point in told.series[JOINT] if point.fires)


def test_every_rule_can_be_measured_below_its_line() -> None:
    for name, rule in load_rules().items():
        asked = open_values(rule)
        assert set(asked) <= set(rule.parameters), name


def test_the_beginning_of_an_id_is_enough_and_a_wrong_one_is_said(
    told: Explanation, ledger: Connection
) -> None:
    assert explanation(ledger, told.alert.alert_id[:8]) == told
    for wrong in ("zzz", "", "%", "x' OR 1=1"):
        with pytest.raises(InputError, match="alert list"):
            explanation(ledger, wrong)


def test_the_commands_list_and_explain(published: Path, told: Explanation) -> None:
    app, runner = build("alert"), CliRunner()
    listed = runner.invoke(app, ["list", "--ledger", str(published), "--json"])
    assert [row["alert_id"] for row in json.loads(listed.stdout)] == [told.alert.alert_id]
    shown = runner.invoke(app, ["list", "--ledger", str(published), "--hidden", "--lang", "zh"])
    assert told.alert.alert_id[:12] in shown.stdout
    assert "1 条因分割而被隐藏" in shown.stdout
    one = ["explain", told.alert.alert_id, "--ledger", str(published)]
    assert "甲" in runner.invoke(app, [*one, "--lang", "zh"]).stdout
    assert json.loads(runner.invoke(app, [*one, "--json"]).stdout)["alert"]["peak_band"] == 3
    for wrong in (["explain", "zzz"], ["list", "--rule", "none"], ["list", "--lang", "fr"]):
        result = runner.invoke(app, [*wrong, "--ledger", str(published)])
        assert result.exit_code == 2
        assert "Traceback" not in result.output
