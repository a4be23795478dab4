"""The only door to DuckDB: connections in memory or on a file, tables in and out as Arrow.

A result owns its connection until it is drained, so nothing here hands out a cursor: every call
returns with the statement finished. The session's time zone is UTC on every machine. Values come
and go as Arrow; there is no row-by-row insert because it costs four hundred times an append.

Errors: what a user wrote wrong (syntax, a name that is not there, a type) becomes an `InputError`
whose text never holds a value of a record. Anything else is a `LedgerFault` or is left as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from schemas.errors import InputError, PrerequisiteError

Parameters = Sequence[object] | Mapping[str, object]

# What no session of ours ever needs: code from elsewhere, and Python variables as tables.
_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
}
# What a reader does not need either: files and the network. Spilling to disk is off with them, so
# a query that does not fit the memory limit fails instead of leaving rows in a temporary folder.
_HARDENED = {
    **_CLOSED,
    "access_mode": "READ_ONLY",
    "enable_external_access": "false",
    "temp_directory": "",
}
MEMORY_LIMIT_MB = 2_048
# What DuckDB may hold while a ledger is written; beyond it pages go back to the file, and what a
# commit gathers to a folder beside it. Without a limit it takes most of the machine.
WRITER_LIMIT_MB = 384


class LedgerFault(Exception):
    """The database failed under a statement of our own; the ledger must be opened again."""


class Connection:
    """One session. Not shared between threads; close it or use it as a context manager."""

    def __init__(
        self, raw: duckdb.DuckDBPyConnection, where: str, limit_mb: int | None = None
    ) -> None:
        self._raw = raw
        self.where = where
        self._limit_mb = limit_mb

    def sql(self, text: str, params: Parameters | None = None) -> pa.Table:
        """Run one statement and return all its rows; a statement without rows gives no columns.

        Sums of whole numbers are HUGEINT in DuckDB and would arrive as decimal128(38, 0): cast
        them in the SQL.

        Raises:
            InputError: the statement is wrong.
        """
        with self._errors():
            relation = self._raw.sql(text, params=params) if params else self._raw.sql(text)
            return pa.table({}) if relation is None else relation.to_arrow_table()

    arrow = sql  # the name the quality evaluator asks for

    def execute(self, text: str, params: Parameters | None = None) -> None:
        """Run one or more statements to the end and drop their rows."""
        with self._errors():
            self._raw.execute(text, params).fetchall()

    def rows(self, text: str, params: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Rows as tuples of Python values: for counts and small answers, never for reports."""
        with self._errors():
            found: list[tuple[Any, ...]] = self._raw.execute(text, params).fetchall()
            return found

    def scalar(self, text: str, params: Parameters | None = None) -> Any:  # noqa: ANN401
        """The first column of the first row, None if there is none."""
        rows = self.rows(text, params)
        return rows[0][0] if rows else None

    def append(self, table_name: str, table: pa.Table) -> None:
        """Append rows; columns are matched by name, those not given or empty stay null.

        Cheapest in transactions of a multiple of 122,880 rows (a row group, written straight to
        the file); smaller ones go through the log and are written twice.
        """
        if not table.num_rows:
            return
        filled = [
            name
            for name, column in zip(table.schema.names, table.columns, strict=True)
            if column.null_count < table.num_rows
        ]
        table = table.select(filled or table.schema.names[:1])
        columns = ", ".join(f'"{name}"' for name in table.schema.names)
        target = ".".join(f'"{part}"' for part in table_name.split("."))
        self.register("_appended", table)
        try:
            self.execute(f"INSERT INTO {target} ({columns}) SELECT {columns} FROM _appended")
        finally:
            self.unregister("_appended")

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name, in this session, without a copy."""
        with self._errors():
            self._raw.register(name, table)

    def prepare(self, name: str, text: str, relation: str, schema: pa.Schema) -> "Prepared":
        """Plan a statement over one Arrow table, to be run with the rows of many in turn.

        Args:
            name: Of the statement, unlike any other prepared in this session.
            text: One SELECT.
            relation: What the text calls the table, unlike any other relation of this session.
            schema: Of every table it will be run with.

        Raises:
            InputError: the statement is wrong.
        """
        source = _Source(schema.empty_table())
        with self._errors():
            self._raw.register(relation, source)
            try:
                self._raw.execute(f'PREPARE "{name}" AS {text}').fetchall()
            except BaseException:
                self._raw.unregister(relation)
                raise
        return Prepared(self, name, relation, schema, source)

    def unregister(self, name: str) -> None:
        """Forget a registered table; in a failed transaction the roll-back does it."""
        with self._errors(), suppress(duckdb.TransactionException):
            self._raw.unregister(name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commit at the end, roll back on any exception."""
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):
                self._raw.execute("ROLLBACK").fetchall()
            raise
        self.execute("COMMIT")

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """Run statements on one thread: slower, and much less CPU where rows are written.

        For appends beside other work; they contend for the file, a question does not.
        """
        self.execute("SET threads = 1")
        try:
            yield
        finally:
            with suppress(duckdb.Error):
                self._raw.execute("RESET threads").fetchall()

    def statements(self, text: str) -> list[str]:
        """The kinds of the statements in a text, for example ["SELECT"]; nothing is run.

        Raises:
            InputError: the text does not parse.
        """
        with self._errors():
            return [found.type.name.upper() for found in self._raw.extract_statements(text)]

    def tables(self) -> list[str]:
        """Names of the tables and views of the database, sorted."""
        return [
            name
            for (name,) in self.rows(
                "SELECT table_name FROM information_schema.tables "
                "WHERE table_schema = 'main' ORDER BY table_name"
            )
        ]

    def beside(self) -> "Connection":
        """Another session on the same database, for another thread; close it before this one.

        It sees what is committed, and neither temporary nor registered tables of this session.
        """
        with self._errors():
            return _prepared(self._raw.cursor(), self.where, self._limit_mb)

    def interrupt(self) -> None:
        """Stop the running statement; callable from another thread."""
        self._raw.interrupt()

    def close(self) -> None:
        """End the session; a writer's last checkpoint happens here."""
        with self._errors():
            self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            raise _translated(error, self.where, self._limit_mb) from None


