"""`yrd quarantine list` and `show ID`: what waits for the operator, without showing a value."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli.common import Json, check_lang, emit, guarded, stdout
from yrd.cli.expected_words import expected_in, place_in

if TYPE_CHECKING:
    from ledger.duck import Connection

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="List and show what is quarantined or held.",
)
Ledger = Annotated[
    Path, typer.Option("--ledger", help="Folder of published versions, or one version's file.")
]
Lang = Annotated[str, typer.Option("--lang", help="zh or en.")]
DEFAULT = Path("var/demo/ledger")
SHOWN = 40
DUMPED = 4_096  # bytes; a longer stretch is cut, and says so
_HELD = {"quarantined": "隔离", "held": "暂扣", "released": "已放行"}  # statuses in Chinese
_HEADS = (
    ("报送", "submission"), ("来自", "from"), ("收到", "received"), ("位置", "where"),
    ("字段", "field"), ("应为", "expected"), ("处理", "to do"),
)  # fmt: skip
WHOLE = "whole"  # in an id: the submission itself waits, not one of its records


@app.command(name="list")
def list_waiting(
    ledger: Ledger = DEFAULT,
    reason: Annotated[
        str | None, typer.Option(help="Only this reason, such as ENG-UNKNOWN-FIELD, one by one.")
    ] = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed's.")] = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """List what waits for the operator: by feed, reason and field; with --reason, one by one.

    Quarantined: a record nobody could decide about. Held: a whole submission whose source has
    changed or whose totals do not match; nobody was refused for it.

    Exit status: 0 (also where nothing waits), 2 a ledger, reason or feed that cannot be used.
    """
    with guarded():
        from serving.answers.exports import plain
        from serving.publish import open_version

        check_lang(lang)
        connection, _ = open_version(ledger)
        with connection:
            _known(connection, "reason", reason)
            _known(connection, "feed", feed)
            bound = {"reason": reason, "feed": feed}
            found = connection.sql(_ITEMS if reason else _GROUPS, bound).to_pylist()
        rows: list[dict[str, Any]] = [plain(row) for row in found]
        if as_json:
            emit(rows, as_json)
        elif reason:
            _print_items(rows, lang)
        else:
            _print_groups(rows, lang)


@app.command()
def show(
    item: Annotated[str, typer.Argument(metavar="ID", help="As `yrd quarantine list` prints it.")],
    ledger: Ledger = DEFAULT,
    read: Annotated[
        bool, typer.Option("--bytes", help="Read the submitted bytes; needs --purpose.")
    ] = False,
    purpose: Annotated[
        str | None, typer.Option(help="Why the bytes are read; logged with who read them.")
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="With --bytes: print them, in hex and as text.")
    ] = False,
    tape: Annotated[
        Path | None, typer.Option(help="Where the bytes lie; default: the tape beside the ledger.")
    ] = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Show one item: where it stands, why it waits, what was expected, what to do.

    The bytes hold clear names and accounts. They stay where they are unless --bytes is given with
    a --purpose: then they are read and compared with their hash, and the reading is logged to
    stderr with who, what and why, before a byte is touched. Only --reveal prints them.

    Exit status: 0; 2 no such item, no purpose, or bytes that are not there.
    """
    with guarded():
        from schemas.errors import InputError
        from serving.publish import open_version

        check_lang(lang)
        if read and not (purpose or "").strip():
            raise InputError(
                "--purpose: expected why the bytes are read, such as "
                '--purpose "ask the bank about the new field"; it is logged'
            )
        if not read and (purpose is not None or reveal):
            raise InputError("--bytes: expected beside --purpose and --reveal; add it")
        connection, _ = open_version(ledger)
        with connection:
            told = _item(connection, item, lang)
        body = b""
        if read:
            body = _read(told, tape or ledger.parent / "tape", str(purpose))
            told["bytes_read"] = len(body)
            if reveal:
                told["dump"] = _dump(body, int(told["byte_start"]))
        if as_json:
            emit(told, as_json)
        else:
            _print_item(told, len(body) if read else None, lang)


def _known(connection: "Connection", column: str, wanted: str | None) -> None:
    from schemas.errors import InputError

    there = [row[0] for row in connection.rows(f"SELECT DISTINCT {column} FROM quarantine")]
    if wanted is not None and wanted not in there:
        names = ", ".join(sorted(there)) or "none: nothing waits in this ledger"
        raise InputError(f"--{column}: expected one of {names}")


