"""Business days: from an instant to the day it belongs to, in a market's own calendar.

A calendar opens on every day, on working days (weekdays without public holidays, plus the
adjusted working days the State Council orders), or on trading days (the same without adjusted
days: exchanges stay shut on every weekend). An instant that falls on a closed day, or after the
hour at which the next day begins, belongs to the next open day. Days are Beijing days: UTC+8
without daylight saving, which holds since 1992.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.columns import flat
from schemas.errors import ConfigurationError

_DAY = 86_400_000_000  # microseconds
_BEIJING = 8 * 3_600_000_000
_RULES = ("every_day", "working_days", "trading_days")
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """One calendar.

    `open_days` are days since 1970, ascending; empty for NATURAL, which has no end. `next_day_at`
    is the Beijing time of day, in microseconds, from which an instant belongs to the day after
    (a whole day: at midnight). Ordinals count open days from the first one covered, which is 0
    (NATURAL: days since 1970).
    """

    code: str
    name_zh: str
    name_en: str
    rule: str
    next_day_at: int
    first_day: date
    last_day: date
    status: str
    source: str
    open_days: NDArray[np.int32]


def _microseconds(text: str, where: str) -> int:
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit()):
        raise ConfigurationError(f"{where}: next_day_at: expected a time such as 20:00 or 24:00")
    return (int(hours) * 60 + int(minutes)) * 60_000_000


def _open_days(
    rule: str, first: int, last: int, closed: set[int], extra: set[int]
) -> NDArray[np.int32]:
    if rule == "every_day":
        return np.empty(0, np.int32)
    days = range(first, last + 1)
    weekday = [day for day in days if (day + 3) % 7 < _SATURDAY and day not in closed]
    added = [day for day in days if day in extra] if rule == "working_days" else []
    return np.array(sorted({*weekday, *added}), np.int32)


class Calendars:
    """All calendars, from `calendars.csv` and the holidays they share."""

    def __init__(self, calendars: pa.Table, holidays: pa.Table) -> None:
        days = holidays["day"].cast(pa.int32()).to_pylist()
        kinds = holidays["kind"].to_pylist()
        closed = {day for day, kind in zip(days, kinds, strict=True) if kind == "closed"}
        extra = {day for day, kind in zip(days, kinds, strict=True) if kind == "working"}
        if len(closed) + len(extra) != len(days):
            raise ConfigurationError(
                "holidays.csv: kind: expected closed or working and each day once; correct the row"
            )
        found = {}
        for row in calendars.to_pylist():
            where = f"calendars.csv: {row['calendar']}"
            if row["rule"] not in _RULES:
                raise ConfigurationError(f"{where}: rule: expected one of {', '.join(_RULES)}")
            first, last = row["first_day"], row["last_day"]
            found[row["calendar"]] = Calendar(
                code=row["calendar"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                rule=row["rule"],
                next_day_at=_microseconds(row["next_day_at"], where),
                first_day=first,
                last_day=last,
                status=row["status"],
                source=row["source"],
                open_days=_open_days(row["rule"], _number(first), _number(last), closed, extra),
            )
        self._calendars: Mapping[str, Calendar] = MappingProxyType(found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._calendars)

    def get(self, code: str) -> Calendar:
        """One calendar by its code.

        Raises:
            ConfigurationError: no such calendar.
        """
        if code not in self._calendars:
            raise ConfigurationError(
                f"calendar {code!r}: expected one of {', '.join(self._calendars)}; "
                "correct the spec or add it to schemas/reference/calendars.csv"
            )
        return self._calendars[code]

    def open_days(self, code: str, first: date, last: date) -> list[date]:
        """The open days of a calendar between two days, both included.

        Raises:
            ConfigurationError: the calendar does not cover these days.
        """
        calendar = self.get(code)
        start, end = _number(first), _number(last)
        if calendar.rule == "every_day":
            days = np.arange(start, end + 1, dtype=np.int32)
        elif first < calendar.first_day or last > calendar.last_day:
            raise ConfigurationError(
                f"calendar {code}: covers {calendar.first_day} to {calendar.last_day}; "
                "add later years to schemas/reference/holidays.csv and calendars.csv"
            )
        else:
            days = calendar.open_days
            days = days[(days >= start) & (days <= end)]
        opened: list[date] = days.astype("datetime64[D]").tolist()
        return opened

    def business_date(self, instants: pa.Array, code: str) -> tuple[pa.Array, pa.Array]:
        """The business day of each instant.

        Args:
            instants: timestamp[us, UTC] column.
            code: calendar code.

        Returns:
            (date32 days, int32 ordinals) of the same length; both null where the instant is null
            or lies outside the days the calendar covers (NATURAL has no limits). Consecutive open
            days have ordinals that differ by one.
        """
        calendar = self.get(code)
        column = flat(instants)
        absent = column.is_null().to_numpy(zero_copy_only=False)
        micros = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).fill_null(0).to_numpy()
        # The day shifts forward by what is left of it at `next_day_at`; then whole days count.
        days = (micros + (_BEIJING + _DAY - calendar.next_day_at)) // _DAY
        return self._rolled(calendar, days, absent)

    def business_day(self, days: pa.Array, code: str) -> tuple[pa.Array, pa.Array]:
        """The business day of each date32 day: itself if open, else the next open one.

        For sources that state a day and no instant. Returns as `business_date`.
        """
        column = flat(days)
        absent = column.is_null().to_numpy(zero_copy_only=False)
        numbers = column.cast(pa.int32()).fill_null(0).to_numpy().astype(np.int64)
        return self._rolled(self.get(code), numbers, absent)

    @staticmethod
    def _rolled(
        calendar: Calendar, days: NDArray[np.int64], absent: NDArray[np.bool_]
    ) -> tuple[pa.Array, pa.Array]:
        if calendar.rule == "every_day":
            opened, ordinal = days.astype(np.int32), days.astype(np.int32)
        else:
            table = calendar.open_days
            ordinal = np.searchsorted(table, days).astype(np.int32)
            absent = absent | (ordinal >= len(table)) | (days < _number(calendar.first_day))
            opened = table[np.minimum(ordinal, len(table) - 1)]
        return (
            pa.array(opened, pa.int32(), mask=absent).cast(pa.date32()),
            pa.array(ordinal, pa.int32(), mask=absent),
        )


def _number(day: date) -> int:
    return day.toordinal() - 719_163  # days since 1970-01-01
