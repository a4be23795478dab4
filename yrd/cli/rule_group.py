"""`yrd rule show --group ID`: who is in a controller group, since when, and which ties say so."""

from pathlib import Path
from typing import Any

from yrd.cli.common import emit, stdout

_MEMBERS = """
SELECT party, group_id, instant_of(valid_from) AS valid_from,
    CASE WHEN valid_to < 9223372036854775807 THEN instant_of(valid_to) END AS valid_to
FROM group_member
WHERE group_id = $group
ORDER BY valid_from, party
"""
_LINKS = """
SELECT DISTINCT party, other, test, confidence_bp, evidence, holds_from, holds_to, known_from
FROM controller_link
WHERE group_id = $group
ORDER BY known_from, party, other, test
"""


def show_group(group: str, ledger: Path, knowledge: str, as_json: bool) -> None:
    """Print a group.

    Args:
        group: its id, or that of a party in it.
        ledger: folder of published versions, or one version's file.
        knowledge: `as-of`: as each day's closing put it; `today`: as the newest does.
        as_json: one JSON document.

    Raises:
        InputError: no such group or word.
    """
    from pipelines.groups.groups import known
    from pipelines.groups.links import JOINS_BP
    from schemas.errors import InputError
    from serving.answers.exports import plain
    from serving.answers.words import several
    from serving.publish import open_version

    if not group.isdigit():
        raise InputError("--group: expected a number, such as the subject of an alert of a group")
    connection, _ = open_version(ledger)
    with connection, known(connection, knowledge) as words:
        number = connection.rows(
            "SELECT group_id FROM group_member WHERE group_id = $id OR party = $id "
            "ORDER BY valid_from DESC LIMIT 1",
            {"id": int(group)},
        )
        if not number:
            raise InputError(f"--group {group}: expected a group of this ledger; there is none")
        asked = {"group": number[0][0]}
        told: dict[str, Any] = {
            "group": number[0][0],
            "knowledge": knowledge,
            "note": words or "each day as its own closing knew it",
            "joins_from_bp": JOINS_BP,
            "members": plain(connection.sql(_MEMBERS, asked).to_pylist()),
            "links": plain(connection.sql(_LINKS, asked).to_pylist()),
        }
    if as_json:
        emit(told, as_json)
        return
    if words:
        stdout.print(f"[bold]{words}[/bold]: today's groups on days that did not know them")
    stdout.print(f"[bold]group {told['group']}[/bold]  {told['note']}", highlight=False)
    for one in told["members"]:
        until = one["valid_to"] or "open"
        stdout.print(f"    party {one['party']}  {one['valid_from']} to {until}", highlight=False)
    stdout.print(
        f"\nties (joined where together at least {JOINS_BP / 100:.0f} % sure; rebuttable):",
        highlight=False,
    )
    for one in told["links"]:
        stdout.print(
            f"    {one['test']}  {one['party']} - {one['other']}  "
            f"{one['confidence_bp'] / 100:.0f} %, "
            f"{several(len(one['evidence']), 'entry or payment', 'entries or payments')}, "
            f"holds from {one['holds_from']} to {one['holds_to'] or 'open'}, "
            f"known {one['known_from']}",
            highlight=False,
        )
