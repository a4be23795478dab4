"""`yrd alert list` and `explain`: what was found, told in words; the other commands join."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from yrd.cli import alert_outcome, alert_verify, alert_why_not
from yrd.cli.common import Json, check_lang, emit, guarded, stdout

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="List, explain and verify alerts."
)
app.command(name="why-not")(alert_why_not.why_not)
app.command()(alert_verify.verify)
app.command()(alert_outcome.outcome)
Ledger = Annotated[
    Path, typer.Option("--ledger", help="Folder of published versions, or one version's file.")
]
Lang = Annotated[str, typer.Option("--lang", help="zh or en.")]
DEFAULT = Path("var/demo/ledger")
# By language: English, Chinese. A region alone: nothing, part of the evidence, at least half of it.
_HEADS = (
    ("id, Beijing time", "rule, variant, peak", "SH", "JS", "ZJ", "AH", "hidden"),
    ("预警、北京时间", "规则、口径、峰值", "上海", "江苏", "浙江", "安徽", "隐藏"),
)
_REGIONS = ("shanghai", "jiangsu", "zhejiang", "anhui")
_SOLO = {"none": ("-", "-"), "partial": ("part", "部分"), "seen": ("seen", "看到")}
_HIDDEN = ("yes", "是")
_MOST = 40  # parties, and lines of arithmetic, on a screen
_EVERY = "(SELECT * FROM alert_history WHERE known_to IS NULL)"


@app.command(name="list")
def list_alerts(
    ledger: Ledger = DEFAULT,
    rule: Annotated[str | None, typer.Option(help="Only this rule's.")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Only those hidden by split.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Withdrawn alerts too.")] = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """List the alerts in force, the earliest first, with what each region alone saw.

    With --all those that were withdrawn are listed too, with what took their place.

    Exit status: 0; 2 a ledger or rule that cannot be used.
    """
    with guarded():
        from rich.table import Table

        from pipelines.rules.registry import load_rules
        from schemas.errors import InputError
        from serving.answers import words
        from serving.answers.exports import plain
        from serving.answers.outcomes import by_alert
        from serving.publish import open_version

        check_lang(lang)
        if rule is not None and rule not in load_rules():
            raise InputError(f"--rule: expected one of {', '.join(load_rules())}")
        source = _EVERY if every else "alerts"
        connection, _ = open_version(ledger)
        with connection:
            found = connection.sql(
                f"SELECT *, epoch_us(first_crossing) AS first_us FROM {source} "
                "WHERE ($rule IS NULL OR rule = $rule) AND (NOT $hidden OR hidden_by_split) "
                "ORDER BY first_crossing, alert_id",
                {"rule": rule, "hidden": hidden},
            ).to_pylist()
            known = by_alert(connection, alert_outcome.recorded())
        newest = {name: said[-1].outcome for name, said in known.items()}
        if as_json:
            rows = [plain(row) | {"outcome": newest.get(row["alert_id"])} for row in found]
            emit(rows, as_json)
            return
        chinese = lang == "zh"
        table = Table(box=None, pad_edge=False)
        for head in _HEADS[chinese]:
            table.add_column(head, no_wrap=head not in ("rule, variant, peak", "规则、口径、峰值"))
        for row in found:
            peak = words.measure(row["peak_measure"], row["unit"], "zh" if chinese else "en")
            variant = f"/{row['variant']}" if row["variant"] != row["rule"] else ""
            table.add_row(
                f"{row['alert_id'][:12]}\n{words.beijing(row['first_us'])[:16]}",
                f"{row['rule']}{variant}\n{_fate(row, peak, chinese)}"
                + _said(newest.get(row["alert_id"]), chinese),
                *[_SOLO[row[region]][chinese] for region in _REGIONS],
                _HIDDEN[chinese] if row["hidden_by_split"] else "",
            )
        stdout.print(table)
        gone = sum(bool(row.get("withdrawn")) for row in found)
        if gone:
            stdout.print(
                f"\n{gone} 条已撤回" if chinese else f"\n{gone} of them withdrawn", highlight=False
            )
        origins = sorted({row["data_origin"] for row in found})
        split = sum(row["hidden_by_split"] for row in found)
        stdout.print(
            f"\n{len(found)} 条预警，其中 {split} 条因分割而被隐藏；数据来源 "
            f"{'、'.join(origins) or '无'}；仅限四地，数字均为下限"
            if chinese
            else f"\n{words.several(len(found), 'alert', 'alerts')}, {split} hidden by split; data "
            f"origin {', '.join(origins) or 'none'}; four regions only: at least",
            highlight=False,
        )


@app.command()
def explain(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="As `alert list` prints it.")],
    ledger: Ledger = DEFAULT,
    lang: Lang = "en",
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page with pictures.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every party and line of many.")] = False,
    as_json: Json = False,
) -> None:
    """Tell one alert: rule, legal status, arithmetic, what each region saw, what only all see.

    Amounts in CNY (in Chinese in 万元), Beijing time, parties as A, B, C (甲, 乙, 丙): the same for
    every reader. What was recorded with `alert outcome` stands at the end.

    Exit status: 0; 2 no such alert, or a page that cannot be written.
    """
    with guarded():
        from schemas.errors import InputError
        from serving.answers import explain_text
        from serving.answers.explain import explanation
        from serving.answers.outcomes import by_alert
        from serving.publish import open_version

        check_lang(lang)
        connection, _ = open_version(ledger)
        with connection:
            told = explanation(connection, alert_id)
            known = by_alert(connection, alert_outcome.recorded())
        outcomes = known.get(told.alert.alert_id, ())
        if html is not None:
            from serving.desk.page.single import alert_page

            try:
                html.write_text(alert_page(told), encoding="utf-8")
            except OSError:
                raise InputError(f"--html: {html}: expected a file that can be written") from None
        if as_json:
            emit(asdict(told) | {"outcomes": [asdict(one) for one in outcomes]}, as_json)
        else:
            most = None if every else _MOST
            alert_outcome.show(explain_text.text(told, "zh" if lang == "zh" else "en", most))
            for line in alert_outcome.lines_of(outcomes, lang == "zh"):
                alert_outcome.show(line)
            if html is not None:
                alert_outcome.show(f"\n{html}")


def _said(outcome: str | None, chinese: bool) -> str:
    """What somebody found of an alert, if anybody looked."""
    if outcome is None:
        return ""
    names = {"confirmed": "属实", "false": "误报", "unresolved": "未决"}
    return f"；{names[outcome]}" if chinese else f"; {outcome}"


def _fate(row: dict[str, Any], peak: str, chinese: bool) -> str:
    """An alert's peak or, where it was withdrawn, what took its place."""
    if not row.get("withdrawn"):
        return peak
    heir = (row["superseded_by"] or "")[:12]
    if chinese:
        return f"已撤回，由 {heir} 替代" if heir else "已撤回"
    return f"withdrawn, now {heir}" if heir else "withdrawn"
