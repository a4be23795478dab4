"""`yrd score`: compare a run's alerts with the labels of the tape it came from."""

from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated

import typer

from yrd.cli.common import Json, emit, guarded, progress, stdout

if TYPE_CHECKING:
    from replay.scorer import Ratio, Score


def score(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, such as var/demo.")],
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
        with connection, progress(as_json) as bar:
            task = bar.add_task("alerts against labels, then baselines", total=2)
            where = labels or layout.tape / "labels.parquet"
            result = score_ledger(connection, where, armed)
            bar.advance(task)
            trivial = ledger_baselines(connection, where)
            bar.advance(task)
        if as_json:
            told = {"data_origin": "SIMULATED"} | result.as_dict() | {"baselines": trivial}
            emit(told, as_json)
        else:
            show(result)
            for name, row in trivial.items():
                said = name.replace("_", " ")
                stdout.print(f"for comparison, flag what {said}: F1 {row['f1']}")


def show(result: "Score") -> None:
    """Print the comparison as two tables for people: counts, then shares."""
    from rich.table import Table

    from replay.scorer import DAY_S, Ratio

    counts = Table(box=None, pad_edge=False, header_style="bold")
    shares = Table(box=None, pad_edge=False, header_style="bold")
    for table, headings in (
        (counts, ("planted", "found", "missed", "alerts", "false", "innocents", "hidden", "days")),
        (shares, ("recall", "precision", "one region alone", "delay")),
    ):
        table.add_column("rule", no_wrap=True)
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
    for row in (*result.rules.values(), result.overall):
        name = row.rule
        delay = f"{round(median(row.delays_s) / 3600, 1) + 0.0:.1f} h" if row.delays_s else "-"
        counts.add_row(
            name,
            *map(str, (row.planted, row.found, row.missed, row.alerts, row.false)),
            f"{row.innocents_raised}/{row.innocents}",
            f"{row.hidden_found}/{row.found}",
            f"{round(median(row.known_after_s) / DAY_S, 1):.1f}" if row.known_after_s else "-",
        )
        shares.add_row(
            name,
            _ratio(row.recall),
            _ratio(row.precision),
            _ratio(Ratio(row.solo_union, row.planted)),
            delay,
        )
    stdout.print("[bold]Simulated data[/bold]: what is planted is an input, not a finding")
    stdout.print(counts)
    stdout.print("innocents: raised / planted; hidden: found and hidden from all / found")
    stdout.print("days: median from a scheme's last event until its alert was known\n")
    stdout.print(shares)
    stdout.print("shares with their 95 % intervals; delay: median after the scheme's last event\n")


def _ratio(ratio: "Ratio") -> str:
    if ratio.interval is None or ratio.value is None:
        return "- (n=0)"
    low, high = ratio.interval
    return f"{ratio.value:.2f} ({low:.2f}-{high:.2f})"
