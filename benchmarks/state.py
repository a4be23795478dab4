"""What the stream stages keep, by number of accounts: memory, checkpoint, and the time to go on.

`python -m benchmarks state` runs the pairing and rules hosts of the job over a made market of 100
thousand, 1 million and 3 million accounts, each in a process of its own. The hosts are those the
job has, with stores in memory in place of Flink's: what lies in a store is what a checkpoint of the
job holds. An account pays once in 120 days on the average; days are made and fed six at a time
until the graph has looked back all it can (180 days): then nothing grows but with accounts.

Searches of the graph rules are switched off by numbers nobody reaches: what is kept does not depend
on them, and their cost is what `graphs` measures. Memory is VmHWM of the process, which holds the
stores too; in the job they lie in the JVM's heap. The line through the measured sizes gives the
figures of larger ones.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markets import START, MadeMarket
from benchmarks.process_cpu import measure
from benchmarks.sizes import Bench
from pipelines.job.hosts import PairHost, RulesHost, unpack_kept
from pipelines.job.retained import MemoryStore
from pipelines.job.settings import JobSettings
from pipelines.pairing.pairing import DAY, SECOND
from pipelines.rules.kernels.graph import LOOKS_BACK_US
from pipelines.rules.registry import ParameterSet, load_rules, parameters_on
from schemas.errors import YrdError
from schemas.visibility import pair_wait_us

ACCOUNTS = (100_000, 1_000_000, 3_000_000)
FITTED = (10_000_000, 3_000_000_000)
PAYS_EVERY = 120  # days on the average
STEP = 6  # days fed at once
SLACK = 600 * SECOND
NEVER = 1 << 40  # days or money nobody reaches
_OFF: Mapping[str, Mapping[str, int]] = {
    "cycle": {"learning_days": NEVER, "quiet_steps": 0, "ordered_steps": 0},
    "fan_in": {"least_payers": NEVER},
    "fan_out": {"least_payees": NEVER},
    "gather_scatter": {"least_payers": NEVER},
    "scatter_gather": {"learning_days": NEVER, "quiet_steps": 0, "conserving_steps": 0},
    "bipartite": {"learning_days": NEVER, "steps": 0},
}


def state(bench: Bench) -> dict[str, Any]:
    """Memory and checkpoint of every size, and the line through them."""
    out: dict[str, Any] = {}
    found = []
    for accounts in ACCOUNTS:
        told = _of(bench, accounts)
        found.append(told)
        out |= {f"{accounts:,} accounts: {key}": value for key, value in told.items()}
    for name in ("checkpoint, MB", "of it rules on the graph, MB", "memory beside it, MB"):
        slope, base = np.polyfit(ACCOUNTS, [one[name] for one in found], 1)
        out[f"{name}: bytes an account"] = round(slope * 1e6)
        for accounts in FITTED:
            out[f"{name}: fitted for {accounts:,} accounts"] = round(base + slope * accounts)
    return out


def _of(bench: Bench, accounts: int) -> dict[str, Any]:
    result = bench.folder / f"state-{accounts}.json"
    cost = measure([sys.executable, "-m", "benchmarks.state", str(accounts), str(result)])
    if cost.code:
        raise YrdError(f"benchmark: state of {accounts} accounts: ended with code {cost.code}")
    told: dict[str, Any] = json.loads(result.read_text())
    return told | {"CPU-s": cost.cpu_s}


def silent() -> ParameterSet:
    """Today's numbers, with searches on the graph switched off."""
    agreed = parameters_on()
    for rule, values in _OFF.items():
        if rule in load_rules():
            agreed = agreed.changed(rule, **values)
    return agreed


class Job:
    """The keyed stages of the job in one process, with stores in memory."""

    def __init__(self, parameters: ParameterSet | None) -> None:
        self.settings = JobSettings(Path(), Path())
        self.parameters = parameters
        self.wait_us = pair_wait_us("PYMT")
        buckets, lanes = range(self.settings.pair_buckets), range(self.settings.lanes)
        self.rows, self.opened = [MemoryStore() for _ in buckets], [MemoryStore() for _ in buckets]
        self.kept = [MemoryStore() for _ in lanes]
        self.pairs = [PairHost(*self._stores(n), self.wait_us, len(lanes), None) for n in buckets]
        self.lanes = [RulesHost(kept, parameters, self.wait_us, None) for kept in self.kept]

    def _stores(self, number: int) -> tuple[MemoryStore, MemoryStore]:
        return self.rows[number], self.opened[number]

    def take(self, rows: Any, watermark_us: int) -> int:  # noqa: ANN401 - NARROW
        """Feed reports, let the watermark move; returns how many lines of crossings there were."""
        for start in range(0, len(rows), self.settings.batch_rows):
            batch = rows[start : start + self.settings.batch_rows]
            for number, host in enumerate(self.pairs):
                mine = batch[batch["key"] % len(self.pairs) == number]
                if len(mine):
                    host.add(mine.tobytes())
        lines = 0
        for host in self.pairs:
            for step in host.steps(watermark_us):
                for lane, message in host.advance(step).messages:
                    self.lanes[lane].add(message)
        for lane_host in self.lanes:
            lines += len(lane_host.advance(watermark_us))
        return lines

    def checkpoint(self) -> tuple[int, int]:
        """Bytes a checkpoint holds, and how many of them are what the rules keep of the graph."""
        stores = (*self.rows, *self.opened, *self.kept)
        graph = sum(
            len(payload)
            for store in self.kept
            for batch in store.values()
            for _, meta, payload in unpack_kept(batch)
            if meta.rule == "graph"
        )
        return sum(len(batch) for store in stores for batch in store.values()), graph


def run(accounts: int) -> dict[str, Any]:
    """One size, in this process."""
    warm = Job(silent())
    for day, rows in enumerate(MadeMarket(1_000, 50).days(0, 3)):  # kernels are loaded
        warm.take(rows, START + (day + 1) * DAY - SLACK)
    market = MadeMarket(accounts, accounts // PAYS_EVERY)
    job = Job(silent())
    days = LOOKS_BACK_US // DAY + 2
    reports = 0
    began = time.process_time()
    for day in range(0, days, STEP):
        rows = np.concatenate(list(market.days(day, day + STEP)))
        reports += len(rows)
        job.take(rows, START + (day + STEP) * DAY - SLACK)
    fed = time.process_time() - began
    whole, graph = job.checkpoint()
    peak = high_water_mb()
    return {
        "reports fed": reports,
        "transactions a day": market.a_day,
        "pairing and rules without searches, CPU us a report": round(fed / reports * 1e6, 2),
        "checkpoint, MB": round(whole / 1e6, 1),
        "of it rules on the graph, MB": round(graph / 1e6, 1),
        "peak memory, MB": round(peak),
        "memory beside it, MB": round(peak - whole / 1e6),
    }


def high_water_mb() -> float:
    """The most memory this process ever held, in MB of 10^6 bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise YrdError("benchmark: /proc/self/status: expected VmHWM; run it on Linux")


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(run(int(sys.argv[1]))))
