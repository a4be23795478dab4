"""Control totals: what a submission's header says, and what its records add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connectors.engine.cells import Cells
from connectors.engine.scan import Unit
from connectors.engine.spec import Feed


@dataclass(slots=True)
class Totals:
    """What a submission's header says, and what its records add up to (in 10**-scale units)."""

    records: str | None
    amount: str | None
    sum: int = 0
    whole: bool = True  # every record had an amount


def add_totals(
    feed: Feed,
    totals: dict[int, Totals],
    units: Sequence[Unit],
    cells: Cells,
    columns: dict[str, pa.Array],
    skipped: NDArray[np.bool_],
    submission: NDArray[np.int32],
) -> None:
    """Remember what headers say, and add up what records say."""
    if not units or (feed.total_records is None and feed.total_sum is None):
        return
    none: list[str | None] = [None] * len(units)
    counts = cells.header(feed.total_records, len(units)) if feed.total_records else none
    sums = cells.header(feed.total_sum[1], len(units)) if feed.total_sum else none
    for unit, count, amount in zip(units, counts, sums, strict=True):
        totals.setdefault(unit.submission, Totals(count, amount))
    if feed.total_sum is None or not any(amount is not None for amount in sums):
        return
    _add_sums(totals, columns[feed.total_sum[0]], ~skipped, submission)


def mismatch(feed: Feed, told: Totals, counts: NDArray[np.int64]) -> str:
    """What the control totals should have been, or nothing where they hold."""
    records = int(counts[0])
    if told.records is not None and told.records != str(records):
        return f"{feed.total_records} equal to the records"
    if told.amount is None or feed.total_sum is None or not told.whole:
        return ""
    name, path = feed.total_sum
    kind = next(column.type for column in feed.columns if column.name == name)
    try:
        stated = Decimal(told.amount).scaleb(kind.scale) if told.amount.isascii() else None
    except InvalidOperation:
        stated = None
    return "" if stated == told.sum else f"{path} equal to the sum of {name}"


def _add_sums(
    totals: dict[int, Totals],
    amounts: pa.Array,
    counted: NDArray[np.bool_],
    submission: NDArray[np.int32],
) -> None:
    """Exact sums per submission: halves of 32 bits added apart, so nothing overflows."""
    limbs = np.frombuffer(amounts.buffers()[1], np.int64)[2 * amounts.offset :]
    low, high = limbs[0 : 2 * len(amounts) : 2], limbs[1 : 2 * len(amounts) : 2]
    given = amounts.is_valid().to_numpy(zero_copy_only=False)
    found, place = np.unique(submission, return_inverse=True)
    absent = np.bincount(place[counted & ~given], minlength=len(found))
    rows = given & counted
    wide = rows & (high != (low >> 63))
    rows &= ~wide
    halves = np.zeros((2, len(found)), np.int64)
    np.add.at(halves[0], place[rows], low[rows] & 0xFFFFFFFF)
    np.add.at(halves[1], place[rows], low[rows] >> 32)
    for at, index in enumerate(found.tolist()):
        told = totals[index]
        told.whole &= not absent[at]
        told.sum += int(halves[0, at]) + (int(halves[1, at]) << 32)
    for row in np.flatnonzero(wide).tolist():
        value = (int(high[row]) << 64) + (int(low[row]) & 0xFFFFFFFFFFFFFFFF)
        totals[int(submission[row])].sum += value
