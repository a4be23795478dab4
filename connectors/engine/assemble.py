"""Parts of decoded records to one answer: what is held, what counts, what goes out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.findings import (
    FORM_RULES,
    QUARANTINED,
    REJECTED,
    UNDECIDED_RULES,
    WARNING,
    WHOLE,
    Findings,
)
from connectors.engine.gate import RefusedError
from connectors.engine.spec import Feed
from connectors.engine.totals import Totals, mismatch
from schemas.records import FINDING

SOURCE_CHANGED, CONTROL_TOTAL = "SOURCE_CHANGED", "CONTROL_TOTAL"
# Below this many records an operator reads each one sooner than an alarm about all, and one or two
# odd records among two say nothing about the source.
LEAST_RECORDS = 10
# Findings of one part of a submission beyond which only the first of each record is told: two
# bytes may be a record, and every required field one finding.
MOST_FINDINGS = 200_000
_NAMED = 8  # undecided paths named in one alarm
_RANGES = (("byte_start", pa.int64()), ("byte_end", pa.int64()))
_NOTED = pa.schema([*FINDING, *(pa.field(name, kind) for name, kind in _RANGES)])
_QUARANTINED = pa.schema(
    [
        pa.field("submission", pa.int32()),
        pa.field("record", pa.int64()),
        pa.field("locator", pa.string()),
        pa.field("byte_start", pa.int64()),
        pa.field("byte_end", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("field", pa.string()),
        pa.field("expected", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A submission, or a chunk of one, that nothing can be read from."""

    submission: int
    start: int
    end: int
    error: RefusedError


@dataclass(slots=True)
class Part:
    """One group's records. `batch` has the accepted ones, the arrays have all."""

    batch: pa.RecordBatch
    findings: Findings
    submission: NDArray[np.int32]
    record: NDArray[np.int64]
    locator: pa.Array
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    skipped: NDArray[np.bool_]


