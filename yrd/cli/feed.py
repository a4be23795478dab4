"""`yrd feed list` and `yrd feed show NAME`: how each market reports, and how it is read."""

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli import feed_told
from yrd.cli.common import Json, check_lang, emit, filled, guarded, stdout
from yrd.cli.feed_catalogue import entry, lines
from yrd.cli.feed_check import check
from yrd.cli.feed_new import new
from yrd.cli.feed_repair import adopt, diff, rerun
from yrd.cli.feed_send import send

if TYPE_CHECKING:
    from connectors.engine.spec import Column, Feed, Party
    from schemas.visibility import Visibility

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="List, show, draft, check and repair the feeds.",
)
app.command()(new)
app.command()(check)
app.command()(diff)
app.command()(adopt)
app.command()(rerun)
app.command()(send)

_HEADS = {
    "format": 8, "status": 10, "kind": 11, "market": 11, "lateness": 8, "examples": 7,
    "certificate": 12,
}  # fmt: skip
_ZH = {
    "feed": "数据源", "title": "名称", "format": "格式", "status": "状态", "kind": "种类",
    "market": "市场", "late": "时限", "cases": "样例", "certificate": "证书",
    "public": "公开标准", "stand-in": "替代格式", "ours": "自定", "event": "事件",
    "position": "存量", "indicator": "指标", "register": "登记", "complaint": "投诉",
    "passed": "通过", "not passed": "未通过", "none": "无", "everybody": "所有视角可见",
    "through": "可见依据：{columns}",
    "next": "下一步: yrd feed show NAME --lang zh；--long 显示全称与可见依据",
}  # fmt: skip
_EN = {
    "everybody": "seen by everybody", "through": "seen through {columns}",
    "next": "next: yrd feed show NAME; --long for whole titles",
}  # fmt: skip
_WIDE = 100  # columns of a line of the list
Lang = Annotated[str, typer.Option("--lang", help="zh or en.")]


