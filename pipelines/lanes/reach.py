"""How far a report reaches in event time under a rule's horizon: never less than it does.

A horizon of business days is turned into time by its calendar, a day wider on each side because a
market's day may end before midnight; where the calendar ends, three natural days stand for one.
A rule on the graph looks back as far as the graph's memory, whatever its own horizon; one with a
memory of its own as far as reports are kept.
"""

import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import WHOLE
from pipelines.rules.kernels.graph import LOOKS_BACK_US
from pipelines.rules.registry import Rule
from schemas.reference_data import calendars

_DAY = 86_400_000_000
KEPT_US = 3_660 * _DAY  # ten years
_BEIJING = 8 * 3_600_000_000
Instants = npt.NDArray[np.int64]


def after(rule: Rule, instants: Instants) -> Instants:
    """The last instant (us) at which the rule may still look back at each of these."""
    if span := _microseconds(rule):
        return instants + span
    return _moved(rule, instants, rule.horizon.business_days + 1)


def before(rule: Rule, instants: Instants) -> Instants:
    """The first instant (us) that the rule may look back at from each of these."""
    if span := _microseconds(rule):
        return instants - span
    return _moved(rule, instants, -rule.horizon.business_days - 1)


def _microseconds(rule: Rule) -> int:
    if rule.memory:
        return KEPT_US
    return LOOKS_BACK_US if rule.group in WHOLE else rule.horizon.microseconds


def _moved(rule: Rule, instants: Instants, days: int) -> Instants:
    """The end (or the begin, `days` negative) of the day so many business days away."""
    opened = calendars().get(rule.calendar).open_days.astype(np.int64)
    day = (instants + _BEIJING) // _DAY
    if not len(opened):  # every day is open
        return (day + days + (days > 0)) * _DAY - _BEIJING
    at = np.searchsorted(opened, day) + days
    known = (at >= 0) & (at < len(opened))
    there = opened[np.clip(at, 0, len(opened) - 1)]
    there = np.where(known, there, day + 3 * days)
    return (there + (days > 0)) * _DAY - _BEIJING
