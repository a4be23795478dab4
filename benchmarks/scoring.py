"""`yrd rule score` on a made-up transfer table: what each step of it costs."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.sizes import Bench
from yrd.processes.scoring import Options, chosen_rules, curve_of, score_market, score_table

TRANSFERS, ACCOUNTS, DAYS, PATTERNS, SEEDS = 100_000, 5_000, 120, 200, 1
SHOPS, CONTACTS = 200, 6
_BANKS = [f"{area}_B0{n}" for area in ("310000", "320000", "330000", "340000") for n in (1, 2, 3)]


def scoring(bench: Bench) -> dict[str, Any]:
    """CPU-seconds of reading, rules and comparison, of the whole command, and of a short curve."""
    from replay.scoring.curve import LEVELS
    from replay.scoring.market import market_of
    from replay.scoring.regions import PARTITIONS, assign
    from replay.scoring.tables import read_table

    path = bench.folder / "transfers.parquet"
    pq.write_table(made(), path)
    rules, options = chosen_rules(()), Options()
    score_table(path, options)  # kernels are compiled and loaded
    took: dict[str, Any] = {"transfers": TRANSFERS, "rules": len(rules)}
    transfers = _timed(took, "reading, CPU-s", lambda: read_table(path))
    given = _timed(
        took, "regions by who trades with whom, CPU-s", lambda: assign(transfers, "community", 0.3)
    )
    market = _timed(took, "narrow rows, CPU-s", lambda: market_of(transfers, given.region))
    _timed(took, "rules and comparison, CPU-s", lambda: score_market(market, rules, options))
    _timed(took, "whole command, CPU-s", lambda: score_table(path, options))
    _timed(took, "curve, CPU-s", lambda: curve_of(path, options, SEEDS))
    took["curve, assignments"] = len(PARTITIONS) * len(LEVELS) * SEEDS
    return took


def _timed(took: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401
    before = time.process_time()
    result = work()
    took[name] = round(time.process_time() - before, 2)
    return result


def made(seed: int = 1) -> pa.Table:
    """A table with AMLSim's columns: everyday trade with the same few, fans among it."""
    rng = np.random.default_rng(seed)
    # Everybody pays the same few again and again, and shops are paid by many.
    payer = rng.integers(0, ACCOUNTS, TRANSFERS)
    known = np.where(
        rng.random((ACCOUNTS, CONTACTS)) < 0.8,
        rng.integers(0, SHOPS, (ACCOUNTS, CONTACTS)),
        rng.integers(0, ACCOUNTS, (ACCOUNTS, CONTACTS)),
    )
    payee = known[payer, rng.integers(0, CONTACTS, TRANSFERS)]
    day = rng.integers(0, DAYS, TRANSFERS)
    pattern = np.full(TRANSFERS, -1)
    for number in range(PATTERNS):  # five pay one, a day apart
        rows = slice(number * 5, number * 5 + 5)
        payer[rows], payee[rows] = rng.integers(0, ACCOUNTS, 5), rng.integers(0, ACCOUNTS)
        day[rows] = rng.integers(0, DAYS - 5) + np.arange(5)
        pattern[rows] = number
    bank = np.array(_BANKS)[rng.integers(0, len(_BANKS), ACCOUNTS)]
    first = np.datetime64("2025-01-01")
    return pa.table(
        {
            "orig_acct": payer,
            "bene_acct": payee,
            "orig_bank": bank[payer].tolist(),
            "bene_bank": bank[payee].tolist(),
            "base_amt": np.round(rng.lognormal(6, 1, TRANSFERS), 2),
            "tran_timestamp": [f"{each}T00:00:00Z" for each in first + day],
            "is_sar": pattern >= 0,
            "alert_id": pattern,
            "alert_type": np.where(pattern >= 0, "fan_in", "").tolist(),
        }
    )
