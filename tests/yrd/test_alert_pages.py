"""An alert of every rule, whatever its subject: told, drawn, and its figures those of the run."""

import json

from typer.testing import CliRunner

from ledger.duck import Connection
from schemas.regions import JOINT, REGIONS
from serving.answers import explain_text, words
from serving.answers.explain import explanation
from serving.desk.page.single import alert_page
from tests.yrd.conftest import Run
from yrd.cli import build

_ONE = """
SELECT rule, any_value(alert_id ORDER BY hidden_by_split DESC, alert_id) FROM alerts
GROUP BY rule ORDER BY rule
"""
# Alerts of a subject that has more than one under the same rule and variant: at most six.
_AGAIN = """
SELECT rule, alert_id FROM alerts
QUALIFY count(*) OVER (PARTITION BY rule, variant, subject) > 1 ORDER BY alert_id LIMIT 6
"""


def test_an_alert_of_every_rule_has_words_figures_and_pictures(ledger: Connection) -> None:
    found = ledger.rows(_ONE)
    assert len(found) >= 3
    for rule, alert_id in found:
        told = explanation(ledger, str(alert_id))
        assert told.evidence and told.parties and told.arithmetic, rule
        if not told.alert.not_raised_jointly:
            fired = [point.measure for point in told.series[JOINT] if point.fires]
            assert max(fired) >= told.alert.peak_measure, rule
        assert told.arithmetic[-1].running in (0, told.alert.peak_measure), rule
        for lang in ("zh", "en"):
            text = explain_text.text(told, lang)  # type: ignore[arg-type]
            peak = words.measure(told.alert.peak_measure, told.rule.unit, lang)  # type: ignore[arg-type]
            assert told.alert.alert_id in text and peak in text, rule
            short = explain_text.text(told, lang, 2)  # type: ignore[arg-type]
            assert ("--all" in short) == (max(len(told.parties), len(told.arithmetic)) > 2), rule
        page = alert_page(told)
        assert page.count("<svg") >= 3, rule
        assert "<script" not in page and " style=" not in page, rule


def test_an_alert_is_explained_by_its_own_episode_and_not_by_another_of_its_subject(
    ledger: Connection,
) -> None:
    found = ledger.rows(_AGAIN)
    assert found
    for rule, alert_id in found:
        told = explanation(ledger, str(alert_id))
        assert told.arithmetic, (rule, alert_id)
        for cover in told.coverage:
            if cover.status == "none" and told.rule.lines and not told.alert.not_raised_jointly:
                assert cover.peak_measure <= told.alert.peak_measure, (rule, alert_id)


def test_an_explanation_is_json_also_where_a_region_alone_raised_it(
    demo: Run, ledger: Connection
) -> None:
    alert_id = ledger.scalar("SELECT min(alert_id) FROM alerts WHERE not_raised_jointly")
    shown = CliRunner().invoke(
        build("alert"), ["explain", str(alert_id), "--json", "--ledger", str(demo.ledger)]
    )
    assert shown.exit_code == 0, shown.stderr
    assert json.loads(shown.stdout)["alone"]["region"] in REGIONS
