"""A small transfer table with known patterns."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BANKS = tuple(
    f"{area}_B0{n}" for area in ("310000", "320000", "330000", "340000") for n in (1, 2, 3)
)
ACCOUNTS, SHOPS, ROWS, DAYS = 400, 100, 1_500, 60
THROUGH, SPLIT = 60, 10  # money passed on the same day; nine payments near the line in three days
FANS = CYCLES = 4  # six who pay one; a ring of five; nobody of them does anything else
LABELLED = FANS * 6 + CYCLES * 5


def everyday(seed: int = 5) -> dict[str, Any]:
    """AMLSim columns: everyday trade, what rules of single parties look for, labelled patterns."""
    rng = np.random.default_rng(seed)
    # Everybody pays the same few, mostly shops, which hardly pay anybody: few rings by chance.
    payer = rng.integers(SHOPS, ACCOUNTS, ROWS)
    known = rng.integers(0, SHOPS, (ACCOUNTS, 3))
    known[:, 0] = (np.arange(ACCOUNTS) + rng.integers(1, ACCOUNTS, ACCOUNTS)) % ACCOUNTS
    payee = known[payer, rng.integers(0, 3, ROWS)]
    yuan = np.round(rng.lognormal(10, 1.5, ROWS), 2)
    days = rng.integers(0, DAYS, ROWS)
    pattern, kind = np.full(ROWS, -1), np.full(ROWS, "", "<U8")
    row, quiet = 0, ACCOUNTS
    for at in range(THROUGH):
        payer[row : row + 2], payee[row : row + 2] = (at + 3, at), (at, at + 7)
        days[row : row + 2] = at
        yuan[row : row + 2] = 900_000 + at, 880_000 + at
        row += 2
    for at in range(SPLIT):
        payer[row : row + 9], payee[row : row + 9] = at + 70, at + 80
        days[row : row + 9] = 4 * at + np.arange(9) // 3
        yuan[row : row + 9] = 450_000 + np.arange(9)
        row += 9
    for number in range(FANS + CYCLES):
        size = 6 if number < FANS else 5
        some = np.arange(quiet, quiet + size)
        payer[row : row + size] = some
        payee[row : row + size] = quiet + size if number < FANS else np.roll(some, -1)
        days[row : row + size] = 46 + number // 2 + np.arange(size)
        yuan[row : row + size] = 1_000 - 10 * np.arange(size)
        pattern[row : row + size] = number
        kind[row : row + size] = "fan_in" if number < FANS else "cycle"
        row, quiet = row + size, quiet + size + 1
    bank = np.array(BANKS)[rng.integers(0, len(BANKS), quiet)]
    return {
        "orig_acct": payer,
        "bene_acct": payee,
        "orig_bank": bank[payer].tolist(),
        "bene_bank": bank[payee].tolist(),
        "base_amt": yuan,
        "tran_timestamp": [f"{d}T00:00:00Z" for d in np.datetime64("2025-01-01") + days],
        "is_sar": pattern >= 0,
        "alert_id": pattern,
        "alert_type": [str(name) or None for name in kind],
    }


def write(folder: Path, columns: dict[str, Any], name: str = "transfers.parquet") -> Path:
    """The table as a file."""
    path = folder / name
    pq.write_table(pa.table(columns), path)
    return path
