"""What one controller spreads over sister companies is found on the group, and on no customer."""

from collections import defaultdict
from typing import Any

import pyarrow.parquet as pq
import pytest

from ledger.duck import Connection
from replay.ledger_scores import references
from serving.answers.controllers import names
from serving.answers.explain import explanation
from tests.yrd.conftest import Run

Rows = list[dict[str, Any]]
RULES = {"structuring", "pass_through", "public_to_private", "large_value"}
_ALERTS = """
SELECT alert_id, rule, subject_kind, hidden_by_split, evidence
FROM alert WHERE NOT withdrawn AND known_to IS NULL AND NOT not_raised_jointly
"""


@pytest.fixture(scope="module")
def told(demo: Run, ledger: Connection) -> list[tuple[dict[str, Any], Rows]]:
    """Every label of sisters, and of who only looks like it, with the alerts that touch it."""
    labels = pq.read_table(demo.tape / "labels.parquet")
    refs: dict[int, set[str]] = defaultdict(set)
    for row in references(ledger, labels).to_pylist():
        refs[row["transaction"]].add(row["ref"])
    alerts = ledger.sql(_ALERTS).to_pylist()
    for alert in alerts:
        alert["refs"] = set().union(*(refs[key] for key in alert["evidence"]))
    return [
        (label, [alert for alert in alerts if alert["refs"] & set(label["refs"])])
        for label in labels.to_pylist()
        if label["rule"] in RULES and label["variant"].startswith(("sisters_", "strangers_"))
    ]


def test_each_scheme_is_found_by_looking_through_and_by_nothing_else(
    told: list[tuple[dict[str, Any], Rows]],
) -> None:
    schemes = [(label, alerts) for label, alerts in told if label["kind"] == "scheme"]
    assert {label["rule"] for label, _ in schemes} == RULES
    assert len(schemes) >= 12
    for label, alerts in schemes:
        mine = [alert for alert in alerts if alert["rule"] == label["rule"]]
        assert {alert["subject_kind"] for alert in mine} == {"group"}, label["scheme_id"]
        covered = [alert for alert in mine if _covers(alert, label)]
        assert covered, label["scheme_id"]
        assert all(alert["hidden_by_split"] == label["split"] for alert in covered)


def test_who_only_looks_like_it_raises_nothing_on_a_group(
    told: list[tuple[dict[str, Any], Rows]],
) -> None:
    innocents = [(label, alerts) for label, alerts in told if label["kind"] == "innocent"]
    assert {label["variant"].split("_")[0] for label, _ in innocents} == {"sisters", "strangers"}
    for label, alerts in innocents:
        assert not [one for one in alerts if one["subject_kind"] == "group"], label["scheme_id"]


def test_an_alert_tells_when_no_region_s_register_alone_joins_its_firms(
    told: list[tuple[dict[str, Any], Rows]], ledger: Connection
) -> None:
    def alert(variant: str) -> str:
        """One that found a scheme of large sums of this variant."""
        return next(
            str(one["alert_id"])
            for label, alerts in told
            for one in alerts
            if (label["variant"], label["rule"], one["rule"]) == (variant, *["large_value"] * 2)
        )

    apart = explanation(ledger, alert("sisters_received"))
    assert apart.controlled is not None
    assert len(apart.controlled.parties) == 2
    assert len(apart.controlled.registers) >= 2
    assert apart.controlled.joined_by == ()
    assert "任何一地的登记单独都连不起来" in "".join(apart.sentences_zh)
    whole = explanation(ledger, alert("sisters_one_region"))
    assert whole.controlled is not None
    assert whole.controlled.joined_by == whole.controlled.registers
    assert f"，{names(whole.controlled, whole.parties, 'zh')} 及其他" in whole.sentences_zh[0]


def _covers(alert: dict[str, Any], label: dict[str, Any]) -> bool:
    return 10 * len(alert["refs"] & set(label["refs"])) >= 6 * len(label["refs"])
