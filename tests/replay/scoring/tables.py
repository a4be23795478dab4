"""Small transfer tables with known patterns."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BANKS = tuple(
    f"{area}_B0{n}" for area in ("310000", "320000", "330000", "340000") for n in (1, 2, 3)
)
ACCOUNTS, ROWS, DAYS = 120, 1_500, 60
THROUGH, SPLIT = 60, 10  # money passed on the same day; nine payments near the line in three days


def everyday(seed: int = 5) -> dict[str, Any]:
    """AMLSim columns: random trade, and what the rules of single parties look for."""
    rng = np.random.default_rng(seed)
    payer = rng.integers(0, ACCOUNTS, ROWS)
    payee = (payer + rng.integers(1, ACCOUNTS, ROWS)) % ACCOUNTS
    yuan = np.round(rng.lognormal(10, 1.5, ROWS), 2)
    days = rng.integers(0, DAYS, ROWS)
    first = np.r_[np.arange(0, 2 * THROUGH, 2), 2 * THROUGH + 9 * np.arange(SPLIT)]
    for at, row in enumerate(first[:THROUGH].tolist()):
        payer[row + 1] = payee[row] = at
        payer[row], payee[row + 1] = at + 3, at + 7
        days[row : row + 2] = at
        yuan[row : row + 2] = 900_000 + at, 880_000 + at
    for at, row in enumerate(first[THROUGH:].tolist()):
        payer[row : row + 9], payee[row : row + 9] = at + 70, at + 80
        days[row : row + 9] = 4 * at + np.arange(9) // 3
        yuan[row : row + 9] = 450_000 + np.arange(9)
    bank = np.array(BANKS)[rng.integers(0, len(BANKS), ACCOUNTS)]
    day = np.datetime64("2025-01-01") + days
    return {
        "orig_acct": payer,
        "bene_acct": payee,
        "orig_bank": bank[payer].tolist(),
        "bene_bank": bank[payee].tolist(),
        "base_amt": yuan,
        "tran_timestamp": [f"{d}T00:00:00Z" for d in day],
        "is_sar": np.arange(ROWS) % 50 == 0,
        "alert_id": np.where(np.arange(ROWS) % 50 == 0, np.arange(ROWS) // 250, -1),
        "alert_type": ["fan_in" if n % 50 == 0 else None for n in range(ROWS)],
    }


def write(folder: Path, columns: dict[str, Any], name: str = "transfers.parquet") -> Path:
    """The table as a file."""
    path = folder / name
    pq.write_table(pa.table(columns), path)
    return path
