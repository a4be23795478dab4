"""A submission too large for memory: decoded, checked and answered piece by piece.

Whether its reports count is known at the end only: the control totals speak of all of them, and so
does the share of records nobody decided about. Pieces therefore wait in files, and are dropped
where the submission is held or was sent before.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import pyarrow as pa

from connectors.engine.engine import Decoder
from connectors.engine.tokens import Tokeniser
from pipelines.intake.group import Concluded, Group, Judged, concluded, judge
from quality.evaluate import Evaluator

Told = Callable[[int], None]
"""Told how many bytes of the submission are done."""


class Pieces(Protocol):
    """Where the pieces of one submission go, in order."""

    def take(self, piece: Judged) -> None:
        """Take the next piece."""

    def drop(self) -> None:
        """Forget all pieces taken."""


def take_large(
    group: Group,
    tokeniser: Tokeniser,
    evaluator: Evaluator,
    data_origin: str,
    pieces: Pieces,
    told: Told,
) -> Concluded:
    """Take a group of one submission; nothing grows with it but 40 bytes a record.

    Args:
        group: Of one submission, whose body may be a buffer over a mapped file.
        tokeniser: Makes tokens.
        evaluator: The validation rules.
        data_origin: REAL, PUBLIC or SIMULATED.
        pieces: Gets reports, narrow rows and answers.
        told: Is told of progress.

    Returns:
        What is not in the pieces: the same account a submission taken at once gets.
    """
    (repeated,) = group.repeats.tolist()
    accounts: list[Judged] = []

    def take(rows: pa.RecordBatch, done: int) -> None:
        if rows.num_rows and not repeated:
            piece = judge(rows, group, evaluator, data_origin)
            pieces.take(piece)
            accounts.append(_account(piece))
        told(done)

    decoded = Decoder(group.feed, tokeniser).stream(group.submissions[0], take)
    if decoded.held[0] is not None:
        pieces.drop()
        accounts.clear()
    nothing = judge(decoded.batch, group, evaluator, data_origin)
    return concluded(group, decoded, [nothing, *accounts], data_origin)


def _account(piece: Judged) -> Judged:
    """A piece without its rows: what the account of the whole needs of it."""
    return replace(
        piece,
        reports=piece.reports.schema.empty_table(),  # a slice would keep the memory of all rows
        narrow={},
        answers=piece.answers.schema.empty_table(),
        submission=np.array(piece.submission),
    )
