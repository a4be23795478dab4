"""Write complaints as JSON lines: one state of one complaint a line."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

# One row a state of a complaint; times are Beijing time with offset; empty = left out.
RECORD = pa.schema(
    [
        pa.field(name, pa.string())
        for name in (
            *("complaint", "state", "state_at", "sent_at", "category", "cause", "channel"),
            *("area", "institution", "institution_name", "amount", "currency", "compensated"),
            *("received", "accepted", "due", "answered", "closed", "outcome"),
            *("id_type", "id", "name", "phone", "bank", "account"),
        )
    ]
)
# Path of the object -> column of the records.
_PATHS = {
    "complaintNo": "complaint",
    "state": "state",
    "stateTm": "state_at",
    "sentTm": "sent_at",
    "category": "category",
    "cause": "cause",
    "channel": "channel",
    "area": "area",
    "institution/id": "institution",
    "institution/name": "institution_name",
    "amount/value": "amount",
    "amount/currency": "currency",
    "compensated": "compensated",
    "clock/received": "received",
    "clock/accepted": "accepted",
    "clock/due": "due",
    "clock/answered": "answered",
    "clock/closed": "closed",
    "outcome": "outcome",
    "complainant/idType": "id_type",
    "complainant/idNo": "id",
    "complainant/name": "name",
    "complainant/phone": "phone",
    "account/bank": "bank",
    "account/no": "account",
}


def render(records: pa.Table) -> pa.Array:
    """Render records as lines without their ends; amounts are text.

    Args:
        records: columns of `RECORD`.
    """
    return pa.array([_line(row) for row in records.to_pylist()], pa.string())


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Join lines; the form has no header of its own."""
    del header
    return ("\n".join(records) + "\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`."""
    return frame(render(records).to_pylist(), header)


def _line(row: Mapping[str, Any]) -> str:
    out: dict[str, Any] = {}
    for path, name in _PATHS.items():
        if not row[name]:
            continue
        group, _, leaf = path.rpartition("/")
        (out.setdefault(group, {}) if group else out)[leaf] = row[name]
    return json.dumps(out, ensure_ascii=False, separators=(",", ":"))
