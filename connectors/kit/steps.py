"""Steps of the conformance check that follow from a spec and what came of its files."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.engine.convert import ISO_MOMENT, to_moment
from connectors.engine.engine import Decoded
from connectors.engine.spec import Column, Feed
from connectors.kit.certificate import Step
from connectors.kit.profile import Profile
from schemas.errors import ConfigurationError
from schemas.fields import arrow_schema
from schemas.required import required
from schemas.visibility import visibility

_QUALIFIER = re.compile(r"\[([^=\]]+)=[^\]]*\]")
MAPPED, IGNORED, UNDECIDED, EMPTY = "mapped", "ignored", "undecided", "empty"
_GUESSED = "# guess:"
_MIDNIGHT = {
    "%Y": "2026", "%m": "06", "%d": "15", "%H": "00", "%M": "00", "%S": "00", "%f": "", "%z": "",
}  # fmt: skip


def accounted(feed: Feed, seen: Profile) -> list[dict[str, Any]]:
    """What became of each field of the files: mapped to what, ignored and why, or undecided."""
    read = reads(feed)
    out = []
    for field in seen.fields:
        targets = read.get(field.path) or [
            target
            for pattern, of in read.items()
            if "*" in pattern and _matches(pattern, field.path)
            for target in of
        ]
        status, told = MAPPED, ", ".join(targets)
        if not targets:
            pattern = next((p for p in feed.ignored if _matches(p, field.path)), None)
            status = UNDECIDED if pattern is None else IGNORED
            told = feed.ignored_because.get(pattern or "", "")
            if pattern is None and field.path in feed.empty and not field.records:
                status, told = EMPTY, "holds nothing; a value would be of an unknown field"
        if field.path in feed.undecided_fields:
            status = UNDECIDED
        out.append({"path": field.path, "status": status, "told": told, "records": field.records})
    return out


def reviewed(text: str) -> Step:
    """Nothing is left as `yrd feed new` wrote it: no line marked as a guess, no '?'."""
    lines = list(enumerate(text.splitlines(), 1))
    open_ = [
        f"line {number}: {_begins(line)}: expected a value in place of '?'"
        for number, line in lines
        if '"?"' in line.partition("#")[0]
    ]
    guessed = [f"line {number}: {_begins(line)}" for number, line in lines if _GUESSED in line]
    if guessed:
        open_ += ["guesses: check each, correct it or not, then take its mark `# guess: ...` away"]
    open_ += guessed
    left = len(open_) - bool(guessed)
    told = f"{left} lines of the draft are left" if left else "no line of a draft is left"
    return Step("reviewed", not left, told, tuple(open_))


def _begins(line: str) -> str:
    """What a line of a spec says something of, without what it says."""
    return line.partition(" = ")[0].strip()[:60]


def accounting(feed: Feed, fields: Sequence[Mapping[str, Any]]) -> Step:
    """Every source field is mapped, ignored or declared empty; nobody is left undecided."""
    by = {status: [f["path"] for f in fields if f["status"] == status] for status in
          (MAPPED, IGNORED, UNDECIDED, EMPTY)}  # fmt: skip
    left = list(dict.fromkeys([*by[UNDECIDED], *feed.undecided_fields]))
    seen = {field["path"] for field in fields}
    never = [path for path in reads(feed) if path not in seen and "*" not in path]
    notes = []
    if never:
        notes.append(f"read by the spec, in none of the files: {', '.join(sorted(never))}")
    silent = [path for path in feed.ignored if path not in feed.ignored_because]
    if silent:
        notes.append(f"{len(silent)} ignored paths have no reason in [ignored]")
    told = f"{len(by[MAPPED])} mapped, {len(by[IGNORED])} ignored, {len(left)} undecided"
    told += f", {len(by[EMPTY])} empty" if by[EMPTY] else ""
    open_ = [f"{path}: decide about it" for path in left]
    filled = {f["path"] for f in fields if f["status"] == UNDECIDED and f["records"]}
    open_ = [
        f"{path}: holds values; take it out of `empty`" if path in feed.empty and path in filled
        else one
        for path, one in zip(left, open_, strict=True)
    ]  # fmt: skip
    if left:
        open_.insert(0, "read each in [fields], [local] or [party...], or list it in [ignored] "
                     "with a reason; what never holds anything can stand in `empty`")  # fmt: skip
    return Step("accounting", not left, told, tuple(open_), tuple(notes))


def types(feed: Feed, decoded: Decoded, reports: pa.Table) -> Step:
    """Every field the spec fills has its canonical type, and something in it."""
    schema = arrow_schema(feed.kind)
    open_, notes = [], []
    for field in decoded.batch.schema:
        if field.name in schema.names and field.type != schema.field(field.name).type:
            cure = "add a map to its codes" if pa.types.is_dictionary(
                schema.field(field.name).type) else "see its options"  # fmt: skip
            open_.append(f"{field.name}: expected {schema.field(field.name).type}; {cure}")
    rows = reports.num_rows
    for column in feed.columns:
        if column.name not in reports.schema.names or not rows:
            continue
        there = rows - reports[column.name].null_count
        if not there:
            notes.append(f"{column.name}: no value in any accepted report (from {column.source})")
    told = f"{len(feed.columns)} fields of {len({str(c.type) for c in feed.columns})} types"
    return Step("types and units", not open_, told, tuple(open_), tuple(notes))


def codes(feed: Feed, rejects: Sequence[Mapping[str, Any]], odd: int = 0) -> Step:
    """Every code met is one the spec knows, but for `odd` records."""
    tables = sum("map" in column.options for column in (*feed.columns, *feed.locals))
    tables += sum(bool(entry.types) for party in feed.parties for entry in party.ids)
    unknown = [one for one in rejects if one["rule"] == "ENG-UNKNOWN-CODE"]
    open_ = tuple(
        f"{one['field']}: {one['records']} records with a code outside the list, first at "
        f"{', '.join(one['locators'])}; add it to the map, or ask the sender"
        for one in unknown
    )
    told = f"{tables} code tables"
    if sum(one["records"] for one in unknown) <= odd:
        return Step("code lists", True, told, (), open_)
    return Step("code lists", False, told, open_)


def required_fields(feed: Feed, reports: pa.Table) -> Step:
    """What each market of the feed requires is in its accepted reports."""
    open_: list[str] = []
    wanted = 0
    for market in feed.markets:
        try:
            needs = required(market, feed.kind)
        except ConfigurationError as error:
            return Step("required fields", False, "no such market", (str(error),))
        wanted += len(needs.fields)
        mine = _of_market(reports, market) if len(feed.markets) > 1 else reports
        rows = mine.num_rows
        where = f" of {market}" if len(feed.markets) > 1 else ""
        acts: list[str] = []
        if "event_type" in mine.schema.names:
            acts = pc.unique(mine["event_type"].cast(pa.string())).drop_null().to_pylist()
        for name in needs.fields:
            if needs.spared([name], acts) or name in feed.not_stated:
                continue
            if name in mine.schema.names and rows and mine[name].null_count == rows:
                cure = "map it, say it in [constants], or why the source has none in [not_stated]"
                open_.append(f"{name}: is in no accepted report{where}; {cure}")
        for group in needs.one_of:
            if needs.spared(group, acts) or set(group) <= set(feed.not_stated):
                continue
            there = [name for name in group if name in mine.schema.names]
            if rows and all(mine[name].null_count == rows for name in there):
                names = ", ".join(group)
                open_.append(f"one of {names}: none is in any accepted report{where}; map one")
    if not reports.num_rows:
        open_.append("no report was accepted, so nothing can be said")
    told = f"{wanted} required of {feed.market} {feed.kind}"
    told += f", {len(feed.not_stated)} not stated by the source" if feed.not_stated else ""
    notes = tuple(f"{name}: not stated: {why}" for name, why in feed.not_stated.items())
    return Step("required fields", not open_, told, tuple(open_), notes)


def _of_market(reports: pa.Table, market: str) -> pa.Table:
    return reports.filter(pc.equal(reports["market_segment"].cast(pa.string()), market))


def key(feed: Feed, reports: pa.Table) -> Step:
    """An event feed says what makes a transaction, or why nothing does."""
    if feed.kind != "event":
        return Step("key", True, f"{feed.kind} records are never merged")
    if feed.key is None:
        cure = "declare key = { fields = [...], scope = ... }, or no_key = the reason"
        open_ = () if feed.no_key else (cure,)
        return Step("key", bool(feed.no_key), feed.no_key or "no key is declared", open_)
    names = ", else ".join(" + ".join(one) for one in feed.key.alternatives)
    notes = []
    if "transaction_key" in reports.schema.names and reports["transaction_key"].null_count:
        lacks = reports["transaction_key"].null_count
        notes.append(f"{lacks} of {reports.num_rows} reports have no complete key: never merged")
    return Step("key", True, f"{names} ({feed.key.scope})", (), tuple(notes))


def visibility_of(feed: Feed, reports: pa.Table) -> Step:
    """Each market has a visibility row, and a column that entitles a region is filled."""
    if feed.public:
        return Step("visibility", True, "public: everybody sees every report, nobody is named")
    names: list[str] = []
    for market in feed.markets:
        try:
            names += visibility(market).entitled_by
        except ConfigurationError as error:
            return Step("visibility", False, "no such market", (str(error),))
    names = list(dict.fromkeys(names))
    there = [name for name in names if name in reports.schema.names]
    filled = [name for name in there if reports[name].null_count < reports.num_rows]
    told = f"{feed.market}: a region sees a report through {', '.join(names)}"
    cure = f"fill one of {', '.join(names)}: else no region may see a report"
    missing = bool(there and not filled and reports.num_rows)
    return Step("visibility", not missing, told, (cure,) if missing else ())


def zones(feed: Feed) -> Step:
    """The zone of every moment is declared, and a Beijing midnight is the day before in UTC."""
    open_, notes = [], []
    moments = [
        column
        for column in (*feed.columns, *feed.locals)
        if pa.types.is_timestamp(column.type) and "python" not in column.options
    ]
    for column in moments:
        zone = column.options.get("tz")
        pattern = str(column.options.get("format", ISO_MOMENT))
        if zone is None and "%z" not in pattern:
            open_.append(f"{column.name}: expected tz = an offset such as '+08:00'; declare it")
            continue
        said = f"{zone} where the text has no offset" if zone else "the offset of the text"
        notes.append(f"{column.name}: {said}")
        wrong = _midnight(column, pattern, zone)
        if wrong:
            open_.append(f"{column.name}: {wrong}")
    told = f"{len(moments)} moments, each with its zone; Beijing midnight tried"
    return Step("time zones", not open_, told, tuple(open_), tuple(notes))


def _midnight(column: Column, pattern: str, zone: str | None) -> str:
    """What is wrong with 2026-06-15 00:00 local time in the column's format; empty if nothing."""
    text = pattern
    for code, value in _MIDNIGHT.items():
        text = text.replace(code, value)
    offset = zone or "+08:00"
    if "%z" in pattern:
        text += offset
    typed, _ = to_moment(pa.array([text]), column.type, column.options.get("format"), zone)
    sign = -1 if offset[0] == "+" else 1
    minutes = sign * (int(offset[1:3]) * 60 + int(offset[4:6]))
    wanted = 1_781_481_600_000_000 + minutes * 60_000_000  # 2026-06-15T00:00:00Z
    got = typed.cast(pa.int64())[0].as_py()
    return "" if got == wanted else f"midnight at {offset} is read as another instant"


