"""A small made-up market as narrow rows: near-line transfers, money passing through, two legs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipelines.job.segments import write_segment
from schemas.narrow import EVENT_CODES, NARROW

SECOND = 1_000_000
DAY = 86_400 * SECOND
START = 1_767_600_000 * SECOND  # Monday 2026-01-05 16:00 in Beijing
LATENESS = 120 * SECOND
SLACK = 600 * SECOND


def reports(transactions: int, days: int = 12, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Narrow rows in order of arrival, with the time each was received, microseconds.

    A few payers pay just under the line again and again; a few parties pay on what they get; the
    second leg of a payment is another region's copy, a few seconds later, sometimes with another
    amount, sometimes after the pair wait.
    """
    random = np.random.default_rng(seed)
    n = transactions
    rows = np.zeros(n, NARROW)
    rows["key"] = random.permutation(n).astype(np.int64) * 7_919 + 11
    rows["event_time"] = START + np.sort(random.integers(0, days * DAY, n))
    rows["business_ordinal"] = 100 + (rows["event_time"] - START) // DAY
    parties = max(60, n // 20)
    home = random.integers(0, 4, parties + 1)
    payer, payee = (random.integers(1, parties + 1, n) for _ in range(2))
    rows["amount_fen"] = random.integers(100, 30_000_000, n)
    near = random.random(n) < 0.2
    payer[near] = random.integers(1, 8, near.sum())
    payee[near] = random.integers(20, 26, near.sum())
    rows["amount_fen"][near] = random.integers(40_000_000, 50_000_000, near.sum())
    rows["flags"][near] = 1
    through = random.random(n) < 0.1
    hub = random.integers(30, 36, through.sum())
    inward = random.random(through.sum()) < 0.5
    payee[through] = np.where(inward, hub, payee[through])
    payer[through] = np.where(inward, payer[through], hub)
    rows["amount_fen"][through] = random.integers(20_000_000, 90_000_000, through.sum())
    same = payer == payee
    payee[same] = payer[same] % parties + 1
    rows["payer_party"], rows["payee_party"] = payer * 1_000_003, payee * 1_000_003
    rows["payer_account"], rows["payee_account"] = rows["payer_party"] + 1, rows["payee_party"] + 1
    rows["event_code"] = EVENT_CODES["PAYM"]
    rows["regions"] = (home[payer] + 1) | (home[payee] + 1) << 4
    rows["mask"] = 1 << home[payer]
    second = rows[random.random(n) < 0.5].copy()
    region = home[second["payee_party"] // 1_000_003]
    second["mask"] = 1 << region
    second["event_time"] += random.integers(0, 4 * SECOND, len(second))
    late_leg = random.random(len(second)) < 0.02
    second["event_time"][late_leg] += 20 * SECOND
    other = random.random(len(second)) < 0.05
    second["amount_fen"][other] += 100
    both = np.concatenate([rows, second])
    both["report"] = random.permutation(len(both)) + 1
    lag = random.integers(0, LATENESS, len(both))
    received = both["event_time"] + lag
    order = np.argsort(received, kind="stable")
    return both[order], received[order]


def segments(
    rows: np.ndarray, received: np.ndarray, count: int, shuffle: int | None = None
) -> Iterator[tuple[np.ndarray, int]]:
    """Cut into segments of (rows, watermark), shuffled within the slack where a seed is given."""
    if shuffle is not None:
        late = np.random.default_rng(shuffle).integers(0, SLACK, len(rows))
        order = np.argsort(received + late, kind="stable")
        rows, received = rows[order], received[order]
    newest = np.maximum.accumulate(received)
    for part in np.array_split(np.arange(len(rows)), count):
        yield rows[part], int(newest[part[-1]]) - LATENESS


def write(folder: Path, parts: Iterator[tuple[np.ndarray, int]]) -> int:
    """Write segments; return how many."""
    written = 0
    for index, (rows, watermark) in enumerate(parts):
        write_segment(folder, index, rows, watermark)
        written += 1
    return written
