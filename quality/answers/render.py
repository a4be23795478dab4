"""One submission's feedback as CSV or JSON for whoever sent it.

Pure functions. They show where (record ordinal, locator), which rule and field, and what was
expected in both languages, never a value of a record.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from quality.rules import Rule

_SHOWN = ("record", "locator", "verdict", "stage", "severity", "rule_id", "field", "expected")


def of_submission(feedback: pa.Table, submission_id: bytes, submitter: str) -> pa.Table:
    """The feedback on one submission, in the order of its records.

    The submitter counts too: two institutions can send the same bytes.
    """
    wanted = pa.scalar(submission_id, feedback.schema.field("submission_id").type)
    mine = pc.and_(
        pc.equal(feedback["submission_id"], wanted), pc.equal(feedback["submitter"], submitter)
    )
    return feedback.filter(mine).sort_by([("record", "ascending"), ("rule_id", "ascending")])


def _chinese(rule_ids: pa.ChunkedArray, rules: Sequence[Rule]) -> pa.Array:
    known = {rule.id: rule.zh for rule in rules}
    at = pc.index_in(rule_ids, value_set=pa.array(list(known), pa.string()))
    return pa.array(list(known.values()), pa.string()).take(at)


def as_csv(feedback: pa.Table, rules: Sequence[Rule]) -> bytes:
    """CSV in UTF-8 with a byte order mark, so that spreadsheets read the Chinese column right.

    Args:
        feedback: of one submission (`of_submission`).
        rules: the catalogue, for the Chinese wording of `expected`.
    """
    shown = feedback.select(list(_SHOWN)).append_column(
        "expected_zh", _chinese(feedback["rule_id"], rules)
    )
    sink = io.BytesIO()
    sink.write(b"\xef\xbb\xbf")
    csv.write_csv(shown, sink)
    return sink.getvalue()


def summary(feedback: pa.Table) -> Mapping[str, int]:
    """Number of records by verdict; a record counts once however many findings it has."""
    records = feedback.group_by(["verdict", "submission_id", "submitter", "record"]).aggregate([])
    counts = records.group_by("verdict").aggregate([([], "count_all")]).to_pylist()
    return {row["verdict"]: row["count_all"] for row in sorted(counts, key=lambda r: r["verdict"])}


def as_json(feedback: pa.Table, rules: Sequence[Rule]) -> bytes:
    """JSON: the submission, records by verdict, and every finding; ACK without finding is counted.

    Args:
        feedback: of one submission (`of_submission`), at least one row.
        rules: the catalogue, for the Chinese wording of `expected`.
    """
    first = feedback.slice(0, 1).to_pylist()[0]
    spoken = feedback.append_column("expected_zh", _chinese(feedback["rule_id"], rules))
    findings: list[dict[str, Any]] = (
        spoken.filter(pc.is_valid(spoken["rule_id"])).select([*_SHOWN, "expected_zh"]).to_pylist()
    )
    document = {
        "submission": first["submission_id"].hex(),
        "submitter": first["submitter"],
        "feed": first["feed"],
        "received_at": first["received_at"].isoformat(),
        "records": summary(feedback),
        "findings": findings,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
