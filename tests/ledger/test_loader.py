"""Loading: nothing lost, nothing twice, whatever happens in between."""

import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pytest

from ledger import duck
from ledger.checks import check
from ledger.loader import Loader
from schemas.errors import InputError
from schemas.fields import arrow_schema
from tests.ledger.filled import structured_payments
from tests.ledger.made import (
    DAY,
    HEFEI,
    NANJING,
    START,
    acknowledged,
    report,
    submitted,
    wide,
)


def loaded(path: Path, parts: list[pa.Table], kind: str = "event") -> Loader:
    loader = Loader(path / "ledger.duckdb", "SIMULATED")
    for position, reports in enumerate(parts):
        tables = {kind: reports}
        if kind == "event":
            tables |= {"feedback": acknowledged(reports), "submission": submitted(reports)}
        loader.load_segment("test", position, tables)
        loader.flush()
    return loader


def test_every_canonical_column_comes_back_as_it_went_in(tmp_path: Path) -> None:
    reports = structured_payments()
    names = ", ".join(f'"{name}"' for name in reports.schema.names)
    with loaded(tmp_path, [reports]) as loader:
        back = loader.connection.sql(f"SELECT {names} FROM event ORDER BY event_timestamp")
    for field in arrow_schema("event"):
        assert back[field.name].to_pylist() == reports[field.name].to_pylist(), field.name


def test_a_position_is_loaded_once(tmp_path: Path) -> None:
    reports = structured_payments()
    with loaded(tmp_path, [reports]) as loader:
        assert not loader.load_segment("test", 0, {"event": reports})
        assert loader.load_segment("another source", 0, {"event": reports.slice(0, 0)})
    with Loader(tmp_path / "ledger.duckdb", "SIMULATED") as again:
        assert again.loaded("test") == [0]
        assert not again.load_segment("test", 0, {"event": reports})
        assert again.connection.scalar("SELECT count(*) FROM event") == reports.num_rows


