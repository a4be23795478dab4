"""The pair wait stands in visibility.toml alone: a change there reaches everything that waits."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ledger.loader import Loader
from pipelines.job.settings import JobSettings, LiveSettings
from pipelines.lanes import stream
from schemas import visibility
from schemas.narrow import NARROW
from tests.ledger.made import NANJING, SHANGHAI, START, report, wide

SECOND = 1_000_000
GAP_S = 6  # between two legs


@pytest.fixture
def payments_wait(request: pytest.FixtureRequest) -> Iterator[int]:
    """Payments wait so many seconds."""
    read = tomllib.load

    def load(file: Any) -> dict[str, Any]:
        table = read(file)
        table["PYMT"]["pair_wait_s"] = request.param
        return table

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tomllib, "load", load)
        visibility.markets.cache_clear()
        visibility.markets()
    yield request.param
    visibility.markets.cache_clear()


@pytest.mark.parametrize("payments_wait", [5, 7], indirect=True)
def test_the_wait_of_payments_comes_from_one_table(
    payments_wait: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = [
        JobSettings(narrow=tmp_path, folder=tmp_path).wait_us,
        LiveSettings(servers="", folder=tmp_path).wait_us,
    ]
    merge = stream.merge

    def seen(rows: Any, watermark: int, wait_us: int, closed: Any) -> Any:
        waits.append(wait_us)
        return merge(rows, watermark, wait_us, closed)

    monkeypatch.setattr(stream, "merge", seen)
    rows = np.zeros(1, NARROW)
    stream.run_plain([rows], [0])
    stream.run_once(rows)
    assert set(waits) == {payments_wait * SECOND}
    assert len(waits) >= 4
    legs = [
        report(number, bank, transaction_key="K", at=START + number * GAP_S * SECOND)
        for number, bank in enumerate((SHANGHAI, NANJING))
    ]
    with Loader(tmp_path / "ledger.duckdb", "SIMULATED") as loader:
        loader.load_segment("test", 0, {"event": wide(legs)})
        loader.flush()
        merged = loader.connection.scalar("SELECT legs FROM tx WHERE vantage = 4")
    assert merged == (2 if payments_wait >= GAP_S else 1)
