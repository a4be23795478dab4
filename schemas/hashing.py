"""Deterministic 128-bit hashes of rows, and the 63-bit ids the narrow row carries.

SipHash-1-3 with a 128-bit result, over words instead of bytes: each value of a row is absorbed as
its length in bytes (all ones for null, so that null, empty and "0" differ) and then its bytes in
little-endian words of eight, the last one padded with zeros. The length in front makes the padding
unambiguous, so ("ab", "c") and ("a", "bc") differ. The key is the first 16 bytes of SHA-256 of
the domain's name: the same value under two domains gives unrelated hashes. This is a stable name,
not a secret: whoever knows the value can compute it (secrets: `connectors.engine.tokens`).
"""

import hashlib
from collections.abc import Sequence

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import ConfigurationError

Hashes = npt.NDArray[np.uint64]
NULL_LENGTH = np.int64(-1)
_MASK63 = np.uint64(0x7FFFFFFFFFFFFFFF)
_INITIAL = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


@nb.njit(cache=True, nogil=True, inline="always")
def _round(v0, v1, v2, v3):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    v0 += v1
    v1 = (v1 << np.uint64(13)) | (v1 >> np.uint64(51))
    v1 ^= v0
    v0 = (v0 << np.uint64(32)) | (v0 >> np.uint64(32))
    v2 += v3
    v3 = (v3 << np.uint64(16)) | (v3 >> np.uint64(48))
    v3 ^= v2
    v0 += v3
    v3 = (v3 << np.uint64(21)) | (v3 >> np.uint64(43))
    v3 ^= v0
    v2 += v1
    v1 = (v1 << np.uint64(17)) | (v1 >> np.uint64(47))
    v1 ^= v2
    v2 = (v2 << np.uint64(32)) | (v2 >> np.uint64(32))
    return v0, v1, v2, v3


@nb.njit(cache=True, nogil=True, inline="always")
def _word(data, at):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Eight bytes, lowest first; written out, because the compiler then reads them at once."""
    return (
        np.uint64(data[at])
        | (np.uint64(data[at + 1]) << np.uint64(8))
        | (np.uint64(data[at + 2]) << np.uint64(16))
        | (np.uint64(data[at + 3]) << np.uint64(24))
        | (np.uint64(data[at + 4]) << np.uint64(32))
        | (np.uint64(data[at + 5]) << np.uint64(40))
        | (np.uint64(data[at + 6]) << np.uint64(48))
        | (np.uint64(data[at + 7]) << np.uint64(56))
    )


@nb.njit(cache=True, nogil=True)
def _absorb(state, data, start, length):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Absorb one column into `state` (n, 4); `length` -1 is null."""
    for row in range(state.shape[0]):
        v0, v1, v2, v3 = state[row, 0], state[row, 1], state[row, 2], state[row, 3]
        size = length[row]
        word = np.uint64(size)  # -1 becomes all ones
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
        at = start[row]
        left = size
        while left >= 8:
            word = _word(data, at)
            v3 ^= word
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0 ^= word
            at += 8
            left -= 8
        if left > 0:
            word = np.uint64(0)
            for byte in range(left):
                word |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
            v3 ^= word
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
            v0 ^= word
        state[row, 0], state[row, 1], state[row, 2], state[row, 3] = v0, v1, v2, v3


@nb.njit(cache=True, nogil=True)
def _finish(state, out):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    for row in range(state.shape[0]):
        v0, v1, v2, v3 = state[row, 0], state[row, 1], state[row, 2], state[row, 3]
        v2 ^= np.uint64(0xEE)
        for _ in range(3):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        out[row, 0] = v0 ^ v1 ^ v2 ^ v3
        v1 ^= np.uint64(0xDD)
        for _ in range(3):
            v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        out[row, 1] = v0 ^ v1 ^ v2 ^ v3


