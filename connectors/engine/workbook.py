"""An XLSX workbook to a grid of texts, under bounds; nothing in it is executed or followed.

Refused as a whole: macros, external links, connections, embedded objects, passwords, hidden sheets,
rows and columns, sheets nobody declared, document type declarations, anything above the bounds.
Libraries for this format hand out floats, so it is read from its XML here.
"""

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from xml.parsers import expat

from connectors.engine.sheetcells import CellReader, Grid, Reader, refuse
from connectors.engine.specsheet import Sheet

__all__ = ["Grid", "read_workbook"]

MAX_PARTS = 1_000  # files in the package

_STEP = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError)
_ACTIVE = re.compile(
    r"(vbaproject|vbadata|xl/externallinks/|xl/connections|xl/querytables/|xl/embeddings/"
    r"|xl/activex/|xl/ctrlprops/|customui/|xl/macrosheets/|xl/dialogsheets/)"
)
_BUILT_IN_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(slots=True)
class _Bounds:
    """What is left of the bytes a workbook may expand to."""

    left: int


@dataclass(slots=True)
class _Book:
    """What the workbook part says: sheets as (name, state, relation), the day numbers begin at."""

    sheets: list[tuple[str, str, str]] = field(default_factory=list)
    from_1904: bool = False


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
    except _UNREADABLE as error:
        raise refuse("a readable XLSX workbook") from error
    except (RuntimeError, KeyError) as error:  # an encrypted or a missing part
        raise refuse("an XLSX workbook with all its parts, not encrypted") from error
    except (expat.ExpatError, LookupError) as error:  # the latter: no encoding of that name
        raise refuse("well-formed XML in every part of the workbook") from error


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
    rows = CellReader(strings.texts, styles.dates(), book.found.from_1904, sheet.max_cells)
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


def _parse(package: zipfile.ZipFile, part: str, reader: "Reader", bounds: _Bounds) -> None:
    """Feed one part to a reader, counting the bytes it really expands to."""
    if package.getinfo(part).compress_type not in _METHODS:
        raise refuse("parts that are stored or deflated")
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


class _Types(Reader):
    """Whether the package declares content that runs."""

    active = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("ContentType", "").lower()
        self.active |= "macro" in kind or "vba" in kind or "activex" in kind


class _Relations(Reader):
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


class _Workbook(Reader):
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


class _Strings(Reader):
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


class _Styles(Reader):
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
