"""What changed: alerts known before against alerts known now. Nothing known is ever lost."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from pipelines.episodes.episodes import UNSTABLE
from schemas.records import ALERT

RAISED, AMENDED, WITHDRAWN = "raised", "amended", "withdrawn"
NEW = "NEW"  # cause: reports that came in time
Row = dict[str, Any]
Subject = tuple[str, str, int]  # rule, variant, subject
_STABLE = tuple(name for name in ALERT.names if name not in UNSTABLE)
_NO_CAUSES: Mapping[Subject, str] = MappingProxyType({})
_NO_NUMBERS: Mapping[str, int] = MappingProxyType({})


def revise(
    before: pa.Table,
    now: pa.Table,
    known_from: datetime,
    causes: Mapping[Subject, str] = _NO_CAUSES,
    numbers: Mapping[str, int] = _NO_NUMBERS,
    by_evidence: frozenset[str] = frozenset(),
) -> pa.Table:
    """The revisions that lead from one state of knowledge to the next.

    Args:
        before: standing ALERT rows (none withdrawn), as known until now.
        now: ALERT rows of the same subjects, evaluated again.
        known_from: when the difference became known.
        causes: why, by subject; NEW where nothing is said.
        numbers: the newest revision of every alert there ever was, by id.
        by_evidence: rules whose alerts are the same where their evidence overlaps.

    Returns:
        ALERT rows with `known_from`, `revision`, `cause` and `status`, by id: raised and amended
        alerts as they are now, and withdrawn ones (`withdrawn`, with `superseded_by` where an
        episode of the same subject, or with the same evidence, took their place). Alerts that did
        not change give no row.
    """
    rows = changes(before.to_pylist(), now.to_pylist(), known_from, causes, numbers, by_evidence)
    return pa.Table.from_pylist(rows, schema=ALERT)


def changes(
    before: Sequence[Row],
    now: Sequence[Row],
    known_from: datetime,
    causes: Mapping[Subject, str],
    numbers: Mapping[str, int],
    by_evidence: frozenset[str],
) -> list[Row]:
    """`revise` over rows."""
    old = {row["alert_id"]: row for row in before}
    new = {row["alert_id"]: row for row in now}
    heirs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in now:
        heirs[row["rule"], row["variant"]].append(row)

    def revised(row: Row, status: str, **more: object) -> Row:
        last = numbers.get(row["alert_id"])
        return row | {
            "known_from": known_from,
            "revision": 0 if last is None else last + 1,
            "cause": causes.get(subject_of(row), NEW),
            "status": status,
            **more,
        }

    rows = []
    for alert_id, row in new.items():
        known = old.get(alert_id)
        if known is None:
            rows.append(revised(row, RAISED))
        elif any(known[name] != row[name] for name in _STABLE):
            rows.append(revised(row, AMENDED))
    for alert_id, row in old.items():
        if alert_id not in new:
            heir = _heir(row, heirs[row["rule"], row["variant"]], row["rule"] in by_evidence)
            rows.append(
                revised(row, WITHDRAWN, withdrawn=True, superseded_by=heir and heir["alert_id"])
            )
    return sorted(rows, key=lambda row: str(row["alert_id"]))


def subject_of(row: Mapping[str, Any]) -> Subject:
    """Whom an alert or a crossing is about."""
    return row["rule"], row["variant"], row["subject"]


def _heir(gone: Row, others: Sequence[Row], by_evidence: bool) -> Row | None:
    """The earliest alert that says now what a withdrawn one said."""
    evidence = set(gone["evidence"])
    found = [
        other
        for other in others
        if (
            other["subject"] == gone["subject"]
            and other["first_crossing"] <= gone["last_crossing"]
            and other["last_crossing"] >= gone["first_crossing"]
        )
        or (by_evidence and not evidence.isdisjoint(other["evidence"]))
    ]
    return min(found, key=lambda other: (other["first_crossing"], other["alert_id"]), default=None)
