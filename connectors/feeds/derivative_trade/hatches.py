"""What the derivative spec cannot say: values that a choice of elements writes in several ways.

A rate is stated in percent, as a decimal or in basis points; a price may carry its sign in an
element of its own; an event has a moment or only a day. All of it is exact: digits are shifted,
never divided in binary.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.convert import to_decimal, to_moment
from schemas.fields import arrow_schema

_SCHEMA = arrow_schema("event")
AMOUNT = _SCHEMA.field("notional_amount_leg_1").type
RATE = _SCHEMA.field("fixed_rate_leg_1").type
PRICE = _SCHEMA.field("price").type
MOMENT = _SCHEMA.field("event_timestamp").type
_BASIS_POINTS = pa.decimal128(RATE.precision, RATE.scale - 2)  # read in percent, shifted once more
NOT_KNOWN_YET = "9" * 25  # what the standard has reporters write until an amount is known
Mask = NDArray[np.bool_]


def amount(columns: list[pa.Array], options: Mapping[str, Any]) -> tuple[pa.Array, Mask]:
    """An amount that must not be blank where its currency is given; absent where not known yet.

    Args:
        columns: Text of the amount, its currency, and optionally its sign (`false` is minus).
        options: Of the spec line; not used.

    Returns:
        (decimal column, mask of amounts that are no number or missing beside a currency).
    """
    del options
    unknown = pc.fill_null(pc.equal(columns[0], NOT_KNOWN_YET), False)
    values, bad = to_decimal(_only(columns[0], pc.invert(unknown)), AMOUNT)
    lonely = pc.and_(columns[0].is_null(), columns[1].is_valid()).to_numpy(zero_copy_only=False)
    if len(columns) > 2:
        values = _signed(values, columns[2])
    return values, bad | lonely


def rate(columns: list[pa.Array], options: Mapping[str, Any]) -> tuple[pa.Array, Mask]:
    """A rate as a fraction: from percent, else as it is, else from basis points.

    Args:
        columns: Text in percent, as a decimal, and optionally in basis points.
        options: Of the spec line; not used.
    """
    del options
    values, bad = to_decimal(columns[0], RATE, percent=True)
    if columns[1].null_count < len(columns[1]):
        stated, wrong = to_decimal(columns[1], RATE)
        values, bad = pc.coalesce(values, stated), bad | wrong
    if len(columns) > 2 and columns[2].null_count < len(columns[2]):
        points, wrong = to_decimal(columns[2], _BASIS_POINTS, percent=True)
        values, bad = pc.coalesce(values, _hundredth(points)), bad | wrong
    return values, bad


def price(columns: list[pa.Array], options: Mapping[str, Any]) -> tuple[pa.Array, Mask]:
    """A price in the notation it has: amount (with sign), percent, decimal, basis points.

    Args:
        columns: Text of the amount, its sign, and of the three other notations.
        options: Of the spec line; not used.
    """
    del options
    values, bad = to_decimal(columns[0], PRICE)
    values = _signed(values, columns[1])
    for text in columns[2:]:
        if text.null_count < len(text):
            stated, wrong = to_decimal(text, PRICE)
            values, bad = pc.coalesce(values, stated), bad | wrong
    return values, bad


def moment(columns: list[pa.Array], options: Mapping[str, Any]) -> tuple[pa.Array, Mask]:
    """The first of several moments; a day alone counts from midnight in Beijing.

    Args:
        columns: Text of moments or days.
        options: Of the spec line; not used.
    """
    del options
    found: pa.Array = pa.nulls(len(columns[0]), MOMENT)
    bad = np.zeros(len(columns[0]), np.bool_)
    for text in columns:
        if text.null_count == len(text):
            continue
        day = pc.fill_null(pc.equal(pc.binary_length(text), len("2026-06-15")), False)
        if pc.any(day).as_py():
            days, wrong = to_moment(_only(text, day), MOMENT, "%Y-%m-%d", "+08:00")
            found, bad = pc.coalesce(found, days), bad | wrong
        moments, wrong = to_moment(_only(text, pc.invert(day)), MOMENT, None, "+08:00")
        found, bad = pc.coalesce(found, moments), bad | wrong
    return found, bad


def _only(text: pa.Array, rows: pa.Array) -> pa.Array:
    return pc.if_else(rows, text, pa.scalar(None, pa.string()))


def _signed(values: pa.Array, sign: pa.Array) -> pa.Array:
    """The values, negative where the sign's element says so."""
    if sign.null_count == len(sign):
        return values
    minus = pc.fill_null(pc.is_in(sign, value_set=pa.array(["false", "0"])), False)
    return pc.if_else(minus, pc.negate(values), values)


def _hundredth(values: pa.Array) -> pa.Array:
    """Decimals of two digits less in scale as rates a hundredth as large: the same digits."""
    whole = values.cast(_BASIS_POINTS)
    return pa.Array.from_buffers(RATE, len(whole), whole.buffers(), whole.null_count, whole.offset)
