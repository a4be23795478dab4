"""XML submissions to cells. Names are resolved by namespace: a prefix means nothing by itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from connectors.engine.cells import NO_FIELD, PathBook, Scanned
from connectors.engine.gate import RefusedError, check_xml
from connectors.engine.kernels.nodes import KIND, KIND_ATTRIBUTE, KIND_RECORD, PARENT, TABLE_FULL
from connectors.engine.kernels.xml import scan_documents, scan_xml
from connectors.engine.kernels.xmlrecords import room_of
from connectors.engine.scan import SHARED_NODE_LIMIT, NodeTable, Room, Scan, Steps, Unit
from connectors.engine.spec import Feed

_ROOT_TAG = re.compile(rb"<(?![?!])[^>]*>")
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_TABLES = 32
# A document's begin up to the end of its root's start tag, as nearly all are written.
_HEAD = re.compile(
    rb"""((?:\xef\xbb\xbf)?(?:<\?xml[ ][^<>]*\?>)?[ \t\r\n]*)<([A-Za-z_][A-Za-z0-9_.:-]*)[^<>]*>"""
)


class _XmlTable(NodeTable):
    """A node table with the namespaces in force at each node."""

    def __init__(self, paths: int) -> None:
        super().__init__(paths)
        self.scope: list[dict[str, str]] = [{}]
        self.bound: dict[int, bytes] = {}  # xmlns attribute node: the only value it has
        self.below_root = False  # a declaration further down: the table serves one document only
        self.inside: list[str | None] = [None]  # path inside a record, None outside
        self.foreign_record = False


@dataclass(frozen=True, slots=True)
class _Head:
    """How documents begin, which expat has accepted, and what was learned of them."""

    text: bytes
    root: int  # where the root's `<` is
    variant: int
    table: _XmlTable


class XmlScanner:
    """Scans documents of one feed; keeps node tables between calls, so use one per thread.

    Documents that begin as one before did are scanned together, without expat; the others, and
    those the kernel is in doubt about, one by one after expat.
    """

    def __init__(self, feed: Feed, book: PathBook) -> None:
        self._feed = feed
        self._book = book
        groups = {
            re.sub(r"\[[^\]]*\]", "", path[: found.end() - 1])
            for path in feed.paths
            for found in re.finditer(r"\[", path)
        }
        below = [group.split("/") for group in sorted(groups)]
        self._records = [path for path in (feed.record, feed.record_else) if path]
        self._steps = [Steps.of([record, *below]) for record in self._records]
        self._tables: dict[tuple[int, bytes], _XmlTable] = {}
        self._heads: dict[bytes, _Head] = {}
        self._doubted: set[bytes] = set()  # begins whose documents are scanned one by one

    def scan(self, units: Sequence[Unit]) -> tuple[Scanned, dict[int, RefusedError]]:
        """Scan units as one relation; refused ones (by index) contribute no cell."""
        scan = Scan(units, [unit.body for unit in units])
        most, elements = room_of(scan.body)
        scan.room = Room.of(most, elements + 1)
        variants = np.zeros(len(units), np.uint8)

        def read(number: int, low: int, high: int) -> None:
            check_xml(units[number].body, self._feed)
            variants[number] = self._first(scan.joined, scan.body, low, high, scan.room)

        number = self._alike(scan, 0, variants)
        while number < len(units):
            scan.take(number, read)
            number = self._alike(scan, number + 1, variants)
        return scan.scanned("xml", "utf-8", self._book, variants), scan.refused

    def _head(self, joined: bytes, low: int) -> _Head | None:
        found = _HEAD.match(joined, low)
        if found is None or found[0].endswith(b"/>") or found[0] in self._doubted:
            return None
        return self._heads.get(found[0]) or self._begin(found)

    def _alike(self, scan: Scan, first: int, variants: NDArray[np.uint8]) -> int:
        """Scan the documents from `first` on that begin alike, then those that begin otherwise.

        Returns:
            The document that has to be shown to expat, or the number of documents.
        """
        units, room = scan.units, scan.room
        while first < units:
            head = self._head(scan.joined, int(scan.bounds[first]))
            if head is None:
                return first
            last = first + 1
            while last < units and scan.joined.startswith(head.text, int(scan.bounds[last])):
                last += 1
            table, steps = head.table, self._steps[head.variant]
            start, records = int(room.count[0]), int(room.count[1])
            before = room.count.copy()
            stop = int(
                scan_documents(
                    scan.body, scan.bounds, first, last, head.root, table.grid, table.names,
                    table.size, table.progress, steps.step_bytes, steps.step_at, steps.path_at,
                    room.cells, room.flags, room.instances, room.records, room.count,
                    scan.cuts, scan.owners,
                )
            )  # fmt: skip
            for node in range(table.resolved, table.nodes):
                self._name(node, {}, table)
            table.resolved = table.nodes
            if table.foreign_record:  # of one of them: each has to be looked at alone
                self._drop(table)
                self._doubted.add(head.text)
                room.count[:] = before
                return first
            cells = room.cells[start : int(room.count[0])]
            cells[:, 2] = table.path_of[cells[:, 2]]
            room.status[records : int(room.count[1])] = 0
            variants[first:stop] = head.variant
            if table.nodes > SHARED_NODE_LIMIT:
                self._drop(table)
            if stop < last:
                return stop
            first = last
        return first

    def _drop(self, table: _XmlTable) -> None:
        self._tables = {tag: kept for tag, kept in self._tables.items() if kept is not table}
        self._heads = {text: head for text, head in self._heads.items() if head.table is not table}

    def _begin(self, found: re.Match[bytes]) -> _Head | None:
        """Learn a begin that was not met before: expat is shown it as a document of its own."""
        text, tag = found[0], found[2]
        if len(self._heads) + len(self._doubted) >= _TABLES:
            self._heads.clear()
            self._doubted.clear()
        table = _XmlTable(len(self._steps[0].path_at) - 1)
        alone = text + b"</" + tag + b">"
        try:
            check_xml(alone, self._feed)
            known = self._root(alone, table)
        except RefusedError:
            known = False
        if not known:
            self._doubted.add(text)
            return None
        head = self._heads[text] = _Head(text, len(found[1]), 0, table)
        return head

    def _root(self, alone: bytes, table: _XmlTable) -> bool:
        """Give a table its first nodes: the root and its attributes."""
        body, steps = np.frombuffer(alone, np.uint8), self._steps[0]
        most, elements = room_of(body)
        room = Room.of(most, elements + 1)
        scan_xml(
            body, 0, len(body), table.grid, table.names, table.size, table.progress,
            steps.step_bytes, steps.step_at, steps.path_at,
            room.cells, room.flags, room.instances, room.records, room.count, 0, True,
        )  # fmt: skip
        return self._resolve(alone, room.cells[: int(room.count[0])], table)

    def _prefer(self, joined: bytes, low: int, tag: bytes, variant: int) -> None:
        """Documents with this begin have their records at another path than was thought."""
        found = _HEAD.match(joined, low)
        head = None if found is None else self._heads.get(found[0])
        table = self._tables.get((variant, tag))
        if head is not None and table is not None and head.variant != variant:
            self._heads[head.text] = replace(head, variant=variant, table=table)

    def _first(
        self, joined: bytes, body: NDArray[np.uint8], low: int, high: int, room: Room
    ) -> int:
        """Scan with the first record path that finds any; which one it was."""
        before = room.count.copy()
        try:
            self._one(joined, body, low, high, room, 0)
        except RefusedError as error:
            if error.rule != "ENG-NO-RECORD" or len(self._records) == 1:
                raise
            room.count[:] = before
            self._one(joined, body, low, high, room, 1)
            return 1
        return 0

    def _one(
        self,
        joined: bytes,
        body: NDArray[np.uint8],
        low: int,
        high: int,
        room: Room,
        variant: int,
    ) -> None:
        found = _ROOT_TAG.search(joined, low, min(high, low + 8192))
        tag = found[0] if found else b""
        table = self._tables.get((variant, tag))
        before = room.count.copy()
        if table is not None:
            if self._try(joined, body, low, high, room, table, variant):
                if table.nodes > SHARED_NODE_LIMIT:
                    self._drop(table)
                self._prefer(joined, low, tag, variant)
                return
            self._drop(table)
        room.count[:] = before
        table = _XmlTable(len(self._steps[variant].path_at) - 1)
        if not self._try(joined, body, low, high, room, table, variant):
            raise RefusedError("ENG-NAMESPACE", "one namespace for a prefix on one path")
        if not table.below_root and table.nodes <= SHARED_NODE_LIMIT:
            if len(self._tables) >= _TABLES:
                self._tables.clear()
            self._tables[variant, tag] = table
        self._prefer(joined, low, tag, variant)

    def _try(
        self,
        joined: bytes,
        body: NDArray[np.uint8],
        low: int,
        high: int,
        room: Room,
        table: _XmlTable,
        variant: int,
    ) -> bool:
        """Scan with a table; False where the document's namespaces are not the table's."""
        fresh = table.nodes == 1
        start, records = int(room.count[0]), int(room.count[1])
        steps = self._steps[variant]
        code = scan_xml(
            body, low, high, table.grid, table.names, table.size, table.progress,
            steps.step_bytes, steps.step_at, steps.path_at,
            room.cells, room.flags, room.instances, room.records, room.count, low, True,
        )  # fmt: skip
        if code == TABLE_FULL and not fresh:
            return False
        if code == TABLE_FULL:
            raise RefusedError("ENG-DEPTH", "at most 4096 distinct paths")
        if code != -1:
            raise RefusedError("ENG-DEPTH", "elements nested at most 250 deep")
        cells = room.cells[start : int(room.count[0])]
        if not self._resolve(joined, cells, table):
            return False
        if int(room.count[1]) == records:
            self._refuse_no_record(table)
        if table.foreign_record and not fresh:
            return False  # perhaps another document's: what a table knows must not refuse this one
        if table.foreign_record:
            raise RefusedError("ENG-NAMESPACE", f"namespace {self._feed.namespace.pattern}")
        room.status[records : int(room.count[1])] = 0
        cells[:, 2] = table.path_of[cells[:, 2]]
        return True

    def _refuse_no_record(self, table: _XmlTable) -> None:
        begun = range(1, table.nodes)
        if not any(table.text[n] == f"/{self._feed.record[0]}" for n in begun):
            raise RefusedError("ENG-NAMESPACE", f"namespace {self._feed.namespace.pattern}")
        raise RefusedError("ENG-NO-RECORD", f"records at {'/'.join(self._feed.record)}")

    def _resolve(self, joined: bytes, cells: NDArray[np.int32], table: _XmlTable) -> bool:
        """Name new nodes and hold the document to the table's namespaces."""
        new = range(table.resolved, table.nodes)
        binds: dict[int, dict[str, str]] = {}
        nodes = list(table.bound)
        for node in new:
            if table.grid[node, KIND] & KIND_ATTRIBUTE:
                name = table.name(node)
                if name == "xmlns" or name.startswith("xmlns:"):
                    nodes.append(node)
                    if table.resolved > 1 or table.grid[int(table.grid[node, PARENT]), PARENT] != 0:
                        table.below_root = True
        for node in nodes:
            at = np.flatnonzero(cells[:, 2] == node)
            values = {joined[a:z] for a, z in cells[at, :2]}
            if len(values) != 1 or table.bound.setdefault(node, next(iter(values))) not in values:
                return False
            if node >= table.resolved:
                prefix = table.name(node)[6:]
                owner = int(table.grid[node, PARENT])
                binds.setdefault(owner, {})[prefix] = next(iter(values)).decode()
        if table.below_root and table.resolved > 1 and binds:
            return False  # a known element gets a new namespace: names given before may be wrong
        for node in new:
            self._name(node, binds.get(node, {}), table)
        table.resolved = table.nodes
        return True

    def _name(self, node: int, binds: dict[str, str], table: _XmlTable) -> None:
        parent = int(table.grid[node, PARENT])
        written = table.name(node)
        prefix, _, local = written.rpartition(":")
        attribute = bool(table.grid[node, KIND] & KIND_ATTRIBUTE)
        scope = table.scope[parent]
        table.scope.append({**scope, **binds} if binds else scope)
        table.inside.append(None)
        base, inside = table.text[parent], table.inside[parent]
        if attribute:
            if written == "xmlns" or prefix == "xmlns" or scope.get(prefix) == _SCHEMA_INSTANCE:
                table.path_of[node] = self._book.number(NO_FIELD)
                return
            step = f"@{local}"
        else:
            uri = table.scope[node].get(prefix, "")
            known = self._feed.namespace.fullmatch(uri)
            step = local if known else f"{{{uri}}}{local}"
            if known and table.progress[node, 0] == 1:
                base = ""  # the document begins here, whatever envelope is around it
            if table.grid[node, KIND] & KIND_RECORD:
                table.foreign_record |= not known
                table.inside[node] = ""
                table.text[node] = f"{base}/{step}"
                table.path_of[node] = self._book.number(".")
                return
        if inside is None:
            table.text[node] = f"{base}/{step}"
            table.path_of[node] = self._book.number(table.text[node])
        else:
            table.inside[node] = f"{inside}/{step}" if inside else step
            table.path_of[node] = self._book.number(str(table.inside[node]))
