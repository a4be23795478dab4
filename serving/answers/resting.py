"""What alerts rest on: their subject's own reports, or more than those."""

from pipelines.rules.registry import Rule, load_rules
from serving.answers.model import Alert


def rests_on_more(rule: Rule, subject_kind: str) -> bool:
    """Whether more decides than the reports of an alert's evidence and the subject's own.

    What others do (graph rules, groups), figures that institutions or exchanges state, or a
    register that says whom the rule does not mean: none of them is evidence of the alert.
    """
    return (
        rule.group == "graph"
        or subject_kind in {"group", "institution"}
        or ("register" in rule.accepted and "tx" in rule.needs)
        or "market_total" in rule.needs
    )


def proof_of(alert: Alert, letters: int = 32) -> str:
    """What to type behind `yrd alert` to prove an alert; `letters` of its id are written."""
    more = rests_on_more(load_rules()[alert.rule], alert.subject_kind)
    return f"verify {alert.alert_id[:letters]}{' --whole' if more else ''}"
