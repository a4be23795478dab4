"""Held submissions of a ledger, and their bytes: read for a purpose, and the reading is logged."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import InputError

if TYPE_CHECKING:
    from ledger.duck import Connection

_HELD = """
SELECT DISTINCT submission_id, submitter, received_at, reason, field
FROM quarantine
WHERE feed = $feed AND (status = 'held' OR (status = 'quarantined' AND record < 0))
ORDER BY received_at, submission_id
"""
_GOOD = """
SELECT submission_id, submitter, received_at, '' AS reason, '' AS field
FROM submission
WHERE feed = $feed AND status = 'decoded' AND accepted = submitted AND submitted > 0
ORDER BY received_at DESC, submission_id LIMIT $most
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One submission of a ledger; `reason` says why it is held, and is empty for a good one."""

    sha256: bytes
    submitter: str
    received_at: datetime
    reason: str
    field: str


def held(connection: "Connection", feed: str) -> list[Waiting]:
    """The submissions of a feed that wait as a whole, held or unreadable, by time of receipt."""
    return _waiting(connection, _HELD, {"feed": feed})


def good(connection: "Connection", feed: str, most: int = 3) -> list[Waiting]:
    """The last submissions of a feed of which every record was accepted."""
    return _waiting(connection, _GOOD, {"feed": feed, "most": most})


def _waiting(connection: "Connection", text: str, bound: dict[str, object]) -> list[Waiting]:
    rows = connection.sql(text, bound).to_pylist()
    return [
        Waiting(row["submission_id"], row["submitter"], row["received_at"], row["reason"],
                row["field"])
        for row in rows
    ]  # fmt: skip


def bodies(wanted: list[Waiting], place: Path, purpose: str) -> list[bytes]:
    """The submitted bytes, in order; the reading is logged before a byte is touched.

    Args:
        wanted: Which.
        place: A tape's folder, or a vault's.
        purpose: Why they are read.

    Raises:
        InputError: they are not there.
    """
    import structlog

    log = structlog.get_logger()
    for one in wanted:
        log.critical(  # of all levels the one that no setting leaves out
            "submitted bytes are read", who=who(), purpose=purpose, submission=one.sha256.hex(),
            place=str(place),
        )  # fmt: skip
    hashes = {one.sha256 for one in wanted}
    found = dict(_bodies(place, hashes, purpose))
    missing = [one.sha256.hex()[:12] for one in wanted if one.sha256 not in found]
    if missing:
        raise InputError(
            f"{place}: expected submissions {', '.join(missing[:5])}, they are not there; name the "
            "tape or vault the ledger was loaded from with --tape"
        )
    return [found[one.sha256] for one in wanted]


def _bodies(place: Path, hashes: set[bytes], purpose: str) -> Iterator[tuple[bytes, bytes]]:
    from connectors.ends.tape import MANIFEST, Tape
    from connectors.vault import Vault

    if not (place / MANIFEST).is_file():
        vault = Vault(place, lambda _: None)
        yield from ((sha256, vault.get(sha256, purpose)) for sha256 in hashes if sha256 in vault)
        return
    tape = Tape(place)
    for number in range(len(tape.segments())):
        table = tape.read(number)
        for row, sha256 in enumerate(table["sha256"].to_pylist()):
            if sha256 in hashes:
                yield sha256, table["body"][row].as_py()


def where(ledger: Path, tape: Path | None) -> Path:
    """Where the bytes of a ledger's submissions lie: as said, else the tape or vault beside it."""
    if tape is not None:
        return tape
    beside = ledger.parent / "tape"
    return beside if beside.is_dir() else ledger.parent / "vault"


def who() -> str:
    """The user this process runs as; not what the environment claims."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
