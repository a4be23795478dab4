"""What changed: alerts known before against alerts known now. Nothing known is ever lost."""

from datetime import datetime

import pyarrow as pa

from schemas.records import ALERT

_UNSTABLE = ("known_from", "superseded_by", "withdrawn")


def revise(before: pa.Table, now: pa.Table, known_from: datetime) -> pa.Table:
    """The revisions that lead from one state of knowledge to the next.

    Args:
        before: standing ALERT rows (none withdrawn), as known until now.
        now: ALERT rows of the same subjects, evaluated again.
        known_from: when the difference became known.

    Returns:
        ALERT rows with `known_from`: raised and amended alerts as they are now, and withdrawn ones
        (`withdrawn`, with `superseded_by` where an episode of the same subject took their place).
        Alerts that did not change give no row.
    """
    stable = [name for name in ALERT.names if name not in _UNSTABLE]
    old = {row["alert_id"]: row for row in before.to_pylist()}
    new = {row["alert_id"]: row for row in now.to_pylist()}
    rows = []
    for alert_id, row in new.items():
        known = old.get(alert_id)
        if known is None or any(known[name] != row[name] for name in stable):
            rows.append(row | {"known_from": known_from})
    for alert_id, row in old.items():
        if alert_id not in new:
            heirs = [
                other
                for other in now.to_pylist()
                if all(other[name] == row[name] for name in ("rule", "variant", "subject"))
                and other["first_crossing"] <= row["last_crossing"]
                and other["last_crossing"] >= row["first_crossing"]
            ]
            heir = min(heirs, key=lambda other: other["first_crossing"], default=None)
            rows.append(
                row
                | {
                    "withdrawn": True,
                    "superseded_by": heir["alert_id"] if heir else None,
                    "known_from": known_from,
                }
            )
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["alert_id"])), schema=ALERT)
