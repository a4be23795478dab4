"""A rule where its numbers differ by region or change with time: one run for each set of numbers.

What each run finds is taken only for the vantages and instants its numbers are in force for, so
a region's own bands touch no other vantage and a new set judges no day before its own. All runs
see all of the input: a window reaches back before the change.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.lanes.definitions import Relations, run_definition
from pipelines.lanes.entry import memos
from pipelines.rules.parameter_sets import InForce, Judgement, judgements
from pipelines.rules.registry import Rule
from schemas.regions import JOINT_BIT

_VANTAGES = JOINT_BIT + 1
_KIND_BITS = 4
Found = tuple[npt.NDArray[Any], npt.NDArray[Any]]


class _State(Protocol):
    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None: ...

    def run(self, entries: npt.NDArray[Any]) -> Found: ...


class _Remembering(Protocol):
    def remember(self) -> npt.NDArray[Any]: ...

    def recall(self, rows: npt.NDArray[Any], up_to_us: int) -> None: ...


class Judged:
    """Several states of one kernel, each with its numbers; a `host.KernelState` itself.

    Args:
        runs: of `judgements`.
        state: makes the kernel's state from its numbers.
    """

    def __init__(
        self, runs: Sequence[Judgement], state: Callable[[Mapping[str, int]], _State]
    ) -> None:
        self._runs = [(one, state(one.values)) for one in runs]

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Set the class of every entry that one of the states needs."""
        for _, state in self._runs:
            state.claim(entries, classes, level)

    def run(self, entries: npt.NDArray[Any]) -> Found:
        """Feed entries; return what may be taken, in the order of the runs."""
        hits, evidence = [], []
        for one, state in self._runs:
            found, ids = taken(one, *state.run(entries))
            hits.append(found)
            evidence.append(ids)
        return np.concatenate(hits), np.concatenate(evidence)

    def remember(self) -> npt.NDArray[Any]:
        """What the states remember, told apart by the upper half of `kind`."""
        parts = [cast(_Remembering, state).remember() for _, state in self._runs]
        for number, rows in enumerate(parts):
            rows["kind"] |= number << _KIND_BITS
        return memos(parts)

    def recall(self, rows: npt.NDArray[Any], up_to_us: int) -> None:
        """Give each state back what it remembered."""
        for number, (_, state) in enumerate(self._runs):
            mine = rows[rows["kind"] >> _KIND_BITS == number]
            mine["kind"] &= (1 << _KIND_BITS) - 1
            cast(_Remembering, state).recall(mine, up_to_us)


def taken(one: Judgement, hits: npt.NDArray[Any], evidence: npt.NDArray[np.int64]) -> Found:
    """The hits of a run that are taken, with their evidence, in the order they came.

    Args:
        one: what is taken.
        hits: HIT rows whose evidence lies in their order, without gaps.
        evidence: what they point into.
    """
    mine = one.takes(hits["vantage"], hits["instant"])
    if mine.all():
        return hits, evidence
    kept = hits[mine]
    return kept, evidence[np.repeat(mine, hits["count"])]


def by_definition(
    relations: Relations, rule: Rule, sets: InForce, ahead: str = "", *, slots: bool = False
) -> pa.Table:
    """What the rule's definition says where every vantage and instant has its own numbers.

    Args:
        relations: where `tx` and whatever else the rule needs is found.
        rule: of either lane.
        sets: one set, which then holds always, or several, each from its day on.
        ahead: as in `run_definition`.
        slots: `vantage` counts several closings, five numbers each (`known`).

    Returns:
        CROSSING rows in any order.
    """
    found = []
    for one in judgements(rule, sets):
        rows = run_definition(relations, rule, one.values, ahead)
        if not one.takes_all:
            vantage = rows["vantage"].to_numpy()
            mine = one.takes(vantage % _VANTAGES if slots else vantage, rows["instant"].to_numpy())
            rows = rows.filter(pa.array(mine))
        found.append(rows)
    return pa.concat_tables(found)
