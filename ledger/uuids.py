"""UUIDs as the ledger keeps them: 36 characters are two numbers, any other text stays text.

A text that differs for every report costs ten times as much to write as a number of the same
information: the database looks for what repeats in it and finds nothing.
"""

import numba as nb
import numpy as np
import pyarrow as pa

from schemas.hashing import spans_of

# A UUID of these two numbers as text, the inverse of `in_halves`.
MACRO = """
CREATE OR REPLACE MACRO uuid_of(high, low) AS
    regexp_replace(lower(hex(high::BIT::BLOB || low::BIT::BLOB)),
        '^(.{8})(.{4})(.{4})(.{4})', '\\1-\\2-\\3-\\4-');
"""


def in_halves(column: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """A text column as (upper numbers, lower numbers, what is no UUID in small letters).

    A row has both numbers or a text, or is null in all three.

    Example:
        >>> texts = pa.array(["0627a4aa-c053-4adc-9efb-3b764e904b7b", "0627A4AA", None])
        >>> high, low, rest = in_halves(texts)
        >>> hex(high[0].as_py()), rest.to_pylist(), low.null_count
        ('0x627a4aac0534adc', [None, '0627A4AA', None], 2)
    """
    data, start, length = spans_of(column)
    halves = np.zeros((2, len(column)), np.uint64)
    no_uuid = np.ones(len(column), np.bool_)
    _read(data, start, length, halves, no_uuid)
    high, low = (pa.array(half, mask=no_uuid) for half in halves)
    if no_uuid.all():
        return high, low, column
    texts = np.flatnonzero(no_uuid & (length >= 0))
    if not len(texts):
        return high, low, pa.nulls(len(column), pa.string())
    at = np.zeros(len(column), np.int64)
    at[texts] = texts
    return high, low, column.take(pa.array(at, mask=~no_uuid | (length < 0)))


@nb.njit(cache=True, nogil=True)
def _read(data, start, length, halves, no_uuid):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    for row in range(len(start)):
        if length[row] != 36:
            continue
        good = True
        digits = 0
        word = np.uint64(0)
        for place in range(36):
            byte = data[start[row] + place]
            if place in (8, 13, 18, 23):
                good &= byte == 45
                continue
            if 48 <= byte <= 57:
                digit = byte - 48
            elif 97 <= byte <= 102:
                digit = byte - 87
            else:
                good = False
                break
            word = (word << np.uint64(4)) | np.uint64(digit)
            digits += 1
            if digits == 16:
                halves[0, row] = word
                word = np.uint64(0)
        halves[1, row] = word
        no_uuid[row] = not good
