"""From records to submissions: what the markets with few records share.

A market says who sends each record and when; records of one sender and one moment make one
submission. A fault rewrites one value of a record before it is written, so that the form around
it stays right.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from replay.market import breakage
from replay.market.batches import SECOND, WINDOW, Submission, batch
from replay.market.population import Flags, Ints, Texts


class Form(Protocol):
    """A feed's writer: its records one by one, and what goes around those of a submission."""

    def render(self, records: pa.Table) -> pa.Array:
        """Each record as it is written."""

    def frame(self, records: list[Any], header: Mapping[str, str]) -> bytes:
        """One submission of rendered records."""


class Messages:
    """The form of FIX messages, which need nothing around them.

    All are written at once: the session's numbers run on from one submission to the next.
    """

    def __init__(self, write: Callable[[pa.Table, Mapping[str, str]], bytes]) -> None:
        self._write = write

    def render(self, records: pa.Table) -> pa.Array:
        """The messages one by one."""
        body = self._write(records, {})
        ends = [found.end() for found in _END_OF_MESSAGE.finditer(body)]
        return pa.array([body[first:last] for first, last in pairwise([0, *ends])], pa.binary())

    def frame(self, records: list[Any], header: Mapping[str, str]) -> bytes:
        """One message after another."""
        del header
        return b"".join(records)


MOST = 400  # records in one submission
_END_OF_MESSAGE = re.compile(rb"\x0110=\d{3}\x01")
_APART = 7 * SECOND  # between the parts of a submission that was cut


@dataclass(frozen=True, slots=True)
class Sent:
    """Records of a feed with their senders and moments, in order of arrival.

    Submission i holds the records `start[i]:start[i + 1]` of `records`, which has the columns of
    the feed's writer and carries its faults already. `reference` is how labels name a record
    (empty: not at all), `plan` the labelled scheme it belongs to (-1: none).
    """

    feed: str
    form: Form
    records: pa.Table
    start: Ints
    submitter: Texts
    received_at: Ints
    header: Callable[[int], Mapping[str, str]]  # of the submission that begins with this record
    suffix: str
    reference: Texts
    plan: Ints
    counted: Ints  # 1 for a record, 0 for a line that is none
    faults: Counter[str]
    late: int

    def submissions(self) -> Iterator[Submission]:
        """The submissions in order of arrival."""
        bounds = self.start.tolist()
        written = self.form.render(self.records).to_pylist()
        for at, (first, last) in enumerate(pairwise(bounds)):
            submitter = str(self.submitter[at])
            body = self.form.frame(written[first:last], self.header(first))
            name = f"{submitter}-{self.feed}-{at:05d}.{self.suffix}"
            received, records = int(self.received_at[at]), int(self.counted[first:last].sum())
            yield Submission(received, self.feed, submitter, body, name, records)

    def labelled(self) -> Iterator[tuple[int, str]]:
        """(plan, reference) of the records of labelled schemes."""
        named = {
            (int(self.plan[row]), f"{self.feed}:{self.reference[row]}"): None
            for row in np.flatnonzero((self.plan >= 0) & (self.reference != ""))
        }
        yield from named  # once each: two sides may report one fact


