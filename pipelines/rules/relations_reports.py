"""Who owes which report, and who is licensed, in examples: `expected_report`, `payment_licence`.

The calendar of the banks is the real one. Unless an example says until when anything was heard,
every deadline of it has passed.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from typing import Any

import pyarrow as pa

from pipelines.rules.relations_lines import Readers, Row, columns, day, instant
from schemas.reference_data import calendars

_TIME = pa.timestamp("us", "UTC")
_SINCE, _UNTIL = date(2026, 1, 1), date(2026, 12, 31)
LICENCE = columns("key event_time party", "status", "valid_from valid_to")
EXPECTED = columns(
    "key institution event_time business_ordinal amount_fen "
    "amount_gap_fen time_gap_us reported_us told_us"
)


def licence(row: Row, read: Readers) -> Mapping[str, Any]:
    """A licence for payment business, since long ago unless the row says something else."""
    return {
        "key": read.party(row["entry"]),
        "event_time": read.instant(row["time"]),
        "party": read.party(row["party"]),
        "status": row.get("status", "ACTIVE"),
        "valid_from": day(row.get("since", "2020-01-01")),
        "valid_to": day(row.get("until", "-")),
    }


def expected(row: Row, read: Readers) -> Mapping[str, Any]:
    """A report that an institution owes: when its own came, when the other side's; `-` never."""
    time = read.instant(row["time"])
    own, other = (instant(row[name], read) for name in ("own", "other"))
    return {
        "key": read.party(row["tx"]),
        "institution": read.party(row["bank"]),
        "event_time": time,
        "business_ordinal": bank_day(time),
        "amount_fen": read.fen(row["yuan"]),
        "amount_gap_fen": read.fen(row.get("gap", "0")),
        "time_gap_us": int(row.get("gap_us", "0").replace("_", "")),
        "reported_us": own,
        "told_us": other,
    }


def submissions(rows: Iterable[Row], read: Readers) -> pa.Table:
    """When something was received last: `submission`, of the lines `time`; else all has passed."""
    times = [read.instant(row["time"]) for row in rows] or [read.instant("2036-12-31")]
    return pa.table({"received_at": pa.array(times, pa.int64()).cast(_TIME)})


@cache
def bank_calendar() -> pa.Table:
    """The open days of the banks that examples speak of: `calendar`."""
    days = pa.array(calendars().open_days("BANK", _SINCE, _UNTIL), pa.date32())
    ordinals = pa.array([bank_day_of(day) for day in days.to_pylist()], pa.int32())
    codes = pa.array(["BANK"] * len(days))
    return pa.table({"calendar": codes, "business_date": days, "business_ordinal": ordinals})


def bank_day_of(day: date) -> int:
    """The number of a bank's business day."""
    return bank_day((day - date(1970, 1, 1)).days * 86_400_000_000)


@lru_cache(4096)
def bank_day(time: int) -> int:
    """The number of the business day of the banks an instant (us) belongs to."""
    instants = pa.array([time], pa.int64()).cast(_TIME)
    return int(calendars().business_date(instants, "BANK")[1][0].as_py())
