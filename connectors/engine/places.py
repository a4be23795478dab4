"""Where each record stands: its number in the submission, its bytes, and how a person finds it."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.cells import Scanned
from connectors.engine.scan import Unit
from connectors.engine.spec import Feed


def ordinals(units: Sequence[Unit], scanned: Scanned, begun: dict[int, int]) -> NDArray[np.int64]:
    """Number of each record in its submission, counting on over chunks."""
    rows = len(scanned.records)
    sizes = np.bincount(scanned.unit, minlength=len(units)) if rows else np.zeros(len(units), int)
    first = np.zeros(len(units), np.int64)
    for number, unit in enumerate(units):
        first[number] = begun.get(unit.submission, 0)
        begun[unit.submission] = int(first[number] + sizes[number])
    within = np.arange(rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return (first[scanned.unit] + within).astype(np.int64)


def positions(
    units: Sequence[Unit], scanned: Scanned
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Byte range of each record in its submission."""
    if not len(scanned.records):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    bases = np.cumsum([0, *(len(unit.body) for unit in units)])[:-1]
    shifts = np.array([unit.shift for unit in units], np.int64)
    move = (shifts - bases)[scanned.unit]
    return scanned.records[:, 0] + move, scanned.records[:, 1] + move


def locators(
    feed: Feed, scanned: Scanned, record: NDArray[np.int64], units: Sequence[Unit]
) -> pa.Array:
    """Line numbers, or paths with the record's number in them."""
    if feed.format in ("csv", "ndjson"):
        lines = scanned.lines.astype(np.int64)
        shifts = np.array([unit.first_line for unit in units], np.int64)
        lines = lines + shifts[scanned.unit] if len(lines) else lines
        return pc.binary_join_element_wise("line", pa.array(lines).cast(pa.string()), " ")
    prefix: str | pa.Array = "/".join(feed.record) or "record"
    prefix = f"/{prefix}[" if feed.format == "xml" else f"{prefix}["
    if scanned.variants is not None and scanned.variants.any():
        other = f"/{'/'.join(feed.record_else)}["
        prefix = pa.array([prefix, other]).take(pa.array(scanned.variants[scanned.unit]))
    return pc.binary_join_element_wise(prefix, pa.array(record + 1).cast(pa.string()), "]", "")
