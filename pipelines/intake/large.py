"""A submission too large for memory: decoded, checked and answered piece by piece.

Whether its records count is known at the end only: the control totals speak of all of them, and so
does the share of records nobody decided about. Pieces therefore wait in files, and are dropped
where the submission is held or was sent before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from numpy.typing import NDArray

from connectors.engine.engine import Decoder, Piece
from connectors.engine.tokens import Tokeniser
from pipelines.intake.group import Account, Concluded, Group, concluded, judge, refused, waits
from quality.evaluate import Evaluator

Told = Callable[[float], None]
"""Told which share of the submission is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class TakenPiece:
    """What came of one piece, every record of it; as in `pipelines.intake.group.Judged`."""

    reports: pa.Table
    acknowledged: pa.Array
    narrow: Mapping[str, NDArray[Any]]
    answers: pa.Table
    quarantine: pa.Table


class Pieces(Protocol):
    """Where the pieces of one submission go, in order."""

    def take(self, piece: TakenPiece) -> None:
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
    scratch: Path,
) -> Concluded:
    """Take a group of one submission; nothing in memory grows with it.

    Args:
        group: Of one submission, whose body may lie in a file.
        tokeniser: Makes tokens.
        evaluator: The validation rules.
        data_origin: REAL, PUBLIC or SIMULATED.
        pieces: Gets reports, narrow rows, answers and what waits.
        told: Is told of progress.
        scratch: A folder to unpack a compressed body in.

    Returns:
        What is not in the pieces: the same account a submission taken at once gets.
    """
    (repeated,) = group.repeats.tolist()
    account = Account(1)

    def take(piece: Piece) -> None:
        if not repeated:
            judged = judge(piece.batch, group, evaluator, data_origin)
            answers = pa.concat_tables([judged.answers, refused(group, piece.findings)])
            waiting = waits(group, [judged], piece.quarantined, [None])
            pieces.take(
                TakenPiece(judged.reports, judged.acknowledged, judged.narrow, answers, waiting)
            )
            account.add(judged)
        told(piece.done)

    decoded = Decoder(group.feed, tokeniser).stream(group.submissions[0], take, scratch)
    if decoded.held[0] is not None:
        pieces.drop()
        account = Account(1)
    account.add(judge(decoded.batch, group, evaluator, data_origin))
    return concluded(group, decoded, [], account, data_origin)
