"""When a run concludes: the instants at which a business day closes, in known time.

A business day of the banks closes at 00:00 Beijing time after it, plus the longest lateness a feed
of the stream lane declares, plus the transport slack. By then every report of the day that is on
time has been received (a report is late exactly if it comes after its feed's lateness) and no
submission that was received before can still overtake, so what the stream says of instants before
that midnight is complete but for late reports. The end of a run closes whatever is left.

A closing is a function of the data and of two declared lengths, never of a clock, so the same tape
closes its days at the same instants, however it is run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from schemas.reference_data import calendars

CALENDAR = "BANK"
END_OF_TIME = 1 << 62
_BEIJING = timedelta(hours=8)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Closing:
    """One conclusion: from what was received up to `known_at` (inclusive).

    It speaks of instants before `until_us` (event time, us) and of the business days `first` to
    `last`; the end of a run speaks of everything.
    """

    first: date
    last: date
    until_us: int
    known_at: datetime

    @property
    def known_us(self) -> int:
        """`known_at` in microseconds since 1970."""
        return (self.known_at - _EPOCH) // _US


def closings(
    first: datetime, end: datetime, lateness: timedelta, slack: timedelta
) -> tuple[Closing, ...]:
    """The closings of a run in order; the last one is its end.

    Args:
        first: when its first report was received.
        end: when its last submission was received.
        lateness: the longest a feed of the stream lane declares.
        slack: how far submissions may overtake each other.

    Raises:
        ConfigurationError: the bank calendar does not cover the run.

    Example:
        >>> at = datetime(2026, 4, 10, 3, tzinfo=UTC)  # a Friday
        >>> for one in closings(at, at + timedelta(days=4), timedelta(hours=4), timedelta()):
        ...     print(one.last, one.known_at.isoformat())
        2026-04-10 2026-04-10T20:00:00+00:00
        2026-04-13 2026-04-13T20:00:00+00:00
        2026-04-14 2026-04-14T03:00:00+00:00
    """
    since, until = (instant + _BEIJING for instant in (first, end))
    found: list[Closing] = []
    begins = since.date()
    for day in calendars().open_days(CALENDAR, since.date(), until.date()):
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) - _BEIJING
        known_at = midnight + lateness + slack
        if known_at >= end:
            break
        found.append(Closing(begins, day, (midnight - _EPOCH) // _US, known_at))
        begins = day + timedelta(days=1)
    return (*found, Closing(min(begins, until.date()), until.date(), END_OF_TIME, end))


def visible_from(
    instants: npt.NDArray[np.int64], closed: Sequence[Closing]
) -> npt.NDArray[np.int64]:
    """The number of the first closing that speaks of each instant (us)."""
    until = np.array([one.until_us for one in closed], np.int64)
    return np.searchsorted(until, instants, side="right")


def known_from(instants: npt.NDArray[np.int64], closed: Sequence[Closing]) -> npt.NDArray[np.int64]:
    """The number of the first closing that knows what was received at each instant (us)."""
    known = np.array([one.known_us for one in closed], np.int64)
    return np.searchsorted(known, instants, side="left")
