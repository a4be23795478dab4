"""Intake of one unit of submissions: decode, enrich, check, answer. Nothing is lost on the way."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.engine.engine import Decoded, Submission, decode
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser
from pipelines.intake.accounts import Account, Ledgering
from pipelines.intake.enrich import enrich
from pipelines.intake.narrow import narrow_rows
from quality.evaluate import Evaluator
from schemas.fields import arrow_schema
from schemas.narrow import NARROW
from schemas.records import FEEDBACK, QUARANTINE, SUBMISSION
