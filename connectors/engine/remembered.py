"""Results per unique text, remembered over submissions: the same parties come back all day.

Texts and results lie in byte arenas behind a hash table, so a known text costs a look-up of some
tens of nanoseconds and no Python object.
"""

import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connectors.engine.convert import parts
from connectors.engine.kernels import memory

ENTRIES = 1 << 18  # texts a memory keeps, and
TEXT_BYTES = 32 << 20  # bytes of texts and results; what one call adds comes on top
_SMALL = 1 << 10
_Item = TypeVar("_Item", bound=np.generic)


class _Results:
    """One column of results by number, appended to as texts become known."""

    def __init__(self, kind: pa.DataType) -> None:
        self.kind = kind
        self.count = 0
        self.ends = np.zeros(_SMALL + 1, np.int64)
        self.there = np.zeros(_SMALL, np.bool_)
        self.arena = np.empty(1 << 14, np.uint8)

    @property
    def bytes(self) -> int:
        return int(self.ends[self.count])

    def append(self, column: pa.Array) -> None:
        if pa.types.is_fixed_size_binary(column.type):
            column = column.cast(pa.binary())
        data, offsets, valid = parts(column)
        lengths = np.where(valid, np.diff(offsets), 0)
        size, rows = int(lengths.sum()), len(column)
        if self.count + rows > len(self.there):
            room = _power(self.count + rows)
            self.ends, self.there = _longer(self.ends, room + 1), _longer(self.there, room)
        if self.bytes + size > len(self.arena):
            self.arena = _longer(self.arena, _power(self.bytes + size))
        start, begun = self.bytes, self.count
        self.arena[start : start + size] = data[offsets[0] : offsets[0] + size]
        np.cumsum(lengths, out=self.ends[begun + 1 : begun + rows + 1])
        self.ends[begun + 1 : begun + rows + 1] += start
        self.there[begun : begun + rows] = valid
        self.count += rows

    def column(self, codes: NDArray[np.int32]) -> pa.Array:
        rows = len(codes)
        offsets = np.empty(rows + 1, np.int32)
        valid = np.empty(rows, np.bool_)
        size = memory.spread(codes, self.ends, self.there, offsets, valid)
        out = np.empty(size, np.uint8)
        memory.copy_out(codes, self.ends, self.arena, offsets, out)
        bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
        if not pa.types.is_fixed_size_binary(self.kind):
            return pa.Array.from_buffers(
                self.kind, rows, [bits, pa.py_buffer(offsets), pa.py_buffer(out)]
            )
        joined = pa.Array.from_buffers(
            pa.binary(), rows, [bits, pa.py_buffer(offsets), pa.py_buffer(out)]
        )
        return joined.cast(self.kind)


class Remembered:
    """A bounded memory of one function of text.

    Args:
        compute: From unique texts to one column a result; null is a result.
        kinds: Arrow types of the results: text or binary, fixed or not.
        entries: Texts kept. A call that finds more of them, or more than `TEXT_BYTES`, starts the
            memory afresh, so it holds at most that and what one call brought.
    """

    def __init__(
        self,
        compute: Callable[[pa.Array], Sequence[pa.Array]],
        kinds: Sequence[pa.DataType],
        entries: int = ENTRIES,
    ) -> None:
        self._compute = compute
        self._kinds = tuple(kinds)
        self._entries = entries
        self._seed = np.uint64(secrets.randbits(64))  # of look-ups only: no result depends on it
        self._fresh()

    def __len__(self) -> int:
        """Texts known."""
        return int(self._size[0])

    @property
    def nbytes(self) -> int:
        """Bytes of texts and results."""
        return int(self._ends[len(self)]) + sum(result.bytes for result in self._results)

    def columns(self, texts: pa.Array) -> tuple[pa.Array, ...]:
        """The results for each row; null rows give null."""
        if len(self) > self._entries or self.nbytes > TEXT_BYTES:
            self._fresh()
        data, offsets, valid = parts(texts)
        codes = np.empty(len(texts), np.int32)
        row = 0
        while row < len(texts):
            begun = len(self)
            fresh = np.empty(len(texts) - row, np.int32)
            row = memory.recall(
                data, offsets, valid, row, self._seed, self._slots, self._hashes, self._ends,
                self._arena, self._size, codes, fresh,
            )  # fmt: skip
            added = len(self) - begun
            if added:
                self._learn(texts.take(pa.array(fresh[:added])))
            if row < len(texts):
                self._grow(int(offsets[row + 1] - offsets[row]))
        return tuple(result.column(codes) for result in self._results)

    def _learn(self, new: pa.Array) -> None:
        try:
            found = self._compute(new)
        except BaseException:
            self._fresh()  # numbers without results would answer wrongly
            raise
        for result, column in zip(self._results, found, strict=True):
            result.append(column)

    def _fresh(self) -> None:
        self._slots = np.full(2 * _SMALL, -1, np.int32)
        self._hashes = np.empty(_SMALL, np.uint64)
        self._ends = np.zeros(_SMALL + 1, np.int64)
        self._arena = np.empty(1 << 14, np.uint8)
        self._size = np.zeros(1, np.int64)
        self._results = [_Results(kind) for kind in self._kinds]

    def _grow(self, length: int) -> None:
        """Twice the room for texts, and for one of `length` bytes."""
        known = len(self)
        if 2 * (known + 1) > len(self._slots) or known + 1 >= len(self._ends):
            room = 2 * len(self._hashes)
            self._hashes = _longer(self._hashes, room)
            self._ends = _longer(self._ends, room + 1)
            self._slots = np.full(2 * room, -1, np.int32)
            memory.place(self._slots, self._hashes, known)
        used = int(self._ends[known])
        if used + length > len(self._arena):
            self._arena = _longer(self._arena, _power(used + length))


def _power(least: int) -> int:
    return 1 << max(least, 2).bit_length()


def _longer(array: NDArray[_Item], size: int) -> NDArray[_Item]:
    out = np.zeros(size, array.dtype)
    out[: len(array)] = array
    return out
