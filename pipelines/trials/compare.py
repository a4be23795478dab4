"""What a change of numbers gains and loses: alerts before and after, matched by their evidence.

An alert is the same one where both sets raise an alert of its variant with a transaction in common;
ids and subjects may differ, because the first crossing moves with the numbers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from schemas.regions import REGIONS

Row = dict[str, Any]
JOINT, HIDDEN = "joint", "hidden_by_split"
VIEWS = (JOINT, *REGIONS, HIDDEN)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Alerts (rows of ALERT) by what becomes of them; `kept` pairs the old row with its new one.

    `changed` are the kept ones of which some vantage raises another thing now: another region sees
    it, or another band is reached.
    """

    kept: tuple[tuple[Row, Row], ...]
    gained: tuple[Row, ...]
    lost: tuple[Row, ...]

    @property
    def changed(self) -> tuple[tuple[Row, Row], ...]:
        """Kept alerts that say another thing."""
        return tuple((a, b) for a, b in self.kept if _said(a) != _said(b))

    def by_view(self) -> Mapping[str, Mapping[str, int]]:
        """For each view (joint, a region alone, hidden from all): kept, gained and lost alerts.

        A kept alert that a view raised before and not after is lost to that view, and so on.
        """
        out: dict[str, dict[str, int]] = {}
        for view in VIEWS:
            counts = {"kept": 0, "gained": 0, "lost": 0}
            for old, new in self.kept:
                before, after = raises(old, view), raises(new, view)
                if before or after:
                    counts["kept" if before and after else "lost" if before else "gained"] += 1
            counts["gained"] += sum(raises(row, view) for row in self.gained)
            counts["lost"] += sum(raises(row, view) for row in self.lost)
            out[view] = counts
        return out


def raises(row: Row, view: str) -> bool:
    """Whether a view raises an alert: all together, one region alone, or only all together."""
    if view == JOINT:
        return not row["not_raised_jointly"]
    if view == HIDDEN:
        return bool(row["hidden_by_split"])
    return bool(row["solo_status"][REGIONS.index(view)] != "none")


def compare(
    before: pa.Table,
    after: pa.Table,
    counts_before: Sequence[bool] | None = None,
    counts_after: Sequence[bool] | None = None,
) -> Comparison:
    """Match alerts of one rule raised with two sets of numbers.

    Args:
        before: ALERT rows with today's set.
        after: ALERT rows with the other one.
        counts_before: which of them count; None means all. All are matched, so that an alert whose
            begin moves to a day that does not count is not taken for a lost one.
        counts_after: the same of the others.
    """
    old, new = before.to_pylist(), after.to_pylist()
    holding: dict[tuple[str, int], list[int]] = defaultdict(list)
    for number, row in enumerate(old):
        for transaction in row["evidence"]:
            holding[row["variant"], transaction].append(number)
    kept: list[tuple[Row, Row]] = []
    gained: list[Row] = []
    met: set[int] = set()
    of_old = [True] * len(old) if counts_before is None else list(counts_before)
    of_new = [True] * len(new) if counts_after is None else list(counts_after)
    for row, counts in zip(new, of_new, strict=True):
        shared: dict[int, int] = defaultdict(int)
        for transaction in row["evidence"]:
            for number in holding.get((row["variant"], transaction), ()):
                shared[number] += 1
        if not shared:
            gained += [row] * counts
            continue
        best = max(shared, key=lambda number: (shared[number], -number))
        met |= set(shared)
        if counts or of_old[best]:
            kept.append((old[best], row))
    lost = [row for n, row in enumerate(old) if n not in met and of_old[n]]
    return Comparison(tuple(kept), tuple(gained), tuple(lost))


def _said(row: Row) -> tuple[Any, ...]:
    statuses: Sequence[str] = row["solo_status"]
    return (tuple(statuses), row["hidden_by_split"], row["not_raised_jointly"], row["peak_band"])
