"""`yrd alert list`, `explain` and `verify`: what was found, told in words, and proven again."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from yrd.cli.common import NEGATIVE, Json, emit, guarded, stdout

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="List, explain and verify alerts."
)
Ledger = Annotated[
    Path, typer.Option("--ledger", help="Folder of published versions, or one version's file.")
]
Lang = Annotated[str, typer.Option("--lang", help="zh or en.")]
DEFAULT = Path("var/demo/ledger")


@app.command(name="list")
def list_alerts(
    ledger: Ledger = DEFAULT,
    rule: Annotated[str | None, typer.Option(help="Only this rule's.")] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Only those hidden by split.")] = False,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """List the alerts in force, the earliest first, with what each region alone saw.

    Exit status: 0; 2 a ledger or rule that cannot be used.
    """
    with guarded():
        from rich.table import Table

        from pipelines.rules.registry import load_rules
        from schemas.errors import InputError
        from serving.answers import words
        from serving.answers.exports import plain
        from serving.publish import open_version

        _checked(lang)
        if rule is not None and rule not in load_rules():
            raise InputError(f"--rule: expected one of {', '.join(load_rules())}")
        connection, _ = open_version(ledger)
        with connection:
            found = connection.sql(
                "SELECT *, epoch_us(first_crossing) AS first_us FROM alerts "
                "WHERE ($rule IS NULL OR rule = $rule) AND (NOT $hidden OR hidden_by_split) "
                "ORDER BY first_crossing, alert_id",
                {"rule": rule, "hidden": hidden},
            ).to_pylist()
        if as_json:
            emit([plain(row) for row in found], as_json)
            return
        table = Table(box=None, pad_edge=False)
        regions = ("shanghai", "jiangsu", "zhejiang", "anhui")
        names = ("上海", "江苏", "浙江", "安徽") if lang == "zh" else ("SH", "JS", "ZJ", "AH")
        for head in ("id", "Beijing time", "rule", "peak", *names, "hidden"):
            table.add_column(head, no_wrap=head == "id")
        for row in found:
            table.add_row(
                row["alert_id"][:12],
                words.beijing(row["first_us"])[:16],
                f"{row['rule']}/{row['variant']}",
                words.measure(row["peak_measure"], row["unit"], "zh" if lang == "zh" else "en"),
                *[row[region] for region in regions],
                "yes" if row["hidden_by_split"] else "",
            )
        stdout.print(table)
        origins = sorted({row["data_origin"] for row in found})
        stdout.print(
            f"\n{len(found)} alerts, {sum(row['hidden_by_split'] for row in found)} hidden by "
            f"split; data origin {', '.join(origins) or 'none'}; four regions only: at least",
            highlight=False,
        )


@app.command()
def explain(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="As `alert list` prints it.")],
    ledger: Ledger = DEFAULT,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Tell one alert: rule, legal status, arithmetic, what each region saw, what only all see.

    Amounts in 万元 (CNY 10,000), Beijing time, parties as 甲, 乙, 丙: the same for every reader.

    Exit status: 0; 2 no such alert.
    """
    with guarded():
        from serving.answers import words
        from serving.answers.explain import explanation
        from serving.publish import open_version

        _checked(lang)
        connection, _ = open_version(ledger)
        with connection:
            told = explanation(connection, alert_id)
        if as_json:
            emit(asdict(told), as_json)
        else:
            stdout.print(
                words.text(told, "zh" if lang == "zh" else "en"),
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _checked(lang: str) -> None:
    from schemas.errors import InputError

    if lang not in ("zh", "en"):
        raise InputError("--lang: expected zh or en")


@app.command()
def verify(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="As `alert list` prints it.")],
    ledger: Ledger = DEFAULT,
    tape: Annotated[
        Path | None,
        typer.Option(help="The tape the ledger was loaded from; default: beside the ledger."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute one alert again from the submitted bytes on, printing each step's hash.

    Exit status: 0 every step came out equal, 1 one did not, 2 no such alert or tape.
    """
    with guarded():
        from connectors.ends.tape import Tape
        from serving.answers.verify import verify as compute
        from serving.publish import open_version
        from yrd.processes.building import build_intake
        from yrd.settings import Settings

        reader = Tape(tape or ledger.parent / "tape")
        intake = build_intake(Settings(), str(reader.manifest["data_origin"]))
        connection, _ = open_version(ledger)
        with connection:
            steps = compute(connection, reader, intake, alert_id)
        proven = all(step.equal for step in steps)
        if as_json:
            emit({"proven": proven, "steps": [asdict(s) | {"equal": s.equal} for s in steps]}, True)
        else:
            for step in steps:
                sign = "equal" if step.equal else f"DIFFERS from {step.published}"
                line = f"{step.name:<16} {step.items:>5}  {step.again}  {sign}"
                stdout.print(line, highlight=False, soft_wrap=True)
            told = "proven: the same alert again" if proven else "not proven: a step differs"
            stdout.print(told, highlight=False)
        if not proven:
            raise typer.Exit(NEGATIVE)
