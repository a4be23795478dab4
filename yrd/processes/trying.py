"""A feed tried as it will run: engine, enrichment, validation rules, answers; nothing is kept."""

import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.engine.engine import Submission
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser
from connectors.feeds.registry import load_feeds
from connectors.kit.check import EXAMPLES_KEY, Outputs, Trial
from schemas.records import RAW

if TYPE_CHECKING:
    from pipelines.intake.intake import Intake

ORIGIN = "SIMULATED"


def trial(
    submitter: str | None = None, rejected: float | None = None, waiting: float | None = None
) -> Trial:
    """How `yrd feed check` tries a feed; what is None is as `Trial` has it."""
    made = Trial(EXAMPLES_KEY, through, time.process_time)
    given = {"submitter": submitter, "rejected": rejected, "waiting": waiting}
    fields = {name: value for name, value in given.items() if value is not None}
    return Trial(**{**{n: getattr(made, n) for n in Trial.__dataclass_fields__}, **fields})


def through(feed: Feed, submissions: Sequence[Submission]) -> Outputs:
    """Take submissions through the whole intake, and keep what is logged meanwhile."""
    import numpy as np
    from structlog.testing import capture_logs

    rows = [
        {
            "feed": feed.name,
            "submitter": one.submitter,
            "received_at": one.received_at,
            "data_origin": ORIGIN,
            "sha256": one.id,
            "size": len(one.body),
            "file_name": one.file_name,
            "body": bytes(one.body),
        }
        for one in submissions
    ]
    repeats = [one.id in {other.id for other in submissions[:at]} for at, one in
               enumerate(submissions)]  # fmt: skip
    with capture_logs() as logged, _Plain() as plain:
        raw = pa.Table.from_pylist(rows, RAW)
        taken = intake_of(feed).process(raw, np.array(repeats, np.bool_), 0)
    tables = {
        "reports": taken.reports[feed.kind],
        "feedback": taken.feedback,
        "quarantine": taken.quarantine,
        "submissions": taken.submissions,
    }
    return Outputs(tables, tuple(map(repr, logged)) + tuple(plain.lines))


def intake_of(feed: Feed) -> "Intake":
    """An intake in which this feed stands beside, or for, the built-in one of its name."""
    from pipelines.intake.intake import Intake
    from quality.evaluate.standard import standard

    paths = {one: {c.name: c.source for c in feed.columns} for one in feed.markets}
    feeds = {**load_feeds(), feed.name: feed}
    return Intake(feeds, Tokeniser(EXAMPLES_KEY), partial(standard, source_paths=paths), ORIGIN)


class _Plain(logging.Handler):
    """What the standard library's loggers say while the block runs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def __enter__(self) -> "_Plain":
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)


def certificates(var: Path) -> Path:
    """Where certificates of this installation lie, by spec hash."""
    return var / "certificates"
