"""Transactions are counted without pairing all of them."""

from pathlib import Path

from ledger.counting import count_transactions
from ledger.loader import Loader
from tests.ledger.test_views import random_reports


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
