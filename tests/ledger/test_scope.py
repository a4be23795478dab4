"""Some transactions without pairing all of them: the same rows, and the same count."""

from pathlib import Path

import numpy as np

from ledger.loader import Loader
from ledger.scope import count_transactions, transactions_of
from tests.ledger.test_views import random_reports


def test_transactions_of_some_types_and_parties_are_those_of_all(tmp_path: Path) -> None:
    with Loader(tmp_path / "one.duckdb", "SIMULATED") as loader:
        loader.load_segment("test", 0, {"event": random_reports(7)})
        loader.flush()
        ledger = loader.connection
        legs = (
            "SELECT key FROM leg "
            "WHERE event_type = 'DISC' OR payer_party = {0} OR payee_party = {0}"
        )
        rare = ledger.scalar(
            "SELECT payer_party FROM leg WHERE payer_party <> 0 GROUP BY ALL ORDER BY count(*), 1"
        )
        wanted = ledger.sql(
            f"SELECT * FROM tx WHERE key IN ({legs.format(rare)}) ORDER BY vantage, key, start"
        )
        everything = ledger.sql("SELECT * FROM tx ORDER BY ALL")
        with transactions_of(ledger, ["DISC"], np.array([rare], np.int64)):
            found = ledger.sql("SELECT * FROM tx ORDER BY vantage, key, start")
        with transactions_of(ledger, [], np.empty(0, np.int64)):
            assert ledger.scalar("SELECT count(*) FROM tx") == 0
        assert ledger.sql("SELECT * FROM tx ORDER BY ALL") == everything
    assert found == wanted
    assert 0 < found.num_rows < everything.num_rows
    assert found["legs"].to_pylist() != [1] * found.num_rows


def test_transactions_are_counted_without_pairing_them(tmp_path: Path) -> None:
    for seed in (1, 2):
        with Loader(tmp_path / f"{seed}.duckdb", "SIMULATED") as loader:
            assert count_transactions(loader.connection) == 0
            loader.load_segment("test", 0, {"event": random_reports(seed)})
            loader.flush()
            keys, transactions = loader.connection.rows(
                "SELECT count(DISTINCT key), count(*) FROM tx WHERE vantage = 4"
            )[0]
            assert count_transactions(loader.connection) == transactions > keys
