"""A feed's spec: load it, check it, and say exactly what is wrong with it.

The result is a `Feed`: plain data, no open file, nothing of a submission. Reading is TOML because
YAML reads `on`, `NO`, `010176` and `12:30` as something else and drops duplicate keys.
"""

import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from connectors.engine.specgroups import Group, framing, groups
from connectors.engine.speclines import Lines
from connectors.engine.specsheet import Sheet, sheet
from connectors.engine.specstated import is_public, nameless, not_stated
from schemas.errors import ConfigurationError
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema
from schemas.identifiers import has_check
from schemas.reference_data import calendars
from schemas.visibility import markets as known_markets

FORMATS = ("xml", "json", "ndjson", "csv", "fix", "xlsx")
ENCODINGS = ("utf-8", "gb18030")
BESIDE_UTF8 = "utf-16"  # XML only: with its byte order mark, read as the same document in UTF-8
SOURCES = ("from", "first", "join", "which")
ORDINAL = "#"  # pseudo-path: the record's number in its submission, from 1
REPORTER = "$reporter"  # pseudo-path: the institution that submitted the record
PERSON_DOCUMENTS = (
    *("RESIDENT_ID", "PASSPORT", "HK_MACAO_PERMIT", "TAIWAN_PERMIT", "PERMANENT_RESIDENCE"),
    "PERSON_DOCUMENT",
)
TOKENS = ("phone", "address", "device", "resident_id", "document")
PARTY_SCHEMES = ("LEI", "USCC", "FIN14", "CNAPS12", "CFETS6", "CIPSID", "BIC")

TOP_LEVEL = frozenset(
    {
        *("feed", "title_zh", "title_en", "status", "format", "encoding", "namespace", "record"),
        *("delimiter", "header_starts", "undecided", "ignored", "kind", "lateness"),
        *("business_calendar", "key", "totals", "skip", "constants", "fields", "local", "under"),
        *("party", "max_expanded", "undecided_fields", "no_key", "catalogue"),
        *("record_else", "refers"),
        *("begin", "groups", "integrity", "market", "sheet", "unpivot"),
        *("empty", "not_stated", "visibility"),
    }
)
OPTIONS = frozenset(
    {
        *("from", "first", "join", "which", "with", "is", "check", "pattern", "map", "percent"),
        *("split", "part", "grouped", "capped", "format", "tz", "absent", "required", "optional"),
        *("trim", "min", "fallback", "keyed", "python", "expect", "codes", "many", "otherwise"),
        *("finer", "when", "token", "shift"),
    }
)
# Of the catalogue entry: whose data these are, and on which of the three lists of the Shanghai data
# regulations, article 74, they stand: needs, responsibilities, resources.
CATALOGUE = (
    *("owner_zh", "owner_en", "need_list", "responsibility_list", "resource_catalogue"),
    *("contact_role", "status"),
)
_ID_OPTIONS = frozenset({"from", "scheme", "schemes", "type", "types", "check"})
_PARTY_OPTIONS = frozenset({"ids", "name", "account", "agent", "person", "required", "asset"})
_NAMED = 12  # undecided fields named in one message
_LATENESS = re.compile(r"(\d+) (s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_ZONE = re.compile(r"[+-]\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Column:
    """One field the spec fills: where its text comes from and how it is read."""

    name: str
    type: pa.DataType
    required: bool
    how: str  # one of SOURCES
    paths: tuple[str, ...]
    codes: tuple[str, ...]  # of `which`, one a path
    options: Mapping[str, Any]

    @property
    def source(self) -> str:
        """The source paths as findings name them."""
        return " | ".join(self.paths) if self.how in ("first", "which") else " + ".join(self.paths)

    @property
    def in_header(self) -> bool:
        """Whether the value belongs to the submission and not to the record."""
        return all(path.startswith("/") for path in self.paths)


@dataclass(frozen=True, slots=True)
class PartyId:
    """One way a party is identified: a scheme, schemes told by shape, or by a type column."""

    path: str
    schemes: tuple[str, ...]
    type_path: str | None
    types: Mapping[str, str]
    check: str = "reject"  # what becomes of a record whose identifier fails: reject | warn


@dataclass(frozen=True, slots=True)
class Party:
    """How one side of a record is identified; `prefix` is counterparty_1 or counterparty_2."""

    prefix: str
    ids: tuple[PartyId, ...]
    name: str | None
    account: tuple[str, ...]
    agent: tuple[str, ...]
    person: str | None
    required: bool
    asset: bool = False  # the account is what the record speaks of: asset_reference_id

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path the party reads."""
        own = [entry.path for entry in self.ids] + [e.type_path for e in self.ids if e.type_path]
        return (*own, *([self.name] if self.name else []), *self.account, *self.agent)


@dataclass(frozen=True, slots=True)
class Key:
    """The transaction key: the first list of fields that is complete; else none."""

    alternatives: tuple[tuple[str, ...], ...]
    scope: str  # global | reporter
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """One feed, ready to decode. `version` names the spec's exact bytes (and its hatches')."""

    name: str
    title_zh: str
    title_en: str
    status: str  # public | stand-in | ours
    folder: Path
    version: str
    format: str
    encoding: str
    namespace: re.Pattern[str]
    record: tuple[str, ...]
    delimiter: str
    header_starts: str | None
    undecided: str  # quarantine | warn
    ignored: tuple[str, ...]
    kind: str
    market: str
    calendars: Mapping[str, str]  # business calendar of each of its markets
    lateness: timedelta
    key: Key | None
    columns: tuple[Column, ...]
    locals: tuple[Column, ...]
    parties: tuple[Party, ...]
    constants: Mapping[str, str]
    total_records: str | None
    total_sum: tuple[str, str] | None  # (field, header path)
    skip: tuple[tuple[str, tuple[str, ...]], ...]
    max_expanded: int
    record_else: tuple[str, ...]  # XML: where records are in a document without any at `record`
    utf16: bool  # XML: also as UTF-16 with a byte order mark
    refers: Key | None  # key of the transaction a record speaks of
    ignored_because: Mapping[str, str]  # ignored path -> why nobody reads it, where it is said
    undecided_fields: tuple[str, ...]  # of a draft; no feed that runs has any
    no_key: str  # why records are never merged, where there is no key
    catalogue: Mapping[str, Any]  # owner, legal basis, contact roles
    markets: tuple[str, ...]  # one, or those the records themselves may name
    begin: str  # FIX: what tag 8 says
    integrity: str  # FIX: verify | tolerate a wrong check sum or body length
    groups: tuple[Group, ...]  # FIX: outer ones first
    sheet: Sheet | None  # XLSX: where the table lies and what a record of it is
    empty: tuple[str, ...]  # fields that hold nothing; a value in one is of an unknown field
    not_stated: Mapping[str, str]  # canonical field -> why this source does not state it
    public: bool  # published to everybody: every vantage sees its records

    @property
    def business_calendar(self) -> str:
        """The calendars by which its records have business days."""
        return "/".join(dict.fromkeys(self.calendars.values()))

    @property
    def lateness_us(self) -> int:
        """How long after it happened a record counts as on time, in microseconds."""
        return self.lateness // timedelta(microseconds=1)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every source path the spec reads, without the ignored ones."""
        out = [path for column in (*self.columns, *self.locals) for path in column.paths]
        for column in (*self.columns, *self.locals):
            out += column.options.get("fallback", {}).get("join", [])
            out += column.options.get("otherwise", {})
            out += column.options.get("when", {})
            out += [column.options["shift"]["from"]] if "shift" in column.options else []
        out += [path for party in self.parties for path in party.paths]
        out += [party.person for party in self.parties if party.person]
        out += [path for path, _ in self.skip]
        out += [p for p in (self.total_records, self.total_sum and self.total_sum[1]) if p]
        return tuple(dict.fromkeys(path for path in out if path not in (ORDINAL, REPORTER)))


