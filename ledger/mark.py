"""The high-water mark: how many commits a ledger has made, kept in a file beside it.

A log that was cut off opens silently at an earlier, consistent state. The mark is written after
each commit, so a ledger that has fewer commits than its mark has lost rows and must not be used:
its tapes have to be loaded again. (One commit more than the mark is the normal trace of a crash.)
"""

import json
import os
from pathlib import Path

from schemas.errors import InputError


def _file(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".mark")


def write(ledger: Path, commits: int) -> None:
    """Put the number of commits on disk before anything else happens."""
    path = _file(ledger)
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"commits": commits}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def compare(ledger: Path, commits: int) -> None:
    """Make sure that a ledger holds every commit its mark knows.

    Raises:
        InputError: it has lost some, or the mark is unreadable.
    """
    path = _file(ledger)
    if not path.exists():
        return
    try:
        known = int(json.loads(path.read_text(encoding="utf-8"))["commits"])
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f'ledger: {path}: expected {{"commits": n}}; restore it from a copy of the ledger'
        ) from None
    if commits < known:
        raise InputError(
            f"ledger: {ledger}: holds {commits} commits, its mark says {known}: rows were lost; "
            "delete the ledger and its mark and load its tapes again"
        )
