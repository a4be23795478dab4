"""How a spec reads a table on a sheet: `[sheet]`, and `[unpivot]` where each cell is a record."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.engine.speclines import Lines
from connectors.engine.specwords import ENCODINGS

_SHEET = frozenset(
    {"name", "ignored", "head", "head_rows", "labels", "notes", "foot", "csv", "max_cells"}
)
_UNPIVOT = frozenset({"keep", "heads", "value"})
MAX_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Unpivot:
    """Columns `keep` are repeated on every record; each other cell is a record of its own.

    `heads` name the head rows of those other columns, top-down, `value` names the cell.
    """

    keep: tuple[str, ...]
    heads: tuple[str, ...]
    value: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table on one sheet.

    `head` is the text of the head's first cell; what stands above it is a `label` (its value in
    the next filled cell of the row), or matches `notes`. The table ends at a row whose first cell
    matches `foot`. `csv` is the encoding of the same template saved as CSV, None if it may not be.
    """

    name: str
    ignored: tuple[str, ...]
    head: str
    head_rows: int
    labels: tuple[str, ...]
    notes: re.Pattern[str]
    foot: re.Pattern[str] | None
    csv: str | None
    max_cells: int
    unpivot: Unpivot | None


def sheet(raw: Mapping[str, Any], lines: Lines) -> Sheet | None:
    """Read the sections `sheet` and `unpivot` of a spec; None where it has none.

    Raises:
        ConfigurationError: one is there without the other's format, or a key is wrong.
    """
    if (raw.get("format") == "xlsx") != ("sheet" in raw):
        lines.fail((), "sheet", "a section [sheet] with format = 'xlsx'", "add what is missing")
    if "sheet" not in raw:
        return None
    own, at = raw["sheet"], ("sheet",)
    lines.known(own, _SHEET, at)
    rows = own.get("head_rows", 1)
    cells = own.get("max_cells", MAX_CELLS)
    if not isinstance(rows, int) or not 1 <= rows <= 8:
        lines.fail(at, "head_rows", "a number from 1 to 8", "correct it")
    if not isinstance(cells, int) or not 1 <= cells <= MAX_CELLS:
        lines.fail(at, "max_cells", f"a number up to {MAX_CELLS}", "correct it")
    unpivot = _unpivot(raw, lines)
    if unpivot is not None and len(unpivot.heads) != rows:
        lines.fail(("unpivot",), "heads", f"{rows} names, one a head row", "correct it")
    return Sheet(
        name=lines.text(own, "name", at=at),
        ignored=tuple(lines.texts(own, "ignored", (), at=at)),
        head=lines.text(own, "head", at=at),
        head_rows=rows,
        labels=tuple(lines.texts(own, "labels", (), at=at)),
        notes=_pattern(own, "notes", lines) or re.compile("(?!)"),
        foot=_pattern(own, "foot", lines),
        csv=lines.choice(own, "csv", ENCODINGS, at=at) if "csv" in own else None,
        max_cells=cells,
        unpivot=unpivot,
    )


def _unpivot(raw: Mapping[str, Any], lines: Lines) -> Unpivot | None:
    if "unpivot" not in raw:
        return None
    own, at = raw["unpivot"], ("unpivot",)
    lines.known(own, _UNPIVOT, at)
    return Unpivot(
        keep=tuple(lines.texts(own, "keep", at=at)),
        heads=tuple(lines.texts(own, "heads", at=at)),
        value=lines.text(own, "value", at=at),
    )


def _pattern(own: Mapping[str, Any], name: str, lines: Lines) -> re.Pattern[str] | None:
    if name not in own:
        return None
    texts = lines.texts(own, name, at=("sheet",))
    try:
        return re.compile("|".join(f"(?:{text})" for text in texts))
    except re.error:
        lines.fail(("sheet",), name, "a list of regular expressions", "correct it")
