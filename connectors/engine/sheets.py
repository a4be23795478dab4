"""A table on a sheet to lines the CSV reader takes: labels, merged heads, one record a cell.

The result is CSV text with one head line. Beside the columns of the table it has `CELL`, the place
of the record in the sheet (its locator), and `PROBLEM`, what is wrong with that cell. Positions of
records are those in this text, as they are in the expanded text where a body was compressed.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from connectors.engine.gate import RefusedError
from connectors.engine.sheetcells import MAX_COLUMNS, Grid, cell_name, refuse
from connectors.engine.specsheet import Sheet
from connectors.engine.workbook import read_workbook

CELL, PROBLEM = "@cell", "@problem"
OTHER = "@beside"  # text above the table that no label and no note of the spec names
_ZIP = b"PK\x03\x04"

Record = tuple[int, int, Mapping[str, str]]  # row, column, values by column name


def sheet_text(body: bytes, sheet: Sheet, max_expanded: int) -> bytes:
    """The table of one submission as CSV in UTF-8.

    Raises:
        RefusedError: it is not what the spec declares, or has no such table.
    """
    if body[:4] == _ZIP or sheet.csv is None or body[:8].startswith(b"\xd0\xcf"):
        grid = read_workbook(body, sheet, max_expanded)
    else:
        grid = _csv_grid(body, sheet)
    top = _head_row(grid, sheet)
    _fill_heads(grid, top, sheet)
    labels = _labels(grid, top, sheet)
    names = _column_names(grid, top, sheet)
    records = list(_records(grid, top, names, sheet))
    return _written(records, names, labels, grid, sheet)


def _csv_grid(body: bytes, sheet: Sheet) -> Grid:
    """The same template saved as CSV; an empty head cell goes on with the one to its left."""
    assert sheet.csv is not None  # noqa: S101 - the caller looked
    try:
        text = body.decode("utf-8-sig" if sheet.csv == "utf-8" else sheet.csv)
    except UnicodeDecodeError as error:
        raise RefusedError("ENG-ENCODING", f"text in {sheet.csv}, or a workbook") from error
    grid = Grid()
    try:
        for row, values in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
            for column, value in enumerate(values, 1):
                if value.strip():
                    grid.cells[row, column] = value.strip()
            if len(grid.cells) > sheet.max_cells or len(values) > MAX_COLUMNS:
                raise refuse(f"at most {sheet.max_cells} cells")
    except csv.Error as error:
        raise RefusedError("ENG-UNREADABLE", "rows of quoted or plain values") from error
    top = _head_row(grid, sheet)
    wide = max(column for row, column in grid.cells if top <= row < top + sheet.head_rows)
    for row in range(top, top + sheet.head_rows - 1):
        last = 0
        for column in range(1, wide + 1):
            if (row, column) in grid.cells:
                last = column
            elif last and _is_period(grid, row, last, sheet):
                grid.merges.append((row, last, row, column))
    return grid


def _is_period(grid: Grid, row: int, column: int, sheet: Sheet) -> bool:
    """Whether a head spans columns: those that are kept never do."""
    kept = sheet.unpivot.keep if sheet.unpivot else ()
    return grid.cells[row, column] not in kept


def _head_row(grid: Grid, sheet: Sheet) -> int:
    rows = [row for (row, column), text in grid.cells.items() if column == 1 and text == sheet.head]
    if not rows:
        raise RefusedError("ENG-HEADER", f"a head that begins with {sheet.head}", "head")
    return min(rows)


def _fill_heads(grid: Grid, top: int, sheet: Sheet) -> None:
    """Give every cell of a merged head the text of its first one."""
    low = top + sheet.head_rows - 1
    room = sheet.max_cells
    for first, left, last, right in grid.merges:
        if first < top or first > low or (first, left) not in grid.cells:
            continue
        for row in range(first, min(last, low) + 1):
            for column in range(left, right + 1):
                grid.cells.setdefault((row, column), grid.cells[first, left])
                room -= 1
                if room < 0:
                    raise refuse("merged heads within the table", "head")


def _labels(grid: Grid, top: int, sheet: Sheet) -> dict[str, str]:
    """What stands above the table: the next filled cell of a row is a label's value."""
    out: dict[str, str] = {}
    taken: set[tuple[int, int]] = set()
    above = sorted(place for place in grid.cells if place[0] < top)
    rows: dict[int, list[int]] = {}
    for row, column in above:
        rows.setdefault(row, []).append(column)
    for row, columns in rows.items():
        for at, column in enumerate(columns):
            label = _label(grid.cells[row, column])
            if (row, column) in taken or label not in sheet.labels:
                continue
            if label in out:
                raise RefusedError("ENG-REPEATED", f"{label} once above the table", label)
            taken.add((row, column))
            value = (row, columns[at + 1]) if at + 1 < len(columns) else None
            if value is not None and _label(grid.cells[value]) not in sheet.labels:
                out[label] = grid.cells[value]
                taken.add(value)
    beside = [
        grid.cells[place]
        for place in above
        if place not in taken and not sheet.notes.fullmatch(grid.cells[place])
    ]
    return out | ({OTHER: " ".join(beside)} if beside else {})


