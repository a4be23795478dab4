"""Late reports and the graph: at every closing stands what everything known by then gives."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.lanes import late_graph
from pipelines.lanes.closings import Closing
from pipelines.lanes.late import late_path
from pipelines.lanes.lifetimes import CAUSES, Replaced, lifetimes
from pipelines.lanes.stream import run_once
from pipelines.rules.registry import load_rules
from schemas.records import CROSSING
from tests.pipelines.graphs import NUMBERS, graphs, stars
from tests.pipelines.known import LATENESS_US, closed_days, ledger_of
from tests.pipelines.streams import DAY, HOUR, MONDAY, Rows, tuples

GRAPH = tuple(rule for rule in load_rules().values() if rule.group == "graph")
Times = npt.NDArray[np.int64]


def by_closing(rows: Rows, known: Times) -> tuple[pa.Table, list[Replaced], tuple[Closing, ...]]:
    """When each crossing of the graph stood, as stream and late path together say."""
    closed = closed_days(known)
    on_time = rows[known <= rows["event_time"] + LATENESS_US]
    stream = run_once(on_time, NUMBERS, rules=GRAPH)
    again = late_path(ledger_of(rows, known), closed, NUMBERS)
    mine = [one for one in again if one.rule in {rule.name for rule in GRAPH}]
    return lifetimes(stream, mine, closed), mine, closed


def standing(lives: pa.Table, closing: int) -> list[tuple[Any, ...]]:
    begins, ends = lives["begins"].to_numpy(), lives["ends"].to_numpy()
    stood = (begins <= closing) & (closing < ends)
    return tuples(lives.filter(pa.array(stood)).select(CROSSING.names))


def at_once(rows: Rows, known: Times, closing: Closing) -> list[tuple[Any, ...]]:
    found = run_once(rows[known <= closing.known_us], NUMBERS, rules=GRAPH)
    spoken_of = pa.array(found["instant"].to_numpy() < closing.until_us)
    return tuples(found.filter(spoken_of))


@st.composite
def received(draw: st.DrawFn, rows: Rows) -> Times:
    """When each report came: nearly all in time, a few up to ten weeks later."""
    known = rows["event_time"] + draw(st.integers(0, LATENESS_US))
    late = draw(
        st.lists(
            st.tuples(st.integers(0, len(rows) - 1), st.integers(LATENESS_US + 1, 70 * DAY)),
            max_size=12,
        )
    )
    for row, delay in late:
        known[row] = rows["event_time"][row] + delay
    return known


@settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_at_every_closing_stand_the_crossings_of_everything_known_by_then(
    data: st.DataObject,
) -> None:
    rows = data.draw(graphs(most=30))
    known = data.draw(received(rows))
    lives, _, closed = by_closing(rows, known)
    some = data.draw(st.sets(st.sampled_from(range(len(closed))), max_size=5))
    for number in sorted(some | {len(closed) - 1}):
        assert standing(lives, number) == at_once(rows, known, closed[number]), number


def late_spoke() -> tuple[Rows, Times]:
    """The stars; of hub 21's four payers, the third transfer comes a week late."""
    rows = stars().rows()
    known = rows["event_time"] + HOUR
    (third,) = np.flatnonzero(
        (rows["payee_party"] == 21) & (rows["event_time"] == MONDAY + 3 * DAY)
    )
    known[third] += 7 * DAY
    return rows, known


def test_a_late_leg_moves_the_start_of_a_fan_and_only_of_it() -> None:
    rows, known = late_spoke()
    lives, again, closed = by_closing(rows, known)
    for number in range(len(closed)):
        assert standing(lives, number) == at_once(rows, known, closed[number]), number
    (changed,) = [one for one in again if not one.everyone and one.rule == "fan_in"]
    assert changed.subjects.tolist() == [21]
    assert CAUSES[int(changed.causes[0])] == "LATE"
    late = [row for row in lives.to_pylist() if row["lane"] == "late" and row["subject"] == 21]
    assert {row["begins"] for row in late} == {changed.closing}
    assert min(row["instant"] for row in late) == MONDAY + 3 * DAY


def test_nothing_late_is_nothing_to_do_again() -> None:
    rows = stars().rows()
    _, again, _ = by_closing(rows, rows["event_time"] + HOUR)
    assert again == []


def test_graphs_of_old_closings_are_few() -> None:
    kept: set[int] = set()
    for number in range(200):
        kept = {old for old in kept if late_graph.keeps(old, number)} | {number}
    assert len(kept) <= 4 + 4 + 200 // 16 + 1
    assert {199, 198, 197, 196} <= kept