def load(path: Path, draft: bool = False) -> Feed:
    """Load and check a spec file.

    Args:
        path: The file; its folder is the feed's.
        draft: Load it also where fields are still undecided, to look at it, not to run it.

    Raises:
        ConfigurationError: it cannot be read or breaks a rule of the language; the message names
            file, line, field, what was expected and the cure.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected a spec in UTF-8; check the name") from error
    return parse(path, text, draft)


def parse(path: Path, text: str, draft: bool = False) -> Feed:
    """Check the text of a spec as if it stood in `path`; see `load`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = str(error).replace("Cannot overwrite a value", "a name once, it is said again")
        raise ConfigurationError(f"{path}: expected TOML: {told}; correct that line") from error
    version = hashlib.sha256(text.encode())
    hatches = path.with_name("hatches.py")
    if hatches.is_file():
        version.update(hatches.read_bytes())
    feed = _Reader(path, raw, Lines(path, text)).feed(version.hexdigest()[:16])
    if feed.undecided_fields and not draft:
        names = ", ".join(feed.undecided_fields[:_NAMED])
        more = len(feed.undecided_fields) - _NAMED
        Lines(path, text).fail(
            (),
            "undecided_fields",
            f"an empty list, it names {names}{f' and {more} more' if more > 0 else ''}",
            "read each in [fields], [local] or [party...], or list it in [ignored] with a reason, "
            "and take it out of undecided_fields",
        )
    return feed


