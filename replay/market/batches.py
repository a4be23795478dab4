"""Which report goes into which submission, and when that arrives.

A bank submits what happened in a window of three hours a few minutes after the window's end. A
small share of the reports is forgotten and comes with a later submission, beyond the feed's
declared lateness.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replay.market.days import BEIJING, HOUR
from replay.market.population import Flags, Ints

WINDOW = 3 * HOUR
MINUTE = HOUR // 60
SECOND = MINUTE // 60
MOST = 120  # records in one submission


@dataclass(frozen=True, slots=True)
class Submission:
    """What one submitter sends at once."""

    received_at: int  # UTC microseconds
    feed: str
    submitter: str
    body: bytes
    file_name: str
    records: int  # as the submitter means them, broken ones included


@dataclass(frozen=True, slots=True)
class Batches:
    """Submissions as runs of rows, ordered by arrival.

    Submission i holds the rows `order[start[i]:start[i + 1]]`.
    """

    order: Ints
    start: Ints
    submitter: Ints
    received_at: Ints
    late: int  # reports sent beyond the declared lateness

    def __len__(self) -> int:
        return len(self.submitter)

    def sizes(self) -> Ints:
        """Rows of each submission."""
        return np.diff(self.start)

    def blocks(self, rows: int) -> Iterator[tuple[int, int]]:
        """Runs of whole submissions of about so many rows: (first, one past the last)."""
        edges = np.unique(np.searchsorted(self.start, np.arange(0, len(self.order) + rows, rows)))
        edges = np.unique(np.r_[0, edges[edges < len(self)], len(self)])
        yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def batch(
    rng: np.random.Generator,
    instant: Ints,
    submitter: Ints,
    late_share: float,
    forced: Flags | None = None,
    window_us: int = WINDOW,
) -> Batches:
    """Batch event reports.

    Args:
        rng: source of jitter and of forgotten reports.
        instant: event times, UTC microseconds.
        submitter: bank rows.
        late_share: share of reports that come 6 to 50 hours late.
        forced: reports that come with the next window instead (repeats of a report).
        window_us: how long a submitter gathers reports, microseconds.
    """
    n = len(instant)
    window = (instant + BEIJING) // window_us
    late = rng.random(n) < late_share
    window = window + np.where(late, rng.integers(2, 17, n), 0)
    if forced is not None:
        window = window + np.where(forced & ~late, 1, 0)
    order = np.lexsort((rng.random(n), instant, submitter, window))
    submitter, window = submitter[order], window[order]
    fresh = np.r_[True, (np.diff(submitter) != 0) | (np.diff(window) != 0)] if n else np.zeros(0)
    run = np.flatnonzero(fresh)
    # Cut runs longer than MOST rows.
    place = np.arange(n) - np.repeat(run, np.diff(np.r_[run, n]))
    start = np.flatnonzero(place % MOST == 0)
    habit = rng.integers(2, 8, int(submitter.max()) + 1 if n else 1) * MINUTE
    received = (window[start] + 1) * window_us - BEIJING + habit[submitter[start]]
    received = received + rng.integers(0, 90, len(start)) * SECOND
    received = received + place[start] // MOST * 7 * SECOND
    arrival = np.argsort(received, kind="stable")
    sizes = np.diff(np.r_[start, n])[arrival]
    rows = np.repeat(start[arrival] - np.r_[0, np.cumsum(sizes)[:-1]], sizes) + np.arange(n)
    return Batches(
        order=order[rows],
        start=np.r_[0, np.cumsum(sizes)],
        submitter=submitter[start][arrival],
        received_at=received[arrival],
        late=int(late.sum()),
    )


def money(fen: npt.NDArray[np.int64]) -> "npt.NDArray[np.str_]":
    """Whole fen as plain decimals in yuan, e.g. 128050 -> 1280.50."""
    yuan = (fen // 100).astype(str)
    return np.char.add(np.char.add(yuan, "."), np.char.zfill((fen % 100).astype(str), 2))
