"""A published ledger to ask."""

from pathlib import Path

import pytest

from ledger.loader import Loader
from serving.publish import publish
from tests.ledger.filled import fill


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one published version."""
    folder = tmp_path_factory.mktemp("published")
    with Loader(folder / "writer.duckdb", "SIMULATED") as loader:
        fill(loader)
        publish(loader, folder)
    return folder
