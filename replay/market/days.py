"""The days of a simulated span, and instants within them.

Days are Beijing calendar days; instants are UTC microseconds. Business days come from the bank
calendar of the reference data, so public holidays and adjusted working days are the real ones.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError
from schemas.reference_data import calendars

CALENDAR = "BANK"
DEFAULT_START = date(2026, 4, 7)  # 1 to 5 May is a holiday, Saturday 9 May a working day
HOUR = 3_600_000_000
DAY = 24 * HOUR
BEIJING = 8 * HOUR

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of calendar days that begins and ends with a business day.

    `business` lists the business days' positions within the span, ascending.
    """

    first: date
    length: int  # calendar days
    business: tuple[int, ...]

    @property
    def last(self) -> date:
        """The last day, a business day."""
        return self.day(self.length - 1)

    def day(self, position: int) -> date:
        """The date at a position (0 is the first day)."""
        return self.first + timedelta(days=int(position))

    def midnight(self, positions: Ints) -> Ints:
        """00:00 Beijing of the days at these positions, in UTC microseconds."""
        start = (self.first - date(1970, 1, 1)).days * DAY - BEIJING
        return np.asarray(start + np.asarray(positions, np.int64) * DAY)

    def holidays(self) -> list[date]:
        """Weekdays on which banks are shut."""
        shut = set(range(self.length)) - set(self.business)
        return [self.day(at) for at in sorted(shut) if self.day(at).weekday() < 5]

    def adjusted_days(self) -> list[date]:
        """Weekend days on which banks work."""
        return [self.day(at) for at in self.business if self.day(at).weekday() >= 5]

    def month_ends(self) -> list[date]:
        """Last days of the months that end within the span or in the week before it."""
        days = [self.day(at) for at in range(-7, self.length)]
        return [day for day in days if (day + timedelta(days=1)).day == 1]


def span(first: date, business_days: int) -> Span:
    """The span that begins on the first business day from `first` and holds so many of them.

    Raises:
        InputError: the calendar does not reach that far, or the number is not positive.
    """
    if business_days < 1:
        raise InputError("days: expected at least 1 business day, such as 42")
    calendar = calendars().get(CALENDAR)
    last = min(calendar.last_day, first + timedelta(days=3 * business_days + 30))
    opened = calendars().open_days(CALENDAR, first, last)
    if len(opened) < business_days:
        raise InputError(
            f"days: the calendar ends on {last}, {len(opened)} business days after {first}; "
            f"expected at most {len(opened)}"
        )
    opened = opened[:business_days]
    positions = tuple((day - opened[0]).days for day in opened)
    return Span(opened[0], positions[-1] + 1, positions)


def local_hour(instants: Ints) -> npt.NDArray[np.float64]:
    """Beijing time of day in hours."""
    return np.asarray(((instants + BEIJING) % DAY) / HOUR)


def stamp(instants: Ints, unit: Literal["D", "s", "ms"] = "ms") -> npt.NDArray[np.str_]:
    """Beijing wall time as ISO text without an offset, e.g. 2026-04-07T10:30:05.123."""
    local = (instants + BEIJING).astype("datetime64[us]")
    return np.asarray(np.datetime_as_string(local, unit=unit))
