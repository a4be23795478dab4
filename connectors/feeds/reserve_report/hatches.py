"""What the spec cannot say: the first and the last day of a month that a column head names.

A head is text (`2026年06月`, `2026-06`) or a date cell, which arrives as its ISO date.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.columns import by_code, encoded

_MONTH = re.compile(r"(20[0-9]{2})(?:年|-)(0?[1-9]|1[0-2])(?:月|-(?:0[1-9]|[12][0-9]|3[01]))?")

Result = tuple[pa.Array, NDArray[np.bool_]]


def first_day(columns: list[pa.Array], options: Mapping[str, Any]) -> Result:
    """The first day of each month; (date column, mask of heads that name no month)."""
    del options
    return _days(columns[0], lambda year, month: date(year, month, 1))


def last_day(columns: list[pa.Array], options: Mapping[str, Any]) -> Result:
    """The last day of each month; (date column, mask of heads that name no month)."""
    del options
    return _days(
        columns[0], lambda year, month: date(year, month, calendar.monthrange(year, month)[1])
    )


def _days(text: pa.Array, day: Callable[[int, int], date]) -> Result:
    values, codes = encoded(text)
    found = [_MONTH.fullmatch(value) for value in values.to_pylist()]
    days = pa.array([day(int(m[1]), int(m[2])) if m else None for m in found], pa.date32())
    out = by_code(days, codes)
    bad = out.is_null().to_numpy(zero_copy_only=False) & (codes >= 0)
    return out, bad
