"""A tape: a folder of numbered segments with a manifest, a stream that can be replayed.

`manifest.json` names the segments in order with their SHA-256; `seg-00000.arrow` and so on are
Arrow IPC streams of `schemas.records.RAW`, ordered by `received_at`. Bodies above 512 KiB lie in
`vault/` beside the manifest. The manifest is written last: a folder without one is no tape.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from connectors.stored import StoredBytes
from connectors.vault import INLINE_LIMIT, OnRead, Reading, Vault
from schemas.errors import InputError
from schemas.records import RAW

FORMAT_VERSION = 1
ORIGINS = ("REAL", "PUBLIC", "SIMULATED")
SEGMENT_SUBMISSIONS = 256
SEGMENT_BYTES = 8 << 20
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment as the manifest names it; `bytes` counts bodies, also those in the vault."""

    name: str
    sha256: str
    submissions: int
    bytes: int


class TapeWriter:
    """Writes a tape; use it as a context manager or call `close`.

    Args:
        folder: Must be empty or absent: a tape is never appended to.
        data_origin: REAL, PUBLIC or SIMULATED, for every row.
        seed: What made it, where something random did.

    Raises:
        InputError: the folder holds something, or the origin is not one of the three.
    """

    def __init__(self, folder: Path, data_origin: str, seed: int | None = None) -> None:
        if data_origin not in ORIGINS:
            raise InputError(f"tape {folder}: data_origin: expected one of {', '.join(ORIGINS)}")
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"tape {folder}: expected an empty or absent folder; choose another")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._origin = data_origin
        self._seed = seed
        self._vault = Vault(folder / "vault", _unlogged)
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0  # of the bodies of the open segment, in memory or not
        self._segments: list[Segment] = []
        self._feeds: set[str] = set()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._closed = False

    def add(
        self,
        feed: str,
        submitter: str,
        received_at: datetime,
        body: bytes,
        file_name: str | None = None,
    ) -> bytes:
        """Append one submission and return its SHA-256.

        Raises:
            InputError: `received_at` has no time zone, or lies before the row in front of it.
        """
        self._demand_order(received_at)
        sha256 = hashlib.sha256(body).digest()
        inline = len(body) <= INLINE_LIMIT
        if not inline:
            self._vault.put(body)
        inlined = body if inline else None
        self._append(feed, submitter, received_at, inlined, sha256, len(body), file_name)
        return sha256

    def add_file(
        self,
        feed: str,
        submitter: str,
        received_at: datetime,
        path: Path,
        told: Callable[[int], None] = lambda done: None,
    ) -> bytes:
        """As `add`, of a file of any size; `told` hears how many of its bytes are done.

        Raises:
            InputError: as `add`, or the file cannot be read.
        """
        self._demand_order(received_at)
        try:
            if path.stat().st_size <= INLINE_LIMIT:
                return self.add(feed, submitter, received_at, path.read_bytes(), path.name)
            sha256 = self._vault.put_file(path, told)
        except OSError:
            raise InputError(f"{path}: expected a file that can be read") from None
        size = self._vault.path(sha256).stat().st_size  # as stored: a file may still be growing
        self._append(feed, submitter, received_at, None, sha256, size, path.name)
        return sha256

    def _demand_order(self, received_at: datetime) -> None:
        if received_at.tzinfo is None:
            raise InputError("tape: received_at: expected an instant with a time zone, such as UTC")
        if self._last is not None and received_at < self._last:
            raise InputError("tape: received_at: expected rows in order of receipt; sort them")

    def _append(
        self,
        feed: str,
        submitter: str,
        received_at: datetime,
        body: bytes | None,
        sha256: bytes,
        size: int,
        file_name: str | None,
    ) -> None:
        self._rows.append(
            {
                "feed": feed,
                "submitter": submitter,
                "received_at": received_at,
                "data_origin": self._origin,
                "sha256": sha256,
                "size": size,
                "file_name": file_name,
                "body": body,
            }
        )
        self._bytes += size
        self._feeds.add(feed)
        self._first = self._first or received_at
        self._last = received_at
        if len(self._rows) >= SEGMENT_SUBMISSIONS or self._bytes >= SEGMENT_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is left and the manifest; closing again changes nothing."""
        if self._closed:
            return
        self._flush()
        manifest = {
            "format_version": FORMAT_VERSION,
            "data_origin": self._origin,
            "seed": self._seed,
            "feeds": sorted(self._feeds),
            "received_from": _text(self._first),
            "received_to": _text(self._last),
            "segments": [
                {
                    "name": segment.name,
                    "sha256": segment.sha256,
                    "submissions": segment.submissions,
                    "bytes": segment.bytes,
                }
                for segment in self._segments
            ],
        }
        part = self.folder / f".{MANIFEST}.part"
        part.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        part.replace(self.folder / MANIFEST)
        self._closed = True

    def __enter__(self) -> "TapeWriter":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:  # a tape that failed half way gets no manifest
            self.close()

    def _flush(self) -> None:
        if not self._rows:
            return
        name = f"seg-{len(self._segments):05d}.arrow"
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, RAW) as writer:
            writer.write_table(pa.Table.from_pylist(self._rows, schema=RAW))
        content = sink.getvalue()
        (self.folder / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        self._segments.append(Segment(name, digest, len(self._rows), self._bytes))
        self._rows, self._bytes = [], 0


class Tape:
    """A finished tape, read segment by segment.

    Args:
        folder: Where `manifest.json` lies.
        on_read: Told of each body read from the vault (see `connectors.vault`).

    Raises:
        InputError: there is no manifest, or it is of another format.
    """

    def __init__(self, folder: Path, on_read: OnRead | None = None) -> None:
        self.folder = folder
        path = folder / MANIFEST
        if not path.is_file():
            raise InputError(f"tape {folder}: {MANIFEST}: expected a finished tape, found none")
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            version = manifest["format_version"]
            self._segments = tuple(Segment(**entry) for entry in manifest["segments"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: expected the manifest of a tape, it cannot be read; make the tape again"
            ) from error
        if version != FORMAT_VERSION:
            raise InputError(f"{path}: format_version: expected {FORMAT_VERSION}, has {version}")
        self.manifest: Mapping[str, Any] = MappingProxyType(manifest)
        self._vault = Vault(folder / "vault", on_read or _unlogged)

    def segments(self) -> tuple[Segment, ...]:
        """The segments in order."""
        return self._segments

    def envelopes(self, number: int) -> pa.Table:
        """One segment's rows, schema `RAW`; no body where the vault has it.

        Raises:
            InputError: no such segment, or its bytes are not those the manifest names.
        """
        if not 0 <= number < len(self._segments):
            raise InputError(
                f"tape {self.folder}: segment: expected 0 to {len(self._segments) - 1}"
            )
        segment = self._segments[number]
        path = self.folder / segment.name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != segment.sha256:
            raise InputError(f"{path}: content: expected the bytes the manifest names; copy again")
        with pa.ipc.open_stream(content) as reader:
            return reader.read_all()

    def outlines(self, number: int, columns: Sequence[str]) -> pa.Table:
        """Some columns of a segment's envelopes, as the file has them, for planning.

        The bytes are not held against the manifest: that costs a reading of every body, and
        whoever takes the segment by `envelopes` or `read` does it before anything is used.

        Raises:
            InputError: as `envelopes`, where the segment cannot be read at all.
        """
        try:
            with pa.memory_map(str(self.folder / self._segments[number].name)) as source:
                return pa.ipc.open_stream(source).read_all().select(list(columns))
        except (pa.ArrowException, KeyError, IndexError, OSError):
            return self.envelopes(number).select(list(columns))

    def stored(self, sha256: bytes) -> StoredBytes:
        """A body that lies in the vault, read from its file slice by slice.

        Raises:
            InputError: the vault lacks it, or its bytes were changed.
        """
        return self._vault.stored(sha256, "replay of a tape")

    def packed(self, sha256: bytes) -> bool:
        """Whether a body that lies in the vault is compressed."""
        return self._vault.packed(sha256)

    @property
    def scratch(self) -> Path:
        """Where submitted bytes may lie while they are worked on: as guarded as the vault."""
        return self._vault.folder

    def read(self, number: int) -> pa.Table:
        """One segment's rows, schema `RAW`, bodies filled from the vault.

        Raises:
            InputError: as `envelopes`, or the vault lacks a body.
        """
        return self.filled(self.envelopes(number))

    def filled(self, table: pa.Table) -> pa.Table:
        """Rows of `envelopes`, all or some, with the bodies that lie in the vault.

        Raises:
            InputError: the vault lacks a body, or its bytes were changed.
        """
        if not table["body"].null_count:
            return table
        bodies = table["body"].to_pylist()
        digests = table["sha256"].to_pylist()
        filled = [
            body if body is not None else self._vault.get(digest, "replay of a tape")
            for body, digest in zip(bodies, digests, strict=True)
        ]
        index = table.schema.get_field_index("body")
        return table.set_column(index, RAW.field("body"), pa.array(filled, pa.large_binary()))


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat()


def _unlogged(_: Reading) -> None:
    """For a tape whose owner reads it back: nobody to report to."""
