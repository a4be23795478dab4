"""Rules that match by evidence: a region's part of a ring belongs to the ring."""

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from pipelines.episodes.episodes import episodes
from pipelines.episodes.history import history
from pipelines.episodes.matching import matched
from pipelines.lanes.closings import END_OF_TIME, Closing
from pipelines.lanes.lifetimes import lifetimes
from pipelines.rules.registry import load_rules
from schemas.records import CROSSING
from tests.pipelines.streams import DAY, HOUR, MONDAY

NOW = datetime(2026, 3, 1, tzinfo=UTC)
JOINT = 4
RING = replace(load_rules()["pass_through"], match="evidence")
RULES = MappingProxyType({**load_rules(), "pass_through": RING})


def crossing(vantage: int, subject: int, evidence: list[int], **more: Any) -> dict[str, Any]:
    return {
        "rule": "pass_through", "variant": "pass_through", "vantage": vantage, "subject": subject,
        "instant": MONDAY, "measure": 100, "band": 1, "evidence": evidence,
        "search_cut": False,
    } | more  # fmt: skip


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=CROSSING)


def subjects(*rows: dict[str, Any]) -> list[int]:
    found: list[int] = matched(table(*rows), RULES)["subject"].to_pylist()
    return found


def test_a_solo_crossing_belongs_to_the_joint_one_it_shares_most_with() -> None:
    joint = (crossing(JOINT, 70, [1, 2, 3, 4]), crossing(JOINT, 80, [4, 5, 6, 7]))
    assert subjects(*joint, crossing(0, 9, [3, 4])) == [70, 80, 70]
    assert subjects(*joint, crossing(0, 9, [4, 5, 6])) == [70, 80, 80]
    assert subjects(*joint, crossing(0, 9, [4])) == [70, 80, 70]  # a draw: the lowest
    assert subjects(crossing(1, 8, [6, 99]), *joint) == [80, 70, 80]


def test_a_solo_crossing_that_shares_nothing_stays_its_own() -> None:
    assert subjects(crossing(JOINT, 70, [1, 2]), crossing(2, 9, [8, 9])) == [70, 9]
    assert subjects(crossing(2, 9, [1]), crossing(3, 8, [1])) == [9, 8]
    assert subjects(crossing(JOINT, 70, []), crossing(2, 9, [])) == [70, 9]


def test_other_variants_and_rules_that_match_by_subject_are_left_alone() -> None:
    other = {"rule": "structuring", "variant": "same_pair"}
    rows = (crossing(JOINT, 70, [1], **other), crossing(0, 9, [1], **other))
    assert subjects(*rows) == [70, 9]
    assert subjects(crossing(JOINT, 70, [1], **other), crossing(0, 9, [1])) == [70, 9]
    by_subject = table(crossing(JOINT, 70, [1]), crossing(0, 9, [1]))
    assert matched(by_subject, load_rules()) is by_subject


def test_by_evidence_a_ring_is_one_alert_that_a_region_saw_in_part() -> None:
    rows = table(
        crossing(JOINT, 70, [1, 2, 3, 4, 5]),
        crossing(0, 9, [1, 2]),
        crossing(2, 8, [3, 4, 5], instant=MONDAY + HOUR),
    )
    (one,) = episodes(rows, RULES, "SIMULATED", NOW).to_pylist()
    assert one["subject"] == 70
    assert one["solo_status"] == ["partial", "none", "seen", "none"]
    assert not one["hidden_by_split"]
    by_subject = episodes(rows, load_rules(), "SIMULATED", NOW).to_pylist()
    assert [row["hidden_by_split"] for row in by_subject] == [False, False, True]


def test_a_joint_crossing_that_comes_later_takes_over_the_regions_alert() -> None:
    """The region's alert is withdrawn and names the joint one, which has another subject."""
    day = NOW.date()
    closed = (
        Closing(day, day, MONDAY + DAY, NOW),
        Closing(day, day, END_OF_TIME, NOW.replace(day=2)),
    )
    rows = table(
        crossing(0, 9, [1, 2], instant=MONDAY + 9 * HOUR),
        crossing(JOINT, 70, [1, 2, 3], instant=MONDAY + DAY + HOUR),
    )
    found = history(lifetimes(rows, [], closed), [], closed, RULES, "SIMULATED")
    first, *later = found.revisions.to_pylist()
    assert (first["subject"], first["not_raised_jointly"]) == (9, True)
    (gone,) = (row for row in later if row["withdrawn"])
    (joint,) = found.standing.to_pylist()
    assert (joint["subject"], joint["not_raised_jointly"]) == (70, False)
    assert joint["solo_status"] == ["seen", "none", "none", "none"]
    assert (gone["alert_id"], gone["superseded_by"]) == (first["alert_id"], joint["alert_id"])


FLOWS = MappingProxyType({**RULES, "pass_through": replace(RING, merges_from=2)})


def merged(*rows: dict[str, Any]) -> list[int]:
    found: list[int] = matched(table(*rows), FLOWS)["subject"].to_pylist()
    return found


def test_joint_crossings_that_share_enough_transactions_are_one_under_the_first_subject() -> None:
    first = crossing(JOINT, 70, [1, 2, 3])
    grown = crossing(JOINT, 60, [2, 3, 4], instant=MONDAY + HOUR)
    again = crossing(JOINT, 50, [3, 4, 5], instant=MONDAY + 2 * HOUR)  # with both before it
    apart = crossing(JOINT, 40, [5, 6, 7], instant=MONDAY + 3 * HOUR)  # one is not enough
    assert merged(first, grown, again, apart) == [70, 70, 70, 40]
    assert merged(apart, again, grown, first) == [40, 70, 70, 70]
    assert subjects(first, grown) == [70, 60], "a rule that merges nothing keeps them apart"


def test_a_crossing_that_shares_with_two_makes_them_one() -> None:
    one, two = crossing(JOINT, 70, [1, 2]), crossing(JOINT, 60, [3, 4], instant=MONDAY + 1)
    both = crossing(JOINT, 50, [1, 2, 3, 4], instant=MONDAY + 2)
    assert merged(one, two) == [70, 60]
    assert merged(two, both, one) == [70, 70, 70]


def test_solo_crossings_follow_what_was_merged_or_are_merged_among_themselves() -> None:
    joint = (crossing(JOINT, 70, [1, 2, 3]), crossing(JOINT, 60, [2, 3, 4], instant=MONDAY + 1))
    alone = (crossing(0, 9, [4, 5]), crossing(1, 8, [21, 22]), crossing(2, 7, [21, 22, 23]))
    assert merged(*joint, *alone) == [70, 70, 70, 7, 7]
