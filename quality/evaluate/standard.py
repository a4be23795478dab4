"""The evaluator of this release: whole catalogue, real check digits, institution register."""

import datetime
from collections.abc import Mapping

from ledger import duck
from quality.evaluate.evaluator import Evaluator
from quality.evaluate.helpers import area_index
from quality.rules import catalogue
from schemas.identifiers import check_column
from schemas.reference_data import institutions


def standard(
    on: datetime.date, source_paths: Mapping[str, Mapping[str, str]] | None = None
) -> Evaluator:
    """An evaluator over DuckDB in memory.

    Args:
        on: the day whose institution register holds.
        source_paths: market -> canonical name -> the feed's own path (`Evaluator`).
    """
    return Evaluator(
        catalogue(),
        duck.memory,
        validator=check_column,
        areas=area_index(institutions().slice_on(on).to_pylist()),
        source_paths=source_paths,
    )
