"""Where `feed diff` and `feed check` have files from: paths, what a ledger holds, examples."""

from collections.abc import Sequence
from pathlib import Path

from connectors.engine.spec import Feed
from connectors.kit.examples import plain
from schemas.errors import InputError
from yrd.processes.held import Waiting, bodies, good, held, where


def bodies_of(
    feed: Feed,
    files: Sequence[Path],
    before: Sequence[Path],
    waiting: bool,
    ledger: Path | None,
    tape: Path | None,
) -> tuple[list[bytes], list[bytes]]:
    """The files as they come now, and good ones from before.

    Raises:
        InputError: there are none, or they cannot be read.
    """
    now = [read(path)[1] for path in files]
    old = [read(path)[1] for path in before]
    if ledger is not None:
        place = where(ledger, tape)
        if waiting:
            now += bodies(waiting_of(ledger, feed.name), place, "what changed at the source")
        if not old:
            old = bodies(good_of(ledger, feed.name), place, "what changed at the source")
    elif waiting:
        raise InputError("--held: expected --ledger beside it, the ledger they are held in")
    old = old or [path.read_bytes() for path in plain(feed)]
    if not now:
        raise InputError("feed diff: expected files, or --held with a --ledger that holds some")
    if not old:
        raise InputError("feed diff: expected a good file from before; name it with --good")
    return now, old


def waiting_of(ledger: Path, feed: str) -> list[Waiting]:
    """What is held of a feed in a published ledger."""
    from serving.publish import open_version

    connection, _ = open_version(ledger)
    with connection:
        return held(connection, feed)


def good_of(ledger: Path, feed: str) -> list[Waiting]:
    """The last good submissions of a feed in a published ledger."""
    from serving.publish import open_version

    connection, _ = open_version(ledger)
    with connection:
        return good(connection, feed)


def read(path: Path) -> tuple[str, bytes]:
    """Name and bytes of a file."""
    try:
        return path.name, path.read_bytes()
    except OSError:
        raise InputError(f"{path}: expected a file that can be read") from None
