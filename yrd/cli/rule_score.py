"""`yrd rule score FILE`: how well the rules find what is labelled, jointly and alone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from yrd.cli.common import Json, emit, guarded, stdout


def score(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A labelled transfer table (columns of AMLSim or AMLGentex)."
        ),
    ],
    partition: Annotated[
        str, typer.Option(help="How accounts are given to regions: bank, community or random.")
    ] = "bank",
    cross: Annotated[
        float | None, typer.Option(help="Percent of transfers that cross a region: 5 to 70.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only this rule; may be repeated.")
    ] = None,
    armed_days: Annotated[
        int, typer.Option(help="Days of learning: what is raised in them is not scored.", min=0)
    ] = 45,
    seed: Annotated[int, typer.Option(help="Decides times of day and regions.")] = 1,
    as_json: Json = False,
) -> None:
    """Score the stream rules on labelled transfers: recall, precision, delay, joint and alone.

    Regions of such a table are given by us. Data are simulated: what is labelled is an input, not
    a finding. Every ratio carries hits, n and a 95 % interval.

    Exit status: 0 scored, 2 a table, rule or option that cannot be used.
    """
    with guarded():
        from yrd.processes.scoring import score_table

        result = score_table(file, partition, cross, rule or [], armed_days, seed)
        if as_json:
            emit(result, as_json)
        else:
            show(result)


def show(result: dict[str, Any]) -> None:
    """Print the score as a table for people."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule", no_wrap=True)
    for heading in ("n", "recall", "precision", "alerts", "delay d", "solo recall", "solo prec."):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, one in result["by_rule"].items():
        rows = {name: one} | {f"  {v}": s for v, s in one.get("by_variant", {}).items()}
        for label, row in rows.items():
            joint, union = row["joint"], row["solo"]["union"]
            table.add_row(
                label,
                str(joint["n"]),
                _ratio(joint["recall"]),
                _ratio(joint["precision"]),
                str(joint["alerts"]),
                "-" if joint["delay_days"] is None else f"{joint['delay_days']:.1f}",
                _ratio(union["recall"]),
                _ratio(union["precision"]),
            )
    stdout.print("[bold]Simulated data[/bold]: what is labelled is an input, not a finding")
    stdout.print(table)
    stdout.print(
        f"transfers F1 {result['transfers']['f1']}, four regions alone "
        f"{result['transfers']['solo']['union']['f1']}; "
        f"{result['per_1000_accounts_month']} alerts per 1,000 accounts a month",
        highlight=False,
    )


def _ratio(ratio: dict[str, Any]) -> str:
    if ratio["value"] is None:
        return "- (n=0)"
    return f"{ratio['value']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
