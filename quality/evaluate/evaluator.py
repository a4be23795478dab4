"""Evaluate the catalogue over whole batches of canonical records.

Much of the cost is per statement, not per record: 2 us a row at 50,000 rows, ten times that at
1,000. Callers therefore coalesce (`quality.evaluate.coalescer`).
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from quality.evaluate import helpers
from quality.evaluate.statement import Statement, broken, compose, condition, in_force
from quality.rules import Rule

# What an evaluation returns: one row a record and rule, ordered by row, then rule id.
EVALUATION = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),  # row of the evaluated batch
        pa.field("rule_id", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),  # rejected | warning | quarantined
        pa.field("field", pa.string(), nullable=False),  # source path where known, never a value
        pa.field("expected", pa.string(), nullable=False),
    ]
)

Rows = NDArray[np.int64]
_PLANS_KEPT = 64  # a live process meets a new pair of days every day
_TRIES = 200  # statements spent on finding the rows of one rule that raise
_RECORDS = "records_in"  # the registered relation; rules read it as the CTE `batch`


class Connection(Protocol):
    """What is needed of a DuckDB connection (`ledger.duck.memory()`)."""

    def register(self, name: str, table: pa.Table, /) -> None:
        """Make an Arrow table readable under a name."""

    def unregister(self, name: str, /) -> None:
        """Forget a registered table."""

    def close(self) -> None:
        """End the session."""

    def arrow(self, sql: str, /) -> pa.Table:
        """Run a statement and return all of its rows."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one (kind, market, first day, last day) needs."""

    statement: Statement | None
    sets: tuple[Rule, ...]
    columns: tuple[str, ...]
    helpers: tuple[str, ...]


def _batch_query(rule: Rule, first_day: datetime.date, last_day: datetime.date) -> str:
    when = condition(rule, first_day, last_day)
    where = f" WHERE {when}" if when else ""
    return (
        f"WITH batch AS (SELECT * FROM {_RECORDS}{where}) "
        f"SELECT DISTINCT _row FROM ({rule.sql}) WHERE _row IS NOT NULL"
    )


