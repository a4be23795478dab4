"""Large submissions in chunks of at most 16 MiB, cut between records, header context carried along.

A chunk is a document of its own: what stood in front of the first record, some records, what stood
behind the last. Peak memory therefore does not grow with the number of records in work.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from connectors.engine.cells_csv import header_at
from connectors.engine.cells_fix import mark
from connectors.engine.gate import Body, RefusedError, check_xml, readable
from connectors.engine.kernels.jsonrecords import find_objects
from connectors.engine.kernels.xmlrecords import find_records
from connectors.engine.scan import Steps, Unit
from connectors.engine.sheets import sheet_text
from connectors.engine.spec import Feed
from connectors.stored import StoredBytes

CHUNK_BYTES = 16 << 20
CHUNK_LINES = 250_000  # of a chunk: an empty line is a record too, and a finding takes a kilobyte
RECORD_BYTES = 64 << 20  # a single record beyond this is refused
_STEP = 16 << 20
_TRAILER = re.compile(rb"10=[0-9]{3}.[\r\n]*$", re.DOTALL)


def units_of(
    number: int,
    body: Body,
    feed: Feed,
    limit: int = CHUNK_BYTES,
    scratch: Path | None = None,
) -> Iterator[Unit]:
    """The units of one submission, in order.

    Args:
        number: Index of the submission.
        body: Its bytes as sent; gzip is expanded under the feed's bounds, a workbook's table
            becomes lines.
        feed: Says the format.
        limit: Bytes a unit may have, unless one record alone is larger.
        scratch: Where gzip is expanded; None expands it in memory.

    Raises:
        RefusedError: the submission cannot be expanded, or its large document cannot be read.
    """
    body = readable(body, feed, scratch)
    if feed.sheet is not None:
        body = sheet_text(bytes(body), feed.sheet, feed.max_expanded)
    lined = feed.format in ("csv", "ndjson", "xlsx")
    if len(body) <= limit and not (lined and _many_lines(body)):
        units = iter([Unit(number, bytes(body) if isinstance(body, StoredBytes) else body)])
    elif lined:
        units = _lines(number, body, feed, limit)
    elif feed.format == "fix":
        units = _messages(number, body, feed, limit)
    else:
        units = _records(number, body, feed, limit)
    for unit in units:
        unit.whole = len(body)
        yield unit


def _lines(number: int, body: Body, feed: Feed, limit: int) -> Iterator[Unit]:
    head, header_lines = b"", 0
    if feed.format in ("csv", "xlsx"):
        first = bytes(body[: 1 << 20])
        _, end, header_lines = header_at(first, 0, len(first), feed)
        head = first[:end]
    at, lines = len(head), header_lines
    while at < len(body):
        stop = _line_end(body, at, max(limit - len(head), 1))
        piece = bytes(body[at:stop])
        before = lines - header_lines
        yield Unit(number, head + piece, head=len(head), shift=at - len(head), first_line=before)
        lines += piece.count(b"\n")
        at = stop


def _line_end(body: Body, start: int, limit: int) -> int:
    """The end of the last line that ends within `limit`, or of a longer first line.

    Not more than `CHUNK_LINES` lines.
    """
    piece = bytes(body[start : start + limit])
    if _many_lines(piece):
        return start + int(_line_ends(piece)[CHUNK_LINES - 1]) + 1
    if start + limit >= len(body):
        return len(body)
    found = piece.rfind(b"\n")
    if found >= 0:
        return start + found + 1
    rest = bytes(body[start : start + RECORD_BYTES]).find(b"\n")
    if rest < 0:
        raise RefusedError("ENG-SIZE", f"lines of at most {RECORD_BYTES} bytes")
    return start + rest + 1


def _many_lines(body: Body) -> bool:
    """Whether there are more lines than one chunk may have; short bodies are not looked at."""
    return len(body) > CHUNK_LINES and len(_line_ends(bytes(body))) > CHUNK_LINES


def _line_ends(piece: bytes) -> NDArray[np.int64]:
    return np.flatnonzero(np.frombuffer(piece, np.uint8) == ord("\n"))


def _messages(number: int, body: Body, feed: Feed, limit: int) -> Iterator[Unit]:
    begins = mark(feed)
    at = 0
    while at < len(body):
        stop = _message_end(body, at, limit, begins)
        yield Unit(number, bytes(body[at:stop]), shift=at)
        at = stop


def _message_end(body: Body, start: int, limit: int, begins: bytes) -> int:
    """Where a message begins, as late as the limit allows, best behind the trailer of another."""
    if start + limit >= len(body):
        return len(body)
    piece = bytes(body[start : start + limit + len(begins)])
    last = found = piece.rfind(begins)
    while found > 0 and not _TRAILER.search(piece, max(found - 16, 0), found):
        found = piece.rfind(begins, 0, found)
    if max(found, last) > 0:
        return start + (found if found > 0 else last)
    rest = bytes(body[start + 1 : start + RECORD_BYTES]).find(begins)
    if rest >= 0:
        return start + 1 + rest
    if start + RECORD_BYTES < len(body):
        raise RefusedError("ENG-SIZE", f"messages of at most {RECORD_BYTES} bytes")
    return len(body)


def _records(number: int, body: Body, feed: Feed, limit: int) -> Iterator[Unit]:
    limits = _limits(body, feed, feed.record)
    if not len(limits) and feed.record_else:
        limits = _limits(body, feed, feed.record_else)
    if not len(limits):
        raise RefusedError("ENG-NO-RECORD", f"records at {'/'.join(feed.record)}")
    if limits[0, 0] + len(body) - limits[-1, 1] > limit // 2:
        raise RefusedError("ENG-SIZE", f"at most {limit // 2} bytes outside of the records")
    head, tail = bytes(body[: limits[0, 0]]), bytes(body[limits[-1, 1] :])
    room = limit - len(head) - len(tail)
    first = 0
    while first < len(limits):
        start = int(limits[first, 0])
        last = int(np.searchsorted(limits[:, 1], start + room, side="right")) - 1
        last = max(last, first)
        end = int(limits[last, 1])
        if end - start > max(room, RECORD_BYTES):
            raise RefusedError("ENG-SIZE", f"records of at most {RECORD_BYTES} bytes")
        piece = b"".join((head, body[start:end], tail))
        yield Unit(number, piece, head=len(head), shift=start - len(head))
        first = last + 1


def _limits(body: Body, feed: Feed, record: tuple[str, ...]) -> NDArray[np.int64]:
    """Start and end of each record of a large document."""
    if feed.format == "xml":
        check_xml(body, feed)
        find, mark, state = find_records, record[-1].encode(), np.zeros(4, np.int64)
    else:
        find, mark, state = find_objects, b"{", np.array([0, 0, -1, 0, 0, 0], np.int64)
    steps = Steps.of([record])
    found: list[NDArray[np.int64]] = []
    at, size = 0, _STEP
    while at < len(body):
        piece = bytes(body[at : at + size])
        limits = np.empty((piece.count(mark) + 1, 2), np.int64)
        last = at + size >= len(body)
        done, count = find(
            np.frombuffer(piece, np.uint8), at, last,
            steps.step_bytes, steps.step_at, len(record), state, limits,
        )  # fmt: skip
        found.append(limits[:count].copy())
        if last:
            break
        if done:
            at, size = at + done, _STEP
        elif size > RECORD_BYTES:  # a name, a text or a comment of this size
            raise RefusedError("ENG-SIZE", f"records of at most {RECORD_BYTES} bytes")
        else:
            size *= 2
    return np.concatenate([np.empty((0, 2), np.int64), *found])
