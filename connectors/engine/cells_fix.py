"""FIX and its dialects (IMIX) to cells: tags are paths, group members lie below their group's name.

The scanner checks itself what no gate could: body length, check sum, group counts, repeated tags.
What it found is noted by `note_status` before the columns are made.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.engine.cells import Cells, PathBook, Scanned
from connectors.engine.findings import Findings
from connectors.engine.gate import RefusedError
from connectors.engine.kernels import fix, roles
from connectors.engine.scan import NODE_LIMIT, Unit
from connectors.engine.spec import Feed
from connectors.engine.specgroups import Group, plain

# Data fields may hold the separator: the tag in front of each says how many bytes it has.
LENGTH_TAGS = (90, 93, 95, 212, 348, 350, 352, 354, 356, 358, 360, 362, 364, 445, 618, 621)
_INTEGRITY = fix.CHECK_SUM | fix.BODY_LENGTH


class FixScanner:
    """Scans messages of one feed; keeps its tables between calls, so use one per thread."""

    def __init__(self, feed: Feed, book: PathBook) -> None:
        self._feed = feed
        self._book = book
        self._paths = ["", *(group.path for group in feed.groups)]
        shape = (len(self._paths), fix.TAGS)
        self._kind = np.zeros(shape, np.uint8)
        self._numbers = np.full(shape, -1, np.int32)
        self._seen = np.zeros(shape, np.int64)
        self._serial = 0
        self._lengths = np.zeros(fix.TAGS, np.bool_)
        self._lengths[list(LENGTH_TAGS)] = True
        self._mark = mark(feed)
        at = {path: number for number, path in enumerate(self._paths)}
        for number, group in enumerate(feed.groups, 1):
            self._kind[number, [int(tag) for tag in group.members]] = fix.MEMBER
            self._kind[number, int(group.first)] = fix.FIRST
        for number, group in enumerate(feed.groups, 1):
            self._kind[at[group.parent], int(group.count)] = fix.COUNT + number
        # What the spec names has its number at once: a flood of unknown tags takes none from it.
        for path in (*feed.paths, *feed.ignored):
            place, _, tag = plain(path).rpartition("/")
            if place in at and tag.isdecimal() and len(tag) <= 5:
                self._numbers[at[place], int(tag)] = book.number(plain(path))

    def scan(self, units: Sequence[Unit]) -> tuple[Scanned, dict[int, RefusedError]]:
        """Scan units as one relation; refused ones (by index) contribute no cell."""
        joined = b"".join(unit.body for unit in units)
        body = np.frombuffer(joined, np.uint8)
        bounds = np.cumsum([0, *(len(unit.body) for unit in units)], dtype=np.int64)
        begin = f"messages that begin 8={self._feed.begin}"
        refused = {
            number: RefusedError("ENG-NO-RECORD", begin)
            for number in range(len(units))
            if joined.find(self._mark, bounds[number], bounds[number + 1]) < 0
        }
        wanted = np.ones(len(units), np.bool_)
        wanted[list(refused)] = False
        # Room for the most there can be; what is not written costs no memory. Each message has its
        # mark, and one stretch of other bytes in front of it or behind; a field has three bytes.
        most = 2 * (len(joined) // len(self._mark)) + len(units) + 1
        fields = len(joined) // 3 + len(units) + 1
        cells = np.empty((fields, 5), np.int32)
        instances = np.empty((fields, 3), np.int32)
        records = np.empty((most, 2), np.int32)
        status, lines = np.zeros(most, np.uint8), np.zeros(most, np.int32)
        fresh = np.empty((NODE_LIMIT, 2), np.int64)
        cuts, owners = np.zeros(len(units) + 1, np.int64), np.zeros(len(units) + 1, np.int64)
        count = np.array([0, 0, 0, self._serial, 0], np.int64)
        if wanted.any():
            fix.scan_fix(
                body, bounds, wanted, np.frombuffer(self._mark, np.uint8), self._mark[-3],
                _INTEGRITY if self._feed.integrity == "tolerate" else 0,
                self._kind, self._numbers, fresh, self._seen, self._lengths,
                cells, instances, records, status, lines, cuts, owners, count,
            )  # fmt: skip
        used, found, made, self._serial, new = (int(n) for n in count)
        cells, lines = cells[:used], lines[:found]
        if new:
            self._name(fresh[:new], cells, lines)
        scanned = Scanned(
            style="fix",
            encoding=self._feed.encoding,
            body=body,
            cells=cells,
            flags=np.zeros(used, np.uint8),
            instances=instances[:made],
            records=records[:found],
            status=status[:found],
            lines=lines,
            unit=np.repeat(np.arange(len(units), dtype=np.int32), np.diff(owners)),
            unit_cells=cuts,
            book=self._book,
        )
        return scanned, refused

    def _name(
        self, fresh: NDArray[np.int64], cells: NDArray[np.int32], lines: NDArray[np.int32]
    ) -> None:
        """Give new tags their path numbers in the tables and wherever the kernel met them."""
        given = np.empty(len(fresh), np.int32)
        for at, (place, tag) in enumerate(fresh.tolist()):
            path = f"{self._paths[place]}/{tag}" if place else str(tag)
            given[at] = self._numbers[place, tag] = self._book.number(path)
        for column in (cells[:, 2], lines):
            rows = np.flatnonzero(column < -1)
            column[rows] = given[-2 - column[rows]]


def mark(feed: Feed) -> bytes:
    """How every message of a feed begins."""
    return f"8={feed.begin}{feed.delimiter}9=".encode()


def note_status(findings: Findings, scanned: Scanned, feed: Feed) -> None:
    """Note what the scanner found wrong with messages as such."""
    status = scanned.status
    if not status.any():
        return
    bad = (status & (fix.GARBAGE | fix.GARBLED)) != 0
    findings.add(bad, "ENG-UNREADABLE", "message", "tag=value fields from 8 to a trailer 10")
    outcome = "warning" if feed.integrity == "tolerate" else ""
    length = ((status & fix.BODY_LENGTH) != 0) & ~bad
    findings.add(length, "ENG-BODY-LENGTH", "9", "the bytes from 35 to the trailer", outcome)
    total = ((status & fix.CHECK_SUM) != 0) & ~bad & ~length
    told = "three digits, the sum of all bytes before it modulo 256"
    findings.add(total, "ENG-CHECK-SUM", "10", told, outcome)
    if outcome:
        both = ((status & fix.CHECK_SUM) != 0) & ~bad & length
        findings.add(both, "ENG-CHECK-SUM", "10", told, outcome)
    counted = ((status & fix.GROUP_COUNT) != 0) & ~bad
    findings.add(counted, "ENG-GROUP-COUNT", "group", "as many entries as the count in front says")


def note_codes(findings: Findings, cells: Cells, groups: Sequence[Group]) -> None:
    """Note entries of groups whose role nobody decided about, or that have none."""
    for number, group in enumerate(groups, 1):
        if group.by is None:
            continue
        path = f"{group.path}/{group.by}"
        coded = cells.coded(path)
        unknown = [at for at, value in enumerate(coded.values) if value not in group.codes]
        if unknown:
            at = coded.cells[np.isin(coded.numbers, unknown)]
            records = np.unique(cells.scanned.cells[at, 3]).astype(np.int64)
            told = f"one of {', '.join(group.codes)}"
            findings.add(records, "ENG-UNKNOWN-CODE", path, told)
        without = np.zeros(cells.count, np.bool_)
        instances = cells.scanned.instances
        roles.silent(cells.scanned.cells, instances, number, coded.cells, coded.numbers, without)
        findings.add(without, "ENG-REQUIRED", path, "a role in every entry of the group")


def note_repeated(findings: Findings, scanned: Scanned) -> None:
    """Note repeated tags in records that are fine otherwise; a column that reads one said so."""
    twice = ((scanned.status & fix.REPEATED) != 0) & (findings.state == 0)
    for number in np.unique(scanned.lines[twice]).tolist():
        where = twice & (scanned.lines == number)
        findings.add(where, "ENG-REPEATED", scanned.book.names[number], "each tag once")
