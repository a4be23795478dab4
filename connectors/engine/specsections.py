"""A whole spec to a `Feed`: its top-level keys and small sections, and what they owe each other."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from connectors.engine.specdata import Column, Feed, Key
from connectors.engine.specfields import FieldLines
from connectors.engine.specgroups import framing, groups
from connectors.engine.speclines import Lines
from connectors.engine.specparty import parties
from connectors.engine.specsheet import sheet
from connectors.engine.specstated import is_public, nameless, not_stated
from connectors.engine.specwords import BESIDE_UTF8, CATALOGUE, ENCODINGS, FORMATS, TOP_LEVEL
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema
from schemas.reference_data import calendars
from schemas.visibility import markets as known_markets

_LATENESS = re.compile(r"(\d+) (s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


class Sections:
    """Turns the parsed TOML into a Feed; every complaint goes through `lines`."""

    def __init__(self, path: Path, raw: dict[str, Any], lines: Lines) -> None:
        self.path, self.raw, self.lines = path, raw, lines

    def feed(self, version: str) -> Feed:
        """The feed, or the first thing that is wrong; `version` names the bytes it is made of."""
        raw, lines = self.raw, self.lines
        lines.known(raw, TOP_LEVEL, ())
        kind = lines.choice(raw, "kind", IMPLEMENTED_KINDS)
        schema = arrow_schema(kind)
        fields = FieldLines(raw, schema, lines)
        constants = self._constants(fields)
        columns = fields.columns("fields")
        under = fields.under()
        names = [column.name for column in columns]
        for column in under:
            if column.name in names:
                lines.fail(("under",), column.name, "each field once", "remove one of the two")
        columns += under + fields.market()
        local = fields.columns("local")
        sides = parties(raw, schema, lines)
        feed_format = lines.choice(raw, "format", FORMATS)
        total_records, total_sum = self._totals({column.name for column in columns})
        record = lines.text(raw, "record", "")
        other = lines.text(raw, "record_else", "")
        if other and (feed_format != "xml" or other.split("/")[0] != record.split("/")[0]):
            lines.fail((), "record_else", "a path in XML from the root of `record`", "correct it")
        if feed_format == "xml" and not record:
            lines.fail((), "record", "the path of a record, such as 'Document/A/B'", "add it")
        try:
            namespace = re.compile(lines.text(raw, "namespace", ".*"))
        except re.error:
            lines.fail((), "namespace", "a regular expression", "correct it")
        filled = {c.name for c in columns} | {c.name for c in local} | set(constants)
        filled |= {f"{party.prefix}_id" for party in sides}
        absent = not_stated(raw, kind, filled | set(names), lines)
        constants = MappingProxyType({**constants, **nameless(absent)})
        ignored, found = self._ignored(), groups(raw, lines)
        if feed_format == "fix":
            ignored |= dict.fromkeys(framing(found), "checked while messages are read")
        markets = self._markets(columns, constants, kind)
        return Feed(
            name=lines.text(raw, "feed"),
            title_zh=lines.text(raw, "title_zh"),
            title_en=lines.text(raw, "title_en"),
            status=lines.choice(raw, "status", ("public", "stand-in", "ours")),
            folder=self.path.parent,
            version=version,
            format=feed_format,
            encoding=self._encoding(feed_format)[0],
            namespace=namespace,
            record=tuple(record.split("/")) if record else (),
            delimiter=lines.text(raw, "delimiter", "\x01" if feed_format == "fix" else ","),
            header_starts=raw.get("header_starts"),
            undecided=lines.choice(raw, "undecided", ("quarantine", "warn"), "quarantine"),
            ignored=tuple(ignored),
            kind=kind,
            market="/".join(markets),
            calendars=self._calendars(markets),
            lateness=self._lateness(),
            key=self._key("key", filled),
            columns=tuple(columns),
            locals=tuple(local),
            parties=sides,
            constants=constants,
            total_records=total_records,
            total_sum=total_sum,
            skip=self._skip(),
            max_expanded=int(raw.get("max_expanded", 2 << 30)),
            record_else=tuple(other.split("/")) if other else (),
            utf16=BESIDE_UTF8 in self._encoding(feed_format),
            refers=self._key("refers", filled),
            ignored_because=MappingProxyType({p: why for p, why in ignored.items() if why}),
            undecided_fields=tuple(lines.texts(raw, "undecided_fields", ())),
            no_key=lines.text(raw, "no_key", ""),
            catalogue=MappingProxyType(self._catalogue()),
            markets=markets,
            begin=self._begin(feed_format),
            integrity=lines.choice(raw, "integrity", ("verify", "tolerate"), "verify"),
            groups=found,
            sheet=sheet(raw, lines),
            empty=tuple(lines.texts(raw, "empty", ())),
            not_stated=absent,
            public=is_public(raw, kind, filled, lines),
        )

    def _begin(self, feed_format: str) -> str:
        begin = self.lines.text(self.raw, "begin", "")
        if (feed_format == "fix") != bool(begin):
            self.lines.fail((), "begin", "what tag 8 says, in FIX only ('FIX.4.4')", "correct it")
        return begin

    def _markets(
        self, columns: list[Column], constants: Mapping[str, str], kind: str
    ) -> tuple[str, ...]:
        own = [column for column in columns if column.name == "market_segment"]
        if own:
            found = tuple(dict.fromkeys(own[0].options.get("map", {}).values()))
        else:
            found = (constants["market_segment"],)
        for market in found:  # an unknown one is told when its records are enriched or certified
            kinds = known_markets()[market].kinds if market in known_markets() else (kind,)
            if kind not in kinds:
                told = f"a kind that {market} has: {', '.join(kinds)}"
                self.lines.fail((), "kind", told, "correct the kind or the market")
        return found

    def _calendars(self, markets: tuple[str, ...]) -> Mapping[str, str]:
        """`business_calendar = "SSE"`, or one of each market where they differ."""
        given, codes = self.raw.get("business_calendar"), tuple(calendars())
        if not isinstance(given, dict):
            return dict.fromkeys(markets, self.lines.choice(self.raw, "business_calendar", codes))
        if set(given) != set(markets):
            told = f"one calendar for each of {', '.join(markets)}"
            self.lines.fail((), "business_calendar", told, "correct it")
        at = ("business_calendar",)
        return {market: self.lines.choice(given, market, codes, at=at) for market in markets}

    def _ignored(self) -> dict[str, str]:
        """Ignored paths with the reason: `ignored = [paths]`, or `[ignored]` "reason" = [paths]."""
        given = self.raw.get("ignored", ())
        if not isinstance(given, dict):
            return dict.fromkeys(self.lines.texts(self.raw, "ignored", ()), "")
        return {
            path: reason
            for reason in given
            for path in self.lines.texts(given, reason, at=("ignored",))
        }

    def _catalogue(self) -> dict[str, Any]:
        given: dict[str, Any] = self.raw.get("catalogue", {})
        self.lines.known(given, CATALOGUE, ("catalogue",))
        for name, value in given.items():
            if not isinstance(value, str):
                self.lines.fail(("catalogue",), name, "text in quotes", "put it in quotes")
        return given

    def _lateness(self) -> timedelta:
        found = _LATENESS.fullmatch(self.lines.text(self.raw, "lateness"))
        if not found:
            self.lines.fail((), "lateness", "a number and s, min, h or d ('10 min')", "correct it")
        assert found  # noqa: S101 - fail always raises
        return timedelta(**{_UNITS[found[2]]: int(found[1])})

    def _constants(self, fields: FieldLines) -> Mapping[str, str]:
        constants = self.raw.get("constants", {})
        for name, value in constants.items():
            fields.canonical(("constants",), name)
            if not isinstance(value, str):
                self.lines.fail(("constants",), name, "text in quotes", "put it in quotes")
        if ("market_segment" in constants) == ("market" in self.raw):
            told = "market_segment, such as 'PYMT', or else a market of each record"
            self.lines.fail((), "constants", told, "say one of the two")
        return MappingProxyType(dict(constants))

    def _encoding(self, feed_format: str) -> tuple[str, ...]:
        """One encoding, or for XML `["utf-8", "utf-16"]`."""
        given = self.raw.get("encoding")
        if isinstance(given, list) and given == ["utf-8", BESIDE_UTF8] and feed_format == "xml":
            return tuple(given)
        return (self.lines.choice(self.raw, "encoding", ENCODINGS),)

    def _key(self, section: str, filled: set[str]) -> Key | None:
        raw = self.raw.get(section)
        if raw is None:
            return None
        self.lines.known(raw, frozenset(["fields", "or", "scope", "absent"]), (section,))
        fields = [self.lines.texts(raw, "fields", at=(section,))]
        if "or" in raw:
            fields.append(self.lines.texts(raw, "or", at=(section,)))
        for name in (name for alternative in fields for name in alternative):
            if name not in filled:
                self.lines.fail((), section, f"fields this spec fills, {name} is none", "map it")
        return Key(
            tuple(tuple(alternative) for alternative in fields),
            self.lines.choice(raw, "scope", ("global", "reporter"), at=(section,)),
            tuple(raw.get("absent", [])),
        )

    def _totals(self, names: set[str]) -> tuple[str | None, tuple[str, str] | None]:
        raw = self.raw.get("totals", {})
        self.lines.known(raw, frozenset(("records", "sum")), ("totals",))
        if "sum" not in raw:
            return raw.get("records"), None
        pair = raw["sum"]
        if not isinstance(pair, dict) or set(pair) != {"of", "is"} or pair["of"] not in names:
            self.lines.fail(
                ("totals",), "sum", "{ of = a field filled here, is = a header path }", "correct it"
            )
        return raw.get("records"), (pair["of"], pair["is"])

    def _skip(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        out = []
        for entry in self.raw.get("skip", []):
            if set(entry) != {"field", "in"}:
                self.lines.fail((), "skip", "{ field = ..., in = [...] } entries", "correct it")
            out.append((entry["field"], tuple(entry["in"])))
        return tuple(out)