def reads(feed: Feed) -> dict[str, list[str]]:
    """Source path -> the canonical columns made of it; qualifiers read their own paths too."""
    out: dict[str, list[str]] = {}

    def note(path: str, target: str) -> None:
        plain = path if feed.format == "csv" else _QUALIFIER.sub("", path)
        targets = out.setdefault(plain, [])
        if target not in targets:
            targets.append(target)
        if feed.format != "csv":
            for found in _QUALIFIER.finditer(path):
                before = _QUALIFIER.sub("", path[: found.start()])
                note(f"{before}/{found[1]}", target)

    for column in (*feed.columns, *feed.locals):
        for path in (*column.paths, *column.options.get("fallback", {}).get("join", [])):
            note(path, column.name)
    for party in feed.parties:
        for path in party.paths:
            note(path, party.prefix)
    for path, _ in feed.skip:
        note(path, "skip")
    totals = (feed.total_records, feed.total_sum and feed.total_sum[1])
    for total in totals:
        if total:
            note(total, "control total")
    for path in feed.paths:  # whatever else the language reads
        plain = path if feed.format == "csv" else _QUALIFIER.sub("", path)
        if not plain.endswith("**"):  # that there is anything decides nothing about what it is
            out.setdefault(plain, ["read"])
    out.pop("#", None)
    return out


def known_codes(feed: Feed, path: str) -> set[str]:
    """The codes a spec's tables know for a path; empty where it has no table for it."""
    out: set[str] = set()
    for column in (*feed.columns, *feed.locals):
        if path in column.paths and "map" in column.options:
            out |= set(column.options["map"])
    for party in feed.parties:
        for entry in party.ids:
            if entry.type_path == path:
                out |= set(entry.types)
    return out


def _matches(pattern: str, path: str) -> bool:
    if "*" not in pattern:
        return pattern == path
    text = re.escape(pattern).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    return re.fullmatch(text, path) is not None
