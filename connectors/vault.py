"""The vault: submitted bytes by their SHA-256, written once, whole or not at all.

Raw bytes hold clear identifiers. Only the vault keeps them, so each reading is reported to the
caller's callback with who asked and why, before the bytes are returned.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from connectors.stored import StoredBytes
from schemas.errors import InputError

INLINE_LIMIT = 512 * 1024  # above this a message carries no body and the vault has it


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the vault: the object, by its SHA-256 in hex, and the declared purpose."""

    sha256: str
    purpose: str


OnRead = Callable[[Reading], None]
_PIECE = 4 << 20  # of an object that is read or written without being in memory


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
        if sha256 not in self:
            self._write([body])
        return sha256

    def put_file(self, path: Path, told: Callable[[int], None] = lambda done: None) -> bytes:
        """Store a file's bytes, however many, and return their SHA-256.

        Args:
            path: The file.
            told: Is told how many bytes are done.

        Raises:
            OSError: the file cannot be read.
        """

        def pieces() -> Iterable[bytes]:
            done = 0
            for piece in StoredBytes.of(path).pieces(_PIECE):
                yield piece
                done += len(piece)
                told(done)

        return self._write(pieces())

    def _write(self, pieces: Iterable[bytes]) -> bytes:
        """Put bytes down under another name, then under their own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".part-")
        digest = hashlib.sha256()
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            target = self.path(digest.digest())
            target.parent.mkdir(exist_ok=True)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return digest.digest()

    def get(self, sha256: bytes, purpose: str) -> bytes:
        """Return an object's bytes after reporting the reading.

        Raises:
            InputError: there is no such object, or its bytes are not those that were stored.
        """
        target = self._told(sha256, purpose)
        body = target.read_bytes()
        if hashlib.sha256(body).digest() != sha256:
            raise _changed(target)
        return body

    def stored(self, sha256: bytes, purpose: str) -> StoredBytes:
        """As `get`, but the bytes stay in their file and are read slice by slice.

        Raises:
            InputError: as `get`.
        """
        target = self._told(sha256, purpose)
        body = StoredBytes.of(target)
        digest = hashlib.sha256()
        for piece in body.pieces(_PIECE):
            digest.update(piece)
        if digest.digest() != sha256:
            raise _changed(target)
        return body

    def packed(self, sha256: bytes) -> bool:
        """Whether an object is a gzip body. Two bytes say so, which nobody can be told by."""
        target = self.path(sha256)
        return target.is_file() and StoredBytes.of(target)[:2] == b"\x1f\x8b"

    def _told(self, sha256: bytes, purpose: str) -> Path:
        """Where an object lies, once its reading is reported."""
        target = self.path(sha256)
        if not target.is_file():
            raise InputError(
                f"{self.folder}: object {sha256.hex()[:12]}...: expected in the vault, is not; "
                "copy the vault folder together with the tape"
            )
        self._on_read(Reading(sha256.hex(), purpose))
        return target


def _changed(target: Path) -> InputError:
    return InputError(
        f"{target}: content: expected the bytes its name says, they were changed; "
        "restore the file from its source"
    )
