"""Submissions of one feed, taken together: every record ends in exactly one place."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.engine import Decoded, Submission, decode
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser
from pipelines.intake.enrich import Doubt, Nothing, enrich
from pipelines.intake.markets import by_market, evaluate
from pipelines.intake.narrow import narrow_rows
from quality.answers import (
    ACCEPTED,
    QUARANTINED,
    REJECTED,
    acknowledged,
    answers,
    mark,
    refusals,
    verdicts,
)
from quality.evaluate import EVALUATION, Evaluator
from schemas.fields import arrow_schema
from schemas.records import FEEDBACK, QUARANTINE, SUBMISSION
from schemas.reference_data import institutions

WHOLE = -1  # the record number of what concerns a whole submission


@dataclass(frozen=True, slots=True)
class Group:
    """Submissions of one feed under one state of the institution register.

    `repeats` marks those the submitter sent before, `order` is their place in the unit.
    """

    feed: Feed
    submissions: tuple[Submission, ...]
    repeats: NDArray[np.bool_]
    order: NDArray[np.int64]
    on: dt.date


@dataclass(frozen=True, slots=True)
class TakenGroup:
    """What came of a group: `reports` are wide, `narrow` the on-time events of each market.

    `acknowledged` and `answers` as in `Judged`.
    """

    feed: Feed
    reports: pa.Table
    acknowledged: pa.Array
    narrow: Mapping[str, NDArray[Any]]
    answers: pa.Table
    quarantine: pa.Table
    submissions: pa.Table
    order: NDArray[np.int64]


def take_group(
    group: Group, tokeniser: Tokeniser, evaluator: Evaluator, data_origin: str
) -> TakenGroup:
    """Decode, enrich, check and answer.

    A repeated submission is decoded to count its records, which are all duplicates; nothing of it
    goes further.
    """
    decoded = decode(group.feed, group.submissions, tokeniser)
    judged = judge(_of(decoded.batch, ~group.repeats), group, evaluator, data_origin)
    account = Account(len(group.submissions))
    account.add(judged)
    rest = concluded(group, decoded, [judged], account, data_origin)
    return TakenGroup(
        feed=group.feed,
        reports=judged.reports,
        acknowledged=judged.acknowledged,
        narrow=judged.narrow,
        answers=pa.concat_tables([judged.answers, rest.answers]),
        quarantine=rest.quarantine,
        submissions=rest.submissions,
        order=group.order,
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """Decoded records, checked: `waiting` are those the operator must decide about.

    `acknowledged` has an entry a report: the record's ordinal in its submission, null where
    `answers` (FEEDBACK) say more of it than ACK.

    The arrays have one entry a record: its submission's place in the group, its verdict (numbers of
    `quality.answers`), and whether it came late.
    """

    reports: pa.Table
    acknowledged: pa.Array
    narrow: Mapping[str, NDArray[Any]]
    answers: pa.Table
    waiting: pa.Table
    submission: NDArray[np.int32]
    verdict: NDArray[np.int8]
    late: NDArray[np.bool_]


@dataclass(slots=True)
class Account:
    """Decoded records of each submission of a group by what became of them."""

    submissions: int
    accepted: NDArray[np.int64] = field(init=False)
    rejected: NDArray[np.int64] = field(init=False)
    quarantined: NDArray[np.int64] = field(init=False)
    late: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        for name in ("accepted", "rejected", "quarantined", "late"):
            setattr(self, name, np.zeros(self.submissions, np.int64))

    def add(self, judged: Judged) -> None:
        """Count judged records, all or some."""
        accepted = judged.verdict == ACCEPTED
        self.accepted += self._each(judged, accepted)
        self.rejected += self._each(judged, judged.verdict == REJECTED)
        self.quarantined += self._each(judged, judged.verdict == QUARANTINED)
        self.late += self._each(judged, judged.late & accepted)

    def _each(self, judged: Judged, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        counted = np.bincount(judged.submission[which], minlength=self.submissions)
        return counted.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Concluded:
    """What concerns a group as a whole, or records that were never rows."""

    answers: pa.Table
    quarantine: pa.Table
    submissions: pa.Table


def judge(rows: pa.RecordBatch, group: Group, evaluator: Evaluator, data_origin: str) -> Judged:
    """Enrich and check decoded records, all of a group's or some."""
    feed = group.feed
    enriched = enrich(rows, group.submissions, feed, data_origin, group.on)
    batch = enriched.batch
    found = _judged(evaluate(evaluator, batch, feed), enriched.doubts)
    verdict = verdicts(batch.num_rows, found)
    batch = mark(batch, found)
    accepted = verdict == ACCEPTED
    reports = _kept(batch, accepted)
    return Judged(
        reports=pa.Table.from_batches([reports], arrow_schema(feed.kind)),
        acknowledged=acknowledged(rows["record"], found).filter(pa.array(accepted)),
        narrow=_on_time(reports, feed),
        answers=answers(batch, found, _envelopes(group), rows["submission"], rows["record"]),
        waiting=_undecided(rows, found, verdict),
        submission=rows["submission"].to_numpy(),
        verdict=verdict,
        late=batch["is_late"].to_numpy(zero_copy_only=False),
    )