class _Reader:
    """Turns the parsed TOML into a Feed; every complaint goes through `lines`."""

    def __init__(self, path: Path, raw: dict[str, Any], lines: Lines) -> None:
        self.path, self.raw, self.lines = path, raw, lines
        self.types: dict[str, pa.DataType] = {}
        self.nullable: dict[str, bool] = {}

    def feed(self, version: str) -> Feed:
        raw, lines = self.raw, self.lines
        lines.known(raw, TOP_LEVEL, ())
        kind = lines.choice(raw, "kind", IMPLEMENTED_KINDS)
        schema = arrow_schema(kind)
        self.types = {field.name: field.type for field in schema}
        self.nullable = {field.name: field.nullable for field in schema}
        constants = self._constants()
        columns = self._columns("fields")
        under = self._under()
        names = [column.name for column in columns]
        for column in under:
            if column.name in names:
                lines.fail(("under",), column.name, "each field once", "remove one of the two")
        columns += under + self._market()
        local = self._columns("local")
        parties = tuple(self._party(name) for name in raw.get("party", {}))
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
        filled |= {f"{party.prefix}_id" for party in parties}
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
            parties=parties,
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

    def _market(self) -> list[Column]:
        """`market = { from, map }`: each record names its own market."""
        if "market" not in self.raw:
            return []
        column = self._column(("market",), "market_segment", self.raw["market"])
        if not column.options.get("map"):
            self.lines.fail((), "market", "from = a path, map = { code = market }", "add the map")
        return [column]

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

    def _constants(self) -> Mapping[str, str]:
        constants = self.raw.get("constants", {})
        for name, value in constants.items():
            self._canonical(("constants",), name)
            if not isinstance(value, str):
                self.lines.fail(("constants",), name, "text in quotes", "put it in quotes")
        if ("market_segment" in constants) == ("market" in self.raw):
            told = "market_segment, such as 'PYMT', or else a market of each record"
            self.lines.fail((), "constants", told, "say one of the two")
        return MappingProxyType(dict(constants))

    def _canonical(self, at: tuple[str, ...], name: str) -> None:
        if name in self.types or name.startswith("extension."):
            return
        near = difflib.get_close_matches(name, self.types, 1)
        cure = f"did you mean {near[0]!r}?" if near else "see docs/schema for the names"
        self.lines.fail(at, name, "a canonical field of this kind", cure)

    def _columns(self, section: str) -> list[Column]:
        return [
            self._column((section,), name, value)
            for name, value in self.raw.get(section, {}).items()
        ]

    def _under(self) -> list[Column]:
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

    def _column(self, at: tuple[str, ...], name: str, value: Any) -> Column:  # noqa: ANN401
        lines = self.lines
        options = {"from": value} if isinstance(value, str) else value
        if not isinstance(options, dict):
            lines.fail(at, name, "a path or a table of options", "write a path in quotes")
        if at[0] == "local":
            kind = pa.string()
        else:
            self._canonical(at, name)
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
            and isinstance(shift, dict)
            and set(shift) == {"from", "by"}
        ):
            told = "shift = { from = path of the unit, by = { unit = digits } } on a decimal field"
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

    def _party(self, name: str) -> Party:
        at = ("party", name)
        lines, raw = self.lines, self.raw["party"][name]
        basis = "_id_basis"
        sides = [n.removesuffix(basis) for n in self.types if n.endswith(basis)]
        if name not in sides:
            lines.fail(("party",), name, f"one of {', '.join(sides)}", "rename it")
        lines.known(raw, _PARTY_OPTIONS, at)
        ids = []
        for entry in raw.get("ids", []):
            lines.known(entry, _ID_OPTIONS, (*at, "ids"))
            if "from" not in entry:
                lines.fail(at, "ids", "from = a path in each entry", "add it")
            types = entry.get("types", {})
            schemes = tuple(entry.get("schemes", [entry["scheme"]] if "scheme" in entry else []))
            for scheme in (*schemes, *types.values()):
                if scheme not in (*PARTY_SCHEMES, *PERSON_DOCUMENTS):
                    known = ", ".join((*PARTY_SCHEMES, *PERSON_DOCUMENTS))
                    lines.fail(at, "ids", f"a scheme of {known}", "correct it")
            if bool(schemes) == bool(types) or bool(types) != ("type" in entry):
                lines.fail(at, "ids", "scheme, schemes, or type with types", "keep one way")
            check = lines.choice(entry, "check", ("reject", "warn"), "reject", at=(*at, "ids"))
            told = MappingProxyType(types)
            ids.append(PartyId(entry["from"], schemes, entry.get("type"), told, check))
        paths = {key: raw.get(key, []) for key in ("account", "agent")}
        first = {k: tuple([v] if isinstance(v, str) else v) for k, v in paths.items()}
        required = bool(raw.get("required", not self.nullable[f"{name}_id"]))
        return Party(
            name, tuple(ids), raw.get("name"), first["account"], first["agent"],
            raw.get("person"), required, bool(raw.get("asset")),
        )  # fmt: skip

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