class Evaluator:
    """Evaluates validation rules in DuckDB; one per process, not shared between threads.

    Args:
        rules: the catalogue (`quality.rules.catalogue()`).
        connection_factory: opens an in-memory DuckDB connection; called once, at first use.
        validator: the check-digit authority (`schemas.identifiers.check_column`).
        areas: identifier -> area of the institution register (`helpers.area_index`).
        source_paths: market -> canonical name -> the feed's own path, for the `field` of findings;
            a name that is missing is reported as it is.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        connection_factory: Callable[[], Connection],
        *,
        validator: helpers.Validator,
        areas: Mapping[str, str],
        source_paths: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._rules = tuple(rules)
        self._open = connection_factory
        self._connection: Connection | None = None
        self._validator = validator
        self._areas = areas
        self._paths = source_paths or {}
        self._plans: dict[tuple[str, str, datetime.date, datetime.date], _Plan] = {}

    def evaluate(self, batch: pa.RecordBatch | pa.Table, kind: str, market: str) -> pa.Table:
        """Say which rows break which rules.

        Blocks for the length of one DuckDB statement a call, and one more for each set rule.

        Args:
            batch: canonical wide records of one kind and market, enriched.
            kind: `event` or `position`.
            market: `market_segment` of all rows.

        Returns:
            Table, schema EVALUATION, failing rows only. Outcome `quarantined` means that the rule
            itself could not be computed for the row: our fault, the operator acts.
        """
        if batch.num_rows == 0:
            return EVALUATION.empty_table()
        span = helpers.build("_day_received_at", {"received_at": _column(batch, "received_at")},
                             self._validator, self._areas)  # fmt: skip
        days = pc.min_max(span).as_py()
        plan = self._plan(kind, market, days["min"], days["max"])
        records = self._records(batch, plan, span)
        connection = self._connect()
        connection.register(_RECORDS, records)
        try:
            hits = self._record_hits(connection, plan, days["min"], days["max"], records)
            hits += [
                hit
                for rule in plan.sets
                for hit in self._set_hits(connection, rule, days["min"], days["max"])
            ]
        finally:
            connection.unregister(_RECORDS)
        return self._findings(hits, market)

    def close(self) -> None:
        """Close the connection; a later call opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _plan(self, kind: str, market: str, first: datetime.date, last: datetime.date) -> _Plan:
        key = (kind, market, first, last)
        if key not in self._plans:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            rules = [r for r in self._rules if r.applies(kind, market) and in_force(r, first, last)]
            wanted = {name for rule in rules for name in rule.helpers}
            columns = {name for rule in rules for name in rule.columns}
            columns |= {name for helper in wanted for name in helpers.sources(helper)}
            self._plans[key] = _Plan(
                compose([r for r in rules if r.scope == "record"], first, last),
                tuple(r for r in rules if r.scope == "batch"),
                tuple(sorted(columns)),
                tuple(sorted(wanted - {"_day_received_at"})),
            )
        return self._plans[key]

    def _records(self, batch: pa.RecordBatch | pa.Table, plan: _Plan, span: pa.Array) -> pa.Table:
        columns: dict[str, pa.Array] = {name: _column(batch, name) for name in plan.columns}
        made = {
            name: helpers.build(name, columns, self._validator, self._areas)
            for name in plan.helpers
        }
        row = pa.array(np.arange(batch.num_rows, dtype=np.int64))
        return pa.table({"_row": row, "_day_received_at": span, **columns, **made})

    def _record_hits(
        self,
        connection: Connection,
        plan: _Plan,
        first: datetime.date,
        last: datetime.date,
        records: pa.Table,
    ) -> list[tuple[Rule, str, Rows]]:
        if plan.statement is None:
            return []
        sql = f"WITH batch AS (SELECT * FROM {_RECORDS}) {plan.statement.sql}"
        try:
            # The optimizer pushes the filter below the masks, so evaluates every rule twice, and
            # takes 30 ms to do it: half the cost at every batch size. Set rules need it.
            connection.arrow("PRAGMA disable_optimizer")
            try:
                table = connection.arrow(sql)
            finally:
                connection.arrow("PRAGMA enable_optimizer")
        except Exception:  # whatever DuckDB raises over a value, the other records must go on
            return self._one_by_one(connection, plan.statement, first, last, records)
        rows = table.column("_row").to_numpy()
        return [
            (rule, rule.outcome, rows[np.flatnonzero(mask & (1 << bit))])
            for start in range(plan.statement.masks)
            for mask in (table.column(f"_mask{start}").to_numpy(),)
            for bit, rule in enumerate(plan.statement.rules_of(start))
        ]

    def _one_by_one(
        self,
        connection: Connection,
        statement: Statement,
        first: datetime.date,
        last: datetime.date,
        records: pa.Table,
    ) -> list[tuple[Rule, str, Rows]]:
        """The slow path: every rule alone, and halves of the batch for a rule that raises."""
        hits: list[tuple[Rule, str, Rows]] = []
        for rule in statement.rules:
            sql = f"SELECT _row FROM batch WHERE {broken(rule, first, last)}"
            good: list[Rows] = []
            bad: list[int] = []
            pieces = [(0, records.num_rows)]
            tries = 0
            while pieces:
                start, length = pieces.pop()
                tries += 1
                if tries > _TRIES:  # too many rows raise: nothing is decided about the rest
                    bad.extend(range(start, start + length))
                    continue
                try:
                    piece = f"SELECT * FROM {_RECORDS} WHERE _row BETWEEN {start} AND "
                    piece += str(start + length - 1)
                    found = connection.arrow(f"WITH batch AS MATERIALIZED ({piece}) {sql}")
                    good.append(found.column("_row").to_numpy())
                except Exception:  # narrowed down to the rows that raise
                    if length == 1:
                        bad.append(start)
                    else:
                        half = length // 2
                        pieces += [(start, half), (start + half, length - half)]
            hits.append((rule, rule.outcome, np.concatenate([*good, np.array([], np.int64)])))
            hits.append((rule, "quarantined", np.array(bad, np.int64)))
        return hits

    def _set_hits(
        self, connection: Connection, rule: Rule, first: datetime.date, last: datetime.date
    ) -> list[tuple[Rule, str, Rows]]:
        table = connection.arrow(_batch_query(rule, first, last))
        return [(rule, rule.outcome, table.column("_row").to_numpy())]

    def _findings(self, hits: list[tuple[Rule, str, Rows]], market: str) -> pa.Table:
        hits = [hit for hit in hits if len(hit[2])]
        if not hits:
            return EVALUATION.empty_table()
        paths = self._paths.get(market, {})
        which = np.repeat(np.arange(len(hits)), [len(rows) for _, _, rows in hits])
        rows = np.concatenate([rows for _, _, rows in hits]).astype(np.int64)
        ids = np.array([rule.id for rule, _, _ in hits])
        order = np.lexsort((ids[which], rows))
        index = pa.array(which[order])
        return pa.Table.from_arrays(
            [
                pa.array(rows[order]),
                pa.array([rule.id for rule, _, _ in hits]).take(index),
                pa.array([outcome for _, outcome, _ in hits]).take(index),
                pa.array([paths.get(rule.field, rule.field) for rule, _, _ in hits]).take(index),
                pa.array([rule.en for rule, _, _ in hits]).take(index),
            ],
            schema=EVALUATION,
        )


def _column(batch: pa.RecordBatch | pa.Table, name: str) -> pa.Array:
    """One column as a single array."""
    column = batch.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
