"""Lines of examples about goods and what is lent on them: receipts, stocks, loans."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from pipelines.rules.relations_lines import Readers, Row, columns, day, fen, text

_ACTS = MappingProxyType(
    {
        "issue": "ISSU", "pledge": "PLDG", "release": "RLSE", "pass": "TRFR", "split": "SPLT",
        "merge": "MERG", "deliver": "DLVR", "cancel": "CNCL",
    }
)  # fmt: skip
_LOAN_ACTS = MappingProxyType({"owes": "BALANCE", "draws": "DRAW", "repays": "RPAY"})

RECEIPT: Mapping[str, pa.DataType] = MappingProxyType(
    {
        **columns(
            "key event_time receipt owner taker secured_fen value_fen grams batch goods",
            "act number status variety warehouse",
        ),
        "pledge_rank": pa.int32(),
        "is_standard": pa.bool_(),
        "parents": pa.list_(pa.string()),
    }
)
STOCK = columns("key event_time place grams", "variety warehouse")
LOAN: Mapping[str, pa.DataType] = MappingProxyType(
    {
        **columns(
            "key event_time loan lender borrower owed_fen reporter",
            "act number former contract",
            "effective_date expiration_date",
        ),
        "borrower_is_person": pa.bool_(),
    }
)


def receipt(row: Row, read: Readers) -> Mapping[str, Any]:
    """An act on a receipt; `taker` is the pledgee, `goods` where they lie, `lot` which they are."""
    parents = row.get("parents", "-")
    return {
        "key": read.party(row["tx"]),
        "event_time": read.instant(row["time"]),
        "act": _ACTS[row["act"]],
        "receipt": read.party(row["receipt"]),
        "number": row["receipt"],
        "parents": None if parents == "-" else parents.split("+"),
        "status": text(row.get("status", "-")),
        "is_standard": row.get("class", "other") == "standard",
        "owner": read.party(row.get("owner", "-")),
        "taker": read.party(row.get("taker", "-")),
        "pledge_rank": None if row.get("rank", "-") == "-" else int(row["rank"]),
        "secured_fen": fen(row.get("secured", "-"), read),
        "value_fen": fen(row.get("value", "-"), read),
        "grams": _grams(row.get("tonnes", "1")),
        "variety": row.get("variety", "cu"),
        "warehouse": row.get("warehouse", "W"),
        "goods": read.party(row.get("goods", "-")),
        "batch": read.party(row.get("lot", "-")),
    }


def stocked(row: Row, read: Readers) -> Mapping[str, Any]:
    """What a warehouse states to hold at the end of a day."""
    return {
        "key": read.party(row["statement"]),
        "event_time": read.instant(row["day"]),
        "place": read.party(row["place"]),
        "variety": row.get("variety", "cu"),
        "warehouse": row.get("warehouse", "W"),
        "grams": _grams(row["tonnes"]),
    }


def loan(row: Row, read: Readers) -> Mapping[str, Any]:
    """What a lender says of a loan: a balance of its register, a drawdown, a repayment."""
    return {
        "key": read.party(row["tx"]),
        "event_time": read.instant(row["time"]),
        "act": _LOAN_ACTS[row["act"]],
        "loan": read.party(row["loan"]),
        "number": row["loan"],
        "former": text(row.get("former", "-")),
        "contract": text(row.get("contract", "-")),
        "lender": read.party(row["lender"]),
        "reporter": read.party(row.get("branch", row["lender"])),
        "borrower": read.party(row["borrower"]),
        "borrower_is_person": row.get("kind", "person") == "person",
        "owed_fen": fen(row["owed"], read),
        "effective_date": day(row.get("start", "-")),
        "expiration_date": day(row.get("end", "-")),
    }


def _grams(tonnes: str) -> int:
    return int(Decimal(tonnes) * 1_000_000)