def concluded(
    group: Group,
    decoded: Decoded,
    judged: Sequence[Judged],
    account: Account,
    data_origin: str,
) -> Concluded:
    """The account of a group, the answers to what never became a row, and what waits.

    Args:
        group: The group.
        decoded: What its submissions gave; of a streamed one what concerns no piece.
        judged: Their records; none of a streamed one.
        account: Counts all of them.
        data_origin: REAL, PUBLIC or SIMULATED.
    """
    fresh = ~group.repeats
    findings, quarantined = _of(decoded.findings, fresh), _of(decoded.quarantined, fresh)
    again = _told(group, _envelopes(group), group.repeats, "DUPLICATE", "ENR-REPEATED")
    return Concluded(
        answers=pa.concat_tables([refused(group, findings), again]),
        quarantine=waits(group, judged, quarantined, decoded.held),
        submissions=_counted(group, decoded, account, data_origin),
    )


def refused(group: Group, findings: pa.Table) -> pa.Table:
    """The answers (FEEDBACK) to records that never became a row."""
    return refusals(findings, _envelopes(group))


def waits(
    group: Group,
    judged: Sequence[Judged],
    quarantined: pa.Table,
    held: Sequence[str | None],
) -> pa.Table:
    """What waits for the operator (QUARANTINE): judged records, and those that became no row."""
    parts = [*(one.waiting for one in judged), quarantined.select(_WAITING)]
    return _quarantine(pa.concat_tables(parts), _envelopes(group), held)


_WAITING = [
    "submission", "record", "locator", "byte_start", "byte_end", "reason", "field", "expected",
]  # fmt: skip


def _of(table: pa.Table | pa.RecordBatch, wanted: NDArray[np.bool_]) -> pa.Table | pa.RecordBatch:
    """The rows whose submission is wanted."""
    if wanted.all():
        return table
    return table.filter(pa.array(wanted[table["submission"].to_numpy()]))


def _kept(batch: pa.RecordBatch, wanted: NDArray[np.bool_]) -> pa.RecordBatch:
    """Some rows of a wide batch; columns without a value, half of them, are not gone through."""
    if wanted.all():
        return batch
    filled = [
        place
        for place, column in enumerate(batch.columns)
        if column.null_count < len(column) or pa.types.is_dictionary(column.type)
    ]
    some = batch.select(filled).filter(pa.array(wanted))
    nothing = Nothing(some.num_rows)
    arrays = [nothing.of(field.type) for field in batch.schema]
    for place, column in zip(filled, some.columns, strict=True):
        arrays[place] = column
    return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)


def _judged(evaluation: pa.Table, doubts: Sequence[Doubt]) -> pa.Table:
    """Findings of the rules and of enrichment, in order of row, then rule."""
    parts = [evaluation]
    for doubt in doubts:
        size = len(doubt.rows)
        parts.append(
            pa.table(
                [
                    pa.array(doubt.rows, pa.int64()),
                    pa.repeat(doubt.rule_id, size),
                    pa.repeat("quarantined", size),
                    pa.repeat(doubt.field, size),
                    pa.repeat(doubt.expected, size),
                ],
                schema=EVALUATION,
            )
        )
    together = pa.concat_tables(parts)
    if len(parts) == 1:
        return together
    return together.sort_by([("row", "ascending"), ("rule_id", "ascending")])


def _envelopes(group: Group) -> pa.Table:
    """What answers say of a submission besides the finding, one row each."""
    many = group.submissions
    return pa.table(
        {
            "submission_id": pa.array([one.id for one in many], pa.binary(32)),
            "submitter": pa.array([one.submitter for one in many], pa.string()),
            "feed": pa.repeat(group.feed.name, len(many)),
            "received_at": pa.array(
                [one.received_at for one in many], FEEDBACK.field("received_at").type
            ),
        }
    )


