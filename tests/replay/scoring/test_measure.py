"""Alerts against the truth, on cases small enough to count by hand."""

import numpy as np

from replay.scoring.alternatives import link
from replay.scoring.market import Movements, Truth
from replay.scoring.measure import Raised, judge, once, together, transfers
from replay.scoring.score import paired
from replay.scoring.tables import Ints

DAY = 86_400_000_000


def alerts(*rows: tuple[int, list[int]]) -> Raised:
    """(trigger, evidence) of each."""
    sizes = [len(evidence) for _, evidence in rows]
    flat = [each for _, evidence in rows for each in evidence]
    return Raised(
        np.array([trigger for trigger, _ in rows], np.int64),
        np.r_[0, np.cumsum(sizes)].astype(np.int64),
        np.array(flat, np.int64),
    )


def truth() -> Truth:
    """Pattern 0: transactions 1 to 5 (a cycle); pattern 1: 11 to 14 (a fan_in)."""
    return Truth(
        ids=np.array([1, 2, 3, 4, 5, 11, 12, 13, 14]),
        reference=np.arange(9),
        pattern=np.array([0] * 5 + [1] * 4),
        kinds=("cycle", "fan_in"),
        names=("a", "b"),
        sizes=np.array([5, 4]),
        last_us=np.array([10 * DAY, 20 * DAY]),
    )


CYCLES: Ints = np.array([0])


def test_six_tenths_find_a_pattern_and_fewer_do_not() -> None:
    assert judge(alerts((0, [1, 2, 3])), truth(), CYCLES).found == {0: 0}
    assert judge(alerts((0, [1, 2])), truth(), CYCLES).found == {}
    # Two alerts together are not one.
    assert judge(alerts((0, [1, 2]), (1, [3, 4])), truth(), CYCLES).found == {}


def test_half_the_evidence_labelled_is_true_and_less_is_not() -> None:
    judged = judge(alerts((0, [1, 90]), (1, [1, 90, 91]), (2, [11, 12])), truth(), CYCLES)
    assert (judged.alerts, judged.true, judged.true_of_kind) == (3, 2, 1)
    assert judged.touched == {0}


def test_the_same_evidence_counts_once_and_at_its_earliest() -> None:
    twice = alerts((15 * DAY, [3, 2, 1]), (12 * DAY, [1, 2, 3]))
    judged = judge(twice, truth(), CYCLES)
    assert (judged.alerts, judged.found) == (1, {0: 12 * DAY})
    assert judged.delay_days(truth()) == 2.0
    assert len(once(together([twice, alerts((0, [1, 2, 3, 4]))]))) == 2


def test_a_reference_with_several_ids_is_covered_once() -> None:
    two_ids = Truth(
        ids=np.array([1, 2, 3]),
        reference=np.array([0, 0, 0]),
        pattern=np.array([0, 0]),
        kinds=("cycle",),
        names=("a",),
        sizes=np.array([2]),
        last_us=np.array([0]),
    )
    assert judge(alerts((0, [1, 2, 3])), two_ids, CYCLES).found == {}


def test_no_alerts_and_no_labels_give_nothing() -> None:
    nobody = Truth(*(np.empty(0, np.int64),) * 3, (), (), *(np.empty(0, np.int64),) * 2)
    judged = judge(alerts((0, [7, 8])), nobody, np.empty(0, np.int64))
    assert (judged.alerts, judged.true, judged.recall.value) == (1, 0, None)
    assert judge(alerts(), truth(), CYCLES).precision.value is None


def test_single_transfers_count_from_the_union_of_evidence() -> None:
    told = transfers(np.array([1, 2, 11, 90]), truth(), CYCLES)
    assert (told["precision"]["hits"], told["precision"]["n"]) == (3, 4)  # any pattern is right
    assert (told["recall"]["hits"], told["recall"]["n"]) == (2, 5)  # of those to be found
    assert told["f1"] == round(2 * 0.75 * 0.4 / 1.15, 4)


def test_paired_patterns_say_who_finds_what_the_other_does_not() -> None:
    assert paired([1, 2, 3], [3]) == {"both": 1, "joint_only": 2, "solo_only": 0, "p": 0.5}
    assert paired([1], [1])["p"] is None


def movements() -> Movements:
    """Transaction n goes from party n to party n + 1."""
    ids = np.arange(1, 20)
    return Movements(ids, ids * DAY, ids, ids + 1, ids * 0, ids * 0)


def linked(*regions: Raised, within: int = 5 * DAY) -> list[list[int]]:
    moved = movements()
    found = link(regions, moved, np.argsort(moved.ids), within)
    return [
        found.evidence[a:b].tolist()
        for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)
    ]


def test_alerts_of_different_regions_join_where_they_name_one_party() -> None:
    assert linked(alerts((0, [1, 2])), alerts((DAY, [3]))) == [[1, 2, 3]]
    assert linked(alerts((0, [1])), alerts((DAY, [3]))) == [[1], [3]]  # nobody in common
    assert len(linked(alerts((0, [1]), (DAY, [2])))) == 2  # one region's own are left apart
    assert len(linked(alerts((0, [1, 2])), alerts((9 * DAY, [3])))) == 2  # too far apart


def test_a_joined_alert_is_told_when_its_last_part_is() -> None:
    moved = movements()
    found = link(
        [alerts((DAY, [1, 2])), alerts((4 * DAY, [3, 4]))], moved, np.argsort(moved.ids), 9 * DAY
    )
    assert found.trigger_us.tolist() == [4 * DAY]
    assert len(link([alerts(), alerts()], moved, np.argsort(moved.ids), DAY)) == 0
