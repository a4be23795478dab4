"""What a submitter hears about each record: ACK or NACK with rule, field, expectation, locator.

One row a record and finding; a record without findings has one ACK row whose rule id is null. All
rows of a record carry the same verdict: NACK if a fatal rule broke, QUARANTINED if we could not
decide, else ACK (a warning marks the record and leaves it accepted).

Nearly all records are without findings, and their row says nothing their report does not say: it is
made of the report where somebody asks for it (`acknowledgements`, or the ledger's `feedback`).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.records import FEEDBACK

ACCEPTED, REJECTED, QUARANTINED = 0, 1, 2
VERDICTS = ("ACK", "NACK", "QUARANTINED")
STAGE = "intake"

_VERDICT_OF_OUTCOME = {"warning": ACCEPTED, "rejected": REJECTED, "quarantined": QUARANTINED}
_SEVERITY_OF_OUTCOME = {"warning": "warning", "rejected": "fatal", "quarantined": "fatal"}


def _mapped(outcomes: pa.Array, table: dict[str, int]) -> NDArray[np.int64]:
    keys = pa.array(list(table))
    values = np.array(list(table.values()), np.int64)
    at: NDArray[np.int64] = np.asarray(pc.index_in(outcomes, value_set=keys), np.int64)
    return values[at]


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def verdicts(num_rows: int, findings: pa.Table) -> NDArray[np.int8]:
    """The verdict on each row of a batch.

    A wrong record stays wrong when another rule could not be computed: rejected wins.

    Args:
        num_rows: rows of the evaluated batch.
        findings: `quality.evaluate.EVALUATION`.

    Returns:
        ACCEPTED, REJECTED or QUARANTINED per row.
    """
    result = np.zeros(num_rows, np.int8)
    rows = findings["row"].to_numpy()
    each = _mapped(_one(findings["outcome"]), _VERDICT_OF_OUTCOME)
    result[rows[each == QUARANTINED]] = QUARANTINED
    result[rows[each == REJECTED]] = REJECTED
    return result


def mark(batch: pa.RecordBatch, findings: pa.Table) -> pa.RecordBatch:
    """The same batch with the ids of the rules each row breaks in `dq_failed_rules`."""
    counts = np.bincount(findings["row"].to_numpy(), minlength=batch.num_rows)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), _one(findings["rule_id"]))
    at = batch.schema.get_field_index("dq_failed_rules")
    columns = list(batch.columns)
    columns[at] = lists.cast(batch.schema.field(at).type)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def answers(
    batch: pa.RecordBatch,
    findings: pa.Table,
    submissions: pa.Table,
    submission: pa.Array,
    record: pa.Array,
) -> pa.Table:
    """Feedback on the rows of an evaluated batch in which something was found.

    Args:
        batch: canonical records.
        findings: `quality.evaluate.EVALUATION`, rows of that batch, ordered by row.
        submissions: `submission_id, submitter, feed, received_at`, one row a submission.
        submission: for each row of the batch, its row in `submissions`.
        record: for each row of the batch, its ordinal in the submission.

    Returns:
        Table, schema FEEDBACK, ordered by row of the batch, then rule id.
    """
    row = findings["row"].to_numpy()
    at = pa.array(row)
    return _feedback(
        submissions,
        submission.take(at),
        record=record.take(at),
        locator=batch["source_record_locator"].take(at),
        report_id=batch["report_id"].take(at),
        source_trade_id=batch["source_trade_id"].take(at),
        verdict=pa.array(VERDICTS).take(pa.array(verdicts(batch.num_rows, findings)[row])),
        severity=_severity(_one(findings["outcome"])),
        rule_id=_one(findings["rule_id"]),
        field=_one(findings["field"]),
        expected=_one(findings["expected"]),
    )


def acknowledged(record: pa.Array, findings: pa.Table) -> pa.Array:
    """Which rows of a batch are told nothing but ACK, as `acknowledgements` wants it.

    Args:
        record: for each row of the batch, its ordinal in the submission.
        findings: `quality.evaluate.EVALUATION`, rows of that batch.

    Returns:
        int32: the ordinals, null where something was found.
    """
    found = np.zeros(len(record), np.bool_)
    found[findings["row"].to_numpy()] = True
    return pa.array(record.to_numpy().astype(np.int32), mask=found)


def acknowledgements(reports: pa.Table, records: pa.Array) -> pa.Table:
    """Feedback on accepted records in which nothing was found, made of their reports.

    Args:
        reports: wide reports of one kind.
        records: for each its ordinal in the submission, null where it has other answers.

    Returns:
        Table, schema FEEDBACK, one row a record, in the order of the reports.
    """
    silent = records.is_valid()
    some = reports.select(list(_SAID)).filter(silent)
    coded = _one(some["source_uri"]).dictionary_encode()  # <feed>/<sha256 of the submission>
    feed = pc.list_element(pc.split_pattern(coded.dictionary, "/", max_splits=1), 0)
    columns = {name: some[source] for source, name in _SAID.items()}
    columns |= {
        "feed": feed.take(coded.indices),
        "record": records.filter(silent),
        "verdict": pa.repeat(VERDICTS[ACCEPTED], some.num_rows),
        "stage": pa.repeat(STAGE, some.num_rows),
    }
    nothing = pa.nulls(some.num_rows)
    return pa.table(
        [columns.get(field.name, nothing).cast(field.type) for field in FEEDBACK], schema=FEEDBACK
    )


# What an answer repeats of the report: its columns -> those of the answer.
_SAID = {
    "submission_id": "submission_id",
    "report_submitting_entity_id": "submitter",
    "source_uri": "feed",
    "source_record_locator": "locator",
    "report_id": "report_id",
    "source_trade_id": "source_trade_id",
    "received_at": "received_at",
}


def refusals(findings: pa.Table, submissions: pa.Table) -> pa.Table:
    """Feedback on records that never became a row: what the feed engine refused.

    Args:
        findings: schema FINDING; `submission` is the row in `submissions`. Several findings of one
            record give it one verdict: NACK if any of them rejects.
        submissions: as for `answers`.

    Returns:
        Table, schema FEEDBACK, in the order of the findings.
    """
    outcome = _one(findings["outcome"])
    each = _mapped(outcome, _VERDICT_OF_OUTCOME)
    places = np.stack([findings["submission"].to_numpy(), findings["record"].to_numpy()], axis=1)
    _, place = np.unique(places.astype(np.int64), axis=0, return_inverse=True)
    place = place.reshape(-1)
    worst = np.zeros(place.max(initial=-1) + 1, np.int64)
    worst[place[each == QUARANTINED]] = QUARANTINED
    worst[place[each == REJECTED]] = REJECTED
    size = findings.num_rows
    return _feedback(
        submissions,
        _one(findings["submission"]),
        record=_one(findings["record"]),
        locator=_one(findings["locator"]),
        report_id=pa.nulls(size, pa.binary(16)),
        source_trade_id=pa.nulls(size, pa.string()),
        verdict=pa.array(VERDICTS).take(pa.array(worst[place])),
        severity=_severity(outcome),
        rule_id=_one(findings["rule_id"]),
        field=_one(findings["field"]),
        expected=_one(findings["expected"]),
    )


def _severity(outcomes: pa.Array) -> pa.Array:
    keys, values = zip(*_SEVERITY_OF_OUTCOME.items(), strict=True)
    return pa.array(values).take(pc.index_in(outcomes, value_set=pa.array(keys)))


def _feedback(submissions: pa.Table, of: pa.Array, **columns: pa.Array) -> pa.Table:
    columns |= {
        name: _one(submissions[name]).take(of)
        for name in ("submission_id", "submitter", "feed", "received_at")
    }
    columns["stage"] = pa.repeat(STAGE, len(of))
    return pa.Table.from_arrays(
        [columns[field.name].cast(field.type) for field in FEEDBACK], schema=FEEDBACK
    )