def _told(
    group: Group, envelopes: pa.Table, which: NDArray[np.bool_], verdict: str, rule: str
) -> pa.Table:
    """One answer for a whole submission."""
    some = envelopes.filter(pa.array(which))
    size = some.num_rows
    columns = {
        "record": pa.array(np.full(size, WHOLE)),
        "locator": pa.repeat("submission", size),
        "verdict": pa.repeat(verdict, size),
        "stage": pa.repeat("intake", size),
        "severity": pa.repeat("warning", size),
        "rule_id": pa.repeat(rule, size),
        "field": pa.repeat("submission", size),
        "expected": pa.repeat("bytes this submitter has not sent before", size),
    } | {name: some[name] for name in some.schema.names}
    arrays = [
        columns[field.name] if field.name in columns else pa.nulls(size, field.type)
        for field in FEEDBACK
    ]
    return pa.table(arrays, schema=FEEDBACK)


def _undecided(rows: pa.RecordBatch, judged: pa.Table, verdict: NDArray[np.int8]) -> pa.Table:
    """Decoded records that wait for the operator, one row each with the first reason."""
    outcome = judged["outcome"].combine_chunks()
    own = judged.filter(pc.equal(outcome, "quarantined"))
    at, first = np.unique(own["row"].to_numpy(), return_index=True)
    kept = verdict[at] == QUARANTINED
    at, reason = pa.array(at[kept]), own.take(pa.array(first[kept]))
    columns = {name: rows[name].take(at) for name in _WAITING[:5] if name != "locator"}
    columns |= {
        "locator": rows["source_record_locator"].take(at),
        "reason": reason["rule_id"],
        "field": reason["field"],
        "expected": reason["expected"],
    }
    return pa.table({name: columns[name] for name in _WAITING})


def _quarantine(waiting: pa.Table, envelopes: pa.Table, held: Sequence[str | None]) -> pa.Table:
    of = waiting["submission"].combine_chunks()
    status = pa.array(["quarantined" if reason is None else "held" for reason in held], pa.string())
    columns = {name: waiting[name] for name in _WAITING[1:]}
    columns |= {name: envelopes[name].combine_chunks().take(of) for name in envelopes.schema.names}
    columns["status"] = status.take(of)
    return pa.table([columns[field.name] for field in QUARANTINE], names=QUARANTINE.names).cast(
        QUARANTINE
    )


def _on_time(reports: pa.RecordBatch, feed: Feed) -> dict[str, NDArray[Any]]:
    """Narrow rows of what is not late; wide rows are not copied to leave out a few of them."""
    if feed.kind != "event" or not reports.num_rows:
        return {}
    narrow = narrow_rows(reports)
    on_time = ~reports["is_late"].to_numpy(zero_copy_only=False)
    of_market = by_market(reports["market_segment"], feed)
    return {market: narrow[own[on_time[own]]] for market, own in of_market}


def _counted(group: Group, decoded: Decoded, account: Account, data_origin: str) -> pa.Table:
    """The account of every submission, one row each, in the group's order."""
    size = len(group.submissions)
    counts = np.array(
        [(c.records - c.skipped, c.rejected, c.quarantined, c.skipped) for c in decoded.counts],
        np.int64,
    ).reshape(size, 4)
    fresh = ~group.repeats
    area = institutions().area(pa.array([one.submitter for one in group.submissions]), group.on)
    status = np.where(
        group.repeats, "duplicate", np.where([h is None for h in decoded.held], "decoded", "held")
    )
    columns = {
        "submission_id": [one.id for one in group.submissions],
        "feed": [group.feed.name] * size,
        "submitter": [one.submitter for one in group.submissions],
        "reporting_region": area,
        "received_at": [one.received_at for one in group.submissions],
        "data_origin": [data_origin] * size,
        "size": [len(one.body) for one in group.submissions],
        "segment": np.zeros(size, np.int32),
        "position": np.zeros(size, np.int32),
        "status": status.tolist(),
        "submitted": counts[:, 0],
        "accepted": account.accepted,
        "rejected": counts[:, 1] * fresh + account.rejected,
        "quarantined": counts[:, 2] * fresh + account.quarantined,
        "duplicates": counts[:, 0] * group.repeats,
        "skipped": counts[:, 3],
        "late": account.late,
    }
    return pa.table(
        [pa.array(columns[field.name], field.type) for field in SUBMISSION], schema=SUBMISSION
    )