class _Source:
    """An Arrow table behind a name, given anew to every run of a statement."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()


class Prepared:
    """A statement that is planned once; made by `Connection.prepare`.

    Planning eighty expressions takes some twenty milliseconds whatever the rows; a run of the plan
    takes two and what its rows cost.
    """

    def __init__(
        self, connection: Connection, name: str, relation: str, schema: pa.Schema, source: _Source
    ) -> None:
        self._connection, self._name, self._relation = connection, name, relation
        self._schema, self._source = schema, source
        self._nothing = source.table

    def run(self, table: pa.Table) -> pa.Table:
        """All rows of the statement over a table of the schema it was prepared for.

        Raises:
            ValueError: the table has another schema; its columns would be read as what they are
                not.
            InputError: a value cannot be computed.
        """
        if not table.schema.equals(self._schema):
            raise ValueError("prepared statement: expected a table of the schema it was made for")
        self._source.table = table
        try:
            return self._connection.sql(f'EXECUTE "{self._name}"')
        finally:
            self._source.table = self._nothing

    def close(self) -> None:
        """Forget the plan."""
        self._connection.execute(f'DEALLOCATE "{self._name}"')
        self._connection.unregister(self._relation)


# The user can cure these, and DuckDB's text names only what the user wrote.
_SPEAKING = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.PermissionException,
    duckdb.NotImplementedException,
    duckdb.InvalidTypeException,
)
# The user can cure these too, but the text may quote a value of a record.
_SILENT = {
    duckdb.ConversionException: "a value cannot be turned into the type asked for; "
    "use TRY_CAST to get null instead",
    duckdb.OutOfRangeException: "a number leaves the range of its type; cast to DECIMAL first",
    duckdb.OutOfMemoryException: "the answer needs more than {limit}; "
    "ask for fewer rows or a shorter period",
    duckdb.InterruptException: "stopped before it was finished",
    duckdb.TypeMismatchException: "two types do not fit together; cast one of them",
    duckdb.ConstraintException: "a required column is empty; see docs/ledger.md for its columns",
    duckdb.InvalidInputException: "an input of the statement cannot be used as given; "
    "readers can neither write nor change settings",
}


def _translated(error: duckdb.Error, where: str, limit_mb: int | None) -> Exception:
    if isinstance(error, _SPEAKING):
        return InputError(f"{where}: query: {_first_line(error)}")
    limit = f"{limit_mb} MB" if limit_mb else "the machine's memory"
    for kind, cure in _SILENT.items():
        if isinstance(error, kind):
            return InputError(f"{where}: query: {cure.format(limit=limit)}")
    return LedgerFault(f"{where}: {type(error).__name__}")


def _first_line(error: duckdb.Error) -> str:
    return str(error).split("\n", 1)[0].strip()


def memory() -> Connection:
    """A database in memory that reads no file and no network: for validation rules and tests."""
    raw = duckdb.connect(":memory:", config={**_CLOSED, "enable_external_access": "false"})
    return _prepared(raw, "memory")


def open(  # noqa: A001 - read as `duck.open`, beside `duck.memory`
    path: Path, read_only: bool, memory_limit_mb: int = MEMORY_LIMIT_MB
) -> Connection:
    """Open a ledger file.

    Args:
        path: The file. A writer creates it if it is not there.
        read_only: True gives a hardened session: no writing, no other file, no network, no
            extension, no change of a setting. False gives the one writer.
        memory_limit_mb: Limit of a reader.

    Raises:
        InputError: the file is missing, is no ledger, or another process writes it.
    """
    if read_only and not path.is_file():
        raise InputError(f"ledger: {path}: expected a published ledger file; run `yrd demo` first")
    limit_mb = memory_limit_mb if read_only else WRITER_LIMIT_MB
    settings: dict[str, str] = {"memory_limit": f"{limit_mb}MB"}
    if read_only:
        settings |= _HARDENED
    else:
        settings |= {**_CLOSED, "temp_directory": str(path.with_suffix(".spill"))}
    try:
        raw = duckdb.connect(str(path), config=settings)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise InputError(
                f"ledger: {path}: another process writes it; ask a published version instead"
            ) from None
        if "space" in str(error).lower():
            raise PrerequisiteError(f"ledger: {path}: the disk is full; make room") from None
        raise InputError(f"ledger: {path}: expected a ledger file made by this version") from None
    except duckdb.Error:
        raise InputError(
            f"ledger: {path}: cannot be opened; expected a ledger made by this "
            "version that nobody else has open"
        ) from None
    return _prepared(raw, path.name, limit_mb, locked=read_only)


def _prepared(
    raw: duckdb.DuckDBPyConnection, where: str, limit_mb: int | None = None, locked: bool = False
) -> Connection:
    """Settings belong to the instance: another reader of the same file may have locked them."""
    already = raw.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]
    if not already:
        raw.execute("SET TimeZone = 'UTC'").fetchall()
        if locked:
            raw.execute("SET lock_configuration = true").fetchall()
    return Connection(raw, where, limit_mb)
