"""`yrd feed send NAME FILES`: files as a tape of submissions, ready for `yrd replay`."""

from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from yrd.cli.common import Json, emit, guarded
from yrd.cli.feed_repair import instant


def send(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A feed's name.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Submissions, in order.")],
    tape: Annotated[Path, typer.Option("--tape", help="Folder of the tape; must be new.")],
    submitter: Annotated[str, typer.Option(help="Institution that sends them, of the register.")],
    received: Annotated[
        str | None, typer.Option(help="When the first one came; default now. One more second each.")
    ] = None,
    origin: Annotated[str, typer.Option(help="REAL, PUBLIC or SIMULATED.")] = "SIMULATED",
    as_json: Json = False,
) -> None:
    """Write files as a tape: `yrd replay TAPE` takes it, with --live through the live topic.

    Exit status: 0 written; 2 no such feed, or a file or folder that cannot be used.
    """
    with guarded():
        from datetime import timedelta

        from connectors.ends.tape import TapeWriter
        from connectors.feeds.registry import load_feeds
        from schemas.errors import InputError
        from yrd.settings import Settings

        feeds = load_feeds(Settings().feed_folders)
        if name not in feeds:
            raise InputError(f"feed {name!r}: expected one of {', '.join(feeds)}; see YRD_FEEDS")
        at = instant("--received", received) or datetime.now(UTC)
        with TapeWriter(tape, origin) as writer:
            for number, path in enumerate(files):
                writer.add_file(name, submitter, at + timedelta(seconds=number), path)
        told = {"tape": str(tape), "submissions": len(files), "received_at": at.isoformat()}
        emit(
            told, as_json, f"{tape}: {len(files)} submissions; next: yrd replay {quote(str(tape))}"
        )
