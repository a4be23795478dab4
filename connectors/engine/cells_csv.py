"""CSV submissions to cells: the header names the paths, a value never spans lines."""

import csv
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.engine.cells import PathBook, Scanned
from connectors.engine.gate import RefusedError
from connectors.engine.kernels.csvtext import scan_csv
from connectors.engine.scan import Room, Scan, Unit
from connectors.engine.spec import Feed

_BOM = b"\xef\xbb\xbf"


class CsvScanner:
    """Scans CSV files of one feed; one per thread."""

    def __init__(self, feed: Feed, book: PathBook) -> None:
        self._feed = feed
        self._book = book
        self._needed = {
            path
            for column in (*feed.columns, *feed.locals)
            for path in column.paths
            if column.required and path != "#"
        }
        self._headers: dict[bytes, NDArray[np.int32]] = {}

    def scan(self, units: Sequence[Unit]) -> tuple[Scanned, dict[int, RefusedError]]:
        """Scan units as one relation; refused ones (by index) contribute no cell."""
        scan = Scan(units, [unit.body for unit in units])
        joined, feed = scan.joined, self._feed
        # twenty times as fast as `bytes.count` where every tenth byte is one
        lines = int(np.count_nonzero(scan.body == ord("\n"))) + len(units)
        delimiters = int(np.count_nonzero(scan.body == ord(feed.delimiter)))
        scan.room = room = Room.of(delimiters + lines + 16, lines + 1)

        def read(_: int, low: int, high: int) -> None:
            start, line, nodes = self._header(joined, low, high)
            before = int(room.count[1])
            scan_csv(
                scan.body, start, high, ord(feed.delimiter), len(nodes), nodes, line,
                room.cells, room.flags, room.records, room.status, room.lines, room.count,
            )  # fmt: skip
            if room.count[1] == before:
                raise RefusedError("ENG-NO-RECORD", "at least one row below the header")

        for number in range(len(units)):
            scan.take(number, read)
        return scan.scanned("csv", feed.encoding, self._book), scan.refused

    def _header(self, joined: bytes, low: int, high: int) -> tuple[int, int, NDArray[np.int32]]:
        """(where rows begin, header's line number, node of each column)."""
        start, end, line = header_at(joined, low, high, self._feed)
        text = joined[start:end]
        nodes = self._headers.get(text)
        if nodes is None:
            nodes = self._columns(text)
            if len(self._headers) > 64:
                self._headers.clear()
            self._headers[text] = nodes
        return end, line, nodes

    def _columns(self, header: bytes) -> NDArray[np.int32]:
        encoding = self._feed.encoding
        try:
            text = header.removeprefix(_BOM).decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            raise RefusedError("ENG-ENCODING", f"a header line in {encoding}") from None
        try:
            names = next(csv.reader(io.StringIO(text), delimiter=self._feed.delimiter), [])
        except csv.Error:
            raise RefusedError("ENG-HEADER", "one line of column names", "header") from None
        names = [name.strip() for name in names]
        if len(set(names)) != len(names):
            raise RefusedError("ENG-HEADER", "each column once", "header")
        missing = sorted(self._needed - set(names))
        if missing:
            raise RefusedError("ENG-HEADER", f"the columns {', '.join(missing)}", "header")
        return np.array([self._book.number(name) for name in names], np.int32)


def header_at(joined: bytes, low: int, high: int, feed: Feed) -> tuple[int, int, int]:
    """Where the header line begins and ends (behind its line end), and its line number from 1.

    Raises:
        RefusedError: no line begins as the spec's `header_starts` says.
    """
    start, line = low, 1
    if feed.header_starts:
        wanted = feed.header_starts.encode(feed.encoding)
        while not joined.startswith(wanted, start):
            start = joined.find(b"\n", start, high) + 1
            line += 1
            if not start or start >= high:  # never on into the submission that stands behind
                raise RefusedError("ENG-HEADER", f"a header line {feed.header_starts!r}", "header")
    end = joined.find(b"\n", start, high)
    return start, (high if end < 0 else end + 1), line
