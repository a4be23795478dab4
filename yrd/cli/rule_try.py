"""`yrd rule try NAME`: what other numbers would raise, against today's. Nothing is published."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli.common import Json, emit, guarded, progress, staged, stdout

if TYPE_CHECKING:
    from pipelines.rules.registry import Rule

_BAR = 30
_VIEWS = {
    "joint": "joint",
    "310000": "Shanghai alone",
    "320000": "Jiangsu alone",
    "330000": "Zhejiang alone",
    "340000": "Anhui alone",
    "hidden_by_split": "hidden from each",
}


def try_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A rule's name.")],
    values: Annotated[
        list[str],
        typer.Option(
            "--set", help="NAME=VALUE in the parameter's unit, or 450000yuan, 45wan, 85%, 36h."
        ),
    ],
    on: Annotated[
        Path, typer.Option("--on", help="Folder of a tape, or of a run such as var/demo.")
    ] = Path("var/demo"),
    warmup: Annotated[
        Path | None, typer.Option(help="A tape that came before: history, not counted.")
    ] = None,
    days: Annotated[
        str | None,
        typer.Option("--days", help="Count only alerts of these days: 2026-04-20..2026-05-20."),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", help="The values are this region's own, such as 320000."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="labels.parquet, if it is not beside the tape.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write a page with the plot.")
    ] = None,
    knowledge: Annotated[
        str, typer.Option(help="Controller groups as known then (as-of) or now (today).")
    ] = "as-of",
    as_json: Json = False,
) -> None:
    """Try a rule with other numbers: alerts gained and lost against today's set.

    Alerts are matched by their evidence. Days set aside (the hold-out) are in no list and in no
    difference; their figure stands alone at the end. Alerts that begin before the history is as
    long as the rule looks back are cold and not scored. Every try is logged in var/tries.jsonl;
    nothing is published and no ledger is written.

    Exit status: 0 tried, 1 the rule was not evaluated, 2 no such rule, parameter, tape or day.
    """
    with guarded():
        from datetime import UTC, datetime

        from pipelines.rules.registry import load_rules
        from pipelines.trials.values import parse_values
        from schemas.errors import InputError
        from schemas.regions import REGIONS
        from yrd.cli.rule_names import known_rule
        from yrd.processes.rule_trying import Asked, log_try, try_rule
        from yrd.processes.tape_ledger import tried_on
        from yrd.settings import Settings

        rule = known_rule(name, load_rules())
        if region is not None and region not in REGIONS:
            raise InputError(f"--region: expected one of {', '.join(REGIONS)}")
        asked = Asked(rule, parse_values(rule, values), region, _days(days), knowledge)
        settings = Settings()
        with progress(as_json) as bar:
            told = staged(bar)

            source = tried_on(on, warmup, settings, told)
            found = try_rule(asked, source, labels, told)
        number = 0 if found["not_evaluated"] else log_try(settings.var, found, datetime.now(UTC))
        found = {"try": number} | found
        if html is not None:
            from serving.desk.page.trial import trial_page

            try:
                html.write_text(trial_page(found, rule), encoding="utf-8")
            except OSError:
                raise InputError(f"--html: {html}: expected a file that can be written") from None
        if as_json:
            emit(found, as_json)
        else:
            show(found, rule)
            if html is not None:
                stdout.print(f"\npage: {html}", highlight=False, markup=False)
        if found["not_evaluated"]:
            raise typer.Exit(1)


def _days(text: str | None) -> tuple[date, date] | None:
    from schemas.errors import InputError

    if text is None:
        return None
    first, dots, last = text.partition("..")
    try:
        low, high = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError:
        low, high = date.max, date.min
    if low > high:
        raise InputError("--days: expected a first and a last day, such as 2026-04-20..2026-05-20")
    return low, high


def show(found: Mapping[str, Any], rule: "Rule") -> None:
    """Print a try for people: what changes, a bar for each view, examples, the paired score."""
    from serving.answers import words

    origin = words.ORIGIN[found["data_origin"]][1]
    where = f" in {words.place(found['region'], 'en')}'s own set" if found["region"] else ""
    stdout.print(f"[bold]{rule.name}[/bold]{where}  \\[{found['data_origin']}: {origin}]")
    if found["note"]:
        stdout.print(f"[bold red]{found['note']}[/bold red]: groups as known today")
    for name, value in found["set"].items():
        unit = rule.parameters[name].unit
        stdout.print(f"  {name}: {found['today'][name]:,} -> {value:,} {unit}", highlight=False)
    if found["not_evaluated"]:
        stdout.print(f"not evaluated: {found['not_evaluated']}", highlight=False, markup=False)
        return
    counts = found["alerts"]
    stdout.print(
        f"\nalerts {counts['today']} -> {counts['tried']}: {counts['kept']} kept "
        f"({counts['changed']} say another thing), [bold]{counts['gained']} gained, "
        f"{counts['lost']} lost[/bold]",
        highlight=False,
    )
    _bars(found["by_view"])
    for what in ("gained", "lost"):
        _examples(what, found["examples"][what], counts[what], rule)
    cold, aside = counts["cold"], counts["set_aside"]
    if any(cold.values()):
        stdout.print(
            f"\ncold (history shorter than the horizon), not counted: {cold['today']} -> "
            f"{cold['tried']}; --warmup TAPE gives them a history",
            highlight=False,
        )
    _scored(found)
    stdout.print(
        f"\ncost {found['cpu_s']['today']} -> {found['cpu_s']['tried']} CPU-s over "
        f"{found['reports']:,} reports; set aside: {aside['today']} -> {aside['tried']} alerts",
        highlight=False,
    )
    stdout.print(
        f"try {found['try']} on this tape ({found['tape'][:12]}); nothing was published",
        highlight=False,
    )


def _bars(views: Mapping[str, Mapping[str, int]]) -> None:
    most = max(*(sum(counts.values()) for counts in views.values()), 1)
    for view, counts in views.items():
        parts = [
            (sign * round(_BAR * counts[what] / most), colour)
            for what, sign, colour in (
                ("kept", "=", "dim"),
                ("gained", "+", "green"),
                ("lost", "-", "red"),
            )
        ]
        drawn = "".join(f"[{colour}]{text}[/{colour}]" for text, colour in parts if text)
        width = sum(len(text) for text, _ in parts)
        stdout.print(
            f"  {_VIEWS[view]:<17}{drawn}{' ' * max(_BAR + 2 - width, 1)}{counts['kept']} kept, "
            f"{counts['gained']} gained, {counts['lost']} lost",
            highlight=False,
        )


def _examples(what: str, rows: list[dict[str, Any]], total: int, rule: "Rule") -> None:
    from datetime import datetime

    from rich.table import Table

    from serving.answers import words
    from serving.answers.ask import BEIJING

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = (f"{what}, Beijing time", "variant, subject", "peak, evidence", "seen alone by")
    for head in heads:
        table.add_column(head, no_wrap=head != heads[-1])
    for row in rows:
        at = datetime.fromisoformat(row["first_crossing"]).astimezone(BEIJING)
        alone = [
            f"{words.place(region, 'en')}{'' if status == 'seen' else ' (part)'}"
            for region, status in row["solo_status"].items()
            if status != "none"
        ]
        table.add_row(
            f"{at:%Y-%m-%d %H:%M}",
            f"{row['variant']}\n{row['subject_kind']} {row['subject']}",
            f"{words.measure(row['peak_measure'], rule.unit, 'en')} (band {row['peak_band']})\n"
            f"{words.several(row['evidence'], 'transaction', 'transactions')}",
            ", ".join(alone) or ("nobody: hidden" if row["hidden_by_split"] else "nobody"),
        )
    stdout.print()
    stdout.print(table, highlight=False)
    if total > len(rows):
        stdout.print(f"... and {total - len(rows)} more", highlight=False)


def _scored(found: Mapping[str, Any]) -> None:
    if found["score"] is None:
        stdout.print("\nno labels of this rule: nothing to score against", highlight=False)
        return
    for title, score in (
        ("labelled schemes", found["score"]),
        ("hold-out, never used for choosing", found["holdout"]["score"]),
    ):
        pair = score["paired"]
        stdout.print(f"\n[bold]{title}[/bold]: {score['planted']}", highlight=False)
        for side in ("today", "tried"):
            recall, precision = score[side]["recall"], score[side]["precision"]
            stdout.print(
                f"  {side:<6} recall {ratio(recall)}  precision {ratio(precision)}",
                highlight=False,
            )
        if pair["n"]:
            stdout.print(
                f"  found by both {pair['both']}, only today {pair['only_today']}, only tried "
                f"{pair['only_tried']}, neither {pair['neither']}; recall "
                f"{pair['difference']:+.3f} "
                f"({pair['low']:+.3f} to {pair['high']:+.3f}), p = {pair['p_value']}",
                highlight=False,
            )


def ratio(told: Mapping[str, Any]) -> str:
    """A share with its numbers and interval, from its JSON."""
    if not told["n"]:
        return "- (n=0)"
    return (
        f"{told['hits']}/{told['n']} = {told['value']:.2f} ({told['low']:.2f}-{told['high']:.2f})"
    )
