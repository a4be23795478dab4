"""Small helpers on Arrow string columns: lookups and functions on the unique values only."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One contiguous array; chunked columns are joined.

    Example:
        >>> flat(pa.chunked_array([["a"], ["b"]])).to_pylist()
        ['a', 'b']
    """
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def encoded(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int32]]:
    """Split a string column into its unique values and int32 codes, -1 where it is null.

    Example:
        >>> values, codes = encoded(pa.array(["b", None, "b", "a"]))
        >>> values.to_pylist(), codes.tolist()
        (['b', 'a'], [0, -1, 0, 1])
    """
    array = flat(column)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = array.indices.cast(pa.int32()).fill_null(-1).to_numpy(zero_copy_only=False)
    if array.dictionary.null_count:  # a dictionary may hold a null of its own
        missing = array.dictionary.is_null().to_numpy(zero_copy_only=False)
        codes = np.where((codes >= 0) & ~missing[codes], codes, -1).astype(np.int32)
    return array.dictionary, codes


def lookup(column: pa.Array | pa.ChunkedArray, keys: pa.Array, values: pa.Array) -> pa.Array:
    """For each row the value beside its key; null where the row is null or no key equals it.

    Example:
        >>> lookup(pa.array(["b", "x", None]), pa.array(["a", "b"]), pa.array([1, 2])).to_pylist()
        [2, None, None]
    """
    array = flat(column)
    if pa.types.is_dictionary(array.type):
        found = pc.index_in(array.dictionary.cast(keys.type), value_set=keys, skip_nulls=True)
        return values.take(found.take(array.indices))
    return values.take(pc.index_in(array.cast(keys.type), value_set=keys, skip_nulls=True))


def by_code(per_value: Sequence[str | None] | pa.Array, codes: NDArray[np.int32]) -> pa.Array:
    """Spread one result per unique value back over the rows; code -1 gives null."""
    array = per_value if isinstance(per_value, pa.Array) else pa.array(per_value, pa.string())
    return array.take(pa.array(codes, pa.int32(), mask=codes < 0))


def on_unique(
    function: Callable[[str], str | None], column: pa.Array | pa.ChunkedArray
) -> pa.Array:
    """Apply a text function to each unique value of a column; null stays null.

    Example:
        >>> on_unique(str.upper, pa.array(["a", None, "a"])).to_pylist()
        ['A', None, 'A']
    """
    values, codes = encoded(column)
    done = [None if value is None else function(value) for value in values.to_pylist()]
    return by_code(done, codes)
