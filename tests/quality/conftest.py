"""A small made ledger: twelve days of payments, bills and loans in the real ledger's tables."""

import datetime
import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from ledger import ddl, duck, stored
from quality import examples
from quality.evaluate import Evaluator
from quality.rules import catalogue
from schemas.identifiers import check_column

FIRST_DAY = datetime.date(2026, 3, 2)
DAYS = 12
LAST_DAY = FIRST_DAY + datetime.timedelta(days=DAYS - 1)
BANKS = {"310000": "381290000019", "320000": "381301000013"}
Rows = list[dict[str, Any]]


@pytest.fixture(scope="session")
def evaluator() -> Evaluator:
    return Evaluator(catalogue(), duck.memory, validator=check_column, areas=examples.register())


def _hash(*parts: object) -> str:
    return hashlib.md5("/".join(map(str, parts)).encode()).hexdigest()


def _times(day: datetime.date) -> dict[str, Any]:
    return {
        "business_date": day,
        "event_timestamp": f"{day}T07:00:00Z",
        "execution_timestamp": f"{day}T07:00:00Z",
        "reporting_timestamp": f"{day}T07:01:00Z",
        "received_at": f"{day}T07:02:00Z",
        "settlement_date": day,
    }


def payments(day: datetime.date, count: int = 10) -> Rows:
    """Both sides' reports of payments between two branches."""
    return [
        _times(day)
        | {
            "report_id": _hash("payment", day, number, area),
            "transaction_key": _hash("payment", day, number),
            "source_trade_id": f"TX-{day}-{number}",
            "uetr": str(uuid.UUID(_hash("payment", day, number), version=4)),
            "reporting_region": area,
            "report_submitting_entity_id": bank,
        }
        for number in range(count)
        for area, bank in BANKS.items()
    ]


def bills(day: datetime.date, count: int = 4) -> Rows:
    """Discounts of neighbouring sub-ranges of one package a day, reported by the exchange."""
    size = 10_000_000
    return [
        _times(day)
        | {
            "report_id": _hash("bill", day, number),
            "transaction_key": _hash("bill", day, number),
            "source_trade_id": f"TX{day:%Y%m%d}{number}",
            "asset_reference_id": f"6381290000019{day:%Y%m%d}000000077",
            "asset_range_start": number * size + 1,
            "asset_range_end": (number + 1) * size,
            "report_submitting_entity_id": "OP-BILL",
        }
        for number in range(count)
    ]


def loans(day: datetime.date, count: int = 5) -> Rows:
    return [
        {
            "report_id": _hash("loan", day, number),
            "business_date": day,
            "event_timestamp": f"{day - datetime.timedelta(days=1)}T16:00:00Z",
            "received_at": f"{day}T12:00:00Z",
            "source_trade_id": f"{number:012d}",
            "asset_reference_id": f"{number:012d}",
        }
        for number in range(count)
    ]


def append(connection: duck.Connection, market: str, rows: Rows) -> None:
    """Load canonical rows as the loader would, with what the ledger adds to a report."""
    if not rows:
        return
    batch = examples.batch(market, rows)
    ids = [int.from_bytes(bytes.fromhex(row["report_id"])[:7], "big") for row in rows]
    keys = [row.get("transaction_key") or row["report_id"] for row in rows]
    columns: dict[str, Any] = dict(zip(batch.schema.names, batch.columns, strict=True))
    for field in ddl.ledger_fields(examples.kind_of(market)):
        if field.name == "known_from":
            columns[field.name] = batch["received_at"]
        elif field.name == "cause":
            columns[field.name] = pa.repeat("REPORT", len(rows))
        elif field.name == "is_duplicate":
            columns[field.name] = pa.repeat(False, len(rows))
        elif field.name == "report":
            columns[field.name] = pa.array(ids)
        elif field.name == "transaction_id":
            columns[field.name] = pa.array([int(key[:14], 16) for key in keys])
        elif field.name != "known_to":
            columns[field.name] = pa.repeat(1, len(rows))
    kind = examples.kind_of(market)
    stored.append(connection, kind, ddl.TABLES[kind], pa.table(columns))


LedgerOf = Callable[[Rows, Rows, Rows], duck.Connection]


@pytest.fixture
def ledger_with_last_day() -> Iterator[LedgerOf]:
    """A ledger of eleven ordinary days and a last day of the given reports."""
    opened: list[duck.Connection] = []

    def make(last_payments: Rows, last_bills: Rows, last_loans: Rows) -> duck.Connection:
        connection = duck.memory()
        opened.append(connection)
        ddl.create(connection, "SIMULATED")
        history = [FIRST_DAY + datetime.timedelta(days=number) for number in range(DAYS - 1)]
        append(connection, "PYMT", [row for day in history for row in payments(day)])
        append(connection, "BILL", [row for day in history for row in bills(day)])
        append(connection, "LOAN", [row for day in history for row in loans(day)])
        append(connection, "PYMT", last_payments)
        append(connection, "BILL", last_bills)
        append(connection, "LOAN", last_loans)
        return connection

    yield make
    for connection in opened:
        connection.close()
