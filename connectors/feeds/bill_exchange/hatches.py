"""What the bill specs cannot say: an amount that follows from the sub-range of a bill package.

A package is split in units of 0.01 CNY; a sub-range from start to end is worth (end - start + 1)
units. Where the record states no amount, this is the amount.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.convert import to_decimal, to_integer
from schemas.fields import arrow_schema

AMOUNT = arrow_schema("event").field("notional_amount_leg_1").type
_UNITS = pa.decimal128(19, 2)  # whole numbers of 0.01 CNY, of as many digits as a range has


def amount(
    columns: list[pa.Array], options: Mapping[str, Any]
) -> tuple[pa.Array, NDArray[np.bool_]]:
    """The stated amount, else that of the sub-range; null where neither is there.

    Args:
        columns: Text of the amount, the range's start and its end.
        options: Of the spec line; not used.

    Returns:
        (decimal column, mask of stated amounts that are no number or negative).
    """
    del options
    stated, bad = to_decimal(columns[0], AMOUNT)
    negative = pc.fill_null(pc.less(stated, pa.scalar(0).cast(AMOUNT)), False)
    bad |= negative.to_numpy(zero_copy_only=False)
    absent = columns[0].is_null().to_numpy(zero_copy_only=False)
    if not absent.any():
        return stated, bad
    start, wrong_start = to_integer(columns[1], pa.int64())
    end, wrong_end = to_integer(columns[2], pa.int64())
    ranged = pc.and_(start.is_valid(), end.is_valid()).to_numpy(zero_copy_only=False)
    first = start.fill_null(0).to_numpy(zero_copy_only=False)
    last = end.fill_null(0).to_numpy(zero_copy_only=False)
    usable = absent & ranged & ~wrong_start & ~wrong_end & (first > 0) & (last >= first)
    limbs = np.zeros(2 * len(first), np.int64)  # low and high halves of a decimal of 0.01 CNY
    limbs[::2] = np.where(usable, last - first + 1, 0)
    bits = pa.py_buffer(np.packbits(usable, bitorder="little").tobytes())
    computed = pa.Array.from_buffers(_UNITS, len(first), [bits, pa.py_buffer(limbs)]).cast(AMOUNT)
    return pc.coalesce(stated, computed), bad
