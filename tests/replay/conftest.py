"""Simulated tapes the tests of this folder share; small ones, made once."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.ends.tape import Tape
from replay.market.build import Sizes, simulate

REPORTS = 8_000


@pytest.fixture(scope="session")
def tape_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """A small simulated tape for a seed."""

    @cache
    def make(seed: int) -> Path:
        folder = tmp_path_factory.mktemp(f"tape{seed}") / "tape"
        simulate(folder, seed, Sizes(reports=REPORTS))
        return folder

    return make


@pytest.fixture(scope="session")
def tape(tape_of: Callable[[int], Path]) -> Path:
    return tape_of(1)


@pytest.fixture(scope="session")
def manifest(tape: Path) -> dict[str, Any]:
    return json.loads((tape / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def labels(tape: Path) -> pa.Table:
    return pq.read_table(tape / "labels.parquet")


@pytest.fixture(scope="session")
def submissions(tape: Path) -> list[dict[str, Any]]:
    """Every submission of the tape in order, bodies included."""
    opened = Tape(tape)
    return [row for at in range(len(opened.segments())) for row in opened.read(at).to_pylist()]
