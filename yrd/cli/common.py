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

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import orjson
import structlog
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from schemas.errors import InputError, YrdError

if TYPE_CHECKING:
    from rich.table import Table

DONE, NEGATIVE, USAGE, LACKING, OUR_FAULT = 0, 1, 2, 3, 4

# What a user can cure without us: a name that cannot be used, and a machine without room.
_NAMES = {
    errno.ENOENT: "expected a file or folder that is there",
    errno.ENOTDIR: "expected a folder, it is a file",
    errno.EISDIR: "expected a file, it is a folder",
    errno.EEXIST: "expected a name that is free, or a folder",
    errno.EACCES: "expected a file or folder this user may read and write",
    errno.EPERM: "expected a file or folder this user may read and write",
    errno.EROFS: "expected a place that can be written, it is read-only",
    errno.ENAMETOOLONG: "expected a shorter name",
}
_ROOM = {
    errno.ENOSPC: "the disk is full; make room and run again",
    errno.EDQUOT: "the disk quota is used up; make room and run again",
    errno.EMFILE: "too many open files; raise `ulimit -n`",
    errno.ENFILE: "the machine has too many open files; close some",
}

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

stdout = Console()
stderr = Console(stderr=True)


def check_lang(lang: str) -> None:
    """Refuse a language there are no texts in."""
    if lang not in ("zh", "en"):
        raise InputError("--lang: expected zh or en")


def filled(text: str, columns: int) -> str:
    """A text filled up to so many columns of a terminal; a Chinese character takes two."""
    from rich.cells import cell_len

    return text + " " * (columns - cell_len(text))


def whole(table: "Table") -> None:
    """Print a table of figures as wide as it is: a narrow terminal wraps it, nothing is cut off."""
    from rich.measure import Measurement

    room = stdout.options.update(max_width=1000)
    table.width = Measurement.get(stdout, room, table).maximum
    stdout.print(table, crop=False, highlight=False)


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

    A name that cannot be used is the user's to cure (2), a full disk the machine's (3). Our own
    faults are logged with their traceback at level debug and reported as exit code 4.
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
        if isinstance(error, OSError) and (told := _curable(error)):
            stderr.print(f"yrd: {told[0]}", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(told[1]) from None
        stderr.print(
            f"yrd: our own fault ({type(error).__name__}); run again with YRD_LOG_LEVEL=debug to "
            "see where, and report it",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(OUR_FAULT) from None


def _curable(error: OSError) -> tuple[str, int] | None:
    """The line and the exit code for what the user or the machine's keeper can cure."""
    where = f"{error.filename}: " if error.filename is not None else ""
    number = error.errno or 0
    if number in _ROOM:
        return where + _ROOM[number], LACKING
    if number in _NAMES and where:
        return f"{where}{_NAMES[number]}; correct it or name another", USAGE
    return None


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
        TextColumn("left"),
        TimeRemainingColumn(),
        console=stderr,
        disable=quiet or not stderr.is_terminal,
        transient=True,
    ) as bar:
        yield bar


def staged(bar: Progress) -> Callable[[str, int, int], None]:
    """A hearer of (stage, done, total) that draws a line for each stage it hears of."""
    tasks: dict[str, TaskID] = {}

    def heard(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done, total=total)

    return heard
