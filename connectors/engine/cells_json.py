"""JSON and NDJSON submissions to cells. Arrays are transparent; numbers stay text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.engine.cells import PathBook, Scanned
from connectors.engine.gate import RefusedError, blank_bad_lines, check_text
from connectors.engine.kernels.jsontext import room_of, scan_json, scan_lines
from connectors.engine.kernels.nodes import PARENT, TABLE_FULL, TOO_DEEP
from connectors.engine.scan import SHARED_NODE_LIMIT, NodeTable, Room, Scan, Steps, Unit
from connectors.engine.spec import Feed


class JsonScanner:
    """Scans documents (`json`) or lines (`ndjson`) of one feed; one per thread."""

    def __init__(self, feed: Feed, book: PathBook) -> None:
        self._feed = feed
        self._book = book
        self._steps = Steps.of([feed.record])
        self._lines = feed.format == "ndjson"
        self._table = NodeTable(1)
        self._serial = np.zeros(1, np.int64)

    def scan(self, units: Sequence[Unit]) -> tuple[Scanned, dict[int, RefusedError]]:
        """Scan units as one relation; refused ones (by index) contribute no cell."""
        refused: dict[int, RefusedError] = {}
        bodies = [self._text(number, unit, refused) for number, unit in enumerate(units)]
        scan = Scan(units, bodies)
        scan.refused = refused
        most, objects = room_of(scan.body)
        scan.room = room = Room.of(most + 16, objects + len(units) + 1)

        def read(_: int, low: int, high: int) -> None:
            self._one(scan.body, low, high, room)

        for number in range(len(units)):
            scan.take(number, read)
        return scan.scanned("json", "utf-8", self._book), refused

    def _text(self, number: int, unit: Unit, refused: dict[int, RefusedError]) -> bytes:
        body = bytes(unit.body)
        try:
            check_text(body, "utf-8")
        except RefusedError as error:
            if not self._lines:
                refused[number] = error.bare()
                return body
            body, unit.bad_lines = blank_bad_lines(body, "utf-8")
        return body

    def _one(self, body: NDArray[np.uint8], low: int, high: int, room: Room) -> None:
        before = room.count.copy()
        code = self._run(body, low, high, room)
        if code == TABLE_FULL:
            self._table = NodeTable(1)
            room.count[:] = before
            code = self._run(body, low, high, room)
        if code == TABLE_FULL:
            raise RefusedError("ENG-DEPTH", "at most 4096 distinct keys")
        if code == TOO_DEEP:
            raise RefusedError("ENG-DEPTH", "values nested at most 250 deep")
        if code != -1:
            raise RefusedError("ENG-UNREADABLE", f"JSON with each key once (byte {code - low})")
        if room.count[1] == before[1]:
            raise RefusedError("ENG-NO-RECORD", f"objects at {'/'.join(self._feed.record) or '/'}")
        self._name_new()
        cells = room.cells[int(before[0]) : int(room.count[0])]
        cells[:, 2] = self._table.path_of[cells[:, 2]]
        if self._table.nodes > SHARED_NODE_LIMIT:
            self._table = NodeTable(1)

    def _run(self, body: NDArray[np.uint8], low: int, high: int, room: Room) -> int:
        table, steps = self._table, self._steps
        shared = (
            body, low, high, table.grid, table.names, table.size, table.progress[:, 0],
            steps.step_bytes, steps.step_at, len(self._feed.record), self._serial,
            room.cells, room.flags, room.instances, room.records, room.status,
        )  # fmt: skip
        if self._lines:
            return int(scan_lines(*shared, room.lines, room.count))
        return int(scan_json(*shared, room.count))

    def _name_new(self) -> None:
        table, steps = self._table, len(self._feed.record)
        table.path_of[0] = self._book.number("." if not steps else "/")
        for node in range(table.resolved, table.nodes):
            parent = int(table.grid[node, PARENT])
            name = table.name(node).replace("/", "\\/")
            if table.progress[parent, 0] == steps:
                table.text[node] = name
            else:
                table.text[node] = f"{table.text[parent]}/{name}"
            table.path_of[node] = self._book.number(table.text[node])
        table.resolved = table.nodes
