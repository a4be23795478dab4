"""`yrd ask`: a question to the published ledger, in SQL or by a view's name."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli.common import Json, check_lang, emit, guarded, stderr, stdout

if TYPE_CHECKING:
    from serving.answers.ask import Answer

SHOWN, SHOWN_TALL = 40, 10  # rows on a screen: one a line, and one field a line
DEFAULT = Path("var/demo/ledger")


def ask(
    question: Annotated[
        str | None, typer.Argument(metavar="SQL", help="One SELECT statement.")
    ] = None,
    ledger: Annotated[
        Path, typer.Option(help="Folder of published versions, or one version's file.")
    ] = DEFAULT,
    view: Annotated[str | None, typer.Option(help="A named relation instead of SQL.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Ask what was known then: 2026-04-30 or 2026-04-30T08:00."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv, parquet or arrow.")] = "table",
    out: Annotated[Path | None, typer.Option(help="File to write instead of stdout.")] = None,
    lang: Annotated[
        str, typer.Option("--lang", help="Language of the blind spots: zh or en.")
    ] = "en",
    caveats: Annotated[
        str, typer.Option("--caveats", help="Blind spots on the screen: short or all.")
    ] = "short",
    as_json: Json = False,
) -> None:
    """Ask the published ledger a question, read-only, while it is being loaded.

    Views: alerts, alert_evidence, hidden_by_split, region_flow_daily, feed_health, tx, holding.
    Every answer ends with its blind spots: on stdout with a table, in the metadata of parquet and
    arrow, and for csv on stderr or, with --out, in FILE.about.json. On a screen many of one kind
    are counted; --caveats all, files and JSON have every one.

    Exit status: 0 answered, 2 a question or ledger that cannot be used.
    """
    with guarded():
        from pipelines.rules.registry import load_rules
        from schemas.errors import InputError
        from serving.answers.ask import ask as ask_ledger
        from serving.answers.ask import parse_time
        from serving.answers.exports import FORMATS, about, plain
        from serving.publish import open_version

        if form not in ("table", *FORMATS):
            raise InputError(f"--format: expected one of table, {', '.join(FORMATS)}")
        check_lang(lang)
        if caveats not in ("short", "all"):
            raise InputError("--caveats: expected short or all")
        known_at = parse_time(as_of) if as_of else None
        connection, version = open_version(ledger)
        with connection:
            answer = ask_ledger(connection, question, view, list(load_rules()), version, known_at)
        if as_json:
            rows = [plain(row) for row in answer.table.to_pylist()]
            emit(about(answer) | {"columns": answer.table.schema.names, "answer": rows}, as_json)
        elif form == "table" and out is None:
            _show(answer, _told(answer, lang, caveats))
        else:
            told = _told(answer, lang, caveats)
            _write(answer, "csv" if form == "table" else form, out, told)


def _told(answer: "Answer", lang: str, caveats: str) -> list[str]:
    """The blind spots as lines for a screen."""
    from serving.answers.folding import folded

    spots = answer.blind_spots if caveats == "all" else folded(answer.blind_spots)
    return [f"  - {spot.zh if lang == 'zh' else spot.en}" for spot in spots]


def _show(answer: "Answer", told: list[str]) -> None:
    from rich.table import Table

    from serving.answers.exports import plain

    cells = [
        [_cell(_clock(value) or plain(value)) for value in row.values()]
        for row in answer.table.slice(0, SHOWN).to_pylist()
    ]
    names = answer.table.schema.names
    width = sum(max(map(len, column)) + 2 for column in zip(names, *cells, strict=True))
    if width <= stdout.width or not cells:
        drawn = Table(box=None, pad_edge=False, header_style="bold")
        for field in answer.table.schema:
            drawn.add_column(field.name, overflow="fold", justify=_side(field.type))
        for row in cells:
            drawn.add_row(*row)
    else:  # too wide for a line: one field a line, a blank line between rows
        cells = cells[:SHOWN_TALL]
        drawn = Table(box=None, pad_edge=False, show_header=False)
        for row in cells:
            for name, cell in zip(names, row, strict=True):
                drawn.add_row(name, cell)
            drawn.add_row()
    if names:
        stdout.print(drawn)
    rows = answer.table.num_rows
    more = f", {len(cells)} shown; --format csv writes all" if rows > len(cells) else ""
    stdout.print(
        f"\n{rows:,} {'row' if rows == 1 else 'rows'}{more}", markup=False, highlight=False
    )
    for line in told:
        stdout.print(line, markup=False, highlight=False, soft_wrap=True)


def _write(answer: "Answer", form: str, out: Path | None, told: list[str]) -> None:
    import json

    from schemas.errors import InputError
    from serving.answers.exports import about, to_bytes

    data = to_bytes(answer, form)
    try:
        if out is None:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
        else:
            out.write_bytes(data)
            if form == "csv":
                beside = json.dumps(about(answer), ensure_ascii=False, indent=1)
                out.with_name(out.name + ".about.json").write_text(beside + "\n", encoding="utf-8")
    except OSError:
        raise InputError(f"--out: {out}: expected a file that can be written") from None
    if out is not None:
        stderr.print(f"{answer.table.num_rows} rows written to {out}", highlight=False)
    for line in told:
        stderr.print(line, markup=False, highlight=False)


def _side(kind: Any) -> Any:  # noqa: ANN401 - Arrow types carry no stubs
    import pyarrow as pa

    number = pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind)
    return "right" if number else "left"


def _clock(value: Any) -> str:  # noqa: ANN401
    """An instant without idle noughts, `Z` where it is UTC; empty for anything else."""
    from datetime import datetime

    if not isinstance(value, datetime):
        return ""
    text = value.replace(tzinfo=None).isoformat(" ")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text}Z" if value.tzinfo else text


def _cell(value: Any) -> str:  # noqa: ANN401
    from rich.markup import escape

    return "" if value is None else escape(str(value))
