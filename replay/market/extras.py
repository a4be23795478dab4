"""What goes wrong with whole submissions: hostile ones, and files that are sent a second time."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from replay.market import breakage
from replay.market.batches import MINUTE, Submission
from replay.market.days import Span

_FILES_SENT_TWICE = 5


def arrival(submission: Submission) -> int:
    """When a submission is received."""
    return submission.received_at


class Extras:
    """Whole broken submissions, and files that are sent a second time."""

    def __init__(self, rng: np.random.Generator, when: Span) -> None:
        self.broken: Counter[str] = Counter()
        self.twice = 0
        self._rng = rng
        self._middle = int(when.midnight(np.array([when.length // 2]))[0])

    def around(self, submissions: Iterator[Submission]) -> Iterator[Submission]:
        """Pass submissions on in order, with the extras at their place."""
        waiting: list[Submission] = []  # ascending by arrival
        samples: dict[str, Submission] = {}
        gap = 0
        for submission in submissions:
            while waiting and waiting[0].received_at <= submission.received_at:
                yield waiting.pop(0)
            yield submission
            gap += 1
            if 4 * submission.records > 3 * samples.get(submission.feed, _NOTHING).records:
                samples[submission.feed] = submission  # a large one, and not long ago
            if submission.received_at >= self._middle:
                waiting = sorted([*waiting, *self._hostile(samples, submission)], key=arrival)
                samples = {}
                self._middle = 1 << 62
            if self.twice < _FILES_SENT_TWICE and gap > 150 and submission.records > 2:
                gap = 0
                self.twice += 1
                again = submission.received_at + int(self._rng.integers(20, 200)) * MINUTE
                copy = Submission(again, *[getattr(submission, n) for n in _REST])
                waiting = sorted([*waiting, copy], key=arrival)
        yield from waiting

    def _hostile(
        self, samples: Mapping[str, Submission], after: Submission
    ) -> Iterator[Submission]:
        bodies = {feed: sample.body for feed, sample in samples.items()}
        for at, (kind, feed, body) in enumerate(breakage.hostile(bodies)):
            self.broken[f"{feed}:{kind}"] += 1
            sample = samples.get(feed) or samples["bill_exchange"]
            received = after.received_at + (at * 7 + 3) * MINUTE
            yield Submission(received, feed, sample.submitter, body, f"broken-{at:02d}", 1)


_NOTHING = Submission(0, "", "", b"", "", 0)
_REST = ("feed", "submitter", "body", "file_name", "records")
