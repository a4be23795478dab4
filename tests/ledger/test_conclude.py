"""A closing is taken once, whole, and ends what stood before it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ledger import loader as loader_module
from ledger.ddl import TABLES
from ledger.duck import Connection
from ledger.loader import Loader
from schemas.errors import InputError

MONDAY = datetime(2026, 3, 2, 20, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
CLOSINGS = "closings of a run"


def crossings(*subjects: int, **more: Any) -> pa.Table:
    row = {
        "rule": "structuring", "variant": "party", "vantage": 4, "instant": 7, "measure": 9,
        "band": 1, "evidence": [1, 2], "search_cut": False, "lane": "stream", "known_from": MONDAY,
    }  # fmt: skip
    rows = [row | {"subject": subject} | more for subject in subjects]
    return pa.Table.from_pylist(rows, TABLES["crossing"])


def standing(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.rows("SELECT subject, known_from, known_to FROM crossing ORDER BY subject")


def test_a_closing_is_taken_once_and_ends_crossings_of_those_before(tmp_path: Path) -> None:
    with Loader(tmp_path / "l.duckdb", "SIMULATED") as loader:
        none = crossings()
        assert loader.conclude(CLOSINGS, 1, {"crossing": crossings(5, 6)}, none)
        ended = crossings(5, known_to=TUESDAY).drop_columns(["evidence"])
        tables = {"crossing": crossings(8, known_from=TUESDAY)}
        assert loader.conclude(CLOSINGS, 2, tables, ended)
        assert not loader.conclude(CLOSINGS, 2, tables, ended)
        assert standing(loader.connection) == [
            (5, MONDAY, TUESDAY),
            (6, MONDAY, None),
            (8, TUESDAY, None),
        ]
    with Loader(tmp_path / "l.duckdb", "SIMULATED") as again:
        assert again.loaded(CLOSINGS) == [1, 2]
        assert not again.conclude(CLOSINGS, 1, {"crossing": crossings(5, 6)}, none)


def test_a_closing_that_fails_half_way_left_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InputError("planned")

    with Loader(tmp_path / "l.duckdb", "SIMULATED") as loader:
        with monkeypatch.context() as patched:
            patched.setattr(loader_module, "end_crossings", fail)
            with pytest.raises(InputError, match="planned"):
                loader.conclude(CLOSINGS, 1, {"crossing": crossings(5)}, crossings())
        assert standing(loader.connection) == []
        assert loader.loaded(CLOSINGS) == []
        assert loader.conclude(CLOSINGS, 1, {"crossing": crossings(5)}, crossings())
        assert len(standing(loader.connection)) == 1