@dataclass(slots=True)
class Tally:
    """What is counted of each submission, part by part; little however many records there are.

    `counts` has the columns of `Counts`, the first of them at the end. `paths` are those nobody
    decided about, as many as an alarm names and one more. `unread` counts, by submission and path,
    the records whose value there is not of the form the spec reads, with what was expected.
    """

    submissions: int
    counts: NDArray[np.int64] = field(init=False)
    undecided: NDArray[np.int64] = field(init=False)
    unknown_header: NDArray[np.bool_] = field(init=False)
    paths: dict[int, dict[str, None]] = field(default_factory=dict)
    unread: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counts = np.zeros((self.submissions, 5), np.int64)
        self.undecided = np.zeros(self.submissions, np.int64)
        self.unknown_header = np.zeros(self.submissions, np.bool_)

    def add(self, part: Part) -> None:
        """Count the records of one part."""
        number = self.submissions
        state = np.where(part.skipped, 3, part.findings.state)
        for column, wanted in ((1, 0), (2, 1), (3, 2), (4, 3)):
            of = part.submission[state == wanted]
            self.counts[:, column] += np.bincount(of, minlength=number)
        doubt = part.findings.undecided & ~part.skipped
        self.undecided += np.bincount(part.submission[doubt], minlength=number)
        for rows, rule, outcome, source, _ in part.findings.parts:
            if rule not in UNDECIDED_RULES:
                continue
            if outcome == QUARANTINED and source.startswith("/"):  # of the submission itself
                self.unknown_header[part.submission[rows]] = True
            for index in np.unique(part.submission[rows[~part.skipped[rows]]]).tolist():
                named = self.paths.setdefault(index, {})
                if len(named) <= _NAMED:
                    named[source] = None
        self._count_forms(part)

    def _count_forms(self, part: Part) -> None:
        found: dict[tuple[int, str], tuple[int, str]] = {}
        for rows, rule, outcome, source, expected in part.findings.parts:
            if rule not in FORM_RULES or outcome != REJECTED:
                continue
            each = np.bincount(part.submission[rows[~part.skipped[rows]]])
            for index in np.flatnonzero(each).tolist():
                # two columns may read one path: the same records, not more of them
                before = found.get((index, source), (0, ""))
                found[index, source] = max(before, (int(each[index]), expected))
        for key, (count, expected) in found.items():
            self.unread[key] = (self.unread.get(key, (0, ""))[0] + count, expected)

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Count what nothing can be read from, and all records."""
        for refusal in refusals:
            self.counts[refusal.submission, 3] += 1
        self.counts[:, 0] = self.counts[:, 1:].sum(axis=1)

    def changed(self) -> dict[int, tuple[str, str]]:
        """The submissions whose source has changed: the fields to look at, and what was expected.

        Most of their records hold something nobody decided about, or one field of most of them is
        no date or number as the spec reads it. A few such records are their reporters'; most of
        them at once are another version of the form.
        """
        read = self.counts[:, 0] - self.counts[:, 4]
        found: dict[int, tuple[dict[str, None], str]] = {}
        for (index, path), (count, expected) in self.unread.items():
            if count * 2 > read[index] >= LEAST_RECORDS:
                found.setdefault(index, ({}, expected))[0][path] = None
        most = (self.undecided * 2 > read) & ((read >= LEAST_RECORDS) | self.unknown_header)
        for index in np.flatnonzero(most).tolist():
            found[index] = (self.paths.get(index, {}), "fields and codes the spec decides about")
        return {index: (_names(paths), expected) for index, (paths, expected) in found.items()}


@dataclass(frozen=True, slots=True)
class Assembled:
    """The parts of `Decoded`; `counts` has the columns of `Counts`."""

    batch: pa.RecordBatch
    findings: pa.Table
    quarantined: pa.Table
    counts: NDArray[np.int64]
    held: list[str | None]


def assemble(
    feed: Feed,
    sizes: Sequence[int],
    parts: Sequence[Part],
    tally: Tally,
    refusals: Sequence[Refusal],
    totals: dict[int, Totals],
) -> Assembled:
    """Put the parts together.

    Args:
        feed: The spec.
        sizes: Bytes of each submission.
        parts: In order of submission and record; of a streamed submission one without records.
        tally: Has counted all parts.
        refusals: Stretches without records.
        totals: Of the submissions whose header gave any.
    """
    tally.refuse(refusals)
    counts = tally.counts
    held: list[str | None] = [None] * len(sizes)
    changed = tally.changed()
    for index in changed:
        held[index] = SOURCE_CHANGED
    expected = {index: mismatch(feed, told, counts[index]) for index, told in totals.items()}
    for index, problem in expected.items():
        if problem and held[index] is None:
            held[index] = CONTROL_TOTAL
    noted = _noted(parts, refusals)
    whole = np.array([reason is not None for reason in held], np.bool_)
    if whole.any():
        waiting = whole[noted["submission"].to_numpy()]
        noted = noted.filter(pa.array(~waiting))
        noted = pa.concat_tables([noted, _held(held, sizes, expected, changed)])
        counts[whole, 3] += counts[whole, 1] + counts[whole, 2]
        counts[whole, 1:3] = 0
    findings, quarantined = _told(noted)
    return Assembled(_batch(parts, whole), findings, quarantined, counts, held)


def findings_of(part: Part) -> tuple[pa.Table, pa.Table]:
    """The findings and the quarantined records of one part, as in `Assembled`."""
    return _told(_noted([part], []))


def _told(noted: pa.Table) -> tuple[pa.Table, pa.Table]:
    if noted.num_rows:
        keys = [("submission", "ascending"), ("record", "ascending")]
        noted = noted.take(pc.sort_indices(noted, sort_keys=keys))
    return noted.select(FINDING.names), _quarantined(noted)


def _noted(parts: Sequence[Part], refusals: Sequence[Refusal]) -> pa.Table:
    """Findings of records that stand, with byte ranges; a quarantined record keeps no reject."""
    tables = [_part_findings(part) for part in parts if part.findings.parts]
    rows = [
        {
            "submission": refusal.submission,
            "record": WHOLE,
            "locator": f"bytes {refusal.start} to {refusal.end}",
            "rule_id": refusal.error.rule,
            "outcome": QUARANTINED,
            "field": refusal.error.field,
            "expected": refusal.error.expected,
            "byte_start": refusal.start,
            "byte_end": refusal.end,
        }
        for refusal in refusals
    ]
    return pa.concat_tables([*tables, pa.Table.from_pylist(rows, schema=_NOTED)])


def _part_findings(part: Part) -> pa.Table:
    notes = part.findings.parts
    rows = np.concatenate([note[0] for note in notes])
    of = np.repeat(np.arange(len(notes)), [len(note[0]) for note in notes])
    outcomes = np.array([note[2] for note in notes])[of]
    stands = ~part.skipped[rows] & ~((outcomes == REJECTED) & (part.findings.state[rows] == 2))
    if len(rows) > MOST_FINDINGS:  # one a record says why it is not accepted
        stands &= outcomes != WARNING
    rows, of = rows[stands], of[stands]
    if len(stands) > MOST_FINDINGS:
        rows, first = np.unique(rows, return_index=True)
        of = of[first]
    of = pa.array(of)
    texts = {
        name: pa.array([note[at] for note in notes], pa.string()).take(of)
        for at, name in ((1, "rule_id"), (2, "outcome"), (3, "field"), (4, "expected"))
    }
    return pa.table(
        {
            "submission": pa.array(part.submission[rows]),
            "record": pa.array(part.record[rows]),
            "locator": part.locator.take(pa.array(rows)),
            **texts,
            "byte_start": pa.array(part.start[rows]),
            "byte_end": pa.array(part.end[rows]),
        }
    ).cast(_NOTED)


def _names(paths: dict[str, None]) -> str:
    """The paths nobody decided about: what an operator needs to see first."""
    return ", ".join(list(paths)[:_NAMED]) + (", ..." if len(paths) > _NAMED else "")


def _held(
    held: list[str | None],
    sizes: Sequence[int],
    expected: dict[int, str],
    changed: dict[int, tuple[str, str]],
) -> pa.Table:
    rows = []
    for index, reason in enumerate(held):
        if reason is None:
            continue
        path, told = changed.get(index) or ("header", expected[index])
        rows.append(
            {
                "submission": index,
                "record": WHOLE,
                "locator": "submission",
                "rule_id": f"ENG-{reason.replace('_', '-')}",
                "outcome": QUARANTINED,
                "field": path,
                "expected": told,
                "byte_start": 0,
                "byte_end": sizes[index],
            }
        )
    return pa.Table.from_pylist(rows, schema=_NOTED)


def _quarantined(noted: pa.Table) -> pa.Table:
    """One row per quarantined record: the first reason found."""
    some = noted.filter(pc.equal(noted["outcome"], QUARANTINED))
    names = ["submission", "record", "locator", "byte_start", "byte_end"]
    table = some.select([*names, "rule_id", "field", "expected"])
    table = table.rename_columns(_QUARANTINED.names).cast(_QUARANTINED)
    if not table.num_rows:
        return table
    keys = [table[name].to_numpy() for name in ("submission", "record", "byte_start")]
    different = np.zeros(table.num_rows, np.bool_)
    different[0] = True
    for key in keys:
        different[1:] |= key[1:] != key[:-1]
    return table.filter(pa.array(different))


def _batch(parts: Sequence[Part], whole: NDArray[np.bool_]) -> pa.RecordBatch:
    batches = [part.batch for part in parts]
    if whole.any():
        batches = [
            batch.filter(pa.array(~whole[batch["submission"].to_numpy()])) for batch in batches
        ]
    if len(batches) == 1:
        return batches[0]
    table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    return table.to_batches()[0] if table.num_rows else batches[0].slice(0, 0)
