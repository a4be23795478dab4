"""The lines of a spec that fill fields: `[fields]`, `[local]`, `[under]` and `market`."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from connectors.engine.normalforms import TOKENS
from connectors.engine.specdata import Column
from connectors.engine.speclines import Lines
from connectors.engine.specwords import OPTIONS, ORDINAL, SOURCES
from schemas.identifiers import has_check

_ZONE = re.compile(r"[+-]\d\d:\d\d")


class FieldLines:
    """Reads the lines that fill fields; every complaint goes through `lines`.

    Args:
        raw: The whole spec.
        schema: Canonical fields of its kind.
        lines: Whom to complain to.
    """

    def __init__(self, raw: Mapping[str, Any], schema: pa.Schema, lines: Lines) -> None:
        self.raw, self.lines = raw, lines
        self.types = {field.name: field.type for field in schema}
        self.nullable = {field.name: field.nullable for field in schema}

    def columns(self, section: str) -> list[Column]:
        """The lines of `[fields]` or `[local]`."""
        return [
            self._column((section,), name, value)
            for name, value in self.raw.get(section, {}).items()
        ]

    def under(self) -> list[Column]:
        """The lines of `[under."path"]`: what they read lies below that path."""
        out = []
        for prefix, entries in self.raw.get("under", {}).items():
            for name, value in entries.items():
                column = self._column(("under", prefix), name, value)
                paths = tuple(
                    p if p.startswith("/") or p == ORDINAL else f"{prefix}/{p}"
                    for p in column.paths
                )
                out.append(replace(column, paths=paths))
        return out

    def market(self) -> list[Column]:
        """`market = { from, map }`: each record names its own market."""
        if "market" not in self.raw:
            return []
        column = self._column(("market",), "market_segment", self.raw["market"])
        if not column.options.get("map"):
            self.lines.fail((), "market", "from = a path, map = { code = market }", "add the map")
        return [column]

    def canonical(self, at: tuple[str, ...], name: str) -> None:
        """Complain about a name that is no field of this kind."""
        if name in self.types or name.startswith("extension."):
            return
        near = difflib.get_close_matches(name, self.types, 1)
        cure = f"did you mean {near[0]!r}?" if near else "see docs/schema for the names"
        self.lines.fail(at, name, "a canonical field of this kind", cure)

    def _column(self, at: tuple[str, ...], name: str, value: Any) -> Column:  # noqa: ANN401
        lines = self.lines
        options = {"from": value} if isinstance(value, str) else value
        if not isinstance(options, dict):
            lines.fail(at, name, "a path or a table of options", "write a path in quotes")
        if at[0] == "local":
            kind = pa.string()
        else:
            self.canonical(at, name)
            kind = pa.string() if name.startswith("extension.") else self.types[name]
        lines.known(options, OPTIONS, (*at, name))
        ways = [way for way in SOURCES if way in options]
        if len(ways) != 1:
            lines.fail(at, name, f"exactly one of {', '.join(SOURCES)}", "keep one of them")
        how = ways[0]
        codes: tuple[str, ...] = ()
        if how == "from":
            paths: Sequence[str] = [lines.text(options, "from", at=(*at, name))]
        elif how == "which":
            paths, codes = list(options["which"]), tuple(map(str, options["which"].values()))
        else:
            paths = lines.texts(options, how, at=(*at, name))
        self._check_options(at, name, kind, options)
        self._check_shapes(at, name, options)
        self._check_token(at, name, options)
        required = options.get("required", False) or (
            at[0] != "local" and not self.nullable.get(name, True) and not options.get("optional")
        )
        return Column(name, kind, required, how, tuple(paths), codes, MappingProxyType(options))

    def _check_token(self, at: tuple[str, ...], name: str, options: Mapping[str, Any]) -> None:
        """What is called a token must be made into one: nothing else keeps a person's data out."""
        if "token" in options and not (options["token"] in TOKENS and name.endswith("_token")):
            known = ", ".join(TOKENS)
            self.lines.fail(at, name, f"token = one of {known}, on a field *_token", "correct it")
        if name.endswith("_token") and "token" not in options and at[0] != "local":
            self.lines.fail(at, name, "token = what it is made of, such as 'phone'", "add it")

    def _check_shapes(self, at: tuple[str, ...], name: str, options: Mapping[str, Any]) -> None:
        if "many" in options and not ("from" in options and isinstance(options["many"], str)):
            self.lines.fail(at, name, "many = a separator, beside from", "name one path")
        if "codes" in options:
            self.lines.texts(options, "codes", at=(*at, name))
            if "map" in options:
                self.lines.fail(at, name, "codes or map, not both", "keep one of them")
        if options.get("finer", "refuse") not in ("refuse", "cut"):
            self.lines.fail(at, name, "finer = 'refuse' or 'cut'", "correct it")
        when = options.get("when", {})
        if not isinstance(when, dict) or not all(isinstance(v, list) for v in when.values()):
            self.lines.fail(at, name, "when = { path = [values] }", "correct it")
        if not isinstance(options.get("otherwise", {}), dict):
            self.lines.fail(at, name, "otherwise = { path = value }", "correct it")

    def _check_options(
        self, at: tuple[str, ...], name: str, kind: pa.DataType, options: Mapping[str, Any]
    ) -> None:
        fail = self.lines.fail
        number = pa.types.is_decimal(kind)
        moment = pa.types.is_timestamp(kind) or pa.types.is_date32(kind)
        for option in ("percent", "grouped", "capped"):
            if option in options and not number:
                fail(at, name, f"{option} only on a decimal field", f"remove {option}")
        shift = options.get("shift")
        if shift is not None and not (
            number
            and "capped" not in options
            and (
                (isinstance(shift, dict) and set(shift) == {"from", "by"})
                or (type(shift) is int and 0 < shift <= 12)
            )
        ):
            told = (
                "shift = 4 (all in 万元) or { from = path of the unit, by = { unit = digits } } "
                "on a decimal field that is not capped"
            )
            fail(at, name, told, "correct it")
        for option in ("format", "tz", "finer"):
            if option in options and not moment:
                fail(at, name, f"{option} only on a date or time field", f"remove {option}")
        if "tz" in options and not _ZONE.fullmatch(str(options["tz"])):
            fail(at, name, "tz as an offset, such as '+08:00'", "correct it")
        for option in ("pattern",):
            try:
                re.compile(options.get(option, ""))
            except re.error:
                fail(at, name, f"{option} as a regular expression", "correct it")
        if "is" in options and options["is"] != "region" and not has_check(str(options["is"])):
            fail(at, name, "is = a known identifier kind, such as 'lei'", "correct it")
        if options.get("check", "reject") not in ("reject", "warn", "off"):
            fail(at, name, "check = 'reject', 'warn' or 'off'", "correct it")
        part = options.get("part", 0)
        if not (isinstance(part, int) or part in ("count", "only")):
            fail(at, name, "part = a number, 'count' or 'only'", "correct it")
        if "python" in options and not re.fullmatch(
            r"connectors\.feeds\.\w+\.hatches:\w+", str(options["python"])
        ):
            fail(at, name, "python = 'connectors.feeds.<feed>.hatches:<function>'", "correct it")
