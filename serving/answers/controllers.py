"""Who of an alert's parties were known to be of one controller, and whose registers said so.

Only alerts whose subject is a controller group have it. Groups are made of what all registers say
together: whether one region's entries alone would have joined these parties is computed again here,
from the ties that stood at the alert's first crossing.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from ledger.duck import Connection
from pipelines.groups.groups import groups_of
from pipelines.groups.links import CONFIDENCE_BP
from schemas.regions import REGIONS
from serving.answers.evidence import Evidence, Row
from serving.answers.model import Controlled, Party
from serving.answers.words import Lang, place

_TIES = """
SELECT DISTINCT party, other, test, confidence_bp, evidence
FROM controller_link
WHERE group_id = $group
    AND known_from = (
        SELECT max(known_from) FROM controller_group
        WHERE group_id = $group AND epoch_us(valid_from) <= $at
    )
    AND (holds_to IS NULL OR holds_to >= make_timestamp($at)::DATE)
ORDER BY party, other, test
"""
_MEMBERS = """
SELECT DISTINCT party FROM group_member
WHERE group_id = $group AND valid_from <= $last AND valid_to > $first
"""
_HOLDERS = """
SELECT report, bit_or(vantage_mask & 15)::INTEGER AS mask
FROM register
WHERE list_contains($entries, report)
GROUP BY report
"""
_TESTS: Mapping[str, tuple[str, str]] = {
    "controls": ("实际控制人登记", "registered as controlled by one person or firm"),
    "same_group": ("同一集团登记", "registered as of one group"),
    "decides": ("持股过半登记", "registered holdings of half the shares and more"),
    "benefits": ("受益所有人登记", "one registered beneficial owner"),
    "funds": ("资金来自对方又回到对方", "money that comes from one another and goes back"),
    "device": ("同一设备", "one device"),
    "manages": ("法定代表人登记", "one registered representative"),
    "phone": ("同一联系电话", "one phone"),
    "address": ("同一地址", "one address"),
}
_TAKEN_FOR_GRANTED = (
    "；任何一地的登记单独都连不起来，以上各地单独的结果已假定该地知道这层关系",
    "; no region's entries alone join them, and what a region alone makes of it above takes for "
    "granted that it knows",
)


def controlled(
    connection: Connection, row: Row, of: Evidence, parties: Sequence[Party]
) -> Controlled | None:
    """What joined an alert's parties; None where its subject is no group.

    Args:
        connection: a session on a published version.
        row: the alert's row.
        of: its evidence.
        parties: of the evidence, labelled.
    """
    if row["subject_kind"] != "group":
        return None
    at = row["first_crossing"]
    first = min((one["event_time"] for one in of.joint), default=at)
    span = {"group": row["subject"], "first": first, "last": row["last_crossing"]}
    known = {party for (party,) in connection.rows(_MEMBERS, span)}
    members = [party.id for party in parties if party.id in known]
    asked = {"group": row["subject"], "at": at}
    ties = connection.sql(_TIES, asked)
    entries = sorted({entry for tie in ties["evidence"].to_pylist() for entry in tie})
    held: dict[int, int] = dict(connection.rows(_HOLDERS, {"entries": entries}))
    masks = [[held.get(entry, 0) for entry in tie] for tie in ties["evidence"].to_pylist()]
    tests = set(ties["test"].to_pylist())
    return Controlled(
        parties=tuple(members),
        tests=tuple(sorted(tests, key=lambda test: (-CONFIDENCE_BP[test], test))),
        registers=tuple(
            region
            for bit, region in enumerate(REGIONS)
            if any(mask >> bit & 1 for tie in masks for mask in tie)
        ),
        joined_by=tuple(
            region
            for bit, region in enumerate(REGIONS)
            if _joined(members, ties, [all(mask >> bit & 1 for mask in tie) for tie in masks])
        ),
    )


def _joined(members: Iterable[int], ties: pa.Table, mine: list[bool]) -> bool:
    """Whether some of the ties alone put all members into one group."""
    groups = groups_of(ties.filter(pa.array(mine, pa.bool_())))
    found = {groups.get(member, 0) for member in members}
    return len(found) == 1 and 0 not in found


def names(found: Controlled, parties: Sequence[Party], lang: Lang) -> str:
    """The labels of the parties of one controller."""
    mine = [party for party in parties if party.id in found.parties]
    if lang == "zh":
        return "、".join(party.label for party in mine)
    return " and ".join(party.label_en for party in mine)


def sentence(found: Controlled | None, parties: Sequence[Party], lang: Lang) -> tuple[str, ...]:
    """Who was known to be of one controller, and by whose registers; none where there is no group.

    What a region alone makes of the payments is computed with the groups of all four; where its
    own register would not have joined the parties, that is said.
    """
    if found is None or not found.tests:
        return ()
    number = 0 if lang == "zh" else 1
    join = "、" if lang == "zh" else ", "
    who = names(found, parties, lang)
    tests = join.join(_TESTS[test][number] for test in found.tests)
    whose = join.join(place(region, lang) for region in found.registers)
    enough = join.join(place(region, lang) for region in found.joined_by)
    several = len(found.parties) > 1
    if lang == "zh":
        one = "同属" if several else "属"
        said = f"{who} 当时已知{one}一个实际控制人：{tests}（{whose}报送）"
        rest = f"，其中{enough}的登记已足以连起" if enough else _TAKEN_FOR_GRANTED[0]
    else:
        were = "were" if several else "was"
        said = f"{who} {were} known to be of one controller: {tests} ({whose})"
        rest = f"; the entries of {enough} alone join them" if enough else _TAKEN_FOR_GRANTED[1]
    # Nothing more to say of one party, or where one register says it all.
    more = several and found.registers != found.joined_by[:1]
    return (said + (rest if more else "") + ("。" if lang == "zh" else "."),)
