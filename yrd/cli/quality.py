"""`yrd quality rules` and `yrd quality day DAY`: what is checked, and how a closed day did."""

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli.common import NEGATIVE, Json, check_lang, emit, guarded, progress, stdout

if TYPE_CHECKING:
    from quality.rules import Rule
    from quality.suites import DayResult

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Validation rules and the checkpoint of a closed day.",
)

_EN = {
    "rules": "rule|severity|field|expected",
    "listed": "{count} rules; `--json` shows their markets, SQL, dates and standards",
    "checks": "check|outcome|expected|where it failed",
    "ok": "ok", "failed": "failed", "passed": "passed", "warning": "warning",
    "nothing": "nothing to judge",
    "day": "{day} ({origin}): {verdict}; pages in {docs}",
}  # fmt: skip
_ZH = {
    "rules": "规则|级别|字段|应为",
    "listed": "{count} 条规则；`--json` 列出其市场、SQL、日期与标准",
    "checks": "检查|结果|应为|未通过之处",
    "ok": "通过", "failed": "未通过", "passed": "通过", "warning": "提示", "fatal": "退回",
    "nothing": "无可判断",
    "day": "{day}（{origin}）：{verdict}；页面在 {docs}（页面为英文）",
}  # fmt: skip
Lang = Annotated[str, typer.Option("--lang", help="zh or en.")]
LEDGER = Path("var/demo/ledger")
DOCS = Path("var/quality")


@app.command()
def rules(
    market: Annotated[
        str | None, typer.Option(help="Only the rules of one market, such as PYMT, LOAN or BILL.")
    ] = None,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """List the validation rules: fatal rejects a record, warning marks it.

    Exit status: 0; 2 where there is no such market or language.
    """
    with guarded():
        from rich.table import Table

        from quality.rules import catalogue
        from schemas.errors import InputError

        check_lang(lang)
        markets = sorted({name for rule in catalogue() for name in rule.markets})
        if market is not None and market not in markets:
            raise InputError(f"--market: expected one of {', '.join(markets)}")
        chosen = [rule for rule in catalogue() if market is None or market in rule.markets]
        if as_json:
            emit([_described(rule) for rule in chosen], as_json)
            return
        table = Table(box=None, pad_edge=False)
        say = _ZH if lang == "zh" else _EN
        for number, head in enumerate(say["rules"].split("|")):
            table.add_column(head, overflow="fold", no_wrap=number < 2)
        for rule in chosen:
            expected = rule.zh if lang == "zh" else rule.en
            severity = say.get(rule.severity, rule.severity)
            table.add_row(rule.id, severity, rule.field, expected)
        stdout.print(table)
        stdout.print(say["listed"].format(count=len(chosen)), highlight=False)


@app.command()
def day(
    business_day: Annotated[
        str, typer.Argument(metavar="DAY", help="A closed business day, such as 2026-03-10.")
    ],
    ledger: Annotated[
        Path, typer.Option(help="Folder of published versions, or one version's file.")
    ] = LEDGER,
    docs: Annotated[
        Path, typer.Option(help="Folder for the Data Docs; one folder a day in it.")
    ] = DOCS,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Check a closed day of the ledger: freshness, completeness, volume, codes, sub-ranges.

    Runs one Great Expectations checkpoint and leaves its Data Docs in DOCS/DAY. Takes about fifteen
    seconds, ten of them to load Great Expectations.

    Exit status: 0 the day passed (warnings may be shown), 1 a critical check failed, 2 a day or
    ledger that cannot be used.
    """
    with guarded():
        from ledger.ddl import check_format
        from quality.suites import profile, run_day
        from schemas.errors import InputError
        from serving.publish import open_version

        check_lang(lang)
        try:
            wanted = datetime.date.fromisoformat(business_day)
        except ValueError:
            raise InputError("DAY: expected a date, such as 2026-03-10") from None
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read by the library when it is imported
        with progress(quiet=as_json) as bar:
            task = bar.add_task("counting the day", total=2)
            connection, _ = open_version(ledger)
            with connection:
                origin = check_format(connection)
                tables = profile(connection, wanted)
            bar.update(task, advance=1, description="running the checkpoint")
            result = run_day(tables, wanted, docs)
            bar.advance(task)
        if as_json:
            emit(_answer(result, origin), as_json)
        else:
            _show(result, origin, lang)
        if not result.passed:
            raise typer.Exit(NEGATIVE)


def _described(rule: "Rule") -> dict[str, Any]:
    return {
        "id": rule.id,
        "version": rule.version,
        "severity": rule.severity,
        "stage": rule.stage,
        "scope": rule.scope,
        "kinds": rule.kinds,
        "markets": rule.markets,
        "event_types": rule.event_types,
        "source_systems": rule.source_systems,
        "field": rule.field,
        "standard": rule.standard,
        "expected": {"zh": rule.zh, "en": rule.en},
        "sql": rule.sql,
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
    }


def _answer(result: "DayResult", origin: str) -> dict[str, Any]:
    return {
        "day": result.day,
        "data_origin": origin,
        "passed": result.passed,
        "docs": str(result.docs),
        "checks": [
            {
                "id": one.check.id,
                "severity": one.check.severity,
                "passed": one.passed,
                "rows": one.rows,
                "failing": one.labels,
                "expected": {"zh": one.check.zh, "en": one.check.en},
            }
            for one in result.results
        ],
    }


def _show(result: "DayResult", origin: str, lang: str) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    say = _ZH if lang == "zh" else _EN
    for head in say["checks"].split("|"):
        table.add_column(head, overflow="fold")
    for one in result.results:
        failed = f"[red]{say['failed']}[/red]" if one.check.severity == "critical" else ""
        outcome = say["nothing"] if not one.rows else say["ok"] if one.passed else failed
        expected = one.check.zh if lang == "zh" else one.check.en
        labels = "; ".join(one.labels)
        table.add_row(one.check.id, outcome or say["warning"], expected, labels)
    stdout.print(table)
    told = say["day"].format(
        day=result.day,
        origin=origin,
        verdict=say["passed" if result.passed else "failed"],
        docs=result.docs,
    )
    stdout.print(told, highlight=False)
