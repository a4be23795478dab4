"""The one writer of a ledger: Arrow tables in, rows and offsets in one transaction.

A unit of loading is one position of one source (a tape's segment, a topic partition's message):
its tables and its offset are committed together, so a unit is loaded once or not at all, however
often the process dies and is started again. Units are gathered, written in larger parts, and
committed when there are enough rows or enough time has passed; whatever was not committed is given
again by the caller.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ledger import again, ddl, duck, mark, stored
from ledger.ended import end_crossings
from ledger.ids import row_ids
from ledger.repeats import Repeats, resolve
from schemas.errors import InputError
from schemas.fields import IMPLEMENTED_KINDS

ROW_GROUP = 122_880  # what DuckDB writes straight to the file, without the log
_WRITTEN = 60_000  # reports that are worth statements of their own
REPORTS = IMPLEMENTED_KINDS
_WITH_ORIGIN = (*REPORTS, "submission", "alert")


@dataclass(slots=True)
class _Unit:
    source: str
    position: int
    tables: Mapping[str, pa.Table]  # none any more once they are written
    rows: Mapping[str, int] = field(init=False)  # by kind of report

    def __post_init__(self) -> None:
        self.rows = {kind: self.tables[kind].num_rows for kind in REPORTS if kind in self.tables}

    @property
    def reports(self) -> int:
        return sum(self.rows.values())


class Loader:
    """Writes a ledger file; one process at a time.

    Args:
        path: The read-write file; made if it is not there.
        data_origin: Origin of everything that is loaded; a ledger holds one.
        commit_rows: Reports of a kind after which a commit follows, as soon as what it leaves at
            the end of their table fills more than half a row group: DuckDB writes neighbouring row
            groups once more, together, where one less can hold their rows.
        commit_seconds: Seconds after which a commit follows, if `clock` is given.
        clock: Seconds that rise; None commits by rows alone.

    Raises:
        InputError: the file is no ledger, holds another origin, is written by another process, or
            lost rows that were committed (its mark outside the file says so).
    """

    def __init__(
        self,
        path: Path,
        data_origin: str,
        commit_rows: int = ROW_GROUP * 3 // 2,
        commit_seconds: float = 1.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.path = path
        self.data_origin = data_origin
        self._commit_rows = commit_rows
        self._commit_seconds = commit_seconds
        self._clock = clock
        self._pending: list[_Unit] = []
        self._written: list[_Unit] = []  # in the transaction that is open
        self._open = ExitStack()
        self._since = 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = duck.open(path, read_only=False)
        try:
            with self.connection.transaction():
                if not self.connection.tables():
                    ddl.create(self.connection, data_origin)
                ddl.check_format(self.connection, data_origin)
            rows = self.connection.rows('SELECT source, "position", commit_number FROM load_offset')
            self._loaded = {(source, position) for source, position, _ in rows}
            self._commits = max((number for _, _, number in rows), default=0)
            mark.compare(path, self._commits)
        except BaseException:
            self.connection.close()
            raise

    def loaded(self, source: str) -> list[int]:
        """Positions of a source that are committed, ascending."""
        waiting = {(unit.source, unit.position) for unit in self._written + self._pending}
        return sorted(at for name, at in self._loaded - waiting if name == source)

    def load_segment(self, source: str, position: int, tables: Mapping[str, pa.Table]) -> bool:
        """Take one position of a source.

        Args:
            source: What numbers the positions, for example "tape:<sha256 of its manifest>".
            position: Its number there.
            tables: By table of the ledger: the kinds as wide reports (`arrow_schema(kind)`), the
                others with their schema of `schemas.records`; those
                that have `known_from` there need it, `known_to` may be missing.

        Returns:
            False if this position was loaded before; it is not loaded again.

        Raises:
            InputError: an unknown table, a missing column, or another data origin.
        """
        if (source, position) in self._loaded:
            return False
        self._check(tables)
        if not self._pending and not self._written and self._clock is not None:
            self._since = self._clock()
        self._pending.append(_Unit(source, position, tables))
        self._loaded.add((source, position))
        late = self._clock is not None and self._clock() - self._since >= self._commit_seconds
        if late or self._enough():
            self.flush()
        elif sum(unit.reports for unit in self._pending) >= _WRITTEN:
            self._write()
        return True

    def load_again(self, source: str, tables: Mapping[str, pa.Table], known_at: datetime) -> bool:
        """Take what a newer spec made of submissions that were held, in one commit.

        Reports come in known from `known_at`, with cause SPEC. The rows of the submissions get
        their new counts and state, what waited is marked as released; nothing is deleted.

        Args:
            source: Names this once: a second call with it changes nothing.
            tables: As for `load_segment`; `submission` and `quarantine` hold what is so now.
            known_at: When it became known.

        Returns:
            False if it was loaded before.

        Raises:
            InputError: as for `load_segment`.
        """
        if (source, 0) in self._loaded:
            return False
        self._check(tables)
        self.flush()
        number = self._commits + 1
        with self.connection.one_thread(), self.connection.transaction():
            for kind in REPORTS:
                if kind in tables and tables[kind].num_rows:
                    self._append_reports(kind, tables[kind], known_at)
            self._append("feedback", _complete("feedback", tables["feedback"]))
            again.revise(self.connection, tables["submission"], tables["quarantine"])
            self._append_offsets(number, [_Unit(source, 0, tables)])
        self._loaded.add((source, 0))
        self._commits = number
        mark.write(self.path, number)
        return True

    def conclude(
        self, source: str, position: int, tables: Mapping[str, pa.Table], ended: pa.Table
    ) -> bool:
        """Take what a closing found, in one commit with the mark that it was concluded.

        Args:
            source: Of closings.
            position: Number of the closing.
            tables: As for `load_segment`; no reports.
            ended: Crossings of earlier closings that end with this one, with `known_to`.

        Returns:
            False if it was concluded before.

        Raises:
            InputError: as for `load_segment`.
        """
        if (source, position) in self._loaded:
            return False
        self._check(tables)
        self.flush()
        number = self._commits + 1
        with self.connection.one_thread(), self.connection.transaction():
            for name, table in tables.items():
                if table.num_rows:
                    self._append(name, _complete(name, table))
            if "alert" in tables:
                self.connection.execute(_END_REVISED)
            end_crossings(self.connection, ended)
            self._append_offsets(number, [_Unit(source, position, tables)])
        self._loaded.add((source, position))
        self._commits = number
        mark.write(self.path, number)
        return True

    def flush(self) -> None:
        """Commit what is waiting."""
        if not self._pending and not self._written:
            return
        self._write()
        number = self._commits + 1
        with self._all_or_nothing():
            self._append_offsets(number, self._written)
            self._open.close()
        self._commits = number
        self._written.clear()
        mark.write(self.path, number)

    def checkpoint(self) -> None:
        """Commit what is waiting and bring the file itself up to date, for a copy of it."""
        self.flush()
        self.connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Commit what is waiting and close the file."""
        try:
            self.flush()
        finally:
            self.connection.close()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.connection.close()

    def _check(self, tables: Mapping[str, pa.Table]) -> None:
        for name, table in tables.items():
            if name not in ddl.TABLES:
                raise InputError(f"ledger: table {name!r}: expected one of {', '.join(ddl.TABLES)}")
            optional = (
                {f.name for f in ddl.ledger_fields(name)} if name in REPORTS else {"known_to"}
            )
            missing = set(ddl.TABLES[name].names) - optional - set(table.schema.names)
            if missing:
                raise InputError(f"ledger: table {name}: expected column {min(missing)}")
            if name in _WITH_ORIGIN and table.num_rows:
                origins = pc.unique(table["data_origin"]).to_pylist()
                if origins != [self.data_origin]:
                    raise InputError(
                        f"ledger: table {name}: data_origin: expected {self.data_origin} in every "
                        "row; a ledger holds one origin, load the others into another file"
                    )

    def _enough(self) -> bool:
        """Whether what waits is worth a commit and leaves no small row group behind."""
        units = self._written + self._pending
        rows = max(sum(unit.rows.get(kind, 0) for unit in units) for kind in REPORTS)
        half_full = rows % ROW_GROUP >= ROW_GROUP // 2
        return rows >= self._commit_rows and (half_full or not ROW_GROUP < rows < 4 * ROW_GROUP)

    def _write(self) -> None:
        """Write what was gathered, in the open transaction or in a new one."""
        with self._all_or_nothing():
            if not self._written:
                self._open.enter_context(self.connection.one_thread())
                self._open.enter_context(self.connection.transaction())
            gathered = [unit.tables for unit in self._pending]
            for unit in self._pending:
                unit.tables = {}
            self._written += self._pending
            self._pending = []
            for name in (*(t for t in ddl.TABLES if t not in REPORTS), *REPORTS):
                parts = [tables[name] for tables in gathered if name in tables]
                parts = [part for part in parts if part.num_rows]
                if not parts:
                    continue
                table = pa.concat_tables(parts)
                if name in REPORTS:
                    self._append_reports(name, table)
                else:
                    self._append(name, _complete(name, table))
                if name == "alert":
                    self.connection.execute(_END_REVISED)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Forget whatever waits if it cannot be written; the caller gives it again."""
        try:
            yield
        except BaseException as error:
            for unit in self._written + self._pending:
                self._loaded.discard((unit.source, unit.position))
            self._written, self._pending = [], []
            self._open.__exit__(type(error), error, error.__traceback__)
            raise

    def _append_reports(self, kind: str, table: pa.Table, known_at: datetime | None = None) -> None:
        ids = row_ids(table, kind)
        repeats = resolve(self.connection, kind, table, ids["reference_id"])
        columns = dict(zip(table.schema.names, table.columns, strict=True))
        columns["revision_number"] = pa.array(repeats.revision, pa.int32())
        columns |= {name: pa.array(values) for name, values in ids.items()}
        columns["is_duplicate"] = pa.array(repeats.is_duplicate)
        columns["known_from"] = table["received_at"]
        cause = "REPORT"
        if known_at is not None:  # the bytes came before, a newer spec reads them
            known = pa.scalar(known_at, table["received_at"].type)
            columns["known_from"], cause = pa.repeat(known, table.num_rows), "SPEC"
        if repeats.known_to is not None:
            columns["known_to"] = repeats.known_to
        columns["cause"] = pa.repeat(pa.scalar(cause), table.num_rows)
        self._append(kind, pa.table(columns))
        self._tell_of_duplicates(kind, repeats)

    def _append(self, name: str, table: pa.Table) -> None:
        if name in ddl.IN_PARTS:
            stored.append(self.connection, name, ddl.TABLES[name], table)
        else:
            self.connection.append(name, table)

    def _tell_of_duplicates(self, kind: str, repeats: Repeats) -> None:
        """Final verdicts, and counts that follow them, for rows that turned out to be repeats."""
        if not repeats.told.num_rows:
            return
        self.connection.register("_told", repeats.told)
        try:
            answers, reports = (
                stored.select(
                    self.connection, name, ddl.TABLES[name], columns, _SENT_AGAIN.format(name=name)
                )
                for name, columns in (("feedback", _ANSWER), (kind, _ACKNOWLEDGED))
            )
            verdicts = _VERDICTS.format(answers=answers, reports=reports)
            self._append("feedback", self.connection.sql(verdicts))
            self.connection.execute(_COUNTS)
        finally:
            self.connection.unregister("_told")

    def _append_offsets(self, number: int, units: Sequence[_Unit]) -> None:
        self.connection.append(
            "load_offset",
            pa.table(
                {
                    "source": [unit.source for unit in units],
                    "position": pa.array([unit.position for unit in units], pa.int64()),
                    "reports": pa.array([unit.reports for unit in units], pa.int64()),
                    "commit_number": pa.array([number] * len(units), pa.int64()),
                }
            ),
        )


def _complete(name: str, table: pa.Table) -> pa.Table:
    return table.select(
        [column for column in ddl.TABLES[name].names if column in table.schema.names]
    )


# A newer row of an alert ends the one before it.
_END_REVISED = """
UPDATE alert SET known_to = n.known_to
FROM (
    SELECT rowid AS place,
        lead(known_from) OVER (PARTITION BY alert_id ORDER BY known_from, rowid) AS known_to
    FROM alert
) n
WHERE alert.rowid = n.place AND alert.known_to IS DISTINCT FROM n.known_to
"""
_ANSWER = ("report_id", "received_at", "feed", "record", "verdict")
_ACKNOWLEDGED = ("report_id", "received_at", "source_uri", "acknowledged")
_SENT_AGAIN = (
    "envelope IN (SELECT envelope FROM stored.{name}_envelope "
    "WHERE submission_id IN (SELECT submission_id FROM _told))"
)
# The answer of the intake, said again with the final verdict; a record that had none is named by
# what its report says.
_VERDICTS = """
SELECT
    t.submission_id, t.report_submitting_entity_id AS submitter,
    coalesce(f.feed, split_part(t.source_uri, '/', 1)) AS feed, coalesce(f.record, -1) AS record,
    t.source_record_locator AS locator, t.report_id, t.source_trade_id,
    'DUPLICATE' AS verdict, 'final' AS stage, t.received_at
FROM _told t
LEFT JOIN (
    SELECT report_id, received_at, min(feed) AS feed, min(record) AS record
    FROM (
        SELECT report_id, received_at, feed, record FROM ({answers}) WHERE verdict = 'ACK'
        UNION ALL
        SELECT report_id, received_at, split_part(source_uri, '/', 1), acknowledged
        FROM ({reports}) WHERE acknowledged IS NOT NULL
    )
    WHERE report_id IN (SELECT report_id FROM _told)
    GROUP BY ALL
) f ON f.report_id = t.report_id AND f.received_at = t.received_at
"""
_COUNTS = """
UPDATE submission AS s
SET accepted = s.accepted - d.repeats, duplicates = s.duplicates + d.repeats
FROM (
    SELECT submission_id, report_submitting_entity_id AS submitter, received_at,
        count(*) AS repeats
    FROM _told GROUP BY ALL
) d
WHERE s.submission_id = d.submission_id AND s.submitter = d.submitter
    AND s.received_at = d.received_at AND s.status = 'decoded'
"""
