"""The cells of one worksheet to texts by place, under the bounds of the format.

A number is taken from the stored text of the cell, never through a float. A spreadsheet keeps a
number as a double and writes it with up to 17 digits (1.1 becomes 1.1000000000000001), but shows
and promises 15: the stored text is brought to 15 significant digits in decimal, which gives back
every number of at most 15 digits that anybody typed. What needs more digits must be stored as text.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from connectors.engine.gate import RefusedError

MAX_ROWS = 1_048_576  # of the format itself
MAX_COLUMNS = 16_384
MAX_MERGES = 10_000
MAX_TEXT = 32_767  # characters of a cell, of the format itself
MAX_DEPTH = 40
NO_VALUE = "a stored value; the formula of this cell was never calculated"
ERROR_VALUE = "a value; this cell shows an error of its formula"

_DIGITS = Context(prec=15, rounding=ROUND_HALF_EVEN, Emin=-400, Emax=400)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


@dataclass(slots=True)
class Grid:
    """Texts by (row, column), both from 1; blank cells are not in it."""

    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    problems: dict[tuple[int, int], str] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)  # top left bottom right


def refuse(expected: str, where: str = "workbook") -> RefusedError:
    """A refusal of the whole submission."""
    return RefusedError("ENG-WORKBOOK", expected, where)


class Reader:
    """Handlers for one part; element names without their prefix."""

    def __init__(self) -> None:
        self.depth = 0

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """Called by the parser; counts how deep elements are nested."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise refuse(f"elements nested at most {MAX_DEPTH} deep")
        self.begin(name.rpartition(":")[2], attributes)

    def close(self, name: str) -> None:
        """Called by the parser."""
        self.depth -= 1
        self.end(name.rpartition(":")[2])

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Characters."""


class CellReader(Reader):
    """The cells of one sheet."""

    def __init__(
        self, strings: list[str], dates: frozenset[int], from_1904: bool, limit: int
    ) -> None:
        super().__init__()
        self.grid = Grid()
        self._strings, self._dates, self._from_1904 = strings, dates, from_1904
        self._limit = limit
        self._row = self._column = 0
        self._kind = self._style = ""
        self._value: list[str] = []
        self._has_value = self._has_formula = self._inside = self._guide = False
        self._size = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Rows, cells and what hides them; merged ranges come behind the cells."""
        if name == "row":
            self._new_row(attributes)
        elif name == "c":
            self._new_cell(attributes)
        elif name == "col" and _is_true(attributes.get("hidden")):
            raise refuse("no hidden columns", "sheet")
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._guide = True
        elif name == "v" or (name == "t" and not self._guide):
            self._inside = self._has_value = True
        elif name == "mergeCell":
            self._merge(attributes["ref"])

    def end(self, name: str) -> None:
        """A cell is kept when it ends."""
        if name in ("v", "t"):
            self._inside = False
        elif name == "rPh":
            self._guide = False
        elif name == "c":
            self._keep()

    def text(self, text: str) -> None:
        """Characters of a value."""
        if self._inside:
            self._size += len(text)
            if self._size > MAX_TEXT:
                raise refuse(f"cells of at most {MAX_TEXT} characters", "sheet")
            self._value.append(text)

    def _new_row(self, attributes: dict[str, str]) -> None:
        row = int(attributes.get("r", self._row + 1))
        if not self._row < row <= MAX_ROWS:
            raise refuse(f"rows in order, at most {MAX_ROWS}", "sheet")
        if _is_true(attributes.get("hidden")):
            raise refuse("no hidden rows", "sheet")
        self._row, self._column = row, 0

    def _new_cell(self, attributes: dict[str, str]) -> None:
        row, column = self._row, self._column + 1
        if "r" in attributes:
            row, column = _place(attributes["r"])
        if row != self._row or not self._column < column <= MAX_COLUMNS:
            raise refuse("cells in order, each once", "sheet")
        self._column = column
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._value, self._size = [], 0
        self._has_value = self._has_formula = False

    def _keep(self) -> None:
        place = (self._row, self._column)
        if not self._has_value:
            if self._has_formula:
                self.grid.problems[place] = NO_VALUE
            return
        if self._kind == "e":
            self.grid.problems[place] = ERROR_VALUE
            return
        text = self._shown("".join(self._value)).strip()
        if text:
            self.grid.cells[place] = text
        if len(self.grid.cells) + len(self.grid.problems) > self._limit:
            raise refuse(f"at most {self._limit} cells", "sheet")

    def _shown(self, stored: str) -> str:
        if self._kind == "s":
            if not stored.isdigit() or int(stored) >= len(self._strings):
                raise refuse("texts that are in the workbook", "sheet")
            return self._strings[int(stored)]
        if self._kind == "b":
            return "TRUE" if stored == "1" else "FALSE"
        if self._kind in ("str", "inlineStr", "d"):
            return stored
        if self._style.isdigit() and int(self._style) in self._dates:
            return _date_text(stored, self._from_1904)
        return number_text(stored)

    def _merge(self, reference: str) -> None:
        first, _, last = reference.partition(":")
        top, left = _place(first)
        bottom, right = _place(last or first)
        if len(self.grid.merges) >= MAX_MERGES or top > bottom or left > right:
            raise refuse(f"at most {MAX_MERGES} merged ranges, each from left above", "sheet")
        self.grid.merges.append((top, left, bottom, right))


def _is_true(text: str | None) -> bool:
    return text in ("1", "true")


def _place(reference: str) -> tuple[int, int]:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise refuse("cells named by letters and a number, such as B7", "sheet")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    row = int(found[2])
    if row > MAX_ROWS or column > MAX_COLUMNS:
        raise refuse(f"at most {MAX_ROWS} rows and {MAX_COLUMNS} columns", "sheet")
    return row, column


def cell_name(row: int, column: int) -> str:
    """The name of a cell.

    Example:
        >>> cell_name(7, 2), cell_name(1, 28)
        ('B7', 'AB1')
    """
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def number_text(stored: str) -> str:
    """A stored number as plain decimal text of at most 15 significant digits.

    What is no number comes back as it is, so that whoever reads it refuses it.

    Example:
        >>> number_text("1.1000000000000001"), number_text("1.2345E+7"), number_text("20260630")
        ('1.1', '12345000', '20260630')
        >>> number_text("1234.0999999999999"), number_text("-0"), number_text("n/a")
        ('1234.1', '0', 'n/a')
    """
    if not _NUMBER.fullmatch(stored):
        return stored
    rounded = _DIGITS.create_decimal(stored)
    if not rounded:
        return "0"
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _date_text(stored: str, from_1904: bool) -> str:
    """A day number as an ISO date, with a time of day as an ISO moment."""
    if not _NUMBER.fullmatch(stored):
        return stored
    number = Decimal(stored)
    first = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
    if not from_1904 and number < 61:  # the format counts a 29 February 1900 that never was
        return f"{number_text(stored)} days"
    if number >= 2_958_466:  # after the year 9999
        return f"{number_text(stored)} days"
    whole = int(number)
    seconds = int(((number - whole) * 86_400).to_integral_value(ROUND_HALF_EVEN))
    moment: Any = datetime.combine(first, datetime.min.time()) + timedelta(whole, seconds)
    return str(moment.date().isoformat() if not seconds else moment.isoformat(timespec="seconds"))
