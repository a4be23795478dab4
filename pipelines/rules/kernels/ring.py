"""The transfers of a sliding window, linked by subject: what kernels over such a window keep."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.rules.kernels.table import build_table


class Ring:
    """A ring of transfers, and one row of each sum for every subject with any in it.

    `ends` is (oldest number in the ring, next number, slots used); number n lies at n modulo the
    ring's length, a power of two. `keys` and `slots` find a subject's slot, at which `subject`,
    `newest` (number of its newest transfer), `live` (how many are in the ring) and the sums lie.

    Args:
        move: dtype of a transfer; its `slot` is its subject's.
        sums: by name, an array of no rows that has the shape and type of a subject's row.
    """

    sums: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int32]

    def __init__(self, move: np.dtype[Any], **sums: npt.NDArray[Any]) -> None:
        self.ends = np.zeros(3, np.int64)
        self.ring = np.zeros(256, move)
        self.subject = np.zeros(0, np.int64)
        self.newest = np.zeros(0, np.int64)
        self.live = np.zeros(0, np.int32)
        for name, none in sums.items():
            setattr(self, name, none)
        self._by_slot = ("subject", "newest", "live", *sums)
        self._resize(np.empty(0, np.int64), 256)

    def make_room(self, more: int) -> None:
        """Make room in the ring and for new subjects, dropping those with nothing in the window."""
        low, head, used = self.ends.tolist()
        if head - low + more > len(self.ring):
            size = len(self.ring)
            while size < 2 * (head - low + more):
                size *= 2
            numbers = np.arange(low, head)
            ring = np.zeros(size, self.ring.dtype)
            ring[numbers & (size - 1)] = self.ring[numbers & (len(self.ring) - 1)]
            self.ring = ring
        if used + more > len(self.subject):
            alive = np.flatnonzero(self.live[:used] > 0)
            place = np.zeros(used, np.int32)
            place[alive] = np.arange(len(alive), dtype=np.int32)
            at = np.arange(low, head) & (len(self.ring) - 1)
            self.ring["slot"][at] = place[self.ring["slot"][at]]
            self._resize(alive, max(256, 2 * (len(alive) + more)))
            self.ends[2] = len(alive)

    def _resize(self, kept: npt.NDArray[Any], size: int) -> None:
        """Keep the slots `kept`, in order, in arrays of `size`."""
        for name in self._by_slot:
            old = getattr(self, name)
            fresh = np.zeros((size, *old.shape[1:]), old.dtype)
            fresh[: len(kept)] = old[kept]
            setattr(self, name, fresh)
        places = 256
        while places < 4 * size:
            places *= 2
        self.keys, self.slots = build_table(self.subject[: len(kept)], places)
