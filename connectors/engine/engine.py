"""Submissions of one feed to canonical columns, every record accounted for.

The bytes of many submissions are scanned one by one into one relation of cells; columns are made
once for all of them. Large submissions go through in chunks. See docs/feeds.md for the outcomes.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.assemble import Part, Refusal, Tally, assemble, findings_of
from connectors.engine.cells import PATH_LIMIT, Cells, PathBook, Scanned
from connectors.engine.cells_csv import CsvScanner
from connectors.engine.cells_fix import FixScanner, note_codes, note_repeated, note_status
from connectors.engine.cells_json import JsonScanner
from connectors.engine.cells_xml import XmlScanner
from connectors.engine.chunks import CHUNK_BYTES, units_of
from connectors.engine.columns import Reading
from connectors.engine.convert import constant
from connectors.engine.findings import Findings
from connectors.engine.gate import RefusedError
from connectors.engine.kernels.jsontext import REPEATED_KEY, UNREADABLE, WRONG_COLUMNS
from connectors.engine.keys import content_hash, referred_key, transaction_key
from connectors.engine.party import PARTY_COLUMNS, Parties
from connectors.engine.places import locators, ordinals, positions
from connectors.engine.scan import Unit
from connectors.engine.sheets import CELL, PROBLEM
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser
from connectors.engine.totals import Totals, add_totals
from connectors.stored import StoredBytes
from schemas.fields import arrow_schema
from schemas.reference_data import cross_reference, institutions

_BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Submission:
    """What a submitter sent at once. `id` is the SHA-256 of the bytes as sent."""

    id: bytes
    submitter: str
    received_at: datetime
    body: bytes | pa.Buffer | StoredBytes
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Records of one submission; records = accepted + rejected + quarantined + skipped."""

    records: int
    accepted: int
    rejected: int
    quarantined: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came of some submissions of one feed.

    `batch` has one row per accepted record: the canonical columns the spec fills, and submission
    (int32), record (int64, from 0), source_record_locator, byte_start, byte_end (in the submitted
    bytes; in the expanded ones where the body was compressed). `findings` has schema FINDING.
    `quarantined` has submission, record, locator, byte_start, byte_end, reason, field, expected:
    one row per quarantined record, -1 for a whole submission. `held` says per submission why it
    waits as one unit (SOURCE_CHANGED, CONTROL_TOTAL), else None.
    """

    batch: pa.RecordBatch
    findings: pa.Table
    quarantined: pa.Table
    counts: tuple[Counts, ...]
    held: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk of a streamed submission: as in `Decoded`, and how far it brings us (0 to 1)."""

    batch: pa.RecordBatch
    findings: pa.Table
    quarantined: pa.Table
    done: float


Take = Callable[[Piece], None]


