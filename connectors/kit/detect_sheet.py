"""What a workbook is: which sheet holds the table, where its head stands, what stands above it."""

import io
import re
import zipfile
from html import unescape
from types import MappingProxyType

from connectors.engine.gate import RefusedError
from connectors.engine.specsheet import MAX_CELLS, Sheet
from connectors.engine.workbook import Grid, read_workbook
from connectors.kit.detect_layout import Layout
from connectors.kit.toml_text import text, texts
from schemas.errors import InputError

_SHEETS = re.compile(r'<(?:\w+:)?sheet\s[^>]*?name="([^"]+)"[^>]*>')
_NUMBER = re.compile(r"-?[0-9][0-9.,]*")
_BOUND = 256 << 20


def xlsx(body: bytes, encoding: str) -> Layout:
    """The layout of a workbook: the sheet with most cells, one head row.

    Raises:
        InputError: it is no workbook that may be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as package:
            names = _SHEETS.findall(package.read("xl/workbook.xml")[: 1 << 20].decode("utf-8"))
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        raise InputError("sample: expected an XLSX workbook; save it as .xlsx") from None
    names = [unescape(name) for name in names]
    grids = {name: _grid(body, name, names) for name in names}
    name = max(grids, key=lambda one: len(grids[one].cells))
    grid = grids[name]
    if not grid.cells:
        raise InputError("sample: expected a table on a sheet, every sheet is empty")
    rows: dict[int, list[int]] = {}
    for row, column in grid.cells:
        rows.setdefault(row, []).append(column)
    top, head_rows = _head(grid, rows)
    labels: list[str] = []
    notes: list[str] = []
    for row, columns in sorted(rows.items()):
        if row < top:
            texts_of = [grid.cells[row, column] for column in sorted(columns)]
            if len(texts_of) > 1:
                labels += [one.rstrip(":\uff1a") for one in texts_of[::2]]
            else:
                notes += texts_of
    others = [other for other in names if other != name]
    lines = ["[sheet]   # guess: the sheet with most cells, its first row of full width",
             f"name = {text(name)}", f"head = {text(grid.cells[top, 1])}"]  # fmt: skip
    lines += [f"ignored = {texts(others)}"] if others else []
    lines += [f"head_rows = {head_rows}"] if head_rows > 1 else []
    lines += [f"labels = {texts(labels)}"] if labels else []
    lines += [f"notes = {texts([re.escape(note) for note in notes])}"] if notes else []
    if head_rows > 1:
        kept = [
            grid.cells[top, column]
            for column in sorted(rows[top])
            if (top + 1, column) not in grid.cells and not _spans(grid, top, column)
        ]
        heads = [f"head {number}" for number in range(1, head_rows + 1)]
        lines += [
            "",
            "[unpivot]   # guess: each cell below the joined heads is a record",
            f"keep = {texts(kept)}",
            f"heads = {texts(heads)}",
            'value = "value"',
        ]
    return Layout("xlsx", encoding, sections="\n".join(lines),
                  why=MappingProxyType({}))  # fmt: skip


def _head(grid: Grid, rows: dict[int, list[int]]) -> tuple[int, int]:
    """The first row of the head and how many it has: what stands above the first full row."""
    wide = max(len(columns) for columns in rows.values())
    full = min(row for row, columns in rows.items() if len(columns) == wide and 1 in columns)
    if not any(_NUMBER.fullmatch(grid.cells[full, column]) for column in rows[full]):
        return full, 1
    joined = [merge[0] for merge in grid.merges if merge[1] == 1 and merge[2] == full - 1]
    top = min(joined, default=full - 1)
    return (top, full - top) if 1 in rows.get(top, ()) else (full, 1)


def _spans(grid: Grid, row: int, column: int) -> bool:
    return any(m[0] == row and m[1] == column and m[3] > column for m in grid.merges)


def _grid(body: bytes, name: str, names: list[str]) -> Grid:
    sheet = Sheet(
        name=name, ignored=tuple(one for one in names if one != name), head="", head_rows=1,
        labels=(), notes=re.compile("(?!)"), foot=None, csv=None, max_cells=MAX_CELLS, unpivot=None,
    )  # fmt: skip
    try:
        return read_workbook(body, sheet, _BOUND)
    except RefusedError as refused:
        raise InputError(f"sample: expected {refused.expected}") from None
