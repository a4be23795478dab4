"""Gather small batches into large ones: up to 50,000 rows, or 200 ms after the first.

Pure: time is passed in by the caller, in seconds of any clock that does not go back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pyarrow as pa

Tag = TypeVar("Tag")

MAX_ROWS = 50_000
MAX_WAIT_S = 0.2


@dataclass(frozen=True, slots=True)
class Gathered(Generic[Tag]):
    """Batches of one kind and market, laid one after the other.

    `starts[i]` is the first row of the batch tagged `tags[i]`; the last entry is the row count.
    """

    kind: str
    market: str
    table: pa.Table
    tags: tuple[Tag, ...]
    starts: tuple[int, ...]

    def split(self, findings: pa.Table) -> Iterator[tuple[Tag, pa.Table]]:
        """Give each batch its own findings, rows counted from its own start, in batch order."""
        rows = findings.column("row").to_numpy()
        at = rows.searchsorted(self.starts)
        for index, tag in enumerate(self.tags):
            part = findings.slice(at[index], at[index + 1] - at[index])
            own = pa.array(part.column("row").to_numpy() - self.starts[index])
            yield tag, part.set_column(0, findings.schema.field("row"), own)


@dataclass(slots=True)
class _Pile(Generic[Tag]):
    since: float
    batches: list[pa.RecordBatch] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    rows: int = 0


class Coalescer(Generic[Tag]):
    """Piles up batches by kind and market until a pile is large or old enough.

    A batch is never cut, so a gathered table can exceed `max_rows` by one batch.
    """

    def __init__(self, max_rows: int = MAX_ROWS, max_wait_s: float = MAX_WAIT_S) -> None:
        self._max_rows = max_rows
        self._max_wait_s = max_wait_s
        self._piles: dict[tuple[str, str], _Pile[Tag]] = {}

    def add(
        self, batch: pa.RecordBatch, kind: str, market: str, tag: Tag, now: float
    ) -> list[Gathered[Tag]]:
        """Take one batch in; return every pile that is due now."""
        pile = self._piles.setdefault((kind, market), _Pile(since=now))
        pile.batches.append(batch)
        pile.tags.append(tag)
        pile.rows += batch.num_rows
        return self.due(now)

    def due(self, now: float) -> list[Gathered[Tag]]:
        """Every pile that is full, or whose first batch has waited long enough."""
        return [
            self._take(key)
            for key, pile in list(self._piles.items())
            if pile.rows >= self._max_rows or now >= pile.since + self._max_wait_s
        ]

    def next_due(self) -> float | None:
        """When to call `due` again; None while nothing waits."""
        return min((p.since + self._max_wait_s for p in self._piles.values()), default=None)

    def flush(self) -> list[Gathered[Tag]]:
        """Every pile, whatever its size and age."""
        return [self._take(key) for key in list(self._piles)]

    def _take(self, key: tuple[str, str]) -> Gathered[Tag]:
        pile = self._piles.pop(key)
        starts = [0]
        for batch in pile.batches:
            starts.append(starts[-1] + batch.num_rows)
        kind, market = key
        return Gathered(
            kind, market, pa.Table.from_batches(pile.batches), tuple(pile.tags), tuple(starts)
        )
