"""Small wide reports, written by hand or drawn at random, for tests of what reads them."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.fields import arrow_schema
from schemas.hashing import hash128, to_binary16
from schemas.records import FEEDBACK, SUBMISSION

DAY = 86_400_000_000
START = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z, a Monday
SHANGHAI, NANJING, HANGZHOU, HEFEI, NINGBO = (
    "381290000019",
    "381301000013",
    "381331000018",
    "381361000019",
    "381332000010",
)
_AREA = {
    SHANGHAI: "310000",
    NANJING: "320000",
    HANGZHOU: "330000",
    HEFEI: "340000",
    NINGBO: "330200",
}
_MASK = {"310000": 1, "320000": 2, "330000": 4, "330200": 4, "340000": 8}
_REQUIRED: dict[str, Any] = {
    "data_origin": "SIMULATED",
    "spec_version": "v1",
    "source_system_code": "SIM",
    "market_segment": "PYMT",
    "message_type": "pacs.008",
    "action_type": "NEWT",
    "event_type": "PAYM",
    "revision_number": 0,
    "counterparty_1_id": "c1",
    "counterparty_1_id_scheme": "PSEUDONYM",
    "counterparty_1_id_basis": "ACCOUNT",
    "counterparty_2_id_basis": "ACCOUNT",
    "asset_class": "CASH",
    "contract_type": "PYMT",
    "business_calendar": "BANK",
    "business_ordinal": 280,
    "cross_region_indicator": False,
    "cross_border_indicator": "N",
    "is_late": False,
    "dq_failed_rules": [],
    "extension": [],
}


def short(text: str, domain: str = "test") -> bytes:
    """Sixteen bytes that stand for a text."""
    return bytes(to_binary16(hash128([pa.array([text])], domain))[0].as_py())


def report(
    number: int, submitter: str = SHANGHAI, kind: str = "event", **fields: Any
) -> dict[str, Any]:
    """One report; what is not given is plain. `payer` and `payee` set account and party."""
    row = dict(_REQUIRED)
    at = fields.pop("at", START + number * 60_000_000)
    payer, payee = fields.pop("payer", "p1"), fields.pop("payee", "p2")
    reference = fields.pop("reference", f"T{number}")
    area = _AREA[submitter]
    row |= {
        "kind": kind,
        "submission_id": hashlib.sha256(f"{submitter}-{number // 10}".encode()).digest(),
        "received_at": at + 60_000_000,
        "reporting_timestamp": at,
        "event_timestamp": at,
        "execution_timestamp": at,
        "business_date": at // DAY,
        "report_submitting_entity_id": submitter,
        "submitter_area": area,
        "reporting_region": area,
        "vantage_mask": _MASK[area] | 16,
        "source_trade_id": reference,
        "counterparty_1_account_token": payer,
        "counterparty_2_account_token": payee,
        "counterparty_1_party_key": short(payer),
        "counterparty_2_party_key": short(payee),
        "counterparty_1_region": area,
        "counterparty_2_region": area,
        "source_record_locator": f"record {number}",
        "amount_cny": "1000.00",
    }
    row |= fields
    if isinstance(row.get("transaction_key"), str):
        row["transaction_key"] = short(row["transaction_key"])
    row["source_payload_sha256"] = row["submission_id"]
    row["source_uri"] = f"pacs008/{row['submission_id'].hex()}"
    row.setdefault(
        "report_id", short(f"{submitter} {row['submission_id'].hex()} {number}", "report")
    )
    content = [row["event_timestamp"], row["amount_cny"], payer, payee, row["business_date"]]
    row.setdefault("content_hash", short(str(content), "content"))
    return row


def wide(rows: Sequence[dict[str, Any]], kind: str = "event") -> pa.Table:
    """Reports as a table of the canonical schema."""
    schema = arrow_schema(kind)
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if pa.types.is_decimal(field.type):
            columns.append(pa.array(values, pa.string()).cast(field.type))
        elif pa.types.is_dictionary(field.type):
            coded = pa.array(values, pa.string()).dictionary_encode()
            columns.append(
                pa.DictionaryArray.from_arrays(
                    coded.indices.cast(field.type.index_type), coded.dictionary
                )
            )
        elif pa.types.is_date(field.type):
            columns.append(pa.array(values, pa.int32()).cast(field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=schema)


def acknowledged(reports: pa.Table) -> pa.Table:
    """The intake's ACK of each report."""
    size = reports.num_rows
    return pa.table(
        {
            "submission_id": reports["submission_id"],
            "submitter": reports["report_submitting_entity_id"],
            "feed": ["pacs008"] * size,
            "record": np.arange(size),
            "locator": reports["source_record_locator"],
            "report_id": reports["report_id"],
            "source_trade_id": reports["source_trade_id"],
            "verdict": ["ACK"] * size,
            "stage": ["intake"] * size,
            "severity": pa.nulls(size, pa.string()),
            "rule_id": pa.nulls(size, pa.string()),
            "field": pa.nulls(size, pa.string()),
            "expected": pa.nulls(size, pa.string()),
            "received_at": reports["received_at"],
        },
        schema=FEEDBACK,
    )


def submitted(reports: pa.Table, **counts: int) -> pa.Table:
    """The submissions the reports came in, with counts that hold before duplicates are known."""
    seen: dict[tuple[bytes, str], dict[str, Any]] = {}
    keys = ("submission_id", "report_submitting_entity_id", "reporting_region", "received_at")
    for row in reports.select(keys).to_pylist():
        entry = seen.setdefault(
            (row["submission_id"], row["received_at"]),
            {
                "submission_id": row["submission_id"],
                "feed": "pacs008",
                "submitter": row["report_submitting_entity_id"],
                "reporting_region": row["reporting_region"],
                "received_at": row["received_at"],
                "data_origin": "SIMULATED",
                "size": 100,
                "segment": 0,
                "position": len(seen),
                "status": "decoded",
                "submitted": 0,
                "accepted": 0,
                "rejected": 0,
                "quarantined": 0,
                "duplicates": 0,
                "skipped": 0,
                "late": 0,
            },
        )
        entry["submitted"] += 1
        entry["accepted"] += 1
    return pa.Table.from_pylist([entry | counts for entry in seen.values()], SUBMISSION)
