"""The door: what it lets through, what it refuses, and the facts the ledger relies on."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from ledger import duck
from schemas.errors import InputError


@pytest.fixture
def reader(tmp_path: Path) -> duck.Connection:
    path = tmp_path / "one.duckdb"
    with duck.open(path, read_only=False) as writer:
        writer.execute("CREATE TABLE t (a BIGINT, s VARCHAR)")
        writer.append("t", pa.table({"s": ["6222-secret", "x"], "a": [1, 2]}))
    return duck.open(path, read_only=True)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES (3, 'y')",
        "DROP TABLE t",
        "CREATE TABLE u (a INT)",
        "COPY t TO 'out.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "ATTACH 'other.duckdb' AS other",
        "EXPORT DATABASE 'folder'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "SET enable_external_access = true",
        "RESET lock_configuration",
    ],
)
def test_a_reader_can_neither_write_nor_leave_its_file(
    reader: duck.Connection, statement: str
) -> None:
    with reader, pytest.raises(InputError):
        reader.execute(statement)


@pytest.mark.parametrize(
    "query",
    ["SELECT CAST(s AS INTEGER) FROM t", "SELECT error(s) FROM t", "SELECT s::DATE FROM t"],
)
def test_an_error_never_quotes_a_value_of_a_record(reader: duck.Connection, query: str) -> None:
    with reader, pytest.raises(InputError) as caught:
        reader.sql(query)
    assert "6222" not in str(caught.value)


def test_a_wrong_name_is_named(reader: duck.Connection) -> None:
    with reader, pytest.raises(InputError, match="nowhere"):
        reader.sql("SELECT * FROM nowhere")


def test_a_connection_is_free_again_after_every_call(reader: duck.Connection) -> None:
    with reader:
        reader.execute("SELECT * FROM t")
        assert reader.scalar("SELECT max(a) FROM t") == 2
        assert reader.sql("SELECT a FROM t ORDER BY a")["a"].to_pylist() == [1, 2]


def test_sums_of_whole_numbers_must_be_cast(reader: duck.Connection) -> None:
    with reader:
        bare, cast = reader.sql("SELECT sum(a) AS n, sum(a)::BIGINT AS m FROM t").schema
    assert bare.type == pa.decimal128(38, 0)
    assert cast.type == pa.int64()


def test_an_answer_beyond_the_limit_of_its_session_names_that_limit(tmp_path: Path) -> None:
    path = tmp_path / "one.duckdb"
    with duck.open(path, read_only=False) as writer:
        writer.execute("CREATE TABLE t AS SELECT range AS a FROM range(10)")
    reader = duck.open(path, read_only=True, memory_limit_mb=32)
    with reader, pytest.raises(InputError, match="needs more than 32 MB"):
        reader.sql("SELECT list(x.range) FROM range(20_000_000) AS x")


def test_python_variables_are_not_tables() -> None:
    visible = pa.table({"a": [1]})
    with duck.memory() as connection, pytest.raises(InputError, match="visible"):
        connection.sql("SELECT * FROM visible")
    assert visible.num_rows == 1


def test_columns_are_appended_by_name_and_missing_ones_stay_null() -> None:
    with duck.memory() as connection:
        connection.execute("CREATE TABLE t (a BIGINT, b VARCHAR, c BOOLEAN)")
        connection.append("t", pa.table({"c": [True], "a": [7]}))
        assert connection.rows("SELECT * FROM t") == [(7, None, True)]


def test_a_transaction_is_all_or_nothing() -> None:
    with duck.memory() as connection:
        connection.execute("CREATE TABLE t (a BIGINT NOT NULL)")
        with pytest.raises(InputError), connection.transaction():
            connection.append("t", pa.table({"a": [1]}))
            connection.append("t", pa.table({"a": pa.nulls(1, pa.int64())}))
        assert connection.scalar("SELECT count(*) FROM t") == 0


def test_a_file_that_is_written_cannot_be_opened_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "one.duckdb"
    code = (
        "import sys; from pathlib import Path; from ledger import duck\n"
        "try: duck.open(Path(sys.argv[1]), read_only=True)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    with duck.open(path, read_only=False) as writer:
        writer.execute("CREATE TABLE t (a INT)")
        writer.execute("CHECKPOINT")
        told = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        ).stdout
    assert told.startswith("InputError")
    assert "another process writes it" in told


def test_a_view_of_the_same_name_in_another_schema_must_qualify_its_table() -> None:
    with duck.memory() as connection:
        connection.execute("CREATE TABLE tx (a INT); CREATE SCHEMA m; INSERT INTO tx VALUES (1)")
        connection.execute("CREATE VIEW m.tx AS SELECT * FROM main.tx")
        assert connection.scalar("SELECT count(*) FROM m.tx") == 1


def test_parquet_json_and_time_zones_are_built_in_and_the_session_is_in_utc() -> None:
    with duck.memory() as connection:
        known = connection.rows("SELECT DISTINCT function_name FROM duckdb_functions()")
        assert {"read_parquet", "json_extract"} <= {name for (name,) in known}
        local = "TIMESTAMPTZ '2026-01-01 00:00:00Z' AT TIME ZONE 'Asia/Shanghai'"
        assert connection.scalar(f"SELECT ({local})::VARCHAR") == "2026-01-01 08:00:00"
        assert connection.scalar("SELECT TIMESTAMPTZ '2026-01-01 00:00:00Z'::VARCHAR") == (
            "2026-01-01 00:00:00+00"
        )