def _label(text: str) -> str:
    """A label without the colon behind it."""
    return text.removesuffix(":").removesuffix("\N{FULLWIDTH COLON}").strip()


def _column_names(grid: Grid, top: int, sheet: Sheet) -> dict[int, tuple[str, ...]]:
    """The texts of each column's head, top-down, blanks left out where a cell is merged down."""
    low = top + sheet.head_rows
    wide = sorted({column for row, column in grid.cells if top <= row < low})
    out: dict[int, tuple[str, ...]] = {}
    for column in wide:
        texts = tuple(grid.cells.get((row, column), "") for row in range(top, low))
        out[column] = texts
    single = [_one(texts) for texts in out.values()]
    kept = [name for name in single if name]
    if len(set(out.values())) != len(out) or len(set(kept)) != len(kept):
        raise RefusedError("ENG-HEADER", "each column once", "head")
    if sheet.unpivot:
        missing = [name for name in sheet.unpivot.keep if name not in kept]
        if missing:
            raise RefusedError("ENG-HEADER", f"the columns {', '.join(missing)}", "head")
    return out


def _one(texts: Sequence[str]) -> str:
    """The name of a column whose head says one thing; empty where it says several."""
    said = {text for text in texts if text}
    return said.pop() if len(said) == 1 else ""


def _records(
    grid: Grid, top: int, names: Mapping[int, tuple[str, ...]], sheet: Sheet
) -> Iterator[Record]:
    rows: dict[int, dict[int, str]] = {}
    for (row, column), text in grid.cells.items():
        rows.setdefault(row, {})[column] = text
    for row, column in grid.problems:
        rows.setdefault(row, {}).setdefault(column, "")
    for row in sorted(rows):
        if row < top + sheet.head_rows:
            continue
        cells = rows[row]
        if sheet.foot is not None and sheet.foot.match(cells.get(1, "")):
            return
        beyond = [column for column in cells if column not in names]
        if beyond:
            yield row, beyond[0], {OTHER: cells[beyond[0]] or "?"}
        if sheet.unpivot is None:
            own = {_one(names[c]) or "/".join(names[c]): cells[c] for c in cells if c in names}
            yield row, 1, own
            continue
        kept = {_one(texts): column for column, texts in names.items()}
        own = {name: cells.get(kept[name], "") for name in sheet.unpivot.keep}
        columns = [kept[name] for name in sheet.unpivot.keep]
        for column in sorted(cells):
            if column in columns or column not in names:
                continue
            heads = dict(zip(sheet.unpivot.heads, names[column], strict=True))
            yield row, column, own | heads | {sheet.unpivot.value: cells[column]}


def _written(
    records: Sequence[Record],
    names: Mapping[int, tuple[str, ...]],
    labels: Mapping[str, str],
    grid: Grid,
    sheet: Sheet,
) -> bytes:
    if sheet.unpivot:
        columns = [*sheet.unpivot.keep, *sheet.unpivot.heads, sheet.unpivot.value]
    else:
        columns = [_one(texts) or "/".join(texts) for texts in names.values()]
    beside = OTHER in labels or any(OTHER in values for _, _, values in records)
    head = [*sheet.labels, *columns, *([OTHER] if beside else []), PROBLEM, CELL]
    if len(set(head)) != len(head):
        raise RefusedError("ENG-HEADER", "each column once, also beside the labels", "head")
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for row, column, values in records:
        problem = grid.problems.get((row, column), "")
        place = cell_name(row, column)
        line = {**labels, **values, PROBLEM: problem, CELL: f"{sheet.name}!{place}"}
        writer.writerow([" ".join(line.get(name, "").split()) for name in head])
    return out.getvalue().encode()
