"""Time on the x axis: every day with activity is equally wide, idle days are a narrow gap.

A linear axis would give nights and weekends most of the room and press the transfers into a few
pixels. Inside a day the axis is linear over one window of hours common to all days, so the same
hour stands at the same place of each day; a gap is marked where days are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from serving.desk.svg.say import beijing, weekday

DAY = 86_400_000_000
_HOUR = 3_600_000_000
_BEIJING_OFFSET = 8 * _HOUR
_GAP = 14.0


@dataclass(frozen=True, slots=True)
class Day:
    """One Beijing day with activity: its number since 1970 and its stretch of the axis."""

    ordinal: int
    left: float
    right: float

    @property
    def noon(self) -> int:
        """An instant inside the day, UTC microseconds."""
        return self.ordinal * DAY + 12 * _HOUR - _BEIJING_OFFSET

    @property
    def date(self) -> str:
        """Month and day."""
        return beijing(self.noon).strftime("%m-%d")

    @property
    def weekday(self) -> tuple[str, str]:
        """The weekday in both languages."""
        return weekday(self.noon)


@dataclass(frozen=True, slots=True)
class Axis:
    """Where an instant stands. `gaps` are the middles of left-out stretches; `hours` the window."""

    left: float
    right: float
    days: tuple[Day, ...]
    gaps: tuple[float, ...]
    hours: tuple[int, int]

    def day_of(self, microseconds: int) -> Day:
        """The active day of an instant, or the nearest one before it (the first if none is)."""
        ordinal = (microseconds + _BEIJING_OFFSET) // DAY
        best = self.days[0]
        for day in self.days:
            if day.ordinal <= ordinal:
                best = day
        return best

    def x(self, microseconds: int) -> float:
        """The place of an instant; instants outside a day's window stand at the window's edge."""
        day = self.day_of(microseconds)
        start = day.ordinal * DAY + self.hours[0] * _HOUR
        span = (self.hours[1] - self.hours[0]) * _HOUR
        share = (microseconds + _BEIJING_OFFSET - start) / span
        pad = min(8.0, (day.right - day.left) * 0.12)
        return day.left + pad + min(1.0, max(0.0, share)) * (day.right - day.left - 2 * pad)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Hours to label inside the days, as (x, "09:00"); none where days are too narrow."""
        if not self.days or self.days[0].right - self.days[0].left < 120:
            return ()
        first, last = self.hours
        room = self.days[0].right - self.days[0].left
        step = next(
            (s for s in (1, 2, 3, 4, 6, 12) if (last - first) / s * 44 <= room), last - first
        )
        return tuple(
            (
                self.x(day.ordinal * DAY + hour * _HOUR - _BEIJING_OFFSET),
                f"{hour:02d}:00",
            )
            for day in self.days
            for hour in range(first, last, step)
        )


def axis(times: Sequence[int], left: float, right: float) -> Axis:
    """An axis that holds all `times` (UTC microseconds) between `left` and `right`.

    Example:
        >>> a = axis([0, 5 * DAY], 0, 114)
        >>> [(day.date, day.left, day.right) for day in a.days], a.gaps
        ([('01-01', 0.0, 50.0), ('01-06', 64.0, 114.0)], (57.0,))
    """
    local = sorted(time + _BEIJING_OFFSET for time in times) or [0]
    ordinals = sorted({time // DAY for time in local})
    seconds = [time % DAY for time in local]
    first = min(seconds) // _HOUR
    last = min(24, max(seconds) // _HOUR + 1)
    while last - first < 3:
        first, last = max(0, first - 1), min(24, last + 1)
    idle = sum(1 for a, b in pairwise(ordinals) if b - a > 1)
    gap = min(_GAP, 0.4 * (right - left) / max(1, idle))  # the days keep most of the room
    each = (right - left - idle * gap) / len(ordinals)
    days: list[Day] = []
    gaps: list[float] = []
    x = float(left)
    for position, ordinal in enumerate(ordinals):
        if position and ordinal - ordinals[position - 1] > 1:
            gaps.append(x + gap / 2)
            x += gap
        days.append(Day(ordinal, x, x + each))
        x += each
    return Axis(float(left), float(right), tuple(days), tuple(gaps), (first, last))
