"""Narrow segments and messages: how narrow rows travel to the job.

A message is a fixed header and then narrow rows as they lie in memory. A Kafka message of
`narrow.<market>` is one message; a segment file `seg-00000.bin` is one message too, and the job
cuts it into batches when it reads it.

Header, 40 bytes little-endian: magic `YRDNARW1`, version u32, bytes a row u32, rows i64,
watermark i64, spare i64. The watermark, in microseconds of event time, is the newest `received_at`
so far minus the feed's lateness: reports behind it are late by definition and never come here. The
job subtracts the transport slack itself.
"""

import os
import re
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import InputError
from schemas.narrow import NARROW

_MAGIC = b"YRDNARW1"
_VERSION = 1
_HEADER = struct.Struct("<8sIIqqq")
_NAME = re.compile(r"seg-(\d{5,})\.bin")

NO_WATERMARK = 0
"""The watermark of a message that moves nothing (no report is older than 1970)."""


@dataclass(frozen=True)
class Message:
    """Narrow rows and the watermark that holds once all of them have been seen.

    Args:
        watermark_us: Newest `received_at` minus lateness, microseconds of event time.
        rows: dtype `NARROW`; may be empty (a heartbeat only moves the watermark).
    """

    watermark_us: int
    rows: npt.NDArray[Any]


def encode(message: Message) -> bytes:
    """The bytes of a message.

    Example:
        >>> decode(encode(Message(5, np.zeros(2, NARROW)))).rows.size
        2
    """
    rows = np.ascontiguousarray(message.rows, NARROW)
    header = _HEADER.pack(_MAGIC, _VERSION, NARROW.itemsize, len(rows), message.watermark_us, 0)
    return header + rows.tobytes()


def decode(data: bytes, where: str = "message") -> Message:
    """Read a message; the rows are a read-only view of `data`.

    Raises:
        InputError: the bytes are no message, another version's, or cut short.
    """
    _, watermark = _check(data, len(data), where)
    return Message(watermark, np.frombuffer(data, NARROW, offset=_HEADER.size))


def watermark_of(data: bytes) -> int:
    """The watermark of an encoded message, microseconds, without reading its rows."""
    return int(_HEADER.unpack_from(data)[4])


def split(message: Message, batch_rows: int, before_us: int = NO_WATERMARK) -> Iterator[Message]:
    """Cut a message into messages of at most `batch_rows` rows, in order.

    Only the last one carries the watermark; those in front of it carry `before_us`, because the
    rows behind them are not seen yet.

    Example:
        >>> parts = split(Message(9, np.zeros(5, NARROW)), 2)
        >>> [(part.watermark_us, len(part.rows)) for part in parts]
        [(0, 2), (0, 2), (9, 1)]
    """
    starts = range(0, max(len(message.rows), 1), batch_rows)
    for start in starts:
        last = start == starts[-1]
        yield Message(
            message.watermark_us if last else before_us,
            message.rows[start : start + batch_rows],
        )


def segment_path(folder: Path, index: int) -> Path:
    """Where a folder's segment with this number lies."""
    return folder / f"seg-{index:05d}.bin"


def write_segment(folder: Path, index: int, rows: npt.NDArray[Any], watermark_us: int) -> Path:
    """Write one segment; it appears under its name only when it is whole.

    Args:
        folder: Folder of the segments; made where it is missing.
        index: Number of the segment; a run's segments are numbered from 0 without a gap.
        rows: dtype `NARROW`, on-time rows only, in order of arrival; may be empty.
        watermark_us: Newest `received_at` so far minus lateness, microseconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = segment_path(folder, index)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(encode(Message(watermark_us, rows)))
    os.replace(unfinished, path)
    return path


def write_rows(folder: Path, index: int, rows: Path, watermark_us: int) -> Path:
    """Write one segment of the rows that lie in a file as in memory, and remove that file."""
    path = segment_path(folder, index)
    unfinished = path.with_suffix(".part")
    count = rows.stat().st_size // NARROW.itemsize
    header = _HEADER.pack(_MAGIC, _VERSION, NARROW.itemsize, count, watermark_us, 0)
    with unfinished.open("wb") as file, rows.open("rb") as source:
        file.write(header)
        shutil.copyfileobj(source, file, 1 << 20)
    os.replace(unfinished, path)
    rows.unlink()
    return path


def read_segment(path: Path) -> Message:
    """Read one segment.

    Raises:
        InputError: the file is no segment or is cut short.
    """
    return decode(path.read_bytes(), where=str(path))


def read_parts(path: Path, batch_rows: int) -> Iterator[Message]:
    """Read one segment in messages of at most `batch_rows` rows, as `split` cuts it.

    Only one message is in memory at a time: a segment of one large submission has millions of rows.

    Raises:
        InputError: as `read_segment`.
    """
    with path.open("rb") as file:
        count, watermark = _check(file.read(_HEADER.size), path.stat().st_size, str(path))
        for start in range(0, max(count, 1), batch_rows):
            many = min(batch_rows, count - start)
            rows = np.frombuffer(file.read(many * NARROW.itemsize), NARROW)
            yield Message(watermark if start + many == count else NO_WATERMARK, rows)


def segment_count(folder: Path) -> int:
    """How many segments a folder holds; reads each one's header.

    Raises:
        InputError: there is none, the numbers have a gap, or one is no whole segment.
    """
    found = sorted(
        int(match[1]) for path in folder.glob("seg-*.bin") if (match := _NAME.fullmatch(path.name))
    )
    if not found:
        raise InputError(f"{folder}: expected narrow segments such as seg-00000.bin")
    if found != list(range(len(found))):
        raise InputError(f"{folder}: expected segments numbered from 0 without a gap")
    for index in found:
        path = segment_path(folder, index)
        with path.open("rb") as file:
            _check(file.read(_HEADER.size), path.stat().st_size, str(path))
    return len(found)


def _check(header: bytes, size: int, where: str) -> tuple[int, int]:
    """Rows and watermark of a message that starts like this and is so many bytes long."""
    if len(header) < _HEADER.size or header[:8] != _MAGIC:
        raise InputError(f"{where}: expected narrow rows with the header {_MAGIC.decode()}")
    _, version, width, count, watermark, _ = _HEADER.unpack_from(header)
    if version != _VERSION or width != NARROW.itemsize:
        raise InputError(
            f"{where}: expected version {_VERSION} with {NARROW.itemsize} bytes a row; "
            "make the narrow rows again with this version of the program"
        )
    if size != _HEADER.size + count * width:
        raise InputError(f"{where}: expected as many rows as the header says; the file is cut")
    return count, watermark
