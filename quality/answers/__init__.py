"""Answers to submitters: feedback rows and their renderings."""

from quality.answers.feedback import (
    ACCEPTED,
    QUARANTINED,
    REJECTED,
    acknowledged,
    acknowledgements,
    answers,
    mark,
    refusals,
    verdicts,
)
from quality.answers.render import as_csv, as_json, of_submission, summary

__all__ = [
    "ACCEPTED",
    "QUARANTINED",
    "REJECTED",
    "acknowledged",
    "acknowledgements",
    "answers",
    "as_csv",
    "as_json",
    "mark",
    "of_submission",
    "refusals",
    "summary",
    "verdicts",
]