@pytest.mark.parametrize("order", list(permutations(range(3)))[::2])
def test_the_first_received_is_the_original_in_whatever_order_they_are_loaded(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    parts = [
        wide([report(n, reference="same", at=START, received_at=START + (n + 1) * DAY)])
        for n in range(3)
    ]
    with loaded(tmp_path, [parts[n] for n in order]) as loader:
        rows = loader.connection.rows(
            "SELECT source_record_locator, is_duplicate FROM event ORDER BY received_at"
        )
        told = loader.connection.rows(
            "SELECT DISTINCT locator, stage FROM feedback WHERE verdict = 'DUPLICATE' ORDER BY 1"
        )
        counts = loader.connection.rows(
            "SELECT accepted, duplicates FROM submission ORDER BY received_at"
        )
        assert check(loader.connection) == []
    assert rows == [("record 0", False), ("record 1", True), ("record 2", True)]
    assert ("record 1", "final") in told
    assert ("record 2", "final") in told
    assert counts == [(1, 0), (0, 1), (0, 1)]


def test_a_plain_ack_its_report_says_is_the_answer_that_is_not_written(tmp_path: Path) -> None:
    """Loaded as rows or as a column of the reports: who asks for answers sees no difference."""
    parts = [
        wide([report(10 * n + k, at=START, received_at=START + (n + 1) * DAY) for k in range(3)])
        for n in range(2)
    ]
    parts.append(wide([report(20, at=START, received_at=START + 3 * DAY, reference="T10")]))
    written = loaded(tmp_path / "rows", parts)
    said = Loader(tmp_path / "column.duckdb", "SIMULATED")
    for position, reports in enumerate(parts):
        answers, more = acknowledged(reports), reports.num_rows > 1  # one record is told more
        plain = pa.array([None if more and n == 1 else n for n in range(len(reports))], pa.int32())
        tables = {"event": reports.append_column("acknowledged", plain)}
        tables |= {"feedback": answers.slice(int(more), int(more))}
        said.load_segment("test", position, tables | {"submission": submitted(reports)})
        said.flush()
    everything = "SELECT * FROM feedback ORDER BY ALL"
    with written, said:
        assert said.connection.sql(everything).equals(written.connection.sql(everything))
        assert said.connection.scalar("SELECT count(*) FROM stored.feedback") == 2 + (
            told := said.connection.scalar("SELECT count(*) FROM feedback WHERE stage = 'final'")
        )
        assert told == 1
        assert said.connection.scalar("SELECT record FROM feedback WHERE stage = 'final'") == 0


def test_the_same_reference_of_another_submitter_is_no_duplicate(tmp_path: Path) -> None:
    reports = wide([report(0, reference="same"), report(0, NANJING, reference="same")])
    with loaded(tmp_path, [reports]) as loader:
        assert loader.connection.scalar("SELECT count(*) FROM event WHERE is_duplicate") == 0


@pytest.mark.parametrize("order", list(permutations(range(3)))[::2])
def test_another_content_is_a_revision_and_keeps_both(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    parts = [
        wide([report(n, reference="same", at=START + n * DAY, amount_cny=f"{n}.00")])
        for n in range(3)
    ]
    with loaded(tmp_path, [parts[n] for n in order]) as loader:
        rows = loader.connection.rows(
            "SELECT revision_number, is_duplicate, known_to FROM event ORDER BY received_at"
        )
    assert rows == [(0, False, None), (1, False, None), (2, False, None)]


def test_a_revised_position_ends_its_predecessor(tmp_path: Path) -> None:
    common = {"kind": "position", "reference": "L1", "business_date": START // DAY}
    parts = [wide([report(n, HEFEI, amount_cny=f"{n}.00", **common)], "position") for n in range(2)]
    for one in (parts, parts[::-1]):
        folder = tmp_path / str(one is parts)
        with loaded(folder, one, "position") as loader:
            rows = loader.connection.rows(
                "SELECT amount_cny, known_to = lead(known_from) OVER (ORDER BY known_from) "
                "FROM position ORDER BY known_from"
            )
            assert [(int(amount), ended) for amount, ended in rows] == [(0, True), (1, None)]
            held = loader.connection.rows("SELECT DISTINCT amount_fen FROM holding")
            assert held == [(100,)]


def test_origins_are_never_mixed(tmp_path: Path) -> None:
    real = wide([report(0, data_origin="REAL")])
    loader = loaded(tmp_path, [structured_payments()])
    with pytest.raises(InputError, match="data_origin"):
        loader.load_segment("test", 9, {"event": real})
    loader.close()
    with pytest.raises(InputError, match="data_origin"):
        Loader(tmp_path / "ledger.duckdb", "REAL")
    with pytest.raises(InputError, match="data_origin"):
        Loader(tmp_path / "other.duckdb", "FAKE")


def test_a_failed_commit_leaves_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    reports = structured_payments()
    answers = acknowledged(reports)
    broken = answers.set_column(7, "verdict", pa.nulls(len(answers), pa.string()))
    with loaded(tmp_path, []) as loader:
        loader.load_segment("test", 0, {"event": reports, "feedback": broken})
        with pytest.raises(InputError):
            loader.flush()
        assert loader.connection.scalar("SELECT count(*) FROM event") == 0
        assert loader.load_segment("test", 0, {"event": reports, "feedback": answers})
        loader.flush()
        assert check(loader.connection) == []


def test_a_ledger_that_lost_commits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.duckdb"
    loaded(tmp_path, [structured_payments()]).close()
    shutil.copy(path, tmp_path / "earlier")
    with Loader(path, "SIMULATED") as loader:
        loader.load_segment("test", 1, {"event": wide([report(99)])})
    shutil.copy(tmp_path / "earlier", path)
    with pytest.raises(InputError, match="rows were lost"):
        Loader(path, "SIMULATED")


def test_another_database_is_not_taken_for_a_ledger(tmp_path: Path) -> None:
    with duck.open(tmp_path / "other.duckdb", read_only=False) as other:
        other.execute("CREATE TABLE t (a INT)")
    with pytest.raises(InputError, match="expected a ledger"):
        Loader(tmp_path / "other.duckdb", "SIMULATED")
    (tmp_path / "text.duckdb").write_text("not a database" * 1000)
    with pytest.raises(InputError):
        Loader(tmp_path / "text.duckdb", "SIMULATED")


def test_units_written_before_their_commit_are_as_units_committed_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one is a copy of the first and brings a column that no earlier one had."""
    parts = [wide([report(n), report(n + 10)]) for n in range(3)]
    parts += [wide([report(0, received_at=START + DAY, purpose_code="X", source_uri="pacs008/x")])]
    everything = "SELECT * EXCLUDE (known_from) FROM event ORDER BY ALL"
    with loaded(tmp_path / "one by one", parts) as loader:
        expected = loader.connection.sql(everything)
        assert loader.connection.scalar("SELECT count(*) FROM event WHERE is_duplicate") == 1
    monkeypatch.setattr("ledger.loader._WRITTEN", 1)
    monkeypatch.setattr(Loader, "flush", lambda self: None)
    with loaded(tmp_path / "together", parts) as loader:
        monkeypatch.undo()
        assert loader.loaded("test") == []
        loader.flush()
        assert loader.loaded("test") == [0, 1, 2, 3]
        assert loader.connection.scalar("SELECT max(commit_number) FROM load_offset") == 1
        assert loader.connection.sql(everything).equals(expected)


def test_what_cannot_be_written_takes_back_all_since_the_last_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.loader._WRITTEN", 1)
    with Loader(tmp_path / "ledger.duckdb", "SIMULATED") as loader:
        loader.load_segment("test", 0, {"event": wide([report(0)])})
        with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
            broken.setattr("ledger.loader.resolve", lambda *_: 1 / 0)
            loader.load_segment("test", 1, {"event": wide([report(1)])})
        assert loader.connection.scalar("SELECT count(*) FROM event") == 0
        for position in range(2):
            assert loader.load_segment("test", position, {"event": wide([report(position)])})
        loader.flush()
        assert loader.connection.scalar("SELECT count(*) FROM event") == 2


@pytest.mark.parametrize(("size", "units"), [(20, 8), (35, 5), (70, 4)])
def test_a_commit_leaves_no_small_row_group_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, units: int
) -> None:
    """Of a hundred rows here; two halves would be put together and written again."""
    monkeypatch.setattr("ledger.loader.ROW_GROUP", 100)
    reports = wide([report(n) for n in range(size)])
    with Loader(tmp_path / "ledger.duckdb", "SIMULATED", commit_rows=150) as loader:
        for position in range(units):
            assert loader.loaded("test") == []
            loader.load_segment("test", position, {"event": reports})
        assert loader.loaded("test") == list(range(units))


LOAD = """
import sys
from pathlib import Path
from ledger.loader import Loader
from tests.ledger.made import report, wide
with Loader(Path(sys.argv[1]), "SIMULATED", commit_rows=40) as loader:
    for position in range(60):
        rows = [report(position * 20 + n) for n in range(20)]
        loader.load_segment("test", position, {"event": wide(rows)})
        print(position, flush=True)
"""


def test_a_loader_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.duckdb"
    command = [sys.executable, "-c", LOAD, str(path)]
    killed = 0
    for stop_after in (4, 7, 11):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(stop_after):
            process.stdout.readline()
        time.sleep(0.02 * stop_after % 0.1)
        os.kill(process.pid, signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert killed >= 2
    subprocess.run(command, check=True, capture_output=True)
    with duck.open(path, read_only=True) as ledger:
        assert check(ledger) == []
        assert ledger.rows("SELECT count(*), count(DISTINCT report_id) FROM event") == [
            (1200, 1200)
        ]
        assert ledger.scalar("SELECT count(*) FROM event WHERE is_duplicate") == 0
