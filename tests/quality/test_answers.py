"""ACK and NACK rows, and what a submitter gets to read."""

import csv
import datetime
import io
import json

import numpy as np
import pyarrow as pa
import pytest

from quality import answers, examples
from quality.evaluate import Evaluator
from quality.rules import catalogue
from schemas.records import FEEDBACK, FINDING

NOON = datetime.datetime(2026, 3, 10, 4, tzinfo=datetime.UTC)
SUBMISSIONS = pa.table(
    {
        "submission_id": pa.array([b"s" * 32, b"s" * 32], pa.binary(32)),  # the same bytes twice
        "submitter": ["381290000019", "381301000013"],
        "feed": ["pacs008", "pacs008"],
        "received_at": pa.array([NOON, NOON], pa.timestamp("us", "UTC")),
    }
)
_OF_SUBMISSION = {
    "submission_id": "submission_id",
    "report_submitting_entity_id": "submitter",
    "source_uri": "feed",
    "received_at": "received_at",
}
ROWS = [
    {"source_record_locator": "xml:1"},
    {"source_record_locator": "xml:2", "settlement_amount": "-777.77"}
    | {"counterparty_2_account_token": "~null"},
    {"source_record_locator": "xml:3", "purpose_code": "secret"},
    {"source_record_locator": "xml:1", "uetr": "not-a-uuid"},
]


@pytest.fixture
def feedback(evaluator: Evaluator) -> pa.Table:
    batch = examples.batch("PYMT", ROWS)
    findings = evaluator.evaluate(batch, "event", "PYMT")
    submission, record = pa.array([0, 0, 0, 1]), pa.array([0, 1, 2, 0])
    told = answers.answers(batch, findings, SUBMISSIONS, submission, record)
    reports = pa.Table.from_batches([batch]).drop_columns(list(_OF_SUBMISSION))
    for name, source in _OF_SUBMISSION.items():
        reports = reports.append_column(name, SUBMISSIONS[source].take(submission))
    silent = answers.acknowledgements(reports, answers.acknowledged(record, findings))
    table = pa.concat_tables([silent, told])
    table.validate(full=True)
    return table


def test_every_record_is_answered_and_all_rows_of_a_record_agree(feedback: pa.Table) -> None:
    assert feedback.schema == FEEDBACK
    rows = [
        (r["submitter"], r["record"], r["locator"], r["verdict"], r["severity"], r["rule_id"])
        for r in feedback.to_pylist()
    ]
    assert rows == [
        ("381290000019", 0, "xml:1", "ACK", None, None),
        ("381290000019", 1, "xml:2", "NACK", "fatal", "PYMT-103"),
        ("381290000019", 1, "xml:2", "NACK", "warning", "PYMT-114"),
        ("381290000019", 2, "xml:3", "ACK", "warning", "PYMT-118"),
        ("381301000013", 0, "xml:1", "NACK", "fatal", "PYMT-102"),
    ]
    assert set(feedback["stage"].to_pylist()) == {"intake"}


def test_a_warning_leaves_a_record_accepted_and_marks_it(evaluator: Evaluator) -> None:
    batch = examples.batch("PYMT", ROWS)
    findings = evaluator.evaluate(batch, "event", "PYMT")
    verdicts = answers.verdicts(batch.num_rows, findings)
    assert verdicts.tolist() == [0, answers.REJECTED, answers.ACCEPTED, answers.REJECTED]
    marked = answers.mark(batch, findings)
    assert marked.schema == batch.schema
    assert marked["dq_failed_rules"].to_pylist() == [
        [],
        ["PYMT-103", "PYMT-114"],
        ["PYMT-118"],
        ["PYMT-102"],
    ]


def test_a_wrong_record_is_rejected_even_if_another_rule_could_not_be_computed() -> None:
    findings = pa.table(
        {"row": [0, 0, 1], "outcome": ["rejected", "quarantined", "quarantined"]},
    )
    assert np.array_equal(
        answers.verdicts(3, findings),
        [answers.REJECTED, answers.QUARANTINED, answers.ACCEPTED],
    )


def test_records_the_engine_refused_are_answered_too() -> None:
    findings = pa.table(
        {
            "submission": pa.array([0, 0, 1], pa.int32()),
            "record": [5, 5, 5],
            "locator": ["xml:6", "xml:6", "xml:6"],
            "rule_id": ["ENG-UNDECIDED", "ENG-VALUE", "ENG-UNDECIDED"],
            "outcome": ["quarantined", "rejected", "quarantined"],
            "field": ["Splmtry", "IntrBkSttlmDt", "Splmtry"],
            "expected": ["a field the spec names", "a date, such as 2026-03-10", "a field"],
        },
        schema=FINDING,
    )
    table = answers.refusals(findings, SUBMISSIONS)
    table.validate(full=True)
    assert table["verdict"].to_pylist() == ["NACK", "NACK", "QUARANTINED"]
    assert table["submitter"].to_pylist() == ["381290000019"] * 2 + ["381301000013"]
    assert answers.refusals(FINDING.empty_table(), SUBMISSIONS).schema == FEEDBACK


def test_a_submitter_reads_own_records_only_in_both_languages(feedback: pa.Table) -> None:
    mine = answers.of_submission(feedback, b"s" * 32, "381290000019")
    text = answers.as_csv(mine, catalogue())
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert [row["verdict"] for row in rows] == ["ACK", "NACK", "NACK", "ACK"]
    assert rows[1]["expected"].startswith("an amount above zero")
    assert rows[1]["expected_zh"].startswith("金额应大于零")
    document = json.loads(answers.as_json(mine, catalogue()))
    assert document["records"] == {"ACK": 2, "NACK": 1}
    assert [finding["record"] for finding in document["findings"]] == [1, 1, 2]
    assert document["submitter"] == "381290000019"


def test_nothing_a_submitter_reads_shows_a_value_of_a_record(feedback: pa.Table) -> None:
    mine = answers.of_submission(feedback, b"s" * 32, "381290000019")
    other = answers.of_submission(feedback, b"s" * 32, "381301000013")
    for one in (mine, other):
        text = answers.as_csv(one, catalogue()) + answers.as_json(one, catalogue())
        for value in ("777.77", "secret", "not-a-uuid", "TX-000001", "91310000MF0000013K"):
            assert value.encode() not in text
