"""What the scanners of all formats share: units, node tables, room for cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.engine.cells import PathBook, Scanned
from connectors.engine.gate import RefusedError
from connectors.engine.kernels.nodes import WIDTH

NODE_LIMIT = 4096
SHARED_NODE_LIMIT = 1024  # a table kept over submissions starts afresh beyond this
_NAME_BYTES = 1 << 17


@dataclass(slots=True)
class Unit:
    """Bytes scanned as one document: a submission, or a chunk of a large one.

    Positions in `body` from `head` on lie `shift` further back in the submission.
    """

    submission: int
    body: bytes | memoryview
    head: int = 0
    shift: int = 0
    first_line: int = 0  # lines in front of the body
    whole: int = 0  # bytes of the whole submission, expanded
    bad_lines: tuple[int, ...] = ()  # blanked before the scan, counted from this unit's body


class NodeTable:
    """The distinct nodes of one dialect; see `connectors.engine.kernels.nodes`."""

    def __init__(self, paths: int) -> None:
        self.grid = np.full((NODE_LIMIT, WIDTH), -1, np.int32)
        self.grid[0] = -1
        self.grid[0, 6] = 0
        self.names = np.empty(_NAME_BYTES, np.uint8)
        self.size = np.array([1, 0], np.int64)
        self.progress = np.full((NODE_LIMIT, paths), -1, np.int32)
        self.progress[0, 0] = 0
        self.path_of = np.full(NODE_LIMIT, -1, np.int32)
        self.resolved = 1
        self.text = [""] * NODE_LIMIT  # what each node is called, by the format's own rules

    @property
    def nodes(self) -> int:
        """How many nodes there are, the root included."""
        return int(self.size[0])

    def name(self, node: int) -> str:
        """The name of a node as it was written."""
        start, end = self.grid[node, 4], self.grid[node, 5]
        return self.names[start:end].tobytes().decode("utf-8", "replace")


@dataclass(slots=True)
class Room:
    """Arrays the kernels fill; capacity is counted from the bytes, so they cannot overflow."""

    cells: NDArray[np.int32]
    flags: NDArray[np.uint8]
    instances: NDArray[np.int32]
    records: NDArray[np.int32]
    status: NDArray[np.uint8]
    lines: NDArray[np.int32]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, cells: int, records: int) -> "Room":
        """Room for so many cells and records."""
        return cls(
            np.empty((cells, 5), np.int32),
            np.empty(cells, np.uint8),
            np.empty((records, 3), np.int32),
            np.empty((records, 2), np.int32),
            np.zeros(records, np.uint8),
            np.zeros(records, np.int32),
            np.zeros(3, np.int64),
        )


class Scan:
    """One scan of several units: what is refused, and where the cells and records of each end.

    A scanner calls `take` for unit after unit; a refused one leaves no cell.
    """

    def __init__(self, units: Sequence[Unit], bodies: Sequence[bytes | memoryview]) -> None:
        self.joined = b"".join(bodies)
        self.body = np.frombuffer(self.joined, np.uint8)
        self.bounds = np.zeros(len(units) + 1, np.int64)
        np.cumsum([len(body) for body in bodies], out=self.bounds[1:])
        self.cuts = np.zeros(len(units) + 1, np.int64)
        self.owners = np.zeros(len(units) + 1, np.int64)
        self.refused: dict[int, RefusedError] = {}
        self.room = Room.of(0, 0)

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.bounds) - 1

    def take(self, number: int, read: Callable[[int, int, int], None]) -> None:
        """Scan one unit with a function of its number, begin and end; it may refuse the unit."""
        room = self.room
        before = room.count.copy()
        if number not in self.refused:
            try:
                read(number, int(self.bounds[number]), int(self.bounds[number + 1]))
            except RefusedError as error:
                self.refused[number] = error.bare()
                room.count[:] = before
        self.cuts[number + 1], self.owners[number + 1] = room.count[0], room.count[1]

    def scanned(
        self, style: str, encoding: str, book: PathBook, variants: NDArray[np.uint8] | None = None
    ) -> Scanned:
        """The relation of cells of all units taken."""
        room = self.room
        cells, records, instances = (int(n) for n in room.count)
        return Scanned(
            style=style,
            encoding=encoding,
            body=self.body,
            cells=room.cells[:cells],
            flags=room.flags[:cells],
            instances=room.instances[:instances],
            records=room.records[:records],
            status=room.status[:records],
            lines=room.lines[:records],
            unit=np.repeat(np.arange(self.units, dtype=np.int32), np.diff(self.owners)),
            unit_cells=self.cuts,
            book=book,
            variants=variants,
        )


@dataclass(frozen=True, slots=True)
class Steps:
    """Wanted paths for the kernels: step bytes, where each step begins, where each path begins."""

    step_bytes: NDArray[np.uint8]
    step_at: NDArray[np.int32]
    path_at: NDArray[np.int32]

    @classmethod
    def of(cls, paths: Sequence[Sequence[str]]) -> "Steps":
        """Paths as lists of names; the first is the record."""
        flat = [step.encode() for path in paths for step in path]
        step_at = np.zeros(len(flat) + 1, np.int32)
        np.cumsum([len(step) for step in flat], out=step_at[1:])
        path_at = np.zeros(len(paths) + 1, np.int32)
        np.cumsum([len(path) for path in paths], out=path_at[1:])
        return cls(np.frombuffer(b"".join(flat) + b" ", np.uint8), step_at, path_at)