# An item is named by the beginning of its submission's hash and the record's number in it, from 0.
_ID = f"""
substr(lower(hex(submission_id)), 1, 12) || ':'
    || CASE WHEN record < 0 THEN '{WHOLE}' ELSE record::VARCHAR END
"""
_GROUPS = f"""
SELECT feed, reason, field, status, count(*) AS records,
    count(DISTINCT (submission_id, submitter)) AS submissions,
    min(received_at) AS since, beijing(min(received_at)) AS since_beijing,
    max(received_at) AS last, beijing(max(received_at)) AS last_beijing,
    any_value(expected) AS expected, arg_min({_ID}, (received_at, record)) AS first_id
FROM quarantine
WHERE status <> 'released' AND $reason IS NULL AND ($feed IS NULL OR feed = $feed)
GROUP BY feed, reason, field, status
ORDER BY records DESC, feed, reason, field
"""
_ITEMS = f"""
SELECT {_ID} AS id, feed, submitter, status, reason, field, expected, locator,
    received_at, beijing(received_at) AS received_beijing
FROM quarantine
WHERE status <> 'released' AND reason = $reason AND ($feed IS NULL OR feed = $feed)
ORDER BY received_at, submission_id, record
"""
_ONE = f"""
SELECT {_ID} AS id, lower(hex(q.submission_id)) AS submission, q.feed, q.submitter, q.status,
    q.reason, q.field, q.expected, q.locator, q.record, q.byte_start, q.byte_end,
    q.received_at, beijing(q.received_at) AS received_beijing,
    (SELECT any_value(data_origin) FROM submission s WHERE s.submission_id = q.submission_id)
        AS data_origin
FROM quarantine q
WHERE starts_with(lower(hex(q.submission_id)), $submission) AND q.record = $record
ORDER BY q.received_at, q.reason
"""


def _item(connection: "Connection", text: str, lang: str) -> dict[str, Any]:
    from schemas.errors import InputError
    from serving.answers.exports import plain
    from yrd.cli.cures import cure, meaning

    start, _, number = text.lower().partition(":")
    wrong = InputError(
        f"quarantine {text!r}: expected an id such as 82fad7905ce9:24 or 82fad7905ce9:{WHOLE}, as "
        "`yrd quarantine list` prints it"
    )
    if not 4 <= len(start) <= 64 or set(start) - set("0123456789abcdef"):
        raise wrong
    if number != WHOLE and not (number.isascii() and number.isdigit() and len(number) < 19):
        raise wrong
    record = -1 if number == WHOLE else int(number)
    rows = connection.sql(_ONE, {"submission": start, "record": record}).to_pylist()
    if not rows:
        raise InputError(
            f"quarantine {text!r}: expected an item of this ledger; `yrd quarantine list` has them"
        )
    if len({row["submission"] for row in rows}) > 1:
        raise InputError(
            f"quarantine {text!r}: expected the beginning of one submission's hash, more begin so; "
            "give more of it"
        )
    told: dict[str, Any] = plain(rows[0])
    return told | {
        "meaning": meaning(told["reason"], lang),
        "to_do": cure(told["reason"], "quarantined", lang),
    }


def _read(told: dict[str, Any], tape: Path, purpose: str) -> bytes:
    """The item's stretch of the submitted bytes; the reading is logged first."""
    import structlog

    from connectors.ends.tape import Tape
    from connectors.engine.gate import RefusedError, readable
    from connectors.feeds.registry import load_feeds
    from schemas.errors import InputError

    reader = Tape(tape)
    structlog.get_logger().critical(  # of all levels the one that no setting leaves out
        "submitted bytes are read",
        who=_who(),
        purpose=purpose,
        submission=told["submission"],
        item=told["id"],
        tape=str(tape),
    )
    wanted = bytes.fromhex(told["submission"])
    body = _find(reader, wanted)
    if body is None:
        raise InputError(
            f"tape {tape}: expected submission {told['submission'][:12]}, it is not there; name "
            "the tape the ledger was loaded from with --tape"
        )
    try:  # byte ranges count in what a packed submission expands to
        whole = bytes(readable(body, load_feeds()[told["feed"]]))
    except (RefusedError, KeyError):
        whole = body
    return whole[int(told["byte_start"]) : int(told["byte_end"])]


def _find(reader: Any, wanted: bytes) -> bytes | None:  # noqa: ANN401 - a tape, loaded late
    for number in range(len(reader.segments())):
        table = reader.read(number)
        for row, sha256 in enumerate(table["sha256"].to_pylist()):
            if sha256 == wanted:
                body: bytes = table["body"][row].as_py()
                return body
    return None


