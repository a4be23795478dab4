"""One canonical column from its spec line: read text, convert, note what is wrong."""

import importlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine import convert
from connectors.engine.cells import Cells
from connectors.engine.findings import Findings
from connectors.engine.normalforms import TOKENS
from connectors.engine.spec import Column
from connectors.engine.specwords import ORDINAL, REPORTER
from connectors.engine.tokens import Tokeniser
from schemas.columns import on_unique
from schemas.identifiers import valid
from schemas.identity import compacted

Mask = NDArray[np.bool_]
Hatch = Callable[[list[pa.Array], Mapping[str, Any]], tuple[pa.Array, Mask]]
_CODE_LISTS = {"CURRENCY": "[A-Z]{3}", "MIC": "[A-Z0-9]{4}"}  # shape wrong: reject; unlisted: doubt


class Reading:
    """Text of source paths over a group of records, with findings noted once a path.

    Args:
        cells: The scanned group.
        findings: Where to note repeated and undecodable values.
        ordinals: Number of each record in its submission, from 0.
        submitters: Institution id of the submitter of each record.
    """

    def __init__(
        self,
        cells: Cells,
        findings: Findings,
        ordinals: NDArray[np.int64],
        submitters: pa.Array,
        tokeniser: Tokeniser,
    ) -> None:
        self.cells = cells
        self.findings = findings
        self.rows = cells.count
        self.tokeniser = tokeniser
        self._ordinals = ordinals
        self._submitters = submitters
        self._texts: dict[str, pa.Array] = {}
        self._typed: dict[tuple[str, ...], tuple[pa.Array, pa.Array]] = {}

    def submitter(self) -> pa.Array:
        """Institution id of the submitter of each record."""
        return self._submitters

    def text(self, path: str) -> pa.Array:
        """The text of a path; blank is absent."""
        known = self._texts.get(path)
        if known is None:
            known = self._texts[path] = self._read(path)
        return known

    def _read(self, path: str) -> pa.Array:
        if path == ORDINAL:
            return pa.array(self._ordinals + 1).cast(pa.string())
        if path == REPORTER:
            return self._submitters
        text, repeated, undecodable = self.cells.column(path)
        self.findings.add(repeated, "ENG-REPEATED", path, "one value")
        if undecodable is not None:
            encoding = self.cells.scanned.encoding
            self.findings.add(undecodable, "ENG-ENCODING", path, f"text in {encoding}")
        return text

    def every(self, path: str, separator: str) -> pa.Array:
        """All values of a path in each record, joined in document order."""
        return self.cells.every(path, separator)

    def column(self, column: Column) -> pa.Array:
        """One typed column; columns that read the same the same way are made once."""
        key = (str(column.type), column.how, *column.paths, repr(dict(column.options)))
        known = self._typed.get(key)
        if known is None:
            known = self._typed[key] = self._make(column)
        typed, source = known
        if column.required:
            missing = pc.and_(typed.is_null(), source.is_null()).to_numpy(zero_copy_only=False)
            self.findings.add(missing, "ENG-REQUIRED", column.source, f"a value ({column.name})")
        return typed

    def _make(self, column: Column) -> tuple[pa.Array, pa.Array]:
        """(typed column, a column that is null where nothing was given)."""
        if column.how == "which":
            return self._which(column)
        options = column.options
        if "many" in options:
            text = self.every(column.paths[0], options["many"])
            return self._convert(column, text), text
        texts = [self.text(path) for path in column.paths]
        if "python" in options:
            typed, bad = _hatch(options["python"])(texts, options)
            self._note(bad, "ENG-VALUE", column, options.get("expect", "a value the rule accepts"))
            return typed, typed if not bad.any() else pa.array(bad, mask=~bad)
        text = texts[0]
        if column.how == "first" and len(texts) > 1:
            text = pc.coalesce(*texts)
        elif column.how == "join":
            if options.get("trim"):
                texts = [pc.utf8_trim_whitespace(one) for one in texts]
            text = pc.binary_join_element_wise(*texts, options.get("with", ""))
        text = self._prepared(text, options)
        return self._convert(column, text), text

    def _prepared(self, text: pa.Array, options: Mapping[str, Any]) -> pa.Array:
        if "absent" in options:
            gone = pc.is_in(text, value_set=pa.array(options["absent"], pa.string()))
            text = convert.without(text, gone.to_numpy(zero_copy_only=False))
        if "fallback" in options and text.null_count:
            parts = [self.text(path) for path in options["fallback"]["join"]]
            joint = options["fallback"].get("with", "")
            text = pc.coalesce(text, pc.binary_join_element_wise(*parts, joint))
        if options.get("trim"):
            text = pc.utf8_trim_whitespace(text)
        if "split" in options:
            text = convert.split(text, options["split"], options.get("part", 0))
            if options.get("trim"):  # blanks around the part, too
                text = pc.utf8_trim_whitespace(text)
        for path, values in options.get("when", {}).items():
            there = pc.is_in(self.text(path), value_set=pa.array(values, pa.string()))
            text = convert.without(text, ~there.to_numpy(zero_copy_only=False))
        if "otherwise" in options and text.null_count:
            text = self._otherwise(text, options["otherwise"])
        return text

    def _otherwise(self, text: pa.Array, values: Mapping[str, str]) -> pa.Array:
        """A value where nothing is given, by the first path a record has anything under."""
        for path, value in values.items():
            open_rows = text.is_null().to_numpy(zero_copy_only=False)
            rows = open_rows & self.cells.present(path)
            if rows.any():
                text = pc.if_else(pa.array(rows), pa.scalar(value, pa.string()), text)
        return text

    def _convert(self, column: Column, text: pa.Array) -> pa.Array:
        kind, options = column.type, column.options
        if pa.types.is_decimal(kind):
            if "shift" in options:
                text = self._shifted(column, text)
            flags = {name: bool(options.get(name)) for name in ("percent", "grouped", "capped")}
            typed, bad = convert.to_decimal(text, kind, **flags)
            before = kind.precision - kind.scale
            self._note(
                bad,
                "ENG-NUMBER",
                column,
                f"a plain decimal of at most {before} digits before and {kind.scale} after the "
                "point, such as 1280.50",
            )
            return self._in_range(column, typed)
        if pa.types.is_integer(kind):
            typed, bad = convert.to_integer(text, kind)
            self._note(bad, "ENG-NUMBER", column, "a whole number")
            return self._in_range(column, typed)
        if pa.types.is_timestamp(kind) or pa.types.is_date32(kind):
            pattern = options.get("format")
            if options.get("finer") == "cut":
                text = convert.to_microseconds(text)
            typed, bad = convert.to_moment(text, kind, pattern, options.get("tz"))
            date = pa.types.is_date32(kind)
            usual = convert.ISO_DATE if date else convert.ISO_MOMENT
            what = "calendar date" if date else "moment"
            example = convert.example(pattern or usual)
            self._note(bad, "ENG-TIME", column, f"a {what} such as {example}")
            return typed
        if "token" in options:
            return self._token(column, text)
        if "keyed" in options:
            return self.tokeniser.keyed16(options["keyed"], compacted(text))
        return self._text_column(column, text)

    def _shifted(self, column: Column, text: pa.Array) -> pa.Array:
        """Numbers in the base unit: the point moved by the digits of the unit beside them."""
        shift = column.options["shift"]
        grouped = bool(column.options.get("grouped"))
        if isinstance(shift, int):
            return on_unique(lambda t: convert.moved(t, shift, grouped), text)
        units = self.text(shift["from"])
        bad = convert.unmatched(units, "|".join(map(re.escape, shift["by"])))
        bad |= (text.is_valid().to_numpy(zero_copy_only=False)) & (
            units.is_null().to_numpy(zero_copy_only=False)
        )
        if bad.any():
            told = f"one of {', '.join(shift['by'])}"
            self.findings.add(bad, "ENG-UNKNOWN-CODE", shift["from"], told)
        for unit, digits in shift["by"].items():
            here = pc.fill_null(pc.equal(units, unit), False)
            moved = on_unique(lambda t, by=digits: convert.moved(t, by, grouped), text)  # type: ignore[misc]
            text = pc.if_else(here, moved, text)
        return text

    def _token(self, column: Column, text: pa.Array) -> pa.Array:
        """The token of a normal form; a masked text identifies nobody, a wrong one is refused."""
        form = TOKENS[str(column.options["token"])]
        normal = on_unique(form.text, text)
        masked = pc.fill_null(pc.match_substring(text, "*"), False)
        wrong = pc.and_not(pc.and_(text.is_valid(), normal.is_null()), masked)
        bad = wrong.to_numpy(zero_copy_only=False)
        self._note(bad, "ENG-IDENTIFIER", column, form.expected)
        return self.tokeniser.tokens(form.kind, normal)

    def _text_column(self, column: Column, text: pa.Array) -> pa.Array:
        options = column.options
        if pa.types.is_boolean(column.type):
            typed, bad = convert.to_boolean(text)
            self._note(bad, "ENG-VALUE", column, "true or false")
            return typed
        if "pattern" in options:
            bad = convert.unmatched(text, options["pattern"])
            self._note(bad, "ENG-FORMAT", column, f"text of the form {options['pattern']}")
        if "is" in options:
            self._check_kind(column, text)
        codes = options.get("map") or {code: code for code in options.get("codes", ())}
        if codes:
            typed, bad = convert.mapped(text, codes, column.type)
            self._note(bad, "ENG-UNKNOWN-CODE", column, f"one of {', '.join(codes)}")
            return typed
        return text

    def _check_kind(self, column: Column, text: pa.Array) -> None:
        name = str(column.options["is"])
        if name == "region":
            self._note(convert.unmatched(text, "[0-9]{6}"), "ENG-FORMAT", column, "six digits")
            bad = convert.failing(text, _known_provinces)
            expected = "a GB/T 2260 code of an existing province"
            self._note(bad, "ENG-UNKNOWN-CODE", column, expected)
            return
        kind = name.upper()
        warn = "warning" if column.options.get("check") == "warn" else ""
        if kind in _CODE_LISTS:
            shape = convert.unmatched(text, _CODE_LISTS[kind])
            self._note(shape, "ENG-FORMAT", column, f"a {kind} code", warn)
            bad = convert.failing(text, lambda values: valid(kind, values)) & ~shape
            self._note(bad, "ENG-UNKNOWN-CODE", column, f"a listed {kind} code", warn)
            return
        given = text.is_valid().to_numpy(zero_copy_only=False)
        bad = ~valid(kind, text) & given
        self._note(bad, "ENG-IDENTIFIER", column, f"a {kind} of the right form", warn)

    def _in_range(self, column: Column, typed: pa.Array) -> pa.Array:
        if "min" in column.options:
            least = pa.scalar(str(column.options["min"]), pa.string()).cast(column.type)
            low = pc.fill_null(pc.less(typed, least), False).to_numpy(zero_copy_only=False)
            self._note(low, "ENG-RANGE", column, f"at least {column.options['min']}")
        return typed

    def _which(self, column: Column) -> tuple[pa.Array, pa.Array]:
        """The code of the first path a record has anything under."""
        at = np.full(self.rows, -1, np.int32)
        targets = list(dict.fromkeys(column.codes))
        for path, code in zip(column.paths, column.codes, strict=True):
            found = self.cells.present(path)
            at[found & (at < 0)] = targets.index(code)
        typed = convert.as_kind(pa.array(at, mask=at < 0), targets, column.type)
        return typed, typed

    def _note(self, bad: Mask, rule: str, column: Column, expected: str, outcome: str = "") -> None:
        if bad.any():
            told = column.options.get("expect", expected)
            self.findings.add(bad, rule, column.source, told, outcome)


@cache
def _hatch(name: str) -> Hatch:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


# GB/T 2260 province-level codes, first two digits
_PROVINCES = pa.array(
    [
        str(code)
        for codes in (
            range(11, 16), range(21, 24), range(31, 38), range(41, 47), range(50, 55),
            range(61, 66), (71, 81, 82),
        )
        for code in codes
    ]
)  # fmt: skip


def _known_provinces(codes: pa.Array) -> Mask:
    """Whether the first two digits are a province; false also for what is no six digits."""
    heads = pc.utf8_slice_codeunits(codes, 0, 2)
    known = pc.is_in(heads, value_set=_PROVINCES).to_numpy(zero_copy_only=False)
    return np.asarray(known)
