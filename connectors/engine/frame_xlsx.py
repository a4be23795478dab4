"""An XLSX workbook to a grid of texts, under bounds; nothing in it is executed or followed.

A number is taken from the stored text of the cell, never through a float. A spreadsheet keeps a
number as a double and writes it with up to 17 digits (1.1 becomes 1.1000000000000001), but shows
and promises 15: the stored text is brought to 15 significant digits in decimal, which gives back
every number of at most 15 digits that anybody typed. What needs more digits must be stored as text.

Refused as a whole: macros, external links, connections, embedded objects, passwords, hidden sheets,
rows and columns, sheets nobody declared, document type declarations, anything above the bounds.
Libraries for this format hand out floats, so it is read from its XML here.
"""

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from xml.parsers import expat

from connectors.engine.gate import RefusedError
from connectors.engine.specsheet import Sheet

MAX_ROWS = 1_048_576  # of the format itself
MAX_COLUMNS = 16_384
MAX_PARTS = 1_000  # files in the package
MAX_MERGES = 10_000
MAX_TEXT = 32_767  # characters of a cell, of the format itself
MAX_DEPTH = 40
NO_VALUE = "a stored value; the formula of this cell was never calculated"
ERROR_VALUE = "a value; this cell shows an error of its formula"

_RULE = "ENG-WORKBOOK"
_STEP = 1 << 16
_DIGITS = Context(prec=15, rounding=ROUND_HALF_EVEN, Emin=-400, Emax=400)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ACTIVE = re.compile(
    r"(vbaproject|vbadata|xl/externallinks/|xl/connections|xl/querytables/|xl/embeddings/"
    r"|xl/activex/|xl/ctrlprops/|customui/|xl/macrosheets/|xl/dialogsheets/)"
)
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(slots=True)
class Grid:
    """Texts by (row, column), both from 1; blank cells are not in it."""

    cells: dict[tuple[int, int], str] = field(default_factory=dict)
    problems: dict[tuple[int, int], str] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)  # top left bottom right


@dataclass(slots=True)
class _Bounds:
    """What is left of the bytes a workbook may expand to."""

    left: int


@dataclass(slots=True)
class _Book:
    """What the workbook part says: sheets as (name, state, relation), the day numbers begin at."""

    sheets: list[tuple[str, str, str]] = field(default_factory=list)
    from_1904: bool = False


def refuse(expected: str, where: str = "workbook") -> RefusedError:
    """A refusal of the whole submission."""
    return RefusedError(_RULE, expected, where)


def read_workbook(body: bytes, sheet: Sheet, max_expanded: int) -> Grid:
    """Read the one sheet a spec names.

    Args:
        body: The file as sent.
        sheet: Names the sheet, those to be ignored, and the bound on cells.
        max_expanded: Bytes all parts that are read may have together.

    Raises:
        RefusedError: it is no workbook that may be read; nothing of it was kept.
    """
    if body[:8] == _CFB:
        raise refuse("a workbook without a password, in the XLSX format")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as package:
            return _read(package, sheet, max_expanded)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise refuse("a readable XLSX workbook") from error
    except (RuntimeError, KeyError) as error:  # an encrypted or a missing part
        raise refuse("an XLSX workbook with all its parts, not encrypted") from error
    except expat.ExpatError as error:
        raise refuse("well-formed XML in every part of the workbook") from error
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise refuse("a readable XLSX workbook") from error
        raise


def _read(package: zipfile.ZipFile, sheet: Sheet, max_expanded: int) -> Grid:
    names = package.namelist()
    if len(names) > MAX_PARTS or len(set(names)) != len(names):
        raise refuse(f"at most {MAX_PARTS} different parts")
    if any(_ACTIVE.search(name.lower()) for name in names):
        raise refuse("no macros, external links, connections or embedded objects")
    bounds = _Bounds(max_expanded)
    types = _Types()
    _parse(package, "[Content_Types].xml", types, bounds)
    if types.active:
        raise refuse("no macros: save the workbook as .xlsx")
    relations = _Relations()
    _parse(package, "xl/_rels/workbook.xml.rels", relations, bounds)
    if relations.external:
        raise refuse("no links to other files")
    book = _Workbook()
    _parse(package, "xl/workbook.xml", book, bounds)
    part = _part_of(book.found, sheet, relations.targets)
    strings, styles = _Strings(sheet.max_cells), _Styles()
    for target, reader in (("sharedStrings", strings), ("styles", styles)):
        path = relations.by_type.get(target)
        if path is not None:
            _parse(package, _resolved(path), reader, bounds)
    rows = _Cells(strings.texts, styles.dates(), book.found.from_1904, sheet.max_cells)
    _parse(package, part, rows, bounds)
    return rows.grid


