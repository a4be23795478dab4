"""Pairing, routing and the stream rules' kernels on made payments, without Flink.

`python -m benchmarks.rules [REPORTS] [BATCH]` prints CPU microseconds a report for each step, all
five vantages included. Half of the payments have two legs that agree, one in a hundred disagrees.
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.lanes.stream import RuleHost, route
from pipelines.pairing.pairing import PAIR_WAIT_US, SECOND, Closed, merge
from schemas.narrow import FLAG_PAYER_PERSON, NARROW

DAY = 86_400 * SECOND
START = 1_767_225_600 * SECOND  # 2026-01-01
DAYS = 40
PARTIES = 100_000
SLACK = 600 * SECOND


def made(reports: int, seed: int = 1) -> npt.NDArray[Any]:
    """Reports in order of event time: log-uniform amounts, few busy parties and many quiet."""
    rng = np.random.default_rng(seed)
    count = reports * 2 // 3
    rows = np.zeros(count, NARROW)
    rows["key"], rows["report"] = rng.integers(1, 1 << 62, (2, count))
    rows["event_time"] = START + np.sort(rng.integers(0, DAYS * DAY, count))
    rows["business_ordinal"] = (rows["event_time"] - START) // DAY
    ids = rng.integers(1, 1 << 62, PARTIES)
    busy = (rng.pareto(1.1, (2, count)) * 50).astype(np.int64) % PARTIES
    rows["payer_party"], rows["payee_party"] = ids[busy[0]], ids[busy[1]]
    rows["amount_fen"] = (10 ** rng.uniform(4, 9, count)).astype(np.int64)
    rows["event_code"] = 1
    rows["flags"] = FLAG_PAYER_PERSON * rng.integers(0, 2, count)
    rows["mask"] = 1 << rng.integers(0, 4, count)
    second = rows[: reports - count].copy()
    second["report"] += 1
    second["mask"] = 1 << rng.integers(0, 4, len(second))
    second["amount_fen"][::100] += 1
    both = np.concatenate([rows, second])
    return both[np.argsort(both["event_time"], kind="stable")]


def batches(rows: npt.NDArray[Any], size: int) -> Iterator[npt.NDArray[Any]]:
    """The rows in batches of one size."""
    for at in range(0, len(rows), size):
        yield rows[at : at + size]


def measure(reports: int = 1_000_000, size: int = 5_000) -> dict[str, float]:
    """CPU us a report by step, and how many crossings came out."""
    _run(made(20_000), size)  # compiles
    spent, crossings = _run(made(reports), size)
    out = {name: round(seconds / reports * 1e6, 3) for name, seconds in spent.items()}
    return out | {"total": round(sum(spent.values()) / reports * 1e6, 3), "crossings": crossings}


def _run(rows: npt.NDArray[Any], size: int) -> tuple[dict[str, float], int]:
    spent = dict.fromkeys(("merge", "route", "add", "kernels"), 0.0)
    closed, hosts, rest, crossings = Closed(), dict[int, RuleHost](), rows[:0], 0

    def tick(name: str, since: float) -> float:
        now = time.process_time()
        spent[name] += now - since
        return now

    for batch in batches(rows, size):
        at = time.process_time()
        watermark = int(batch["event_time"][-1]) - SLACK
        merged = merge(np.concatenate([rest, batch]), watermark, PAIR_WAIT_US, closed)
        rest = merged.rest
        at = tick("merge", at)
        payloads = route(merged.ready)
        at = tick("route", at)
        for bucket, payload in payloads:
            if bucket not in hosts:
                hosts[bucket] = RuleHost(bucket)
            hosts[bucket].add(payload)
        at = tick("add", at)
        for host in hosts.values():
            crossings += host.advance(watermark - PAIR_WAIT_US).num_rows
        tick("kernels", at)
    return spent, crossings


if __name__ == "__main__":
    print(json.dumps(measure(*(int(text) for text in sys.argv[1:])), indent=1))
