"""The counts of one day, by slot, and a log of its entries: what kernels of such a day keep."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.rules.kernels.table import larger_table


class Day:
    """A day's log and its counts; a kernel forgets both when the next day begins.

    `ends` is (day, slots used, log rows). `keys` and `slots` find a slot, at which `newest` (row
    of the log, -1 = none) and the counts lie.

    Args:
        row: dtype of the log.
        slots_per_entry: how many slots an entry takes at most.
        before: a day before the first one.
        counts: by name, an array of no rows that has the shape and type of a slot's row.
    """

    sums: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int32]
    reached: npt.NDArray[np.uint8]

    def __init__(
        self, row: np.dtype[Any], slots_per_entry: int, before: int, **counts: npt.NDArray[Any]
    ) -> None:
        self.ends = np.array([before, 0, 0], np.int64)
        self.log = np.zeros(64, row)
        self.newest = np.zeros(0, np.int32)
        for name, none in counts.items():
            setattr(self, name, none)
        self._by_slot = ("newest", *counts)
        self._slots_per_entry = slots_per_entry
        self.keys, self.slots = np.zeros(0, np.int64), np.zeros(0, np.int32)
        self._resize(0, 128)

    def make_room(self, more: int) -> None:
        """Make room for a day that goes on, or another one, with so many more entries."""
        _, used, rows = self.ends.tolist()
        if rows + more > len(self.log):
            log = np.zeros(2 * (rows + more), self.log.dtype)
            log[:rows] = self.log[:rows]
            self.log = log
        needed = used + self._slots_per_entry * more
        if needed > len(self.newest):
            self._resize(used, 2 * needed)

    def _resize(self, used: int, size: int) -> None:
        """Keep the slots in use in arrays of `size`."""
        for name in self._by_slot:
            old = getattr(self, name)
            fresh = np.zeros((size, *old.shape[1:]), old.dtype)
            fresh[:used] = old[:used]
            setattr(self, name, fresh)
        self.keys, self.slots = larger_table(self.keys, self.slots, size)
