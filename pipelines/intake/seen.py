"""Which submissions came before, for as long as a live intake runs."""

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# Up to 200 MB. A submission sent again after so many others is taken once more; its
# records are still found out as repeats by what they say, when the ledger is loaded.
LIMIT = 1_000_000


class Seen:
    """Remembers the last submissions by submitter and bytes.

    Two generations, each of half the limit: when the newer one is full the older one is dropped,
    so between half and all of the limit is remembered.

    Args:
        limit: How many at most.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._half = max(limit // 2, 1)
        self._older: set[bytes] = set()
        self._newer: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    def repeats(self, raw: pa.Table) -> NDArray[np.bool_]:
        """Which of some submissions came before, noted or earlier among these; notes nothing.

        Args:
            raw: Columns `submitter` and `sha256`, in order of arrival.
        """
        here: set[bytes] = set()
        out = np.zeros(raw.num_rows, np.bool_)
        for row, key in enumerate(_keys(raw["submitter"], raw["sha256"])):
            out[row] = key in here or key in self._newer or key in self._older
            here.add(key)
        return out

    def note(self, submissions: pa.Table) -> None:
        """Remember submissions (columns of `schemas.records.SUBMISSION`) that were taken."""
        for key in _keys(submissions["submitter"], submissions["submission_id"]):
            if len(self._newer) >= self._half:
                self._older, self._newer = self._newer, set()
            self._newer.add(key)


def _keys(submitters: pa.ChunkedArray, hashes: pa.ChunkedArray) -> Iterator[bytes]:
    """16 bytes for each pair; the hash has a fixed length, so no two pairs run together."""
    for submitter, sha256 in zip(submitters.to_pylist(), hashes.to_pylist(), strict=True):
        yield blake2b(sha256 + submitter.encode(), digest_size=16).digest()
