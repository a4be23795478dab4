"""Evaluate the catalogue's record rules over whole batches of canonical records.

A statement is planned once for a kind and market and then run with every batch: planning takes
some twenty milliseconds, a run two and 1.5 us a row. Rules over sets of records are judged over the
ledger (`quality.sets`), never over what happened to arrive together.
"""

import bisect
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from quality.evaluate import helpers
from quality.evaluate.statement import Statement, broken, compose, in_force, turning_days
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
_PLANS_KEPT = 64  # far more than a release has kinds, markets and days on which rules begin
_TRIES = 200  # statements spent on finding the rows of one rule that raise
_RECORDS = "records_in"  # the registered relation of the slow path
# What rules say alike is computed once. Nothing else is optimized: pushed below the masks, the
# filter would evaluate every rule twice. A worker has a core to itself, and one thread spares the
# exchange between threads.
_SETTINGS = (
    "SET VARIABLE others = (SELECT string_agg(name, ',') FROM duckdb_optimizers() "
    "WHERE name NOT IN ('expression_rewriter', 'common_subexpressions'))",
    "SET disabled_optimizers = getvariable('others')",
    "SET threads = 1",
)


class Prepared(Protocol):
    """A planned statement (`ledger.duck.Prepared`)."""

    def run(self, table: pa.Table, /) -> pa.Table:
        """All rows of the statement over a table."""

    def close(self) -> None:
        """Forget the plan."""


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

    def prepare(self, name: str, text: str, relation: str, schema: pa.Schema, /) -> Prepared:
        """Plan a statement over a relation of that schema."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the batches of one kind, market and schema need between two turning days.

    `statement` is None where no rule applies. The days are those of the batch it was made for.
    """

    statement: Statement | None
    columns: tuple[str, ...]
    helpers: tuple[str, ...]
    first: datetime.date
    last: datetime.date
    prepared: Prepared | None


class Evaluator:
    """Evaluates record rules in DuckDB; one per process, not shared between threads.

    Args:
        rules: the catalogue (`quality.rules.catalogue()`); rules over sets in it are left alone.
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
        self._rules = tuple(rule for rule in rules if rule.scope == "record")
        self._turns = turning_days(self._rules)
        self._open = connection_factory
        self._connection: Connection | None = None
        self._validator = validator
        self._areas = areas
        self._paths = source_paths or {}
        self._plans: dict[tuple[str, str, int, int, pa.Schema], _Plan] = {}
        self._numbers = count()

    def evaluate(self, batch: pa.RecordBatch | pa.Table, kind: str, market: str) -> pa.Table:
        """Say which rows break which rules.

        Blocks for the length of one DuckDB statement.

        Args:
            batch: canonical wide records of one kind and market, enriched.
            kind: of all rows, such as `event`.
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
        plan = self._plan(kind, market, days["min"], days["max"], batch.schema)
        if plan.statement is None:
            return EVALUATION.empty_table()
        hits = self._hits(plan, plan.statement, self._records(batch, plan, span))
        return self._findings(hits, market)

    def close(self) -> None:
        """Close the connection; a later call opens a new one."""
        self._plans.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._open()
            for setting in _SETTINGS:
                self._connection.arrow(setting)
        return self._connection

    def _plan(
        self, kind: str, market: str, first: datetime.date, last: datetime.date, schema: pa.Schema
    ) -> _Plan:
        turns = (bisect.bisect_right(self._turns, day) for day in (first, last))
        key = (kind, market, *turns, schema.remove_metadata())
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                for old in self._plans.values():
                    if old.prepared is not None:
                        old.prepared.close()
                self._plans.clear()
            plan = self._plans[key] = self._planned(kind, market, first, last, schema)
        return plan

    def _planned(
        self, kind: str, market: str, first: datetime.date, last: datetime.date, schema: pa.Schema
    ) -> _Plan:
        rules = [r for r in self._rules if r.applies(kind, market) and in_force(r, first, last)]
        wanted = {name for rule in rules for name in rule.helpers}
        columns = {name for rule in rules for name in rule.columns}
        columns |= {name for helper in wanted for name in helpers.sources(helper)}
        number = next(self._numbers)
        relation = f"records_{number}"
        plan = _Plan(
            compose(rules, first, last, relation),
            tuple(sorted(columns)),
            tuple(sorted(wanted - {"_day_received_at"})),
            first,
            last,
            None,
        )
        if plan.statement is None:
            return plan
        empty = schema.empty_table()
        span = pa.array([], pa.date32())
        return replace(
            plan,
            prepared=self._connect().prepare(
                f"rules_{number}",
                plan.statement.sql,
                relation,
                self._records(empty, plan, span).schema,
            ),
        )

    def _records(self, batch: pa.RecordBatch | pa.Table, plan: _Plan, span: pa.Array) -> pa.Table:
        columns: dict[str, pa.Array] = {name: _column(batch, name) for name in plan.columns}
        made = {
            name: helpers.build(name, columns, self._validator, self._areas)
            for name in plan.helpers
        }
        row = pa.array(np.arange(batch.num_rows, dtype=np.int64))
        return pa.table({"_row": row, "_day_received_at": span, **columns, **made})

    def _hits(
        self, plan: _Plan, statement: Statement, records: pa.Table
    ) -> list[tuple[Rule, str, Rows]]:
        assert plan.prepared is not None  # noqa: S101 - made with the statement
        try:
            table = plan.prepared.run(records)
        except Exception:  # whatever DuckDB raises over a value, the other records must go on
            return self._one_by_one(self._connect(), statement, plan, records)
        rows = table.column("_row").to_numpy()
        return [
            (rule, rule.outcome, rows[np.flatnonzero(mask & (1 << bit))])
            for start in range(statement.masks)
            for mask in (table.column(f"_mask{start}").to_numpy(),)
            for bit, rule in enumerate(statement.rules_of(start))
        ]

    def _one_by_one(
        self, connection: Connection, statement: Statement, plan: _Plan, records: pa.Table
    ) -> list[tuple[Rule, str, Rows]]:
        """The slow path: every rule alone, and halves of the batch for a rule that raises."""
        connection.register(_RECORDS, records)
        try:
            return [
                hit
                for rule in statement.rules
                for hit in self._alone(connection, rule, plan, records.num_rows)
            ]
        finally:
            connection.unregister(_RECORDS)

    def _alone(
        self, connection: Connection, rule: Rule, plan: _Plan, size: int
    ) -> list[tuple[Rule, str, Rows]]:
        sql = f"SELECT _row FROM batch WHERE {broken(rule, plan.first, plan.last)}"
        good: list[Rows] = [np.array([], np.int64)]
        bad: list[int] = []
        pieces = [(0, size)]
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
        return [
            (rule, rule.outcome, np.concatenate(good)),
            (rule, "quarantined", np.array(bad, np.int64)),
        ]

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