@app.command(name="list")
def list_feeds(
    long: Annotated[
        bool, typer.Option("--long", help="Whole titles, and who sees the reports.")
    ] = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """List the feeds: one line a way of reporting, read by one spec file.

    Status: public = the format is a published standard; stand-in = ours, because the market's own
    wire format is not public; ours = made for this project. Kind: what a record is. Late: how long
    after it happened a record still counts as on time. Cases: example submissions with what must
    come of them. Certificate: whether the spec has one. --long adds, below each line, the titles
    and the columns through which a region sees its reports.

    Exit status: 0; 2 where a spec is wrong, with its file and line.
    """
    with guarded():
        from connectors.feeds.registry import load_feeds
        from yrd.settings import Settings

        check_lang(lang)
        rows = [_brief(feed) for feed in load_feeds(Settings().feed_folders).values()]
        if as_json:
            emit(rows, as_json)
            return
        say = _ZH if lang == "zh" else _EN
        titles = ("format", "status", "kind", "market", "late", "cases", "certificate")
        heads: dict[str, Any] = dict(zip(_HEADS, titles, strict=True))
        wide = max(len(row["name"]) for row in rows) + 2
        for row in [{"name": say.get("feed", "feed"), **heads, "title": {}}, *rows]:
            told = "".join(
                filled(say.get(str(row[key]), str(row[key])), size) for key, size in _HEADS.items()
            )
            title = row["title"].get(lang, say.get("title", "title"))
            first, *more = _wrapped("" if long else title, wide + sum(_HEADS.values()))
            _line(f"{filled(row['name'], wide)}{told}{first}".rstrip())
            for part in more:
                _line(part)
            if long and row["title"]:
                _line(f"  {row['title']['en']}; {row['title']['zh']}")
                seen = say["through"].format(columns=", ".join(row["entitled_by"]))
                _line(f"  {say['everybody'] if row['public'] else seen}")
        _line(f"\n{say['next']}")


def _wrapped(title: str, indent: int) -> list[str]:
    """A title in the last column; what does not fit goes on below, in the same column."""
    width = max(stdout.width, _WIDE) if stdout.is_terminal else _WIDE
    first, *more = wrap(title, max(width - indent, 16)) or [""]
    return [first, *(" " * indent + part for part in more)]


def _line(text: str) -> None:
    stdout.print(text, markup=False, highlight=False, soft_wrap=True)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A feed's name, as `yrd feed list` prints it.")
    ],
    lang: Lang = "en",
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", help="Folder of published versions: adds volumes and lateness."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show one feed: whose data it is, where every field comes from, who may see its reports.

    The catalogue entry says owner, need list, responsibility list, resource catalogue, contact
    role, data level, certificate and adopted versions.

    Each field has its canonical name, its type, `required` where a record without it is rejected,
    the source path behind `<-`, and how the text there is read. The spec hash names the exact bytes
    of the spec and its functions; every report carries it.

    Exit status: 0; 2 no such feed, or a spec is wrong.
    """
    with guarded():
        from connectors.feeds.registry import load_feeds
        from schemas.errors import InputError
        from yrd.settings import Settings

        check_lang(lang)
        settings = Settings()
        feeds = load_feeds(settings.feed_folders)
        if name not in feeds:
            raise InputError(f"feed {name!r}: expected one of {', '.join(feeds)}")
        told = _described(feeds[name]) | entry(feeds[name], settings, ledger)
        if as_json:
            emit(told, as_json)
        else:
            feed_told.print_feed(told, lang)
            for one in ["", *lines(told, lang)]:
                stdout.print(one, markup=False, highlight=False, soft_wrap=True)


def _brief(feed: "Feed") -> dict[str, Any]:
    from schemas.visibility import visibility

    return {
        "name": feed.name,
        "title": {"zh": feed.title_zh, "en": feed.title_en},
        "format": feed.format,
        "encoding": feed.encoding,
        "status": feed.status,
        "kind": feed.kind,
        "market": feed.market,
        "lateness": _span(feed.lateness_us // 1_000_000),
        "lateness_s": feed.lateness_us // 1_000_000,
        "entitled_by": list(
            dict.fromkeys(name for one in feed.markets for name in visibility(one).entitled_by)
        ),
        "public": feed.public,
        "not_stated": dict(feed.not_stated),
        "certificate": _certified(feed),
        "examples": len(list((feed.folder / "examples").glob("*.expected.json"))),
        "spec": feed.version,
    }


def _certified(feed: "Feed") -> str:
    from connectors.kit.certificate import find
    from yrd.processes.trying import certificates
    from yrd.settings import Settings

    told = find(feed, [certificates(Settings().var)])
    return "none" if told is None else ("passed" if told["passed"] else "not passed")


def _described(feed: "Feed") -> dict[str, Any]:
    from schemas.fields import arrow_schema
    from schemas.visibility import visibility

    schema = arrow_schema(feed.kind)
    needed = {field.name for field in schema if not field.nullable}
    key = feed.key
    return _brief(feed) | {
        "file": f"{'/'.join(feed.folder.parts[-3:])}/spec.toml",
        "record": "/".join(feed.record),
        "business_calendar": feed.business_calendar,
        "undecided": feed.undecided,
        "key": None
        if key is None
        else {
            "fields": [list(one) for one in key.alternatives],
            "scope": key.scope,
            "absent": list(key.absent),
        },
        "fields": [_field(one, needed) for one in feed.columns],
        "parts_of_the_key": [_field(one, set()) for one in feed.locals],
        "parties": [_party(one) for one in feed.parties],
        "constants": dict(feed.constants),
        "totals": {
            "records": feed.total_records,
            "sum": list(feed.total_sum) if feed.total_sum else None,
        },
        "skipped": [{"field": path, "in": list(values)} for path, values in feed.skip],
        "ignored": list(feed.ignored),
        "visibility": [_visibility(visibility(market)) for market in feed.markets],
    }


def _visibility(market: "Visibility") -> dict[str, Any]:
    return {
        "market": {"zh": market.zh, "en": market.en},
        "reporters": market.reporters,
        "entitled_by": list(market.entitled_by),
        "expected_reports_of_a_transaction": market.legs_both,
        "pair_wait_s": market.pair_wait_s,
        "held_nationally_by": {
            "zh": market.held_nationally_by.zh,
            "en": market.held_nationally_by.en,
        },
        "status": market.status,
        "note": market.note,
    }


def _field(column: "Column", needed: set[str]) -> dict[str, Any]:
    return {
        "name": column.name,
        "source": column.source,
        "type": _type(str(column.type)),
        "required": column.required or column.name in needed,
        "reading": _reading(column),
    }


_TYPES = {
    "timestamp[us, tz=UTC]": "time (UTC, microseconds)",
    "date32[day]": "date",
    "fixed_size_binary[16]": "hash of 16 bytes",
    "string": "text",
    "int64": "whole number",
}


def _type(arrow: str) -> str:
    if arrow.startswith("dictionary"):
        return "code"
    return _TYPES.get(arrow, arrow.replace("decimal128", "decimal"))


def _reading(column: "Column") -> str:
    """The options of a field that say how its text is read, in one line."""
    said = {"first": "first that is there", "join": "joined", "which": "the one that is there"}
    parts = [said[column.how]] if column.how in said else []
    for name, value in column.options.items():
        if name in ("from", "first", "join", "which", "required", "optional", "expect"):
            continue
        if name == "map":
            parts.append(f"{len(value)} codes")
        elif name == "python":
            parts.append(f"function {str(value).rpartition(':')[2]}")
        elif name == "fallback":
            names = ["the record's number" if one == "#" else one for one in value["join"]]
            parts.append(f"else {' + '.join(names)}")
        elif value is True:
            parts.append(name)
        elif isinstance(value, list):
            parts.append(f"{name} {', '.join(map(str, value))}")
        else:
            parts.append(f"{name} {value}")
    return "; ".join(parts)


def _party(party: "Party") -> dict[str, Any]:
    return {
        "prefix": party.prefix,
        "required": party.required,
        "ids": [
            {
                "from": one.path,
                "schemes": list(one.schemes),
                "type_from": one.type_path,
                "types": dict(one.types),
            }
            for one in party.ids
        ],
        "name": party.name,
        "account": list(party.account),
        "agent": list(party.agent),
        "person": party.person,
    }


def _span(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % size == 0 and seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
