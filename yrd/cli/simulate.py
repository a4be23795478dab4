"""`yrd simulate`: write a simulated market, or a table of transfers, as a tape of submissions."""

from datetime import date
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from yrd.cli.common import Json, emit, guarded, progress


def simulate(
    out: Annotated[Path, typer.Option(help="Folder of the tape; must be empty or absent.")] = Path(
        "var/tape"
    ),
    seed: Annotated[int, typer.Option(help="Same seed and sizes, same bytes.", min=0)] = 1,
    reports: Annotated[int, typer.Option(help="About so many reports over all feeds.")] = 200_000,
    days: Annotated[int, typer.Option(help="Business days.")] = 42,
    start: Annotated[
        str, typer.Option(help="First day, YYYY-MM-DD; the default span holds a holiday.")
    ] = "2026-04-07",
    from_transfers: Annotated[
        Path | None,
        typer.Option(help="A parquet table of transfers (columns of AMLSim or AMLGentex)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a simulated market of four regions as a tape of submissions with labels.

    With --from-transfers the payments come from a table made by others: both regions' agents report
    each of them as pacs.008, and its pattern ids become the labels.

    Exit status: 0 written, 2 a size, day or file that cannot be used.
    """
    with guarded():
        from replay.market.build import Sizes
        from replay.market.build import simulate as build_market
        from schemas.errors import InputError

        try:
            first = date.fromisoformat(start)
        except ValueError:
            raise InputError("--start: expected a day such as 2026-04-07") from None
        with progress(as_json) as bar:
            task = bar.add_task("writing submissions", total=None if from_transfers else reports)

            def advance(records: int) -> None:
                bar.advance(task, records)

            if from_transfers:
                from replay.transfers import render_transfers

                result = render_transfers(from_transfers, out, seed, on_submission=advance)
            else:
                result = build_market(out, seed, Sizes(reports, days, first), advance)
        result = {"tape": str(out), "data_origin": "SIMULATED"} | result
        emit(result, as_json, _text(result))


def _text(result: dict[str, Any]) -> str:
    records = ", ".join(f"{n:,} {feed}" for feed, n in result["records"].items())
    planted = "; ".join(
        f"{rule}: {row['schemes']} schemes ({row['split']} split), {row['innocents']} innocents"
        for rule, row in result["planted"].items()
    )
    missing = ", ".join(f"{n} of {rule}" for rule, n in result.get("not_planted", {}).items())
    small = f"[yellow]did not fit into so small a market[/yellow]: {missing}\n" if missing else ""
    return (
        f"[bold]Simulated data[/bold], tape {result['tape']}\n"
        f"{result['first_day']} to {result['last_day']}, records: {records}\n"
        f"planted: {planted}\n"
        f"{small}"
        f"next: yrd replay {quote(result['tape'])}"
    )
