"""Alerts through all closings: raised, amended, withdrawn, each with the time it became known.

At a closing the subjects whose crossings changed, and those that were looked at again, become
alerts anew; the difference to what stood is stored. An alert's id never comes to mean another
episode, and no row is ever taken back: the newest row of an id says what holds of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.episodes.episodes import episodes
from pipelines.episodes.revisions import Row, Subject, changes, subject_of
from pipelines.lanes.closings import Closing
from pipelines.lanes.lifetimes import CAUSES, Replaced
from pipelines.rules.registry import Rule
from schemas.records import ALERT, CROSSING

Ids = npt.NDArray[np.int64]
_ORDER = ("rule", "variant", "subject", "first_crossing")


@dataclass(frozen=True, slots=True)
class History:
    """`revisions`: every row an alert ever had, oldest first. `standing`: those in force at last.

    Both are ALERT; `standing` leaves withdrawn alerts out.
    """

    revisions: pa.Table
    standing: pa.Table


def history(
    lives: pa.Table,
    replaced: Sequence[Replaced],
    closed: Sequence[Closing],
    rules: Mapping[str, Rule],
    data_origin: str,
    operators: pa.Table | None = None,
) -> History:
    """Conclude at every closing.

    Args:
        lives: LIFETIMES.
        replaced: what was looked at again: whom it concerned, and why.
        closed: the closings, in order.
        rules: by name.
        data_origin: REAL, PUBLIC or SIMULATED.
        operators: (transaction, operator, known_us): who holds a transaction nationally, and since
            when (us) that is known.
    """
    units = _Units(lives, rules)
    by_evidence = frozenset(name for name, rule in rules.items() if rule.match == "evidence")
    standing: dict[int, list[Row]] = {}
    numbers: dict[str, int] = {}
    revisions: list[Row] = []
    for number, closing in enumerate(closed):
        again = [one for one in replaced if one.closing == number]
        changed = units.changed(number, again)
        if not len(changed):
            continue
        held = operators
        if operators is not None:
            held = operators.filter(pc.less_equal(operators["known_us"], closing.known_us))
        crossings = units.standing(number, changed)
        now = episodes(crossings, rules, data_origin, closing.known_at, held).to_pylist()
        before = [row for unit in changed.tolist() for row in standing.pop(unit, ())]
        causes = _causes(again, [*before, *now])
        rows = changes(before, now, closing.known_at, causes, numbers, by_evidence)
        numbers |= {row["alert_id"]: row["revision"] for row in rows}
        revisions += rows
        named = {row["alert_id"] for row in rows}
        for row in [r for r in rows if not r["withdrawn"]] + [
            r for r in before if r["alert_id"] not in named
        ]:
            standing.setdefault(units.of(row), []).append(row)
    final = [row for rows in standing.values() for row in rows]
    final.sort(key=lambda row: tuple(row[name] for name in _ORDER))
    return History(
        pa.Table.from_pylist(revisions, schema=ALERT), pa.Table.from_pylist(final, schema=ALERT)
    )


class _Units:
    """Crossings by what is always concluded together: a subject, or all of an evidence-rule."""

    def __init__(self, lives: pa.Table, rules: Mapping[str, Rule]) -> None:
        self._whole = frozenset(name for name, rule in rules.items() if rule.match == "evidence")
        keys = [
            self._key(*row)
            for row in zip(*(lives[name].to_pylist() for name in _ORDER[:3]), strict=True)
        ]
        self._numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        unit = np.array([self._numbers[key] for key in keys], np.int64)
        order = np.argsort(unit, kind="stable")
        self._lives = lives.take(pa.array(order))
        self._unit = unit[order]
        self._begins = self._lives["begins"].to_numpy()
        self._ends = self._lives["ends"].to_numpy()
        self._at_begin = _grouped(self._begins)
        self._at_end = _grouped(self._ends)
        self._subjects: dict[tuple[str, str], tuple[Ids, Ids]] = {}
        by_name: dict[tuple[str, str], dict[int, int]] = {}
        for (rule, variant, subject), number in zip(
            zip(*(self._lives[name].to_pylist() for name in _ORDER[:3]), strict=True),
            self._unit.tolist(),
            strict=True,
        ):
            by_name.setdefault((rule, variant), {})[subject] = number
        for name, known in by_name.items():
            subjects = np.array(sorted(known), np.int64)
            self._subjects[name] = subjects, np.array([known[s] for s in subjects.tolist()])

    def of(self, row: Row) -> int:
        """The unit of an alert."""
        return self._numbers[self._key(*subject_of(row))]

    def changed(self, closing: int, again: Iterable[Replaced]) -> Ids:
        """Units with crossings that begin or end at a closing, or that were looked at again."""
        rows = [self._at_begin.get(closing, _NONE), self._at_end.get(closing, _NONE)]
        found = [self._unit[np.concatenate(rows)]]
        for one in again:
            for variant in one.variants:
                known = self._subjects.get((one.rule, variant))
                if known is not None:
                    subjects, units = known
                    named = one.everyone | np.isin(subjects, one.subjects)
                    found.append(units[named])
        return np.unique(np.concatenate(found))

    def standing(self, closing: int, units: Ids) -> pa.Table:
        """The crossings (CROSSING) of some units that stand at a closing."""
        low = np.searchsorted(self._unit, units, "left")
        high = np.searchsorted(self._unit, units, "right")
        rows = np.concatenate([np.arange(a, b) for a, b in zip(low, high, strict=True)])
        rows = rows[(self._begins[rows] <= closing) & (closing < self._ends[rows])]
        return self._lives.take(pa.array(rows, pa.int64())).select(CROSSING.names)

    def _key(self, rule: str, variant: str, subject: int) -> tuple[str, str, int]:
        return rule, variant, 0 if rule in self._whole else subject


_NONE = np.zeros(0, np.int64)


def _grouped(numbers: Ids) -> dict[int, Ids]:
    """Number -> the rows that have it."""
    if not len(numbers):
        return {}
    order = np.argsort(numbers, kind="stable")
    values, starts = np.unique(numbers[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True))


def _causes(again: Sequence[Replaced], rows: Iterable[Row]) -> dict[Subject, str]:
    """The gravest cause for which each subject was looked at again."""
    found: dict[Subject, str] = {}
    for subject in {subject_of(row) for row in rows}:
        rule, variant, number = subject
        worst = 0
        for one in again:
            if one.rule == rule and variant in one.variants and len(one.subjects):
                at = min(int(np.searchsorted(one.subjects, number)), len(one.subjects) - 1)
                if one.everyone or one.subjects[at] == number:
                    worst = max(worst, int(one.causes[at]))
        found[subject] = CAUSES[worst]
    return found
