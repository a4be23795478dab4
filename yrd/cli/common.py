"""What every command shares: output, exit codes, progress and the way errors are shown.

Exit codes: 0 done; 1 done and the answer is negative (rejects, a failed check); 2 wrong usage or
input that cannot be used; 3 the machine lacks something, which is named; 4 our own fault.

A command looks like this::

    def count(path: Path, as_json: Json = False) -> None:
        \"\"\"Count the records of PATH.\"\"\"
        with guarded():
            result = {"records": 3}
            emit(result, as_json, text="3 records")
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import orjson
import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.errors import YrdError

DONE, NEGATIVE, USAGE, LACKING, OUR_FAULT = 0, 1, 2, 3, 4

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

stdout = Console()
stderr = Console(stderr=True)


def emit(result: object, as_json: bool, text: str = "") -> None:
    """Write a result to stdout: as one JSON document, or as text (rich markup allowed)."""
    if as_json:
        sys.stdout.write(orjson.dumps(result, default=str, option=orjson.OPT_INDENT_2).decode())
        sys.stdout.write("\n")
    else:
        stdout.print(text, highlight=False)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn errors into one clear line on stderr and a documented exit code; never a traceback.

    Our own faults are logged with their traceback at level debug and reported as exit code 4.
    """
    try:
        yield
    except YrdError as error:
        stderr.print(f"yrd: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        stderr.print("yrd: stopped", markup=False)
        raise typer.Exit(130) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        structlog.get_logger().debug("fault", exc_info=True)
        stderr.print(
            f"yrd: our own fault ({type(error).__name__}); run again with YRD_LOG_LEVEL=debug to "
            "see where, and report it",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(OUR_FAULT) from None


@contextmanager
def progress(quiet: bool = False) -> Iterator[Progress]:
    """A progress display on stderr, drawn only when stderr is a terminal.

    Use `task = bar.add_task("reading", total=n)` and `bar.advance(task)`.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        console=stderr,
        disable=quiet or not stderr.is_terminal,
        transient=True,
    ) as bar:
        yield bar
