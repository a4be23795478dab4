"""The bytes of an open file, read slice by slice: they are never in memory as a whole.

A mapped file would do the same, but the pages that were looked at count as the process's memory
until the system wants them back.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from schemas.errors import InputError


class StoredBytes:
    """Bytes of a file that does not change; a slice of them is `bytes`.

    Holds the file open, so it may be removed meanwhile.

    Args:
        file: Open for reading; its position does not matter.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    @classmethod
    def of(cls, path: Path) -> "StoredBytes":
        """The bytes of a file.

        Raises:
            OSError: it cannot be read.
        """
        return cls(path.open("rb"))

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, step = part.indices(self._size)
        if step != 1:
            raise ValueError("stored bytes: step: expected 1")
        wanted, out = stop - start, []
        while wanted > 0:
            piece = os.pread(self._file.fileno(), min(wanted, 1 << 30), start)
            if not piece:
                raise OSError("stored bytes: expected the file as it was opened, it became shorter")
            out.append(piece)
            start, wanted = start + len(piece), wanted - len(piece)
        return out[0] if len(out) == 1 else b"".join(out)

    def __bytes__(self) -> bytes:
        return self[:]

    def pieces(self, size: int) -> Iterator[bytes]:
        """All bytes in order, so many at once."""
        for start in range(0, self._size, size):
            yield self[start : start + size]


def spool(pieces: Iterator[bytes], folder: Path) -> StoredBytes:
    """Bytes put down in a file without a name: it is gone when nobody reads it any more.

    Args:
        pieces: The bytes; what raises here leaves nothing behind.
        folder: Where there is room for them, and where nobody else may read.

    Raises:
        InputError: nothing can be written there.
    """
    try:
        opened = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - entered below
    except OSError:
        raise InputError(
            f"{folder}: expected a folder that can be written, to unpack a submission in it"
        ) from None
    with opened as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        return StoredBytes(os.fdopen(os.dup(file.fileno()), "rb"))
