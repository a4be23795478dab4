"""Crossings and the closings between which they stand, however often they are looked at again.

The stream's crossings stand from the closing that first speaks of their instant; those of a rule
whose reports travel behind the others' (`entry.delay_us`) from the one that speaks of it so much
later, when they are complete. Whatever looks at a subject again (late reports, the ledger lane)
hands over a `Replaced`: from its closing on, the subject's crossings in its window are those found
then.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lanes.closings import Closing, visible_from
from pipelines.lanes.entry import delay_us
from pipelines.rules.registry import load_rules
from schemas.records import CROSSING

Ids = npt.NDArray[np.int64]
STANDS = 1 << 30  # `ends` of a crossing that still stands
ON_TIME, LATE, CORRECTION = "NEW", "LATE", "CORRECTION"
CAUSES = (ON_TIME, LATE, CORRECTION)  # a cause is a number here: the higher one explains more

# begins, ends: numbers of closings, the end not included; lane: stream, late or ledger.
LIFETIMES = pa.schema(
    [
        *CROSSING,
        pa.field("lane", pa.string(), nullable=False),
        pa.field("begins", pa.int64(), nullable=False),
        pa.field("ends", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Replaced:
    """Subjects that were looked at again at a closing, and what was found of them.

    `subjects` are sorted and distinct; `low` and `high` (us, both included) and `causes` lie beside
    them. `found` (CROSSING) holds crossings of these subjects and windows only.
    """

    closing: int
    rule: str
    variants: tuple[str, ...]
    lane: str
    subjects: Ids
    low: Ids
    high: Ids
    causes: npt.NDArray[np.uint8]
    found: pa.Table
    everyone: bool = False  # no report names such subjects: all of them, in the first window

    def concerns(self, subjects: Ids, instants: Ids) -> npt.NDArray[np.bool_]:
        """Which of these crossings are replaced."""
        if not len(self.subjects):
            return np.zeros(len(subjects), np.bool_)
        if self.everyone:
            whole: npt.NDArray[np.bool_] = (self.low[0] <= instants) & (instants <= self.high[0])
            return whole
        at = np.minimum(np.searchsorted(self.subjects, subjects), len(self.subjects) - 1)
        known = self.subjects[at] == subjects
        inside: npt.NDArray[np.bool_] = (
            known & (self.low[at] <= instants) & (instants <= self.high[at])
        )
        return inside

    def of(self, crossings: pa.Table) -> pa.Table:
        """The crossings of its rule that lie in its windows."""
        mine = crossings.filter(
            pc.and_(
                pc.equal(crossings["rule"], self.rule),
                pc.is_in(crossings["variant"], value_set=pa.array(self.variants, pa.string())),
            )
        )
        inside = self.concerns(mine["subject"].to_numpy(), mine["instant"].to_numpy())
        return mine.filter(pa.array(inside))


def lifetimes(
    stream: pa.Table, replaced: Sequence[Replaced], closed: Sequence[Closing]
) -> pa.Table:
    """When each crossing stood.

    Args:
        stream: CROSSING rows of the stream lane, which never saw a late report.
        replaced: by closing, each with what was found then.
        closed: the closings, in order.

    Returns:
        LIFETIMES rows, those never visible at any closing left out, in order of rule, variant,
        subject, instant, vantage, measure, begin.
    """
    parts = [stream.select(CROSSING.names).cast(CROSSING)]
    begins = [_spoken_of(stream, closed)]
    lanes = ["stream"] * stream.num_rows
    rows = _Rows(stream)
    for again in sorted(replaced, key=lambda one: one.closing):
        new = rows.replace(again)
        parts.append(new)
        seen = np.maximum(_spoken_of(new, closed), again.closing)
        begins.append(seen)
        lanes += [again.lane] * new.num_rows
    table = pa.concat_tables(parts)
    begin, end = np.concatenate(begins), np.concatenate(rows.ends)
    table = (
        table.append_column("lane", pa.array(lanes, pa.string()))
        .append_column("begins", pa.array(begin, pa.int64()))
        .append_column("ends", pa.array(end, pa.int64()))
        .cast(LIFETIMES)
    )
    table = table.filter(pa.array((begin < end) & (begin < len(closed))))
    names = ("rule", "variant", "subject", "instant", "vantage", "measure", "begins")
    return table.sort_by([(name, "ascending") for name in names])


def _spoken_of(crossings: pa.Table, closed: Sequence[Closing]) -> Ids:
    """The first closing that speaks of each crossing."""
    instants = crossings["instant"].to_numpy()
    for rule in load_rules().values():
        if rule.lane == "stream" and (delay := delay_us(rule.group)):
            mine = pc.equal(crossings["rule"], rule.name).to_numpy(zero_copy_only=False)
            instants = np.where(mine, instants + delay, instants)
    return visible_from(instants, closed)


class _Rows:
    """The crossings so far, by rule and variant, and where each ended."""

    def __init__(self, stream: pa.Table) -> None:
        self.tables = [stream.select(CROSSING.names).cast(CROSSING)]
        self.ends = [np.full(stream.num_rows, STANDS, np.int64)]

    def replace(self, again: Replaced) -> pa.Table:
        """End what is not found any more; returns what is found and did not stand."""
        standing: Mapping[tuple[Any, ...], list[tuple[int, int]]] = defaultdict(list)
        for part, table in enumerate(self.tables):
            for row in self._concerned(part, table, again):
                standing[content(table.slice(row, 1).to_pylist()[0])].append((part, row))
        fresh = []
        for row, one in enumerate(again.found.to_pylist()):
            known = standing.get(content(one))
            if known:
                known.pop(0)
            else:
                fresh.append(row)
        for places in standing.values():
            for part, row in places:
                self.ends[part][row] = again.closing
        new = again.found.take(pa.array(fresh, pa.int64())).cast(CROSSING)
        self.tables.append(new)
        self.ends.append(np.full(new.num_rows, STANDS, np.int64))
        return new

    def _concerned(self, part: int, table: pa.Table, again: Replaced) -> list[int]:
        if not table.num_rows:
            return []
        mine = pc.and_(
            pc.equal(table["rule"], again.rule),
            pc.is_in(table["variant"], value_set=pa.array(again.variants, pa.string())),
        ).to_numpy(zero_copy_only=False)
        mine = mine & (self.ends[part] == STANDS)
        if not mine.any():
            return []
        inside = again.concerns(table["subject"].to_numpy(), table["instant"].to_numpy())
        rows: list[int] = np.flatnonzero(mine & inside).tolist()
        return rows


def content(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes a crossing the same one when it is found again."""
    return (*(row[name] for name in CROSSING.names if name != "evidence"), tuple(row["evidence"]))
