"""Intake of one unit of submissions: decode, enrich, check, answer. Nothing is lost on the way."""

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.ends.tape import Tape
from connectors.engine.engine import Submission
from connectors.engine.spec import Feed
from connectors.engine.tokens import Tokeniser
from pipelines.intake.enrich import microseconds
from pipelines.intake.group import Group, TakenGroup, take_group
from pipelines.intake.large import Pieces, TakenPiece, Told, take_large
from pipelines.intake.plan import Unit
from pipelines.job.segments import NO_WATERMARK
from quality.answers import acknowledgements
from quality.evaluate import Evaluator
from schemas.errors import ConfigurationError, InputError
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema
from schemas.narrow import NARROW, ORDER_DELAY_US, of_orders
from schemas.records import FEEDBACK, QUARANTINE, RAW, SUBMISSION
from schemas.reference_data import institutions

_BEIJING_US = 8 * 3600 * 1_000_000  # China has kept UTC+8 without summer time since 1992
_DAY_US = 24 * 3600 * 1_000_000
_FIRST_DAY = dt.date(1970, 1, 1)
_START = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US = dt.timedelta(microseconds=1)
_NOBODY = pa.array([], pa.int32())
_STREAM_MARKET = "PYMT"  # whose feeds say how far the stream job's time has come
_ORDER_MARKET = "FUTR"  # whose withdrawn orders travel behind it (schemas.narrow.ORDER_DELAY_US)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a unit.

    `reports` are wide reports by kind, every kind present (`arrow_schema(kind)`), and
    `acknowledged` says of each the record's ordinal in its submission, null where `answers` say
    more of it than ACK. `narrow` are the on-time payments and withdrawn orders of futures as
    `NARROW` rows in order of arrival, complete up to `watermark_us` (orders: up to `ORDER_DELAY_US`
    before it); the others have the schemas of `schemas.records`. In `submissions`, submitted =
    accepted + rejected + quarantined + duplicates on every row.
    """

    reports: Mapping[str, pa.Table]
    acknowledged: Mapping[str, pa.Array]
    narrow: NDArray[Any]
    watermark_us: int
    answers: pa.Table
    quarantine: pa.Table
    submissions: pa.Table

    @property
    def feedback(self) -> pa.Table:
        """All answers, made anew at each call: `answers`, and an ACK for every other record."""
        plain = [
            acknowledgements(reports, self.acknowledged[kind])
            for kind, reports in self.reports.items()
        ]
        return pa.concat_tables([self.answers, *plain])


class Intake:
    """Takes units of submissions; one per process.

    Args:
        feeds: Every feed by name.
        tokeniser: Makes tokens; the only thing here that holds the key.
        evaluator_on: Makes the validation rules with the institution register of a day.
        data_origin: REAL, PUBLIC or SIMULATED.
        versions: Of a feed: from which received time on (us) which version of its spec reads,
            ascending; asked at each call, so that an adopted one holds without a restart.
    """

    def __init__(
        self,
        feeds: Mapping[str, Feed],
        tokeniser: Tokeniser,
        evaluator_on: Callable[[dt.date], Evaluator],
        data_origin: str,
        versions: Callable[[Feed], Sequence[tuple[int, Feed]]] = lambda feed: ((0, feed),),
    ) -> None:
        self._versions = versions
        self._feeds = feeds
        self._tokeniser = tokeniser
        self._evaluator_on = evaluator_on
        self._evaluators: dict[int, Evaluator] = {}
        self._origin = data_origin
        self._stream = tuple(feed for feed in feeds.values() if _streamed(feed))

    def take(self, tape: Tape, unit: Unit) -> Taken:
        """Take one unit of a tape: read its submissions in order of arrival and process them."""
        tables, repeats = [], []
        cache: dict[int, pa.Table] = {}
        for part in unit.parts:
            if part.segment not in cache:
                cache[part.segment] = tape.envelopes(part.segment)
            tables.append(tape.filled(_rows(cache[part.segment], part.rows)))
            repeated = set(part.repeats)
            repeats += [row in repeated for row in part.rows]
        return self.process(pa.concat_tables(tables), np.array(repeats, np.bool_), unit.number)

    def feed_of(self, name: str) -> Feed:
        """The feed of a name; its kind is that of all its versions.

        Raises:
            InputError: there is none.
        """
        if name not in self._feeds:
            raise InputError(
                f"feed {name!r}: expected one of {', '.join(self._feeds)}; add its spec, or "
                "correct the name under which it was received"
            )
        return self._feeds[name]

    def take_large(self, tape: Tape, unit: Unit, pieces: Pieces, told: Told) -> Taken:
        """Take a unit of one large submission, whose body is never in memory as a whole.

        Args:
            tape: The tape.
            unit: One that is `large`.
            pieces: Gets the reports, narrow rows and answers of its records, and what waits.
            told: Is told which share is done.

        Returns:
            The rest: its counts, and what concerns no record.
        """
        (part,) = unit.parts
        raw = _rows(tape.envelopes(part.segment), part.rows)
        at = raw.schema.get_field_index("body")
        raw = raw.set_column(at, RAW.field("body"), pa.array([b""], pa.large_binary()))
        (group,) = self._groups(raw, np.array([bool(part.repeats)]))
        (one,) = group.submissions
        group = replace(group, submissions=(replace(one, body=tape.stored(one.id)),))
        done = take_large(
            group,
            self._tokeniser,
            self._evaluator(group.on),
            self._origin,
            pieces,
            told,
            tape.scratch,
        )
        return Taken(
            reports=MappingProxyType({kind: _no_reports(kind) for kind in IMPLEMENTED_KINDS}),
            acknowledged=MappingProxyType(dict.fromkeys(IMPLEMENTED_KINDS, _NOBODY)),
            narrow=np.empty(0, NARROW),
            watermark_us=self._watermark(raw),
            answers=done.answers,
            quarantine=done.quarantine,
            submissions=_numbered(done.submissions, unit.number).cast(SUBMISSION),
        )

    def process(self, raw: pa.Table, repeats: NDArray[Any], number: int) -> Taken:
        """Process submissions.

        Args:
            raw: `schemas.records.RAW`, in order of arrival, bodies present.
            repeats: Which of them the same submitter sent before; counted, not taken again.
            number: Of the unit, for the ledger's bookkeeping.
        """
        groups = [
            take_group(group, self._tokeniser, self._evaluator(group.on), self._origin)
            for group in self._groups(raw, repeats)
        ]
        position = np.argsort(np.concatenate([g.order for g in groups]), kind="stable")
        submissions = pa.concat_tables([g.submissions for g in groups]).take(pa.array(position))
        submissions = _numbered(submissions, number)
        of_kind = {kind: [g for g in groups if g.feed.kind == kind] for kind in IMPLEMENTED_KINDS}
        reports = {
            kind: pa.concat_tables([g.reports for g in some]) if some else _no_reports(kind)
            for kind, some in of_kind.items()
        }
        return Taken(
            reports=MappingProxyType(reports),
            acknowledged=MappingProxyType(
                {
                    kind: pa.concat_arrays([_NOBODY, *(g.acknowledged for g in some)])
                    for kind, some in of_kind.items()
                }
            ),
            narrow=stream_rows(of_kind["event"]),
            watermark_us=self._watermark(raw),
            answers=_concat([g.answers for g in groups], FEEDBACK),
            quarantine=_concat([g.quarantine for g in groups], QUARANTINE),
            submissions=submissions.cast(SUBMISSION),
        )

    def _watermark(self, raw: pa.Table) -> int:
        """What the stream may take as complete: only its own feeds say how far they have come."""
        stream = pa.array([feed.name for feed in self._stream])
        # of any version: a watermark that lags changes nothing, one that runs ahead loses reports
        lateness = max(v.lateness for feed in self._stream for _, v in self._versions(feed))
        self._demand_in_time(lateness)
        received = raw["received_at"].filter(pc.is_in(raw["feed"], value_set=stream))
        newest = pc.max(received.cast(pa.int64())).as_py()
        return NO_WATERMARK if newest is None else newest - microseconds(lateness)

    def _demand_in_time(self, lateness: dt.timedelta) -> None:
        """Refuse a feed of orders that may come later than the stream waits for orders.

        Raises:
            ConfigurationError: one declares so much lateness.
        """
        longest = lateness + ORDER_DELAY_US * _US
        for feed in self._feeds.values():
            if feed.kind != "event" or _ORDER_MARKET not in feed.markets:
                continue
            if any(version.lateness > longest for _, version in self._versions(feed)):
                raise ConfigurationError(
                    f"feed {feed.name}: lateness: expected at most {longest}: a day more than "
                    "payments declare; declare less, or raise ORDER_DELAY_US in schemas/narrow.py"
                )

    def _groups(self, raw: pa.Table, repeats: NDArray[Any]) -> Iterator[Group]:
        """Submissions of one feed whose institutions are read at the same state of the register."""
        register = institutions()
        found: dict[tuple[str, int, int], list[int]] = {}
        spans: dict[str, Sequence[tuple[int, Feed]]] = {}
        received_us = raw["received_at"].cast(pa.int64()).to_numpy()
        days, day = np.unique((received_us + _BEIJING_US) // _DAY_US, return_inverse=True)
        dates = [_FIRST_DAY + dt.timedelta(days=number) for number in days.tolist()]
        epochs = [register.epoch(date) for date in dates]
        bodies = _bodies(raw["body"])
        envelopes = raw.drop_columns(["body"])
        for row, feed in enumerate(raw["feed"].to_pylist()):
            span = spans.get(feed)
            if span is None:
                span = spans[feed] = self._versions(self.feed_of(feed))
            version = 0
            if len(span) > 1:
                version = bisect_right(span, int(received_us[row]), key=lambda one: one[0]) - 1
            found.setdefault((feed, version, epochs[day[row]]), []).append(row)
        for (feed, version, _), rows in found.items():
            some = envelopes.take(pa.array(rows))
            yield Group(
                feed=spans[feed][version][1],
                submissions=tuple(
                    Submission(sha, submitter, _START + us * _US, bodies[row], name)
                    for sha, submitter, us, row, name in zip(
                        some["sha256"].to_pylist(),
                        some["submitter"].to_pylist(),
                        received_us[rows].tolist(),
                        rows,
                        some["file_name"].to_pylist(),
                        strict=True,
                    )
                ),
                repeats=repeats[rows],
                order=np.array(rows),
                on=dates[day[rows[0]]],
            )

    def _evaluator(self, on: dt.date) -> Evaluator:
        epoch = institutions().epoch(on)
        if epoch not in self._evaluators:
            self._evaluators[epoch] = self._evaluator_on(on)
        return self._evaluators[epoch]


def _rows(table: pa.Table, rows: Sequence[int]) -> pa.Table:
    """Rows of a segment; a run of them, which is the rule, is not copied."""
    if tuple(rows) == tuple(range(rows[0], rows[0] + len(rows))):
        return table.slice(rows[0], len(rows))
    return table.take(pa.array(rows))


def _bodies(column: pa.ChunkedArray) -> list[pa.Buffer]:
    """The bytes of each row, where they lie: a unit's bodies are most of its memory."""
    out: list[pa.Buffer] = []
    for chunk in column.chunks:
        _, offsets, data = chunk.buffers()
        bounds = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        out += [
            data.slice(start, end - start)
            for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        ]
    return out


