"""An alert of every rule, whatever its subject: told, drawn, and its figures those of the run."""

from ledger.duck import Connection
from schemas.regions import JOINT
from serving.answers import explain_text, words
from serving.answers.explain import explanation
from serving.desk.page.single import alert_page

_ONE = """
SELECT rule, any_value(alert_id ORDER BY hidden_by_split DESC, alert_id) FROM alerts
GROUP BY rule ORDER BY rule
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
        page = alert_page(told)
        assert page.count("<svg") >= 3, rule
        assert "<script" not in page and " style=" not in page, rule
