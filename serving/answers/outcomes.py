"""What became of alerts when somebody looked: confirmed, false or unresolved; only ever added to.

One file holds the outcomes of an installation, one JSON object a line. Each line names the SHA-256
of the line before it, so a line that was changed or taken out is noticed. An alert's newest outcome
counts; the older ones stay. Alert ids come from the data, so outcomes outlive a run that is made
again from the same tape.
"""

import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ledger.duck import Connection
from schemas.errors import InputError

CONFIRMED, FALSE, UNRESOLVED = OUTCOMES = ("confirmed", "false", "unresolved")
FILE = "outcomes.jsonl"
LONGEST = 2_000
_START = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome; `known_at` is ISO 8601 with its zone, `before` the hash of the line before."""

    alert_id: str
    rule: str
    variant: str
    data_origin: str
    outcome: str
    because: str
    by: str
    known_at: str
    before: str


def read(path: Path) -> tuple[Outcome, ...]:
    """Every outcome, oldest first; none where there is no file.

    Raises:
        InputError: a line is no outcome, or was changed since it was written.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    found = []
    before = _START
    for number, line in enumerate(lines, start=1):
        try:
            one = Outcome(**json.loads(line))
        except (ValueError, TypeError):
            raise InputError(
                f"{path}: line {number}: expected an outcome; restore the file"
            ) from None
        if one.before != before:
            raise InputError(
                f"{path}: line {number}: expected the hash of the line before it; a line was "
                "changed or taken out since it was written: restore the file"
            )
        before = hashlib.sha256(line).hexdigest()
        found.append(one)
    return tuple(found)


def record(
    path: Path, alert: Mapping[str, object], outcome: str, because: str, by: str, at: datetime
) -> Outcome:
    """Append an outcome; synced before it returns.

    Args:
        path: the file; made where there is none.
        alert: its row: `alert_id`, `rule`, `variant` and `data_origin`.
        outcome: one of `OUTCOMES`.
        because: why, in a sentence.
        by: who says so.
        at: when it became known, with its zone.

    Raises:
        InputError: no such outcome, no reason, or the file was changed since it was written.
    """
    if outcome not in OUTCOMES:
        raise InputError(f"outcome: expected one of {', '.join(OUTCOMES)}")
    for name, text in (("--because", because), ("--by", by)):
        if not text.strip() or len(text) > LONGEST:
            raise InputError(f"{name}: expected a text of at most {LONGEST} characters; write one")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        read(path)
        lines = path.read_bytes().splitlines()
        one = Outcome(
            alert_id=str(alert["alert_id"]),
            rule=str(alert["rule"]),
            variant=str(alert["variant"]),
            data_origin=str(alert["data_origin"]),
            outcome=outcome,
            because=because.strip(),
            by=by.strip(),
            known_at=at.isoformat(timespec="seconds"),
            before=hashlib.sha256(lines[-1]).hexdigest() if lines else _START,
        )
        file.write(json.dumps(asdict(one), ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return one


def latest(outcomes: Iterable[Outcome]) -> Mapping[str, Outcome]:
    """By alert id the outcome that counts."""
    return {one.alert_id: one for one in outcomes}


def running(outcomes: Iterable[Outcome]) -> Mapping[tuple[str, str], Mapping[str, int]]:
    """By rule and data origin: how many alerts stand as confirmed, false, unresolved."""
    counted = Counter((one.rule, one.data_origin, one.outcome) for one in latest(outcomes).values())
    found: dict[tuple[str, str], dict[str, int]] = {}
    for (rule, origin, outcome), count in sorted(counted.items()):
        found.setdefault((rule, origin), dict.fromkeys(OUTCOMES, 0))[outcome] = count
    return found


_LINE = """
WITH RECURSIVE line AS (
    SELECT alert_id AS heir, alert_id AS before FROM alert WHERE known_to IS NULL
    UNION
    SELECT line.heir, a.alert_id FROM line JOIN alert AS a ON a.superseded_by = line.before
)
SELECT heir, list(DISTINCT before) FROM line GROUP BY heir
"""


def by_alert(
    connection: Connection, outcomes: Iterable[Outcome]
) -> Mapping[str, tuple[Outcome, ...]]:
    """By alert id its outcomes, oldest first, with those of the alerts it took the place of."""
    known = list(outcomes)
    named = {one.alert_id for one in known}
    if not named:
        return {}
    found = {}
    for heir, before in connection.rows(_LINE):
        if named.intersection(before):
            found[str(heir)] = tuple(one for one in known if one.alert_id in before)
    return found