class Decoder:
    """Decodes submissions of one feed. Keeps what it learned between calls: one per thread.

    Args:
        feed: The spec.
        tokeniser: Makes tokens; never called with a name.
    """

    def __init__(self, feed: Feed, tokeniser: Tokeniser) -> None:
        self.feed = feed
        self._tokeniser = tokeniser
        schema = arrow_schema(feed.kind)
        self._types = {field.name: field.type for field in schema}
        self._parties: tuple[tuple[int, int], Parties] | None = None
        self._fresh()

    def decode(self, submissions: Sequence[Submission]) -> Decoded:
        """Decode submissions; blocks, reads no clock, writes nothing, raises for no input."""
        return self._decode(submissions, None, None)

    def stream(self, submission: Submission, take: Take, scratch: Path | None = None) -> Decoded:
        """Decode one submission, however large, without keeping anything that grows with it.

        Args:
            submission: Its body may lie in a file.
            take: Gets the accepted rows and the findings of each chunk. Whether they count is known
                at the end only: where the result says the submission is held, they must be dropped.
            scratch: A folder to expand a compressed body in; None expands it in memory.

        Returns:
            As `decode`, without what `take` was given.

        Raises:
            InputError: nothing can be written in the folder.
        """
        return self._decode([submission], take, scratch)

    def scan(self, units: Sequence[Unit]) -> tuple[Scanned, dict[int, RefusedError]]:
        """The cells of units before any column is made, and the units nothing can be read from."""
        return self._scanner.scan(units)

    def _decode(
        self, submissions: Sequence[Submission], take: Take | None, scratch: Path | None
    ) -> Decoded:
        parts: list[Part] = []
        tally = Tally(len(submissions))
        refusals: list[Refusal] = []
        totals: dict[int, Totals] = {}
        begun: dict[int, int] = {}  # records of each submission so far
        made = False  # a header without records has its totals too
        for units in self._groups(submissions, refusals, scratch):
            if len(self._book.names) > PATH_LIMIT:
                self._fresh()
            scanned, refused = self._scanner.scan(units)
            for index, error in refused.items():
                unit = units[index]
                start = unit.head + unit.shift
                end = start + len(unit.body) - unit.head
                refusals.append(Refusal(unit.submission, start, end, error))
            if len(scanned.records) or not made:
                made = True
                part = self._part(units, scanned, submissions, totals, begun)
                tally.add(part)
                if take is None:
                    parts.append(part)
                else:
                    done = (units[-1].shift + len(units[-1].body)) / max(units[-1].whole, 1)
                    take(Piece(part.batch, *findings_of(part), done))
        if not parts:
            parts.append(self._part([], self._scanner.scan([])[0], submissions, totals, begun))
        sizes = [len(submission.body) for submission in submissions]
        whole = assemble(self.feed, sizes, parts, tally, refusals, totals)
        counts = tuple(Counts(*map(int, row)) for row in whole.counts)
        return Decoded(whole.batch, whole.findings, whole.quarantined, counts, tuple(whole.held))

    def _fresh(self) -> None:
        self._book = PathBook()
        self._scanner: XmlScanner | CsvScanner | JsonScanner | FixScanner
        if self.feed.format == "xml":
            self._scanner = XmlScanner(self.feed, self._book)
        elif self.feed.format in ("csv", "xlsx"):
            self._scanner = CsvScanner(self.feed, self._book)
        elif self.feed.format == "fix":
            self._scanner = FixScanner(self.feed, self._book)
        else:
            self._scanner = JsonScanner(self.feed, self._book)

    def _groups(
        self, submissions: Sequence[Submission], refusals: list[Refusal], scratch: Path | None
    ) -> Iterator[list[Unit]]:
        """Units of at most a chunk in total, of one state of the reference data."""
        group: list[Unit] = []
        size = 0
        epoch = (0, 0)
        epochs: dict[date, tuple[int, int]] = {}
        for number, submission in enumerate(submissions):
            day = _day(submission)
            if day not in epochs:
                epochs[day] = self._epoch(submission)
            now = epochs[day]
            try:
                body = _view(submission.body)
                for unit in units_of(number, body, self.feed, CHUNK_BYTES, scratch):
                    full = size + len(unit.body) > CHUNK_BYTES or unit.shift > 0  # a later chunk
                    if group and (epoch != now or full):
                        yield group
                        group, size = [], 0
                    group.append(unit)
                    size += len(unit.body)
                    epoch = now
            except RefusedError as error:
                refusals.append(Refusal(number, 0, len(submission.body), error.bare()))
        if group:
            yield group

    @staticmethod
    def _epoch(submission: Submission) -> tuple[int, int]:
        day = _day(submission)
        return institutions().epoch(day), cross_reference().epoch(day)

    def _party_filler(self, submission: Submission) -> Parties:
        epoch = self._epoch(submission)
        if self._parties is None or self._parties[0] != epoch:
            self._parties = (epoch, Parties(self._tokeniser, _day(submission)))
        return self._parties[1]

    def _part(
        self,
        units: Sequence[Unit],
        scanned: Scanned,
        submissions: Sequence[Submission],
        totals: dict[int, Totals],
        begun: dict[int, int],
    ) -> Part:
        cells = Cells(scanned)
        cells.expect(self.feed.paths)
        rows = cells.count
        of_unit = np.array([unit.submission for unit in units], np.int32)
        submission = of_unit[scanned.unit] if rows else np.empty(0, np.int32)
        record = ordinals(units, scanned, begun)
        start, end = positions(units, scanned)
        names = pa.array([one.submitter for one in submissions], pa.string())
        submitters = names.take(pa.array(submission))
        findings = Findings(rows)
        if scanned.style == "fix":
            note_status(findings, scanned, self.feed)
        else:
            self._note_unreadable(findings, units, scanned)
        reading = Reading(cells, findings, record, submitters, self._tokeniser)
        skipped = self._skipped(reading)
        columns = self._columns(reading, submissions[units[0].submission] if units else None)
        if scanned.style == "fix":
            note_codes(findings, cells, self.feed.groups)
            note_repeated(findings, scanned)
        else:  # of an object, not of a value
            twice = (scanned.status == REPEATED_KEY) & (findings.state == 0)
            findings.add(twice, "ENG-REPEATED", "key", "each key once")
        if self.feed.sheet is not None:
            note_problems(findings, reading)
        self._note_undecided(findings, cells)
        add_totals(self.feed, totals, units, cells, columns, skipped, submission)
        feed = self.feed
        columns["transaction_key"] = transaction_key(feed.key, columns, submitters, rows)
        if feed.refers is not None:
            columns["original_transaction_key"] = referred_key(
                feed.refers, columns, submitters, rows
            )
        columns["content_hash"] = content_hash(self.feed, columns)
        if feed.sheet is None:
            locator = locators(feed, scanned, record, units)
        else:
            locator = reading.text(CELL)  # a workbook's bytes are no place to look
            sizes = np.array([len(one.body) for one in submissions], np.int64)
            start, end = np.zeros(rows, np.int64), sizes[submission]
        columns |= {
            "submission": pa.array(submission),
            "record": pa.array(record),
            "source_record_locator": locator,
            "byte_start": pa.array(start),
            "byte_end": pa.array(end),
        }
        batch = self._batch(columns, rows)
        good = (findings.state == 0) & ~skipped
        if not good.all():
            batch = batch.filter(pa.array(good))
        return Part(batch, findings, submission, record, locator, start, end, skipped)

    def _note_unreadable(self, findings: Findings, units: Sequence[Unit], scanned: Scanned) -> None:
        if not scanned.status.any():
            return
        broken = scanned.status == UNREADABLE
        for number, unit in enumerate(units):
            if unit.bad_lines:
                here = (scanned.unit == number) & np.isin(scanned.lines, unit.bad_lines)
                encoding = f"text in {self.feed.encoding}"
                findings.add(broken & here, "ENG-ENCODING", "line", encoding)
                broken &= ~here
        what = "one JSON object" if self.feed.format == "ndjson" else "quotes around whole values"
        findings.add(broken, "ENG-UNREADABLE", "line", what)
        columns = scanned.status == WRONG_COLUMNS
        findings.add(columns, "ENG-COLUMNS", "line", "as many values as columns")

    def _skipped(self, reading: Reading) -> NDArray[np.bool_]:
        out = np.zeros(reading.rows, np.bool_)
        for path, values in self.feed.skip:
            hit = pc.is_in(reading.text(path), value_set=pa.array(values, pa.string()))
            out |= hit.to_numpy(zero_copy_only=False)
        return out

    def _columns(self, reading: Reading, first: Submission | None) -> dict[str, pa.Array]:
        feed, rows = self.feed, reading.rows
        out: dict[str, pa.Array] = {}
        for column in (*feed.columns, *feed.locals):
            out[column.name] = reading.column(column)
        if first is not None:
            filler = self._party_filler(first)
            for party in feed.parties:
                out |= _with_stated(out, filler.columns(party, reading))
        else:
            for party in feed.parties:
                for part in PARTY_COLUMNS:
                    name = f"{party.prefix}_{part}"
                    out[name] = pa.nulls(0, self._types[name])
        for name, value in feed.constants.items():
            out[name] = constant(value, rows, self._types[name])
        return out

    def _note_undecided(self, findings: Findings, cells: Cells) -> None:
        feed = self.feed
        for path in (feed.total_records, feed.total_sum and feed.total_sum[1]):
            if path:
                cells.column(path)
        for party in feed.parties:
            if party.person:
                cells.present(party.person)
        outcome = "warning" if feed.undecided == "warn" else ""
        filled = ((path, cells.column(path)[0].is_valid()) for path in feed.empty)
        met = [(path, found.to_numpy(zero_copy_only=False)) for path, found in filled]
        for path, found in (*met, *cells.undecided(feed.ignored)):
            findings.add(
                found, "ENG-UNKNOWN-FIELD", path, "a field the spec decides about", outcome
            )

    def _batch(self, columns: dict[str, pa.Array], rows: int) -> pa.RecordBatch:
        """The columns that are canonical or the engine's own, extension fields as one map."""
        extension = [name for name in columns if name.startswith("extension.")]
        out = {
            name: column
            for name, column in columns.items()
            if name in self._types or name in OWN_COLUMNS
        }
        if extension:
            out["extension"] = _extension({name: columns[name] for name in extension}, rows)
        return pa.RecordBatch.from_arrays(list(out.values()), names=list(out))


