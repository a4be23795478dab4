"""Controller groups: parties joined by ties, computed as a day closes, valid from next midnight.

Two parties are joined where their ties together make us at least `JOINS_BP` sure: ties of different
tests are taken as independent, so the doubt that is left is the product of their doubts. A group is
a connected component; its id is the smallest id of a member, so it stays while that member does.

A payment is read with the groups that held when it happened, which an earlier day's closing gave:
never with those of today. `today` puts today's groups on every instant, for a look that says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from ledger.ddl import TABLES
from ledger.duck import Connection
from pipelines.groups.links import JOINS_BP, Ids, Known
from pipelines.lanes.closings import Closing
from schemas.errors import InputError

LOOK_AHEAD = "look-ahead"
KNOWLEDGE = ("as-of", "today")
_MEMBERS, _LINKS = TABLES["controller_group"], TABLES["controller_link"]
_BEIJING = timedelta(hours=8)
_STANDING = """
SELECT party, arg_max(group_id, valid_from) AS group_id FROM controller_group GROUP BY party
"""


def valid_from(closing: Closing) -> datetime:
    """The 00:00 Beijing after a closing: since when its groups are read.

    Example:
        >>> from datetime import date
        >>> at = datetime(2026, 4, 7, 20, 10, tzinfo=UTC)
        >>> valid_from(Closing(date(2026, 4, 7), date(2026, 4, 7), 0, at)).isoformat()
        '2026-04-08T16:00:00+00:00'
    """
    local = closing.known_at + _BEIJING
    midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), UTC)
    return midnight - _BEIJING


def close_days(ledger: Connection, closings: Sequence[Closing]) -> dict[str, pa.Table]:
    """What closings say of groups: rows of `controller_group` and `controller_link`.

    Args:
        ledger: holds what was accepted and what earlier closings said.
        closings: in order, all after those the ledger knows.

    Returns:
        Rows of parties whose group changed at a closing, and the ties of these groups then.
    """
    known = Known.read(ledger)
    standing: Mapping[int, int] = {party: group for party, group in ledger.rows(_STANDING) if group}
    members, links = [_MEMBERS.empty_table()], [_LINKS.empty_table()]
    before = pa.table({})
    now = standing
    for closing in closings:
        ties = known.links(closing)
        if not ties.equals(before):
            now, before = groups_of(ties), ties
        changed = {
            party: now.get(party, 0)
            for party in sorted({*standing, *now})
            if standing.get(party, 0) != now.get(party, 0)
        }
        standing = now
        if changed:
            members.append(_changed(changed, closing))
            links.append(_explained(ties, now, set(changed.values()), closing))
    return {
        "controller_group": pa.concat_tables(members),
        "controller_link": pa.concat_tables(links),
    }


def groups_of(ties: pa.Table) -> dict[int, int]:
    """Party -> group id, of parties that are in a group of at least two.

    Args:
        ties: LINK rows.
    """
    doubt: dict[tuple[int, int], dict[str, float]] = {}
    columns = (ties[name].to_pylist() for name in ("party", "other", "test", "confidence_bp"))
    for party, other, test, sure in zip(*columns, strict=True):
        of = doubt.setdefault((min(party, other), max(party, other)), {})
        of[test] = min(of.get(test, 1.0), 1 - sure / 10_000)  # one test speaks once
    joined = [
        pair
        for pair, tests in sorted(doubt.items())
        if round((1 - float(np.prod(list(tests.values())))) * 10_000) >= JOINS_BP
    ]
    if not joined:
        return {}
    pairs = np.array(joined, np.int64)
    parties, ends = np.unique(pairs, return_inverse=True)
    label = components(ends.reshape(pairs.shape), len(parties))
    return dict(zip(parties.tolist(), parties[label].tolist(), strict=True))


def components(pairs: Ids, count: int) -> Ids:
    """The smallest number connected to each of 0..count-1 by pairs (n rows of two).

    Example:
        >>> components(np.array([[0, 3], [4, 3], [1, 2]]), 6).tolist()
        [0, 1, 1, 0, 0, 5]
    """
    label = np.arange(count)
    while True:
        least = np.minimum(label[pairs[:, 0]], label[pairs[:, 1]])
        before = label.copy()
        for side in (0, 1):
            # Both the end and whoever it points to: labels spread over whole trees at once.
            np.minimum.at(label, pairs[:, side], least)
            np.minimum.at(label, before[pairs[:, side]], least)
        label = label[label]
        if (label == before).all():
            return label


def _changed(changed: Mapping[int, int], closing: Closing) -> pa.Table:
    size = len(changed)
    columns = [
        pa.array(changed.keys(), pa.int64()),
        pa.array(changed.values(), pa.int64()),
        pa.array([valid_from(closing)] * size, _MEMBERS.field("valid_from").type),
        pa.array([closing.known_at] * size, _MEMBERS.field("known_from").type),
    ]
    return pa.table(columns, schema=_MEMBERS)


def _explained(
    ties: pa.Table, now: Mapping[int, int], groups: set[int], closing: Closing
) -> pa.Table:
    """The ties within groups that changed; those that join nobody are no part of a group."""
    of = [
        now.get(party, 0) if now.get(party) == now.get(other) else 0
        for party, other in zip(ties["party"].to_pylist(), ties["other"].to_pylist(), strict=True)
    ]
    size = ties.num_rows
    table = ties.append_column("group_id", pa.array(of, pa.int64())).append_column(
        "known_from", pa.array([closing.known_at] * size, _LINKS.field("known_from").type)
    )
    kept = [group != 0 and group in groups for group in of]
    return table.filter(pa.array(kept, pa.bool_())).select(_LINKS.names).cast(_LINKS)


@contextmanager
def known(ledger: Connection, knowledge: str) -> Iterator[str]:
    """Inside, groups are read as `as-of` or `today`; yields the words that must be shown, if any.

    Raises:
        InputError: another word.
    """
    if knowledge not in KNOWLEDGE:
        raise InputError(f"--knowledge: expected one of {', '.join(KNOWLEDGE)}")
    if knowledge == "as-of":
        yield ""
        return
    with today(ledger) as words:
        yield words


@contextmanager
def today(ledger: Connection) -> Iterator[str]:
    """Inside, every instant is read with the newest groups; yields the words that must be shown."""
    database = ledger.scalar("SELECT current_database()")
    ledger.execute(
        "CREATE TEMP VIEW controller_group AS SELECT party, arg_max(group_id, valid_from) AS "
        "group_id, make_timestamptz(0) AS valid_from, max(known_from) AS known_from "
        f'FROM "{database}".main.controller_group GROUP BY party'
    )
    try:
        yield LOOK_AHEAD
    finally:
        ledger.execute("DROP VIEW temp.main.controller_group")