def _part_of(book: _Book, sheet: Sheet, targets: dict[str, str]) -> str:
    """The part of the sheet that is read; every other one must be declared as ignored."""
    if any(state not in ("", "visible") for _, state, _ in book.sheets):
        raise refuse("no hidden sheets", "sheet")
    others = {name for name, _, _ in book.sheets} - {sheet.name, *sheet.ignored}
    if others:
        known = ", ".join((sheet.name, *sheet.ignored))
        raise refuse(f"no other sheets than {known}", "sheet")
    mine = [relation for name, _, relation in book.sheets if name == sheet.name]
    if len(mine) != 1:
        raise refuse(f"one sheet named {sheet.name}", "sheet")
    return _resolved(targets[mine[0]])


def _resolved(target: str) -> str:
    path = target.removeprefix("/") if target.startswith("/") else posixpath.join("xl", target)
    return posixpath.normpath(path)


def _parse(package: zipfile.ZipFile, part: str, reader: "_Reader", bounds: _Bounds) -> None:
    """Feed one part to a reader, counting the bytes it really expands to."""
    if package.getinfo(part).file_size > bounds.left:
        raise refuse("a workbook below the size the spec allows when it is expanded")
    parser = expat.ParserCreate(namespace_separator=None)
    parser.buffer_text = True
    parser.StartElementHandler = reader.open
    parser.EndElementHandler = reader.close
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _no_doctype
    with package.open(part) as stream:
        while piece := stream.read(_STEP):
            bounds.left -= len(piece)
            if bounds.left < 0:
                raise refuse("a workbook below the size the spec allows when it is expanded")
            parser.Parse(piece, False)
    parser.Parse(b"", True)


def _no_doctype(*_: object) -> None:
    raise refuse("no document type declaration in any part")


class _Reader:
    """Handlers for one part; element names without their prefix."""

    def __init__(self) -> None:
        self.depth = 0

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise refuse(f"elements nested at most {MAX_DEPTH} deep")
        self.begin(name.rpartition(":")[2], attributes)

    def close(self, name: str) -> None:
        self.depth -= 1
        self.end(name.rpartition(":")[2])

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Characters."""


class _Types(_Reader):
    """Whether the package declares content that runs."""

    active = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("ContentType", "").lower()
        self.active |= "macro" in kind or "vba" in kind or "activex" in kind


class _Relations(_Reader):
    """Where the parts of the workbook lie."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, str] = {}
        self.by_type: dict[str, str] = {}
        self.external = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name != "Relationship":
            return
        self.external |= attributes.get("TargetMode", "").lower() == "external"
        self.targets[attributes["Id"]] = attributes["Target"]
        self.by_type[attributes["Type"].rpartition("/")[2]] = attributes["Target"]


class _Workbook(_Reader):
    """The list of sheets."""

    def __init__(self) -> None:
        super().__init__()
        self.found = _Book()

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.found.from_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif name == "sheet":
            relation = [value for key, value in attributes.items() if key.endswith(":id")]
            if len(relation) != 1:
                raise refuse("sheets with one relation each", "sheet")
            state = attributes.get("state", "")
            self.found.sheets.append((attributes["name"], state, relation[0]))


class _Strings(_Reader):
    """The shared texts; phonetic guides are left out."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._limit = limit
        self._parts: list[str] = []
        self._inside = self._guide = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self._parts = []
        self._guide |= name == "rPh"
        self._inside = name == "t" and not self._guide

    def end(self, name: str) -> None:
        self._inside = False
        if name == "rPh":
            self._guide = False
        elif name == "si":
            self.texts.append("".join(self._parts))
            if len(self.texts) > self._limit:
                raise refuse(f"at most {self._limit} cells")

    def text(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)


class _Styles(_Reader):
    """Which cell styles show a number as a date."""

    def __init__(self) -> None:
        super().__init__()
        self._formats: dict[str, str] = {}
        self._styles: list[str] = []
        self._inside = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self._formats[attributes["numFmtId"]] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            self._styles.append(attributes.get("numFmtId", "0"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False

    def dates(self) -> frozenset[int]:
        """Numbers of the styles that mean a date."""
        return frozenset(at for at, style in enumerate(self._styles) if self._is_date(style))

    def _is_date(self, style: str) -> bool:
        if style in self._formats:
            shown = _NOT_SHOWN.sub("", self._formats[style]).lower()
            return bool(re.search("[ydh]", shown)) or "mm" in shown
        return style.isdigit() and int(style) in _BUILT_IN_DATES


class _Cells(_Reader):
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
        if name in ("v", "t"):
            self._inside = False
        elif name == "rPh":
            self._guide = False
        elif name == "c":
            self._keep()

    def text(self, text: str) -> None:
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
