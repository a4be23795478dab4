"""The summary of a run: counts that add up, alerts by rule, what splitting hid."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_COUNTS = ("submitted", "accepted", "rejected", "quarantined", "duplicates", "skipped", "late")
_PARTS = ("accepted", "rejected", "quarantined", "duplicates", "pending")


def summary(
    data_origin: str,
    submissions: pa.Table,
    alerts: pa.Table,
    transactions: int,
    output_sha256: str,
    rules: tuple[str, ...],
    revisions: pa.Table,
    kinds: Mapping[str, str],
    cut_short: Mapping[str, int],
) -> dict[str, Any]:
    """The JSON summary of `demo` and `replay`, without times and score.

    Args:
        data_origin: REAL, PUBLIC or SIMULATED.
        submissions: One row a submission, `schemas.records.SUBMISSION`.
        alerts: Standing alerts, `schemas.records.ALERT`.
        transactions: How many the ledger holds.
        output_sha256: Fingerprint of the final alerts.
        rules: Every rule that was run, also those that raised nothing.
        revisions: Every row an alert ever had, `schemas.records.ALERT`.
        kinds: What the records of each feed are.
        cut_short: By rule, how many searches of the stream stopped at their bound.
    """
    standing = alerts.filter(pc.invert(alerts["withdrawn"]))
    hidden = standing.filter(standing["hidden_by_split"])
    return {
        "data_origin": data_origin,
        "submissions": submissions.num_rows,
        "submitted": _sum(submissions, "submitted"),
        "accepted": _sum(submissions, "accepted"),
        "rejected": _sum(submissions, "rejected"),
        "quarantined": _sum(submissions, "quarantined"),
        "duplicates": _sum(submissions, "duplicates"),
        "pending": 0,
        "skipped": _sum(submissions, "skipped"),
        "late": _sum(submissions, "late"),
        "transactions": transactions,
        "alerts": standing.num_rows,
        "hidden_by_split": hidden.num_rows,
        "hidden_also_from_operators": pc.sum(pc.is_null(hidden["operator_sees"])).as_py() or 0,
        "not_raised_jointly": pc.sum(standing["not_raised_jointly"]).as_py() or 0,
        "search_cut": pc.sum(standing["search_cut"]).as_py() or 0,
        "revisions": {
            status: pc.sum(pc.equal(revisions["status"], status)).as_py() or 0
            for status in ("raised", "amended", "withdrawn")
        },
        "by_feed": _by_feed(submissions, kinds),
        "searches_cut": sum(cut_short.values()),
        "by_rule": {
            rule: _of_rule(standing, rule) | {"searches_cut": cut_short.get(rule, 0)}
            for rule in rules
        },
        "output_sha256": output_sha256,
    }


def adds_up(counts: Mapping[str, Any]) -> bool:
    """Whether every submitted record is accounted for, in all and in each feed."""
    rows = (counts, *counts.get("by_feed", {}).values())
    return all(row["submitted"] == sum(row.get(part, 0) for part in _PARTS) for row in rows)


def _by_feed(submissions: pa.Table, kinds: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Counts by feed, the largest first."""
    sums = submissions.group_by("feed").aggregate(
        [("feed", "count"), *((name, "sum") for name in _COUNTS)]
    )
    rows = {
        row["feed"]: {"kind": kinds.get(row["feed"], ""), "submissions": row["feed_count"]}
        | {name: int(row[f"{name}_sum"] or 0) for name in _COUNTS}
        for row in sums.to_pylist()
    }
    return dict(sorted(rows.items(), key=lambda one: (-one[1]["submitted"], one[0])))


def _of_rule(alerts: pa.Table, rule: str) -> dict[str, int]:
    own = alerts.filter(pc.equal(alerts["rule"], rule))
    hidden = own.filter(own["hidden_by_split"])
    return {
        "alerts": own.num_rows,
        "hidden_by_split": hidden.num_rows,
        "hidden_also_from_operators": pc.sum(pc.is_null(hidden["operator_sees"])).as_py() or 0,
        "not_raised_jointly": pc.sum(own["not_raised_jointly"]).as_py() or 0,
    }


def _sum(table: pa.Table, column: str) -> int:
    return int(pc.sum(table[column]).as_py() or 0)
