"""`yrd rule try NAME`: what other numbers would raise, against today's. Nothing is published."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from yrd.cli.common import Json, check_lang, emit, guarded, progress, staged, stdout
from yrd.cli.rule_try_told import show


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
    lang: Annotated[str, typer.Option(help="zh or en.")] = "en",
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
        check_lang(lang)
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
            show(found, rule, "zh" if lang == "zh" else "en")
            if html is not None:
                page = "页面" if lang == "zh" else "page"
                stdout.print(f"\n{page}: {html}", highlight=False, markup=False)
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