def _who() -> str:
    """The user this process runs as; not what the environment claims."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _dump(body: bytes, start: int) -> list[str]:
    """Sixteen bytes a line: where, in hex, as text; the first `DUMPED` bytes."""
    lines = []
    for at in range(0, min(len(body), DUMPED), 16):
        part = body[at : at + 16]
        text = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
        lines.append(f"{start + at:08x}  {part.hex(' '):<47}  {text}")
    if len(body) > DUMPED:
        lines.append(f"... {len(body) - DUMPED:,} bytes more")
    return lines


def _line(text: str) -> None:
    stdout.print(text, markup=False, highlight=False)


def _print_groups(rows: list[dict[str, Any]], lang: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from yrd.cli.cures import meaning

    table = Table(box=None, pad_edge=False)
    zh = lang == "zh"
    table.add_column("记录" if zh else "records", justify="right")
    why = "原因、数据源、字段" if zh else "reason, feed, field"
    for head in (
        why,
        *(("始自（北京时间）", "首条编号") if zh else ("since (Beijing)", "first id")),
    ):
        table.add_column(head, no_wrap=head != why, overflow="fold")
    for row in rows[:SHOWN]:
        status = _HELD.get(row["status"], row["status"]) if zh else row["status"]
        held = "" if row["status"] == "quarantined" else f" ({status})"
        table.add_row(
            f"{row['records']:,}",
            f"[bold]{row['reason']}[/bold]{held}\n"
            + escape(f"{row['feed']}, {row['field']}:\n{meaning(row['reason'], lang)}"),
            row["since_beijing"][:16].replace("T", " "),
            row["first_id"],
        )
    if rows:
        stdout.print(table)
    total = sum(row["records"] for row in rows)
    if zh:
        more = f"；{len(rows)} 类中列出 {SHOWN} 类，--json 列出全部" if len(rows) > SHOWN else ""
        _line(f"\n{total:,} 条记录待处理{more}" if rows else "没有待处理的记录")
    else:
        more = (
            f"; {SHOWN} of {len(rows)} kinds shown, --json shows all" if len(rows) > SHOWN else ""
        )
        _line(f"\n{total:,} records wait{more}" if rows else "nothing waits")
    if rows:
        following = "下一步" if zh else "next"
        _line(f"{following}: yrd quarantine list --reason REASON; yrd quarantine show ID")


def _print_items(rows: list[dict[str, Any]], lang: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from yrd.cli.cures import meaning

    table = Table(box=None, pad_edge=False)
    heads = (
        ("编号", "收到（北京时间）", "报送方", "字段与位置")
        if lang == "zh"
        else ("id", "received (Beijing)", "submitter", "field and place")
    )
    for head in heads:
        table.add_column(head, no_wrap=head != heads[-1], overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(
            row["id"],
            row["received_beijing"][:16].replace("T", " "),
            row["submitter"],
            escape(f"{row['field']}\n{place_in(row['locator'], lang == 'zh')}"),
        )
    stdout.print(table)
    reason = rows[0]["reason"] if rows else ""
    if lang == "zh":
        more = f"，列出最早的 {SHOWN} 条；--json 列出全部" if len(rows) > SHOWN else ""
        _line(f"\n{len(rows):,} 条记录待处理: {reason}，{meaning(reason, lang)}{more}")
        _line("下一步: yrd quarantine show ID")
        return
    more = f", the oldest {SHOWN} shown; --json shows all" if len(rows) > SHOWN else ""
    _line(f"\n{len(rows):,} records wait: {reason}, {meaning(reason, lang)}{more}")
    _line("next: yrd quarantine show ID")


def _print_item(told: dict[str, Any], size: int | None, lang: str) -> None:
    zh = lang == "zh"
    status = _HELD.get(told["status"], told["status"]) if zh else told["status"]
    _line(f"{told['id']}  {status}: {told['reason']}, {told['meaning']}")
    received = told["received_beijing"].replace("T", " ")
    stretch = f"{told['byte_start']:,}", f"{told['byte_end']:,}"
    said = (
        told["submission"],
        f"{told['submitter']}，数据源 {told['feed']}，{told['data_origin']} 数据"
        if zh
        else f"{told['submitter']} through {told['feed']}, {told['data_origin']} data",
        f"{received} {'北京时间' if zh else 'Beijing time'}",
        f"{place_in(told['locator'], zh)}（字节 {' 至 '.join(stretch)}）"
        if zh
        else f"{told['locator']} (bytes {' to '.join(stretch)})",
        told["field"],
        expected_in(told["reason"], told["expected"], zh),
        told["to_do"],
    )
    for (head_zh, head_en), text in zip(_HEADS, said, strict=True):
        head = f"{head_zh}: " if zh else f"{head_en:<11}"
        stdout.print(f"  {head}{text}", markup=False, highlight=False, soft_wrap=True)
    if size is None:
        return
    _line(
        f"\n已读 {size:,} 字节，其所属报送的哈希无误"
        if zh
        else f"\n{size:,} bytes read, of a submission whose hash is right"
    )
    for line in told.get("dump", ["加 --reveal 显示" if zh else "--reveal prints them"]):
        stdout.print(line, markup=False, highlight=False, soft_wrap=True)
