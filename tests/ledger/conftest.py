"""A small ledger with something in every relation."""

from pathlib import Path

import pytest

from ledger.loader import Loader
from tests.ledger.filled import fill


@pytest.fixture(scope="session")
def small_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed ledger file with reports, a duplicate, an alert hidden by split, and holdings."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.duckdb"
    with Loader(path, "SIMULATED") as loader:
        fill(loader)
    return path