def hash128(columns: Sequence[pa.Array | pa.ChunkedArray], domain: str) -> Hashes:
    """Hash rows.

    Args:
        columns: Columns of one length, at least one. Text, binary and fixed binary hash as their
            bytes, a dictionary as its values; integers, dates, timestamps, decimals as the bytes of
            their fixed width, so a column must keep its declared type.
        domain: What the hash names, for example "transaction" or "account".

    Returns:
        Array (n, 2) of uint64, high word first.

    Raises:
        ConfigurationError: no column, columns of different length, or a type without a rule.

    Example:
        >>> hash128([pa.array(["a", None, ""])], "demo").shape
        (3, 2)
    """
    if not columns:
        raise ConfigurationError("hash128: columns: expected at least one column, got none")
    rows = len(columns[0])
    key = np.frombuffer(hashlib.sha256(domain.encode()).digest()[:16], "<u8")
    start_words = [
        np.uint64(_INITIAL[0]) ^ key[0],
        np.uint64(_INITIAL[1]) ^ key[1] ^ np.uint64(0xEE),
        np.uint64(_INITIAL[2]) ^ key[0],
        np.uint64(_INITIAL[3]) ^ key[1],
    ]
    state = np.empty((rows, 4), np.uint64)
    state[:] = start_words
    for column in columns:
        if len(column) != rows:
            raise ConfigurationError(
                f"hash128: columns: expected {rows} rows in each column, one has {len(column)}"
            )
        data, start, length = spans_of(column)
        _absorb(state, data, start, length)
    out = np.empty((rows, 2), np.uint64)
    _finish(state, out)
    return out


def spans_of(
    column: pa.Array | pa.ChunkedArray,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A column as (bytes, start, length) per row, length -1 for null; nothing is copied."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        if isinstance(column, pa.ChunkedArray):  # combine_chunks of zero chunks in old pyarrow
            column = pa.array([], column.type)
    if pa.types.is_dictionary(column.type):
        return _dictionary_spans(column)
    kind = column.type
    rows = len(column)
    if pa.types.is_boolean(kind):
        column, kind = column.cast(pa.uint8()), pa.uint8()
    buffers = column.buffers()
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_decimal(kind):
        width = kind.byte_width
    elif pa.types.is_primitive(kind):
        width = kind.bit_width // 8
    else:
        width = 0
    if width:
        start = (np.arange(rows, dtype=np.int64) + column.offset) * width
        length = np.full(rows, width, np.int64)
        data = _bytes_of(buffers[1])
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        offsets = np.frombuffer(buffers[1], np.int32)[column.offset : column.offset + rows + 1]
        start, length = offsets[:-1].astype(np.int64), np.diff(offsets).astype(np.int64)
        data = _bytes_of(buffers[2])
    elif pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        offsets64 = np.frombuffer(buffers[1], np.int64)[column.offset : column.offset + rows + 1]
        start, length = offsets64[:-1], np.diff(offsets64)
        data = _bytes_of(buffers[2])
    else:
        raise ConfigurationError(
            f"hash128: columns: expected text, binary or fixed-width columns, got {kind}"
        )
    if column.null_count:
        length[~column.is_valid().to_numpy(zero_copy_only=False)] = NULL_LENGTH
    return data, start, length


def _dictionary_spans(
    column: pa.DictionaryArray,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    data, start, length = spans_of(column.dictionary)
    if not len(column.dictionary):
        rows = len(column)
        return data, np.zeros(rows, np.int64), np.full(rows, NULL_LENGTH, np.int64)
    valid = column.indices.is_valid().to_numpy(zero_copy_only=False)
    codes = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return data, start[codes], np.where(valid, length[codes], NULL_LENGTH)


def _bytes_of(buffer: pa.Buffer | None) -> npt.NDArray[np.uint8]:
    if buffer is None or not buffer.size:
        return np.zeros(1, np.uint8)
    return np.frombuffer(buffer, np.uint8)


def to_binary16(hashes: Hashes) -> pa.Array:
    """Hashes as `binary(16)`, big-endian, so that byte order and numeric order agree."""
    wide = hashes.astype(">u8")
    return pa.Array.from_buffers(pa.binary(16), len(hashes), [None, pa.py_buffer(wide.tobytes())])


def from_binary16(column: pa.Array | pa.ChunkedArray) -> Hashes:
    """The inverse of `to_binary16`; a null gives (0, 0)."""
    data, start, length = spans_of(column)
    out = np.zeros((len(column), 2), np.uint64)
    rows = np.flatnonzero(length == 16)
    if len(rows):
        taken = data[start[rows][:, None] + np.arange(16)]
        out[rows] = np.ascontiguousarray(taken).view(">u8")
    return out


def id63(hashes: Hashes) -> npt.NDArray[np.int64]:
    """The first 63 bits of each hash below the sign, never 0 (0 means absent in the narrow row)."""
    ids = (hashes[:, 0] & _MASK63).astype(np.int64)
    ids[ids == 0] = 1
    return ids
