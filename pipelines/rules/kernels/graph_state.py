"""The graph of five vantages and the rules on it, as one state of a host."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import HIT
from pipelines.rules.kernels.graph import CUT_OF, Graph, day_of
from pipelines.rules.kernels.graph_room import empty, with_room
from pipelines.rules.kernels.graph_steps import MODULES, claim, run
from pipelines.rules.parameter_sets import Judgement, judgements
from pipelines.rules.registry import InForce, Rule
from schemas.errors import ConfigurationError
from schemas.regions import JOINT_BIT

_VANTAGES = JOINT_BIT + 1
_AT_ONCE = 4096  # entries for which room is made
Found = tuple[npt.NDArray[Any], npt.NDArray[np.int64]]


class GraphState:
    """What all rules of the group `graph` remember together.

    Args:
        rules: of the group.
        sets: what is in force.

    Raises:
        ConfigurationError: a rule is not in the list of `graph_steps`.
    """

    def __init__(self, rules: Sequence[Rule], sets: InForce) -> None:
        if missing := {rule.name for rule in rules} - set(MODULES):
            raise ConfigurationError(
                f"{min(missing)}/rule.toml: group: expected a rule of the group 'graph' to be "
                "listed in pipelines/rules/kernels/graph_steps.py; add its module and its call"
            )
        self._rules = tuple(rules)
        runs = {rule.name: judgements(rule, sets) for rule in rules}
        self._numbers = [
            tuple(_numbers(name, runs.get(name, ()), vantage) for name in MODULES)
            for vantage in range(_VANTAGES)
        ]
        self._work = tuple(_work(name, runs.get(name, ())) for name in MODULES)
        self.graphs: list[Graph] = [empty(64, 64, 64) for _ in range(_VANTAGES)]

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Mark the entries the graph needs: all but transfers to oneself."""
        claim(entries, classes, level)

    def run(self, entries: npt.NDArray[Any]) -> list[Found]:
        """Feed entries in order; return each rule's HIT rows and evidence, by vantage, in order."""
        found: list[Found] = []
        for vantage in range(_VANTAGES):
            for first in range(0, len(entries), _AT_ONCE):
                some = entries[first : first + _AT_ONCE]
                n = int(np.count_nonzero(some["mask"] >> vantage & 1))
                if not n:
                    continue
                day = int(day_of(int(some["event_time"][0])))
                self.graphs[vantage] = with_room(self.graphs[vantage], 2 * n, n, n, day)
                hits, evidence = run(
                    some, vantage, self.graphs[vantage], self._numbers[vantage], self._work
                )
                if len(hits):
                    found.append((hits, evidence))
        return [_of(found, list(MODULES).index(rule.name)) for rule in self._rules]

    def cut_short(self) -> Mapping[str, int]:
        """By rule, how many searches of all vantages stopped at their bound so far."""
        return {
            rule.name: sum(int(g.used[CUT_OF + place]) for g in self.graphs)
            for rule in self._rules
            for place in [list(MODULES).index(rule.name)]
        }


def _numbers(name: str, runs: Sequence[Judgement], vantage: int) -> npt.NDArray[np.int64]:
    """A vantage's numbers by time: a row is when they begin (us), then `PARAMETERS`."""
    order = MODULES[name].PARAMETERS
    rows = [
        [one.since_us, *(one.values[parameter] for parameter in order)]
        for one in sorted(runs, key=lambda one: one.since_us)
        if one.vantages >> vantage & 1
    ]
    return np.array(rows, np.int64).reshape(len(rows), 1 + len(order))


def _work(name: str, runs: Sequence[Judgement]) -> npt.NDArray[np.int64]:
    """Room to work in for a rule: the most that any of its numbers asks for."""
    if not hasattr(MODULES[name], "scratch") or not runs:
        return np.zeros(1, np.int64)
    rooms: list[npt.NDArray[np.int64]] = [MODULES[name].scratch(one.values) for one in runs]
    return max(rooms, key=len)


def _of(found: Sequence[Found], place: int) -> Found:
    """One rule's hits with their evidence."""
    hits = [one[one["spare"] == place] for one, _ in found]
    ids = [some[np.repeat(one["spare"] == place, one["count"])] for one, some in found]
    if not found:
        return np.empty(0, HIT), np.empty(0, np.int64)
    return np.concatenate(hits), np.concatenate(ids)
