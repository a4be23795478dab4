"""Ledgers in memory whose reports became known at given times."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ledger import ddl, duck
from pipelines.lanes.closings import Closing, closings
from schemas.narrow import EVENT_CODES
from tests.pipelines.streams import HOUR, Rows

LATENESS, SLACK = timedelta(hours=4), timedelta(minutes=10)
LATENESS_US = 4 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {code: text for text, code in EVENT_CODES.items()}
_EVENT: dict[str, Any] = {
    "kind": "event", "market_segment": "PYMT", "revision_number": 0, "is_duplicate": False,
    "counterparty_1_id_basis": "DOC", "counterparty_2_id_basis": "DOC",
    "debtor_agent_id": "A", "creditor_agent_id": "B", "transaction_key": bytes(16),
    "invoice": 0, "contract": 0,
}  # fmt: skip
_POSITION: dict[str, Any] = {"kind": "position", "market_segment": "LOAN", "is_duplicate": False}


def instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


@cache
def _connection() -> duck.Connection:
    """One for all: making the tables of a ledger takes longer than a test of it."""
    connection = duck.memory()
    ddl.create(connection, "SIMULATED")
    connection.execute("DROP VIEW event; DROP VIEW position")
    return connection


def ledger_of(
    rows: Rows,
    known: npt.NDArray[np.int64],
    positions: Sequence[dict[str, Any]] = (),
    more: Sequence[dict[str, Any]] = (),
) -> duck.Connection:
    """The ledger with these reports and no others; `known` are their times of receipt, us.

    `more` is what an event says beyond its narrow row.

    A report of an event is late if it came later than LATENESS after it.
    """
    connection = _connection()
    events = [
        _EVENT
        | {
            "transaction_id": int(row["key"]),
            "report": int(row["report"]),
            "reference_id": int(row["report"]),
            "event_timestamp": int(row["event_time"]),
            "amount_cny": int(row["amount_fen"]),
            "vantage_mask": int(row["mask"]) | 16,
            "event_type": _TYPES[int(row["event_code"])],
            "counterparty_1_nature": "I" if row["flags"] & 1 else None,
            "counterparty_2_nature": "I" if row["flags"] & 2 else None,
            "known_from": int(at),
            "received_at": int(at),
            "is_late": bool(at > row["event_time"] + LATENESS_US),
        }
        | {name: int(row[name]) for name in _SAME}
        for row, at in zip(rows, known.tolist(), strict=True)
    ]
    for event, beyond in zip(events, more, strict=False):
        event.update(beyond)
    _fill(connection, "event", events)
    _fill(connection, "position", [_POSITION | row for row in positions])
    return connection


_SAME = (
    "payer_account", "payee_account", "payer_party", "payee_party", "reporter", "asset",
    "instrument", "business_ordinal", "payer_agent", "payee_agent",
)  # fmt: skip


def _fill(connection: duck.Connection, kind: str, rows: list[dict[str, Any]]) -> None:
    """A table in the place of the view over the parts, with the columns that are given."""
    schema = ddl.TABLES[kind]
    table = pa.table(
        [_column([row.get(field.name) for row in rows], field.type) for field in schema],
        names=schema.names,
    )
    connection.register("_rows", table)
    connection.execute(f"CREATE OR REPLACE TABLE {kind} AS SELECT * FROM _rows")
    connection.unregister("_rows")


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):  # given in fen
        fen = [None if value is None else Decimal(value).scaleb(-2) for value in values]
        return pa.array(fen, kind)
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type)
    return pa.array(values, kind)


def closed_days(known: npt.NDArray[np.int64]) -> tuple[Closing, ...]:
    """The closings of reports that were received then."""
    return closings(instant(int(known.min())), instant(int(known.max())), LATENESS, SLACK)
