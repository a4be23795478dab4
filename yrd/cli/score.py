"""`yrd score`: compare a run's alerts with the labels of the tape it came from."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yrd.cli.common import Json, emit, guarded, stdout

if TYPE_CHECKING:
    from replay.scorer import Ratio, Score


def score(
    run: Annotated[Path, typer.Argument(help="Folder of a run, such as var/demo.")],
    labels: Annotated[
        Path | None, typer.Option(help="labels.parquet of the tape, if it is not RUN/tape's.")
    ] = None,
    armed_from: Annotated[
        str | None,
        typer.Option("--armed-from", help="Day before which alerts are learning: 2026-04-20."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the alerts of RUN with the planted schemes: planted, found, missed, false.

    Found: one alert covers six tenths of a scheme. False: less than half of an alert's evidence is
    labelled. Ratios carry n and a 95 % interval. The data are simulated: what is planted is an
    input, not a finding.

    Exit status: 0 compared, 2 no such run or labels.
    """
    with guarded():
        from replay.ledger_scores import ledger_baselines, score_ledger
        from schemas.errors import InputError
        from serving.publish import open_version
        from yrd.processes.layout import Layout

        try:
            armed = (
                None
                if armed_from is None
                else datetime.fromisoformat(armed_from).replace(tzinfo=UTC)
            )
        except ValueError:
            raise InputError("--armed-from: expected a day such as 2026-04-20") from None
        layout = Layout(run)
        connection, _ = open_version(layout.ledger)
        with connection:
            where = labels or layout.tape / "labels.parquet"
            result = score_ledger(connection, where, armed)
            trivial = ledger_baselines(connection, where)
        if as_json:
            told = {"data_origin": "SIMULATED"} | result.as_dict() | {"baselines": trivial}
            emit(told, as_json)
        else:
            show(result)
            for name, row in trivial.items():
                said = name.replace("_", " ")
                stdout.print(f"for comparison, flag what {said}: F1 {row['f1']} on single payments")


def show(result: "Score") -> None:
    """Print the comparison as a table for people."""
    from rich.table import Table

    from replay.scorer import Ratio

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    drawn.add_column("rule")
    for name in ("planted", "found", "missed", "alerts", "false", "innocents raised"):
        drawn.add_column(name, justify="right")
    for name in ("recall (95 %)", "precision (95 %)", "one region alone", "hidden found", "delay"):
        drawn.add_column(name)
    for row in (*result.rules.values(), result.overall):
        delay = sorted(row.delays_s)[len(row.delays_s) // 2] if row.delays_s else None
        drawn.add_row(
            row.rule,
            str(row.planted),
            str(row.found),
            str(row.missed),
            str(row.alerts),
            str(row.false),
            f"{row.innocents_raised}/{row.innocents}",
            _ratio(row.recall),
            _ratio(row.precision),
            _ratio(Ratio(row.solo_union, row.planted)),
            f"{row.hidden_found}/{row.hidden_planted}",
            "-" if delay is None else f"{delay / 3600:.1f} h (n={len(row.delays_s)})",
        )
    stdout.print("[bold]Simulated data[/bold]: what is planted is an input, not a finding")
    stdout.print(drawn)


def _ratio(ratio: "Ratio") -> str:
    if ratio.interval is None or ratio.value is None:
        return "- (n=0)"
    low, high = ratio.interval
    return f"{ratio.value:.2f} [{low:.2f}, {high:.2f}]"