def sent(
    rng: np.random.Generator,
    feed: str,
    form: Form,
    records: pa.Table,
    submitter: Texts,
    received_at: Ints,
    *,
    reference: str,
    suffix: str,
    broken_share: float,
    plan: Ints | None = None,
    message: Texts | None = None,
    created: Texts | None = None,
    late: int = 0,
    counted: Flags | None = None,
    shuffled: bool = True,
    sound: Flags | None = None,
) -> Sent:
    """Plan the submissions of a feed.

    Args:
        rng: source of the order within a submission and of faults.
        feed: name of the feed.
        form: its writer.
        records: columns of its `RECORD`, one row a record.
        submitter: institution that sends each record.
        received_at: when each record arrives, UTC microseconds.
        reference: column that names a record; empty: labels leave it out.
        suffix: of the file names.
        broken_share: share of records that carry a fault; labelled ones never do.
        plan: labelled scheme of each record, -1 for none; without it there are none.
        message: id of the message a record goes with; records of one message stay together.
        created: when that message was made, as its header says it.
        late: how many records the market sends beyond the declared lateness, for the counts.
        counted: which rows are records, where some are subtotals; those carry no fault.
        shuffled: records of a submission in random order, else as they are given.
        sound: which records carry no fault; without it any may.
    """
    size = records.num_rows
    real = np.ones(size, bool) if counted is None else counted
    plans = np.full(size, -1) if plan is None else plan
    numbers = np.zeros(size, np.int64)
    if message is not None:
        _, numbers = np.unique(message, return_inverse=True)
    _, sender = np.unique(submitter, return_inverse=True)
    within = rng.random(size) if shuffled else np.arange(size)
    order = np.lexsort((within, numbers, sender, received_at))
    key = np.column_stack([received_at, sender, numbers])[order]
    fresh = np.flatnonzero(np.r_[True, (key[1:] != key[:-1]).any(axis=1)]) if size else order
    place = np.arange(size) - np.repeat(fresh, np.diff(np.r_[fresh, size]))
    start = np.flatnonzero(place % MOST == 0)
    received = key[start, 0] + place[start] // MOST * _APART
    # Parts of a cut submission may overtake the next one: put them in order of arrival again.
    arrival = np.argsort(received, kind="stable")
    sizes = np.diff(np.r_[start, size])[arrival]
    begins = np.r_[0, np.cumsum(sizes)]
    rows = order[np.repeat(start[arrival] - begins[:-1], sizes) + np.arange(size)]
    free = (plans[rows] < 0) & real[rows]
    if sound is not None:
        free &= ~sound[rows]
    kinds = breakage.VALUES[feed] if broken_share else {}
    faults = breakage.choose(rng, kinds, free, broken_share)
    table = _broken(kinds, records.take(pa.array(rows)), faults)
    messages = None if message is None else message[rows]
    times = None if created is None else created[rows]

    def header(first: int) -> Mapping[str, str]:
        said = {}
        if messages is not None:
            said["message_id"] = str(messages[first])
        if times is not None:
            said["created_at"] = str(times[first])
        return said

    return Sent(
        feed=feed,
        form=form,
        records=table,
        start=begins,
        submitter=submitter[order][start][arrival],
        received_at=received[arrival],
        header=header,
        suffix=suffix,
        reference=np.array(table[reference].to_pylist(), dtype=np.str_),
        plan=plans[rows],
        counted=real[rows].astype(np.int64),
        faults=Counter(faults.values()),
        late=late,
    )


def _broken(
    table: Mapping[str, tuple[str, str]], records: pa.Table, faults: Mapping[int, str]
) -> pa.Table:
    """The records with one value of each chosen row rewritten."""
    by_column: dict[str, dict[int, str]] = {}
    for row, kind in faults.items():
        column, value = table[kind]
        by_column.setdefault(column, {})[row] = value
    for column, values in by_column.items():
        cells = records[column].to_pylist()
        for row, value in values.items():
            cells[row] = value
        at = records.schema.get_field_index(column)
        records = records.set_column(at, records.schema.field(at), pa.array(cells, pa.string()))
    return records


def gathered(
    rng: np.random.Generator,
    instant: Ints,
    sender: Ints,
    late_share: float,
    allowed_us: int,
    window_us: int = WINDOW,
) -> tuple[Ints, int]:
    """When each record arrives that its sender gathers over a window: (instants, late ones).

    Args:
        rng: source of jitter and of forgotten records.
        instant: event times, UTC microseconds.
        sender: a number for each record's sender; records of one sender go together.
        late_share: share of records that come windows later.
        allowed_us: the feed's declared lateness, microseconds.
        window_us: how long a sender gathers, microseconds.
    """
    packed = batch(rng, instant, sender, late_share, window_us=window_us)
    received = np.empty(len(instant), np.int64)
    received[packed.order] = np.repeat(packed.received_at, packed.sizes())
    return received, int((received - instant > allowed_us).sum())


def table_of(columns: Mapping[str, Texts | pa.Array], schema: pa.Schema) -> pa.Table:
    """Columns of text in the order of a writer; what is not given is null."""
    size = len(next(iter(columns.values())))
    unknown = set(columns) - set(schema.names)
    if unknown:
        raise ValueError(f"columns {sorted(unknown)}: the writer has none of these names")
    arrays = [
        pa.array(columns[name], pa.string()) if name in columns else pa.nulls(size, pa.string())
        for name in schema.names
    ]
    return pa.table(arrays, schema=schema)


def some(values: Texts, there: Flags) -> pa.Array:
    """Text where it is there, null elsewhere."""
    return pa.array(values, pa.string(), mask=~there)
