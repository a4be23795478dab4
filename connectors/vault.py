"""The vault: submitted bytes by their SHA-256, written once, whole or not at all.

Raw bytes hold clear identifiers. Only the vault keeps them, so each reading is reported to the
caller's callback with who asked and why, before the bytes are returned.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from schemas.errors import InputError

INLINE_LIMIT = 512 * 1024  # above this a message carries no body and the vault has it


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the vault: the object, by its SHA-256 in hex, and the declared purpose."""

    sha256: str
    purpose: str


OnRead = Callable[[Reading], None]
Bytes = TypeVar("Bytes", bytes, pa.Buffer)


class Vault:
    """Content-addressed bytes under `<folder>/<aa>/<sha256>`.

    Args:
        folder: Made when the first object is put.
        on_read: Called before bytes are returned. If it raises, nothing is returned: a reading
            that cannot be logged does not happen.
    """

    def __init__(self, folder: Path, on_read: OnRead) -> None:
        self.folder = folder
        self._on_read = on_read

    def path(self, sha256: bytes) -> Path:
        """Where an object lies or would lie."""
        name = sha256.hex()
        return self.folder / name[:2] / name

    def __contains__(self, sha256: bytes) -> bool:
        return self.path(sha256).is_file()

    def put(self, body: bytes) -> bytes:
        """Store bytes and return their SHA-256; storing them again changes nothing.

        The file appears under its name only when its content is on disk, so a crash leaves no
        half object.
        """
        sha256 = hashlib.sha256(body).digest()
        target = self.path(sha256)
        if target.is_file():
            return sha256
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return sha256

    def get(self, sha256: bytes, purpose: str) -> bytes:
        """Return an object's bytes after reporting the reading.

        Raises:
            InputError: there is no such object, or its bytes are not those that were stored.
        """
        return self._checked(sha256, purpose, lambda path: path.read_bytes())

    def map(self, sha256: bytes, purpose: str) -> pa.Buffer:
        """As `get`, but the bytes stay in the file: pages the system can take back at any time.

        Raises:
            InputError: as `get`.
        """
        return self._checked(sha256, purpose, _mapped)

    def _checked(self, sha256: bytes, purpose: str, read: Callable[[Path], Bytes]) -> Bytes:
        target = self.path(sha256)
        if not target.is_file():
            raise InputError(
                f"{self.folder}: object {sha256.hex()[:12]}...: expected in the vault, is not; "
                "copy the vault folder together with the tape"
            )
        self._on_read(Reading(sha256.hex(), purpose))
        body = read(target)
        if hashlib.sha256(body).digest() != sha256:
            raise InputError(
                f"{target}: content: expected the bytes its name says, they were changed; "
                "restore the file from its source"
            )
        return body


def _mapped(path: Path) -> pa.Buffer:
    with pa.memory_map(str(path)) as source:
        return source.read_buffer()
