"""Cells: one relation for every format, (record, path, start, end, flags, instance) over bytes.

`Cells` holds the cells of several submissions of one feed. Columns are asked for by path; paths
nobody asked for are the undecided fields. A path that begins with `/` belongs to the submission,
not to a record: its value is spread over the submission's records.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.kernels import gather, roles
from connectors.engine.kernels.jsonvalues import NULL

_QUALIFIER = re.compile(r"([^/\[]+)\[([^=\]]+)=([^\]]*)\]")
_QUALIFIERS = re.compile(r"\[[^\]]*\]")
_NOT_SINGLE = re.compile(r"\*|^/|^#$")
_STYLES = {"csv": gather.CSV, "fix": gather.CSV, "xml": gather.XML, "json": gather.JSON}
_TOGETHER = 16 << 20  # cells chosen at once: columns read together take 8 bytes for each
PATH_LIMIT = 4096
NO_FIELD = ""  # the path of what carries no data: namespace declarations, schema locations

Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


class PathBook:
    """Numbers for source paths, kept over submissions."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._matches: dict[str, tuple[int, tuple[int, ...]]] = {}

    def number(self, name: str) -> int:
        """The number of a path, given when it is first met."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = len(self.names)
            self.names.append(name)
        return found

    def matching(self, pattern: str) -> tuple[int, ...]:
        """Numbers of the paths a pattern means: `*` is one step, `**` any number of them."""
        exact = self._numbers.get(pattern)
        if exact is not None or "*" not in pattern:  # a column may have an asterisk in its name
            return () if exact is None else (exact,)
        known, numbers = self._matches.get(pattern, (0, ()))
        if known < len(self.names):
            text = re.escape(pattern).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
            expression = re.compile(text)
            more = tuple(
                number
                for number in range(known, len(self.names))
                if expression.fullmatch(self.names[number])
            )
            numbers += more
            self._matches[pattern] = (len(self.names), numbers)
        return numbers


@dataclass(slots=True)
class Scanned:
    """What a scanner leaves: arrays trimmed to their counts; see the kernels for their columns."""

    style: str  # xml | json | csv | fix: how values are copied out
    encoding: str
    body: NDArray[np.uint8]
    cells: Ints  # column 2 holds path numbers
    flags: NDArray[np.uint8]
    instances: Ints
    records: Ints
    status: NDArray[np.uint8]
    lines: Ints
    unit: Ints  # of each record
    unit_cells: NDArray[np.int64]  # cells of unit u are unit_cells[u]:unit_cells[u + 1]
    book: PathBook
    variants: NDArray[np.uint8] | None = None  # XML: of each unit, which record path it has


@dataclass(frozen=True, slots=True)
class Coded:
    """All cells of a path with their values as numbers, in document order."""

    cells: Ints
    numbers: Ints  # of the value of each, -1 for blank
    values: list[str]
    order: Ints  # cells sorted by value: those of value n are order[cut[n]:cut[n + 1]]
    cut: NDArray[np.int64]


class Cells:
    """Columns of a group of submissions, by source path."""

    def __init__(self, scanned: Scanned) -> None:
        self.scanned = scanned
        self.count = len(scanned.records)
        self._touched: set[int] = set()
        self._columns: dict[str, tuple[pa.Array, Mask, Mask | None]] = {}
        self._coded: dict[str, Coded] = {}
        self._allowed: dict[str, Ints] = {}
        self._cell_of: dict[str, tuple[Ints, Mask]] = {}
        self._no = np.zeros(self.count, np.bool_)
        self._ahead: dict[str, list[str]] = {}
        self._order, self._cut = gather.order_by_path(
            np.ascontiguousarray(scanned.cells[:, 2]), len(scanned.cells), len(scanned.book.names)
        )

    def column(self, path: str) -> tuple[pa.Array, Mask, Mask | None]:
        """The value of a path in each record, blank as null: (text, given twice, undecodable)."""
        known = self._columns.get(path)
        if known is None and path in self._ahead:
            self._read_together(self._ahead[path])
            known = self._columns.get(path)
        if known is None:
            chosen, repeated = self._select(path)
            text, bad = self._values(chosen)
            known = self._columns[path] = (text, repeated, bad)
        elif path in self._ahead:
            for one in self._paths_of(path):
                self._touched.update(self.scanned.book.matching(one))
        return known

    def expect(self, paths: Sequence[str]) -> None:
        """Say which columns will be asked for: their values are then copied in one pass."""
        together = max(1, _TOGETHER // max(1, self.count))
        single = [p for p in dict.fromkeys(paths) if not _NOT_SINGLE.search(p)]
        there = [p for p in single if self._ranges(self._paths_of(p)[0], touch=False)]
        for at in range(0, len(there), together):
            some = there[at : at + together]
            self._ahead |= dict.fromkeys(some, some)

    def _read_together(self, paths: Sequence[str]) -> None:
        """Make the columns of paths; a plain one with a repeated value is left to its own reading.

        Values are copied record by record, so that the bytes of each are fetched once.
        """
        s = self.scanned
        wanted = np.full(len(s.book.names), -1, np.int32)
        chosen = np.full((len(paths), self.count), -1, np.int32)
        sizes = np.zeros(len(paths), np.int64)
        told = np.zeros(len(paths), np.uint8)
        twice = dict.fromkeys(paths, self._no)
        for column, path in enumerate(paths):
            plain, *qualified = self._paths_of(path)
            if qualified:
                chosen[column], twice[path] = self._select(path, touch=False)
                sizes[column] = gather.measure(s.cells, chosen[column])
            else:
                wanted[s.book.matching(plain)[0]] = column
        null = NULL if s.style == "json" else 0
        gather.pick_all(s.cells, s.flags, wanted, null, chosen, sizes, told)
        for column in np.flatnonzero(told & gather.NULLS):
            self._drop_nulls(chosen[column])
        base = np.cumsum(sizes) - sizes
        offsets = np.empty((len(paths), self.count + 1), np.int32)
        out = np.empty(int(sizes.sum()), np.uint8)
        used = np.zeros(len(paths), np.int64)
        gather.copy_values(
            _STYLES[s.style], s.body, s.cells, s.flags, chosen, base, offsets, out, used
        )
        for column, path in enumerate(paths):
            if told[column] & gather.REPEATED:
                del self._ahead[path]
                continue
            # copied, because a column that is kept must not keep the others
            data = out[base[column] : base[column] + used[column]].copy()
            text, bad = self._text(offsets[column].copy(), data)
            self._columns[path] = (text, twice[path], bad)

    def every(self, path: str, separator: str) -> pa.Array:
        """All values of a path in each record, in document order, joined; none gives null."""
        parts = [self._order[low:high] for low, high in self._ranges(path)]
        if not parts:
            return pa.nulls(self.count, pa.string())
        cells = np.sort(np.concatenate(parts))
        cells = cells[self.scanned.cells[cells, 3] >= 0]
        values, _ = self._values(cells)
        there = values.is_valid().to_numpy(zero_copy_only=False)
        owners = self.scanned.cells[cells[there], 3]  # records are numbered as they come
        offsets = np.searchsorted(owners, np.arange(self.count + 1)).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), values.filter(pa.array(there)))
        text = pc.binary_join(lists, separator)
        return pc.if_else(pa.array(np.diff(offsets) > 0), text, pa.scalar(None, pa.string()))

    def coded(self, path: str, touch: bool = True) -> Coded:
        """The values of a path as numbers, whatever record or group instance they stand in."""
        if touch:
            self._touched.update(self.scanned.book.matching(path))
        known = self._coded.get(path)
        if known is None:
            parts = [self._order[low:high] for low, high in self._ranges(path, touch=False)]
            cells = np.concatenate(parts) if parts else np.empty(0, np.int32)
            numbers, values = self._numbered(cells)
            order, cut = gather.order_by_path(numbers + 1, len(cells), 1 + len(values))
            known = self._coded[path] = Coded(cells, numbers, values, cells[order], cut[1:])
        return known

    def _numbered(self, cells: Ints) -> tuple[Ints, list[str]]:
        codes = np.empty(len(cells), np.int32)
        keys = np.empty(roles.SLOTS // 2, np.uint64)
        slots = np.full(roles.SLOTS, -1, np.int32)
        scanned = self.scanned
        count = roles.short_codes(scanned.body, scanned.cells, cells, slots, keys, codes)
        if count >= 0:
            texts = (int(key).to_bytes(8, "big").lstrip(b"\0").decode() for key in keys[:count])
            return codes, list(texts)
        values = self._values(cells)[0].dictionary_encode()
        return (
            values.indices.fill_null(-1).to_numpy(zero_copy_only=False),
            values.dictionary.to_pylist(),
        )

    def present(self, pattern: str) -> Mask:
        """The records that have anything under a path; decides nothing about what lies there."""
        found = np.zeros(self.count, np.bool_)
        for low, high in self._ranges(pattern, touch=not pattern.endswith("*")):
            gather.mark(self.scanned.cells, self._order, low, high, found)
        return found

    def undecided(self, ignored: tuple[str, ...]) -> Iterator[tuple[str, Mask]]:
        """Paths that no column touched and no pattern ignores, with the records that have them.

        By name: the book's order depends on what was decoded before.
        """
        for pattern in ignored:
            self._touched.update(self.scanned.book.matching(pattern))
        names = self.scanned.book.names
        there = np.flatnonzero(np.diff(self._cut)).tolist()
        for number in sorted(there, key=lambda one: names[one]):
            path = names[number]
            if number in self._touched or path == NO_FIELD:
                continue
            cells = self._order[self._cut[number] : self._cut[number + 1]]
            found = np.zeros(self.count, np.bool_)
            if path.startswith("/"):
                units = np.unique(self._unit_of_cells(cells))
                found = np.isin(self.scanned.unit, units)
            else:
                gather.mark(self.scanned.cells, cells, 0, len(cells), found)
            yield path, found

    def header(self, path: str, units: int) -> list[str | None]:
        """A header path's value per unit, also of units that have no record."""
        chosen, _ = self._header_cells(path, units)
        return self._values(chosen)[0].to_pylist()  # type: ignore[no-any-return]

    def _ranges(self, pattern: str, touch: bool = True) -> list[tuple[int, int]]:
        numbers = self.scanned.book.matching(pattern)
        if touch:
            self._touched.update(numbers)
        return [
            (int(self._cut[n]), int(self._cut[n + 1]))
            for n in numbers
            if n + 1 < len(self._cut) and self._cut[n] < self._cut[n + 1]
        ]

    def _unit_of_cells(self, cells: Ints) -> NDArray[np.int64]:
        return np.searchsorted(self.scanned.unit_cells, cells, side="right") - 1

    def _header_cells(self, path: str, units: int) -> tuple[Ints, Mask]:
        chosen = np.full(units, -1, np.int32)
        repeated = np.zeros(units, np.bool_)
        for low, high in self._ranges(path):
            cells = self._order[low:high]
            owners = self._unit_of_cells(cells)
            chosen[owners[::-1]] = cells[::-1]  # the first one stays
            repeated |= np.bincount(owners, minlength=units) > 1
        self._drop_nulls(chosen)
        return chosen, repeated

    def _paths_of(self, path: str) -> list[str]:
        """A path without its qualifiers, and the paths that its qualifiers read."""
        if "[" not in path or self.scanned.style == "csv":  # a column may be named "[CNY]"
            return [path]
        reads = [
            f"{_QUALIFIERS.sub('', path[: found.end()])}/{found[2]}"
            for found in _QUALIFIER.finditer(path)
        ]
        return [_QUALIFIERS.sub("", path), *reads] if reads else [path]

    def _select(self, path: str, touch: bool = True) -> tuple[Ints, Mask]:
        if path.startswith("/"):
            units = len(self.scanned.unit_cells) - 1
            chosen, repeated = self._header_cells(path, units)
            return chosen[self.scanned.unit], repeated[self.scanned.unit]
        chosen = np.full(self.count, -1, np.int32)
        plain, *qualified = self._paths_of(path)
        ranges = self._ranges(plain, touch)
        if not ranges:
            return chosen, self._no
        repeated = np.zeros(self.count, np.bool_)
        if qualified:
            allowed = self._allowed_instances(path, touch)
            allowed = self._with_inner(allowed, path.rpartition("]")[2].count("/") - 1)
            cell_of, more = self._cells_of_instances(plain)
            roles.pick_instances(self.scanned.cells, allowed, cell_of, more, chosen, repeated)
        else:
            for low, high in ranges:
                gather.pick(self.scanned.cells, self._order, low, high, chosen, repeated)
        self._drop_nulls(chosen)
        return chosen, repeated

    def _drop_nulls(self, chosen: Ints) -> None:
        if self.scanned.style == "json" and len(self.scanned.flags):
            absent = (chosen >= 0) & ((self.scanned.flags[chosen] & NULL) != 0)
            chosen[absent] = -1

    def _cells_of_instances(self, path: str) -> tuple[Ints, Mask]:
        """The cell of a path in each group instance, -1 for none; and which have more than one."""
        known = self._cell_of.get(path)
        if known is None:
            instances = len(self.scanned.instances)
            known = (np.full(instances, -1, np.int32), np.zeros(instances, np.bool_))
            for low, high in self._ranges(path):
                roles.cells_of_instances(self.scanned.cells, self._order, low, high, *known)
            self._cell_of[path] = known
        return known

    def _allowed_instances(self, path: str, touch: bool) -> Ints:
        """The group instances whose qualifiers hold: `Othr[SchmeNm/Prtry=USCC]/Id`, `p[2=a|b]`."""
        allowed = np.empty(0, np.int32)
        outer = np.empty(0, np.bool_)  # of each instance whether it is in `allowed`; empty: any is
        parents = self.scanned.instances[:, 0]
        for found in _QUALIFIER.finditer(path):
            so_far = path[: found.end()]
            coded = self.coded(f"{_QUALIFIERS.sub('', so_far)}/{found[2]}", touch)
            known = self._allowed.get(so_far)
            if known is None:
                named = found[3].split("|")
                parts = [
                    coded.order[coded.cut[number] : coded.cut[number + 1]]
                    for number, value in enumerate(coded.values)
                    if value in named
                ]
                chosen = np.concatenate([np.empty(0, np.int32), *parts])
                out = np.empty(len(chosen), np.int32)
                size = roles.instances_of(self.scanned.cells, chosen, parents, outer, out)
                known = out[:size] if len(parts) == 1 else np.sort(out[:size])
                self._allowed[so_far] = known
            allowed = known
            if found.end() < len(path):
                outer = np.zeros(len(parents), np.bool_)
                outer[allowed] = True
        return allowed

    def _with_inner(self, allowed: Ints, levels: int) -> Ints:
        """Instances and those that lie in them, so many groups deep: `side[54=1]/party/448`."""
        if not levels or not len(allowed):
            return allowed
        parents = self.scanned.instances[:, 0]
        inside = np.zeros(len(parents), np.bool_)
        inside[allowed] = True
        for _ in range(levels):
            inside |= (parents >= 0) & inside[parents]
        return np.flatnonzero(inside).astype(np.int32)

    def _values(self, chosen: Ints) -> tuple[pa.Array, Mask | None]:
        """Text of chosen cells (-1 and blank give null), and where it could not be decoded."""
        s = self.scanned
        size = int(gather.measure(s.cells, chosen)) if len(s.cells) else 0
        offsets = np.zeros((1, len(chosen) + 1), np.int32)
        out = np.empty(size, np.uint8)
        used = np.zeros(1, np.int64)
        if size:
            gather.copy_values(
                _STYLES[s.style], s.body, s.cells, s.flags, chosen.reshape(1, -1),
                np.zeros(1, np.int64), offsets, out, used,
            )  # fmt: skip
        return self._text(offsets[0], out[: int(used[0])])

    def _text(
        self, offsets: NDArray[np.int32], data: NDArray[np.uint8]
    ) -> tuple[pa.Array, Mask | None]:
        """A text column, and where the bytes are not of the encoding."""
        rows = len(offsets) - 1
        there = offsets[1:] > offsets[:-1]  # a blank value is absent, as one that is not there
        bits = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
        buffers = [bits, pa.py_buffer(offsets), pa.py_buffer(data)]
        coded = self.scanned.style in ("csv", "fix")  # the others are checked as a whole
        if not coded or not len(data) or int(data.max()) < 128:
            return pa.Array.from_buffers(pa.string(), rows, buffers), None
        column = pa.Array.from_buffers(pa.binary(), rows, buffers)
        return _decoded(column, self.scanned.encoding)


def _decoded(column: pa.Array, encoding: str) -> tuple[pa.Array, Mask | None]:
    """Decode a column that may hold bytes of no text; those become null and are marked."""
    if encoding == "utf-8":
        try:
            return column.cast(pa.string()), None
        except pa.ArrowInvalid:
            pass
    coded = column.dictionary_encode()
    texts: list[str | None] = []
    for value in coded.dictionary.to_pylist():
        try:
            texts.append(value.decode(encoding))
        except UnicodeDecodeError:
            texts.append(None)
    values = pa.array(texts, pa.string())
    text = values.take(coded.indices)
    if not values.null_count:
        return text, None
    bad = pc.and_(column.is_valid(), text.is_null()).to_numpy(zero_copy_only=False)
    return text, bad
