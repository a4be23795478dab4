"""A folder of files as submissions.

Who sent a file, when it came and which feed it is are said beside it, in `<file>.meta.json`
(`{"feed": ..., "submitter": ..., "received_at": "2026-06-15T02:30:00Z"}`), or in its name:
`<feed>__<submitter>__<yyyymmddTHHMMSSZ>__<anything>`. Nothing is guessed from content or mtime.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.ends.tape import TapeWriter
from schemas.errors import InputError

SIDECAR = ".meta.json"
_HINT = (
    f"write <file>{SIDECAR} with feed, submitter and received_at, or name the file "
    "<feed>__<submitter>__<yyyymmddTHHMMSSZ>__<anything>"
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One file of a folder, and what is said of it."""

    path: Path
    feed: str
    submitter: str
    received_at: datetime


def sent(folder: Path) -> tuple[Sent, ...]:
    """The submissions of a folder, ordered by receipt, then by name; no file is opened.

    Hidden files and sidecars are no submissions.

    Raises:
        InputError: the folder is absent, or a file does not say feed, submitter and receipt.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of submitted files")
    found = [
        Sent(path, *_about(path))
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and not path.name.endswith(SIDECAR) and path.is_file()
    ]
    return tuple(sorted(found, key=lambda one: (one.received_at, one.path.name)))


def record(
    found: tuple[Sent, ...], tape: TapeWriter, told: Callable[[int], None] = lambda done: None
) -> None:
    """Write a folder's submissions to a tape; none is in memory as a whole, however large.

    Args:
        found: Of `sent`.
        tape: Takes them in this order.
        told: Is told how many bytes of all are done.

    Raises:
        InputError: a file cannot be read.
    """
    before = 0

    def tell(done: int) -> None:
        told(before + done)

    for one in found:
        tape.add_file(one.feed, one.submitter, one.received_at, one.path, tell)
        before += one.path.stat().st_size
        told(before)


def _about(path: Path) -> tuple[str, str, datetime]:
    sidecar = path.with_name(path.name + SIDECAR)
    if sidecar.is_file():
        try:
            told = json.loads(sidecar.read_text(encoding="utf-8"))
            feed, submitter = str(told["feed"]), str(told["submitter"])
            received_at = datetime.fromisoformat(told["received_at"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{sidecar}: expected feed, submitter, received_at; {_HINT}"
            ) from error
    else:
        parts = path.name.split("__")
        try:
            feed, submitter, stamp = parts[:3]
            received_at = datetime.strptime(stamp.split(".")[0], "%Y%m%dT%H%M%S%z")
        except ValueError as error:
            raise InputError(
                f"{path}: name: expected feed, submitter and receipt; {_HINT}"
            ) from error
    if received_at.tzinfo is None:
        raise InputError(
            f"{sidecar}: received_at: expected a time zone, such as 2026-06-15T02:30:00Z"
        )
    return feed, submitter, received_at
