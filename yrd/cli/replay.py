"""`yrd replay TAPE`: a recorded or simulated stream through the whole path."""

import json
import math
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from yrd.cli.common import Json, emit, guarded, progress, staged


def replay(
    tape: Annotated[
        Path, typer.Argument(metavar="TAPE", help="Folder of a tape (`yrd simulate` makes one).")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; default var/runs/<tape's name>.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option(help="Begin anew instead of going on with an interrupted run.")
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Processes that decode.", min=1)] = None,
    parallelism: Annotated[
        int | None, typer.Option(help="Parallelism of the stream job.", min=1)
    ] = None,
    batch_rows: Annotated[
        int, typer.Option(help="Most rows in a message of the stream job.", min=1)
    ] = 5_000,
    shuffle: Annotated[
        int | None,
        typer.Option(help="Seed: submissions overtake each other within YRD_SLACK_MINUTES.", min=0),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="max, or seconds of the tape a second of replay: 60, 1.")
    ] = "max",
    live: Annotated[
        bool, typer.Option("--live", help="Through Kafka and the Flink cluster of `yrd up`.")
    ] = False,
    uncertified: Annotated[
        bool,
        typer.Option("--uncertified", help="Also with feeds whose spec has no certificate."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a tape through intake, stream job, ledger and rules, and publish its ledger.

    None of the options changes the result: the same tape gives the same `output_sha256`.

    Exit status: 0 done, 1 counts do not add up, 2 a tape or folder that cannot be used,
    3 Java or the live stack is missing.
    """
    with guarded():
        from yrd.processes.adopting import demand_certificates, demand_own_key, feeds_of
        from yrd.processes.layout import Layout
        from yrd.processes.run import Options, run_tape
        from yrd.processes.summary import adds_up
        from yrd.settings import Settings

        given = {"workers": workers, "parallelism": parallelism}
        settings = Settings().model_copy(update={k: v for k, v in given.items() if v is not None})
        demand_own_key(tape, settings)
        if not uncertified:
            demand_certificates(settings, feeds_of(tape))
        layout = Layout(out or settings.var / "runs" / tape.name)
        if fresh:
            layout.clear(keep_tape=True)
        with progress(as_json) as bar:
            advance = staged(bar)

            if live:
                from yrd.processes.live import run_live

                result = run_live(tape, layout, settings, _speed(speed), advance)
            else:
                options = Options(shuffle, batch_rows, _speed(speed))
                result = run_tape(tape, layout, settings, options, advance)
        layout.summary.write_text(json.dumps(result, indent=1, default=str) + "\n")
        emit({"run": str(layout.root)} | result, as_json, text_of(result, layout.root))
        if not adds_up(result):
            raise typer.Exit(1)


def _speed(text: str) -> float:
    """Seconds of the tape a second; 0 = as fast as possible."""
    from schemas.errors import InputError

    if text == "max":
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:  # nan is neither
        raise InputError("--speed: expected max or a number above 0, such as 60")
    return value


def text_of(result: dict[str, Any], root: Path) -> str:
    """The summary in a few lines."""
    rules = "\n".join(
        f"  {name:<23}{row['alerts']:>4} alerts,{row['hidden_by_split']:>4} hidden by split,"
        f"{row['not_raised_jointly']:>3} not raised jointly"
        + (f", {row['searches_cut']:,} searches cut short" if row["searches_cut"] else "")
        for name, row in result["by_rule"].items()
    )
    return (
        f"{result['data_origin']} data, run in {root}\n"
        f"submitted {result['submitted']:,} = accepted {result['accepted']:,} + rejected "
        f"{result['rejected']:,} + quarantined {result['quarantined']:,} + duplicates "
        f"{result['duplicates']:,}; late {result['late']:,}\n"
        f"{result['transactions']:,} transactions, {result['alerts']:,} alerts\n{rules}\n"
        f"output {result['output_sha256']}\n"
        f"{result['elapsed_s']} s, {result['cpu_s']} CPU-seconds\n"
        f"next: yrd alert list --ledger {quote(str(root / 'ledger'))}"
    )
