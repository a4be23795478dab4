"""Intake of one batch of submissions: decode, enrich, check, answer. Nothing is lost on the way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.engine.engine import Decoded, Submission, decode
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser
from pipelines.intake.enrich import Envelope, enrich
from pipelines.intake.narrow import narrow_rows
from quality.answers import answers
from quality.evaluate import Evaluator
from schemas.fields import arrow_schema
from schemas.narrow import NARROW
from schemas.records import FEEDBACK, QUARANTINE, SUBMISSION


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch of submissions.

    `event` and `position` are wide reports (`arrow_schema(kind)`); `narrow` are the on-time event
    reports as `NARROW` rows; the others have the schemas of `schemas.records`. In `submissions`,
    submitted = accepted + rejected + quarantined + duplicates on every row.
    """

    event: pa.Table
    position: pa.Table
    narrow: np.ndarray
    feedback: pa.Table
    quarantine: pa.Table
    submissions: pa.Table
