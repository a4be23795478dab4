"""Text columns to typed columns: a value and a status a row, no exception, no Python a row.

Each function returns the typed column, null where the text is wrong, and a mask of what is wrong.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.kernels import numbers
from schemas.columns import encoded

Mask = NDArray[np.bool_]

_FORMAT_CODES = {
    "Y": numbers.YEAR,
    "m": numbers.MONTH,
    "d": numbers.DAY,
    "H": numbers.HOUR,
    "M": numbers.MINUTE,
    "S": numbers.SECOND,
    "f": numbers.FRACTION,
    "z": numbers.ZONE,
}
ISO_MOMENT = "%Y-%m-%dT%H:%M:%S%f%z"
ISO_DATE = "%Y-%m-%d"
_EXAMPLE = {
    "Y": "2026",
    "m": "06",
    "d": "15",
    "H": "10",
    "M": "30",
    "S": "00",
    "f": "",
    "z": "+08:00",
}


def example(pattern: str) -> str:
    """A moment written in a pattern, for messages.

    Example:
        >>> example("%Y%m%dT%H%M%S"), example(ISO_MOMENT)
        ('20260615T103000', '2026-06-15T10:30:00+08:00')
    """
    for letter, text in _EXAMPLE.items():
        pattern = pattern.replace(f"%{letter}", text)
    return pattern


_DAY_US = 86_400_000_000


def to_decimal(
    text: pa.Array, kind: pa.DataType, percent: bool = False, grouped: bool = False,
    capped: bool = False,
) -> tuple[pa.Array, Mask]:  # fmt: skip
    """Plain decimal text to decimal128.

    Refused: exponents, underscores, blanks, digits that are not ASCII, NaN, digits lost by the
    scale, numbers beyond the precision. `percent` divides by 100 exactly; `grouped` allows exact
    groups of three; `capped` allows a trailing '+'.

    Example:
        >>> values, bad = to_decimal(pa.array(["1.50", "1e3", "１"]), pa.decimal128(25, 5))
        >>> values.to_pylist(), bad.tolist()
        ([Decimal('1.50000'), None, None], [False, True, True])
    """
    data, offsets, valid = parts(text)
    rows = len(text)
    limbs = np.empty(2 * rows, np.int64)
    status = np.empty(rows, np.uint8)
    options = (numbers.GROUPED if grouped else 0) | (numbers.CAPPED if capped else 0)
    shift = 2 if percent else 0
    numbers.to_decimal(
        data, offsets, valid, kind.scale, kind.precision, options, shift, limbs, status
    )
    for row in np.flatnonzero(status == numbers.LONG):  # beyond 18 digits: rare, exact
        plain = text[int(row)].as_py().replace(",", "").rstrip("+")
        value = int(Decimal(plain).scaleb(kind.scale - shift))
        limbs[2 * row] = np.uint64(value & 0xFFFFFFFFFFFFFFFF).astype(np.int64)
        limbs[2 * row + 1] = value >> 64
        status[row] = numbers.FINE
    return _typed(kind, limbs, valid, status)


def to_integer(text: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """Whole numbers of at most 18 digits.

    Example:
        >>> values, bad = to_integer(pa.array(["007", "1_0", None]), pa.int64())
        >>> values.to_pylist(), bad.tolist()
        ([7, None, None], [False, True, False])
    """
    data, offsets, valid = parts(text)
    out = np.empty(len(text), np.int64)
    status = np.empty(len(text), np.uint8)
    numbers.to_integer(data, offsets, valid, out, status)
    if kind != pa.int64():
        width = np.iinfo(kind.to_pandas_dtype())
        status[(out < width.min) | (out > width.max)] = numbers.OVERFLOW
        out = np.where(status == 0, out, 0).astype(kind.to_pandas_dtype())
    return _typed(kind, out, valid, status)


def to_moment(
    text: pa.Array, kind: pa.DataType, pattern: str | None = None, zone: str | None = None
) -> tuple[pa.Array, Mask]:
    """Dates and moments of one declared format.

    Args:
        text: Text column.
        kind: date32 or timestamp[us, UTC].
        pattern: `%Y %m %d %H %M %S`, `%f` (optional fraction with its point), `%z` (Z or +hh:mm)
            and literal characters; default ISO 8601.
        zone: Offset in force where the text carries none; without it a moment must carry one.

    Example:
        >>> values, bad = to_moment(pa.array(["2026-02-30", "2026-02-28"]), pa.date32())
        >>> values.to_pylist(), bad.tolist()
        ([None, datetime.date(2026, 2, 28)], [True, False])
    """
    data, offsets, valid = parts(text)
    date = pa.types.is_date32(kind)
    codes = _codes(pattern or (ISO_DATE if date else ISO_MOMENT), zone is not None)
    out = np.empty(len(text), np.int64)
    status = np.empty(len(text), np.uint8)
    numbers.to_moment(data, offsets, valid, codes, _minutes(zone), out, status)
    if date:
        return _typed(kind, (out // _DAY_US).astype(np.int32), valid, status)
    return _typed(kind, out, valid, status)


def to_boolean(text: pa.Array) -> tuple[pa.Array, Mask]:
    """`true`, `false`, `1` and `0`, as XML Schema writes them.

    Example:
        >>> values, bad = to_boolean(pa.array(["true", "0", "yes", None]))
        >>> values.to_pylist(), bad.tolist()
        ([True, False, None, None], [False, False, True, False])
    """
    at = pc.index_in(text, value_set=pa.array(["true", "1", "false", "0"]), skip_nulls=True)
    bad = pc.and_(at.is_null(), text.is_valid()).to_numpy(zero_copy_only=False)
    return pc.less(at, pa.scalar(2, pa.int32())), bad


def to_microseconds(text: pa.Array) -> pa.Array:
    """Moments with up to three digits beyond microseconds cut off, never rounded.

    Example:
        >>> to_microseconds(pa.array(["10:00:00.123456789", "10:00:00.5"])).to_pylist()
        ['10:00:00.123456', '10:00:00.5']
    """
    return pc.replace_substring_regex(text, r"(\.[0-9]{6})[0-9]{1,3}(\z|[^0-9])", r"\1\2")


_SAMPLE = 256  # values that tell whether a column has few


def unmatched(text: pa.Array, pattern: str) -> Mask:
    """Rows with a value that does not match the whole pattern."""
    whole = rf"\A(?:{pattern})\z"
    if len(text) > _SAMPLE and len(pc.unique(text.slice(0, _SAMPLE))) <= _SAMPLE // 4:
        values, codes = encoded(text)  # a match costs several times what finding equals costs
        found = pc.match_substring_regex(values, whole).to_numpy(zero_copy_only=False)
        return ~np.append(found, True)[codes]  # code -1 (null) reads the last entry
    found = pc.match_substring_regex(text, whole)
    return ~pc.fill_null(found, True).to_numpy(zero_copy_only=False)


def failing(text: pa.Array, check: Callable[[pa.Array], Mask]) -> Mask:
    """Rows whose value fails a check of unique values."""
    values, codes = encoded(text)
    good = np.append(check(values), True)  # code -1 (null) reads the last entry
    return ~good[codes]


def mapped(text: pa.Array, codes: dict[str, str], kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """Translate codes by a table; the mask says which are in no table."""
    keys = pa.array(list(codes), pa.string())
    at = pc.index_in(text, value_set=keys, skip_nulls=True)
    bad = pc.and_(at.is_null(), text.is_valid()).to_numpy(zero_copy_only=False)
    targets = list(dict.fromkeys(codes.values()))
    place = pa.array([targets.index(value) for value in codes.values()], pa.int32())
    return as_kind(place.take(at), targets, kind), bad


_PLAIN_NUMBER = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?")
_GROUPED_NUMBER = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})*|[0-9]+)(?:\.([0-9]+))?")


def moved(text: str, digits: int, grouped: bool = False) -> str:
    """A number with its point moved to the right, digit by digit, never through a float.

    What is no such number comes back as something that is none, so that the reader refuses it.

    Example:
        >>> moved("1234.5", 4), moved("0.00005", 4), moved("1,280.50", 4, grouped=True)
        ('12345000', '0.5', '12805000')
        >>> moved("12 wan", 4)
        '12 wan?'
    """
    found = (_GROUPED_NUMBER if grouped else _PLAIN_NUMBER).fullmatch(text)
    if found is None:
        return f"{text}?"
    sign, whole, fraction = found[1], found[2].replace(",", ""), found[3] or ""
    whole, fraction = whole + fraction[:digits].ljust(digits, "0"), fraction[digits:]
    whole = whole.lstrip("0") or "0"
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def split(text: pa.Array, separator: str, part: int | str) -> pa.Array:
    """One part of a cell that is a list: by number (negative from the end), or how many there are.

    A part that is not there, or is blank, is absent. `only` is the part of a list of one, and
    absent in a longer list.

    Example:
        >>> cells = pa.array(["a;b", "c", None])
        >>> split(cells, ";", 1).to_pylist(), split(cells, ";", "count").to_pylist()
        (['b', None, None], ['2', '1', None])
    """
    lists = pc.split_pattern(text, separator)
    sizes = pc.list_value_length(lists)
    if part == "count":
        return sizes.cast(pa.string())
    flat = lists.flatten()
    ends = pa.array(np.cumsum(pc.fill_null(sizes, 0).to_numpy(zero_copy_only=False)))
    at = 0 if part == "only" else int(part)
    there = pc.equal(sizes, 1) if part == "only" else pc.greater(sizes, at if at >= 0 else -at - 1)
    first = pc.subtract(ends, sizes) if at >= 0 else ends
    out = flat.take(pc.if_else(pc.fill_null(there, False), pc.add(first, at), None))
    return pc.if_else(pc.equal(out, ""), pa.scalar(None, pa.string()), out)


def as_kind(indices: pa.Array, targets: list[str], kind: pa.DataType) -> pa.Array:
    """Codes by index as a dictionary or text column."""
    values = pa.array(targets, pa.string())
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(indices.cast(kind.index_type), values)
    return values.take(indices)


def constant(value: str, rows: int, kind: pa.DataType) -> pa.Array:
    """One value on every row, as cheaply as the type allows."""
    if pa.types.is_dictionary(kind):
        zeros = pa.array(np.zeros(rows, kind.index_type.to_pandas_dtype()))
        return pa.DictionaryArray.from_arrays(zeros, pa.array([value], pa.string()))
    return pa.repeat(pa.scalar(value, pa.string()).cast(kind), rows)


def without(text: pa.Array, rows: Mask) -> pa.Array:
    """The column with some rows made null."""
    if not rows.any():
        return text
    return pc.if_else(pa.array(rows), pa.scalar(None, text.type), text)


def parts(text: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int32], Mask]:
    """A text column as bytes, offsets and validity."""
    rows = len(text)
    buffers = text.buffers()
    offsets = np.frombuffer(buffers[1], np.int32)[text.offset : text.offset + rows + 1]
    data = (
        np.frombuffer(buffers[2], np.uint8)
        if buffers[2] is not None and buffers[2].size
        else np.zeros(1, np.uint8)
    )
    if not text.null_count:
        return data, offsets, np.ones(rows, np.bool_)
    return data, offsets, text.is_valid().to_numpy(zero_copy_only=False)


def _typed(
    kind: pa.DataType, values: NDArray[np.generic], valid: Mask, status: NDArray[np.uint8]
) -> tuple[pa.Array, Mask]:
    wrong = status != 0
    good = valid & ~wrong
    bits = None if good.all() else pa.py_buffer(np.packbits(good, bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, len(valid), [bits, pa.py_buffer(values)]), valid & wrong


def _minutes(zone: str | None) -> int:
    if zone is None:
        return 0
    return (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 60 + int(zone[4:6]))


@lru_cache
def _codes(pattern: str, zoned: bool) -> NDArray[np.uint8]:
    out = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "%":
            out.append(_FORMAT_CODES[pattern[at + 1]])
            at += 2
        else:
            out.append(ord(pattern[at]))
            at += 1
    if zoned and out[-1] == numbers.ZONE:
        out[-1] = numbers.MAYBE_ZONE
    return np.array(out, np.uint8)