def _streamed(feed: Feed) -> bool:
    """Balances of the stream's market come a day later and hold nothing back."""
    return _STREAM_MARKET in feed.markets and feed.kind == "event"


def stream_rows(events: Sequence[TakenGroup | TakenPiece]) -> NDArray[Any]:
    """The narrow rows the stream job reads, of groups or pieces of events."""
    rows = [g.narrow[_STREAM_MARKET] for g in events if _STREAM_MARKET in g.narrow]
    for group in events:
        if _ORDER_MARKET in group.narrow:
            orders = group.narrow[_ORDER_MARKET]
            rows.append(orders[of_orders(orders)])
    return np.concatenate(rows) if rows else np.empty(0, NARROW)


def _concat(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables(tables) if tables else schema.empty_table()


@cache
def _no_reports(kind: str) -> pa.Table:
    """No reports of a kind; made once, because a hundred empty columns take milliseconds."""
    return arrow_schema(kind).empty_table()


def _numbered(submissions: pa.Table, number: int) -> pa.Table:
    size = submissions.num_rows
    for name, values in (("segment", np.full(size, number)), ("position", np.arange(size))):
        field = SUBMISSION.field(name)
        at = SUBMISSION.get_field_index(name)
        submissions = submissions.set_column(at, field, pa.array(values.astype(np.int32)))
    return submissions
