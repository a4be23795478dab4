"""What became of a submission, and what may never be true of it whatever was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from connectors.engine.assemble import Part
from connectors.engine.engine import Decoded, Decoder, Submission
from connectors.engine.gate import RefusedError, readable
from connectors.engine.spec import Feed
from tests.connectors.support import TOKENISER, reconciles, submission

PLACES = ("submission", "record", "source_record_locator", "byte_start", "byte_end")
_BLANK = b" \t\r\n"
_MARK = b"\xef\xbb\xbf"


class Watched(Decoder):
    """A decoder that shows its parts: every record with its bytes, the accepted ones too."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(feed, TOKENISER)
        self.parts: list[Part] = []

    def decode(self, submissions: Sequence[Submission]) -> Decoded:
        self.parts = []
        return super().decode(submissions)

    def _part(self, *given: Any) -> Part:
        part = super()._part(*given)
        self.parts.append(part)
        return part


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it lies, its state (0 accepted, 1, 2, 3 skipped), row and findings."""

    start: int
    end: int
    state: int
    row: dict[str, Any] | None
    found: frozenset[tuple[str, str, str]]


def records_of(decoder: Watched, number: int) -> list[Record]:
    """The records of one submission of the last call, before anything was held."""
    out = []
    for part in decoder.parts:
        rows = {
            (row["submission"], row["record"]): {k: row[k] for k in row if k not in PLACES}
            for row in part.batch.to_pylist()
        }
        found: dict[int, set[tuple[str, str, str]]] = {}
        for at, rule, outcome, source, _ in part.findings.parts:
            for row in at.tolist():
                found.setdefault(row, set()).add((rule, outcome, source))
        for row in np.flatnonzero(part.submission == number).tolist():
            key = (number, int(part.record[row]))
            state = 3 if part.skipped[row] else int(part.findings.state[row])
            start, end = int(part.start[row]), int(part.end[row])
            out.append(Record(start, end, state, rows.get(key), frozenset(found.get(row, ()))))
    return out


def wrongs(feed: Feed, bodies: Sequence[bytes], decoder: Watched, decoded: Decoded) -> list[str]:
    """What is wrong with the account of some submissions; nothing if all is in one place."""
    wrong = [] if reconciles(decoded) else ["records are in no outcome, or in two"]
    decoded.batch.validate(full=True)  # text that is none, offsets outside: raises
    decoded.findings.validate(full=True)
    decoded.quarantined.validate(full=True)
    for number, body in enumerate(bodies):
        if decoded.counts[number].records < 1:
            wrong.append(f"submission {number}: bytes without any record")
        wrong += [f"submission {number}: {told}" for told in _places(feed, body, decoder, number)]
    return wrong


def _places(feed: Feed, body: bytes, decoder: Watched, number: int) -> list[str]:
    """Records one behind the other; of lines and messages, nothing but blanks between them."""
    try:
        read = bytes(readable(body, feed))
    except RefusedError:
        read = b""
    start = [part.start[part.submission == number] for part in decoder.parts]
    end = [part.end[part.submission == number] for part in decoder.parts]
    record = [part.record[part.submission == number] for part in decoder.parts]
    starts, ends = np.concatenate(start).tolist(), np.concatenate(end).tolist()
    if np.concatenate(record).tolist() != list(range(len(starts))):
        return ["records are not numbered as they come"]
    if feed.sheet is not None:
        return []
    marked = feed.format == "ndjson" and read.startswith(_MARK) and 3 in starts[:1]
    at, wrong = 3 if marked else 0, []  # a byte order mark belongs to no line that can be read
    for place, (low, high) in enumerate(zip(starts, ends, strict=True)):
        if not at <= low <= high <= len(read):
            return [f"record {place} lies at {low} to {high}, behind {at} of {len(read)}"]
        first_of_csv = feed.format == "csv" and place == 0
        if not first_of_csv and feed.format not in ("xml", "json") and read[at:low].strip(_BLANK):
            wrong.append(f"bytes {at} to {low} are in no record")
        at = high
    if starts and feed.format not in ("xml", "json") and read[at:].strip(_BLANK):
        wrong.append(f"bytes {at} to {len(read)} are in no record")
    return wrong


def judge(feed: Feed, *bodies: bytes) -> tuple[Watched, Decoded, list[str]]:
    """Decode with a decoder that knows nothing yet."""
    decoder = Watched(feed)
    decoded = decoder.decode([submission(body) for body in bodies])
    return decoder, decoded, wrongs(feed, bodies, decoder, decoded)
