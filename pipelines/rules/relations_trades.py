"""Trades, and what exchanges publish of them, in examples: `trade_side` and `market_total`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from pipelines.rules.relations_lines import Readers, Row, columns, text
from schemas.reference_data import calendars

SIDE: Mapping[str, pa.DataType] = MappingProxyType(
    {
        **columns(
            "key event_time business_ordinal side amount_fen account party group_id",
            "market_segment contract trade position_effect purpose",
        ),
        "quantity": pa.float64(),
    }
)
TOTAL: Mapping[str, pa.DataType] = {
    name: SIDE[name]
    for name in ("key", "event_time", "business_ordinal", "market_segment", "contract", "quantity")
}


def side(row: Row, read: Readers) -> Mapping[str, Any]:
    """A side of a trade: one lot of a copper future, opened, unless the row says something else."""
    time = read.instant(row["time"])
    return {
        "key": read.party(row["tx"]),
        "event_time": time,
        "business_ordinal": _trading_day(time),
        "market_segment": row.get("market", "FUTR"),
        "contract": row.get("contract", "cu2607"),
        "trade": text(row.get("trade", "-")),
        "side": {"buys": 1, "sells": 2}[row["side"]],
        "position_effect": {"open": "OPEN", "close": "CLOSE"}[row.get("effect", "open")],
        "purpose": text(row.get("purpose", "-")),
        "quantity": float(row.get("lots", "1").replace("_", "")),
        "amount_fen": read.fen(row.get("yuan", "0")),
        "account": read.party(row.get("account", "-")),
        "party": read.party(row["party"]),
        "group_id": read.party(row.get("group", "-")),
    }


def total(row: Row, read: Readers) -> Mapping[str, Any]:
    """What was traded of a contract on a day, as the exchange says."""
    time = read.instant(f"{row['day']}T00:00")
    return {
        "key": read.party(f"{row.get('contract', 'cu2607')}{row['day']}"[-7:]),
        "event_time": time,
        "business_ordinal": _trading_day(time),
        "market_segment": row.get("market", "FUTR"),
        "contract": row.get("contract", "cu2607"),
        "quantity": float(row["lots"].replace("_", "")),
    }


def _trading_day(instant: int) -> int:
    """The number of the day an instant belongs to at the futures exchange."""
    moment = pa.array([instant], pa.timestamp("us", "UTC"))
    return int(calendars().business_date(moment, "SHFE")[1][0].as_py())