def note_problems(findings: Findings, reading: Reading) -> None:
    """Cells of a sheet without a value that can be taken."""
    told, _ = reading.text(PROBLEM), reading.text(CELL)  # both are decided about
    for problem in pc.unique(told.drop_null()).to_pylist():
        here = pc.fill_null(pc.equal(told, problem), False).to_numpy(zero_copy_only=False)
        findings.add(here, "ENG-CELL", "cell", problem)


OWN_COLUMNS = ("submission", "record", "source_record_locator", "byte_start", "byte_end")


def _with_stated(out: dict[str, pa.Array], found: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of a party; its nature is what the record states, else what was found out."""
    for name in found.keys() & out.keys():
        if name.endswith("_nature"):
            both = pc.coalesce(out[name].cast(pa.string()), found[name].cast(pa.string()))
            coded = both.dictionary_encode()
            found[name] = pa.DictionaryArray.from_arrays(
                coded.indices.cast(out[name].type.index_type), coded.dictionary
            )
    return found


def _view(body: bytes | pa.Buffer | StoredBytes) -> memoryview | StoredBytes:
    return body if isinstance(body, StoredBytes) else memoryview(body)


def _day(submission: Submission) -> date:
    return submission.received_at.astimezone(_BEIJING).date()


def _extension(columns: dict[str, pa.Array], rows: int) -> pa.Array:
    """Source-specific leftovers as one map per record, without the absent ones."""
    columns = {name: column for name, column in columns.items() if column.null_count < rows}
    if not columns:
        entries = pa.array([], pa.string())
        return pa.MapArray.from_arrays(pa.array(np.zeros(rows + 1, np.int32)), entries, entries)
    names = pa.array([name.removeprefix("extension.") for name in columns], pa.string())
    there = np.stack([c.is_valid().to_numpy(zero_copy_only=False) for c in columns.values()], 1)
    row, field = np.nonzero(there)
    values = pa.concat_arrays(list(columns.values())).take(pa.array(field * rows + row))
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(there.sum(axis=1), out=offsets[1:])
    return pa.MapArray.from_arrays(pa.array(offsets), names.take(pa.array(field)), values)


_LOCAL = threading.local()
_DECODERS = 64  # more than there are feeds: a decoder remembers parties and plans


def decode(feed: Feed, submissions: Sequence[Submission], tokeniser: Tokeniser) -> Decoded:
    """Decode submissions of one feed with this thread's decoder for it.

    Args:
        feed: The spec.
        submissions: Of that feed, in any order; results are numbered by their position.
        tokeniser: Holds the key.
    """
    known: dict[tuple[int, int], Decoder] = _LOCAL.__dict__.setdefault("decoders", {})
    at = (id(feed), id(tokeniser))
    if at not in known:
        if len(known) >= _DECODERS:
            known.clear()
        known[at] = Decoder(feed, tokeniser)  # holds both, so their ids stay theirs
    return known[at].decode(submissions)
