"""The stream rules alone: pairing, routing and kernels without Flink.

Rows come from a made market and from the demo tape (on-time payments as intake stores them) and
are the same for all. A transaction is what its reports are of; all over five vantages. Process CPU
time of routing, hosts and kernels over the paired rows: the rules that look at a window of a
subject's own transfers, each of them alone, and with the rules on the graph. `elsewhere` holds the
same rules against DuckDB and Flink SQL.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.markets import BOTH, MadeMarket
from benchmarks.sizes import Bench
from benchmarks.taking import stored
from pipelines.job.segments import read_segment
from pipelines.lanes.entry import WHOLE
from pipelines.lanes.host import RuleHost
from pipelines.lanes.routing import route, stream_rules
from pipelines.pairing.pairing import SECOND, Closed, merge
from pipelines.rules.registry import Rule
from schemas.visibility import pair_wait_us

DAYS = 40
PARTIES = 100_000
SLACK = 600 * SECOND
STAGE = ("route", "hosts", "kernels")  # the rules stage
END = 1 << 62


def made(reports: int, seed: int = 1) -> npt.NDArray[Any]:
    """About so many reports of a made market, in order of event time."""
    market = MadeMarket(PARTIES, max(round(reports / (1 + BOTH) / DAYS), 1), seed)
    return np.concatenate(list(market.days(0, DAYS)))


def batches(rows: npt.NDArray[Any], size: int) -> Iterator[npt.NDArray[Any]]:
    """The rows in batches of one size."""
    for at in range(0, len(rows), size):
        yield rows[at : at + size]


def on_time(folder: Path) -> npt.NDArray[Any]:
    """The narrow rows of stored units, in order of event time."""
    parts = [read_segment(path).rows for path in sorted(folder.glob("seg-*.bin"))]
    rows = np.concatenate(parts)
    return rows[np.argsort(rows["event_time"], kind="stable")]


def narrow(bench: Bench) -> Path:
    """Stored narrow rows: of the long run where `path` made it, else of the short tape."""
    ran = bench.folder / f"run-tape-{bench.large}" / "intake" / "narrow"
    return ran if ran.is_dir() else stored(bench) / "narrow"


def window_rules() -> tuple[Rule, ...]:
    """The stream rules that are not on the graph."""
    return tuple(rule for rule in stream_rules() if rule.group not in WHOLE)


@dataclass(frozen=True)
class Spent:
    """What rules cost over reports.

    Args:
        seconds: CPU-seconds by step.
        transactions: how many there were.
        crossings: how many they gave.
    """

    seconds: Mapping[str, float]
    transactions: int
    crossings: int

    def us(self, *steps: str) -> float:
        """CPU us a transaction of some steps."""
        return sum(self.seconds[step] for step in steps) / self.transactions * 1e6


def spent(rows: npt.NDArray[Any], rules: tuple[Rule, ...], size: int = 5_000) -> Spent:
    """What rules cost, step by step, over rows in order of event time."""
    seconds = dict.fromkeys(("pair", *STAGE), 0.0)
    closed, hosts, rest, crossings = Closed(), dict[int, RuleHost](), rows[:0], 0
    transactions = 0

    def tick(name: str, since: float) -> float:
        now = time.process_time()
        seconds[name] += now - since
        return now

    for batch in (*batches(rows, size), rows[:0]):
        at = time.process_time()
        watermark = int(batch["event_time"][-1]) - SLACK if len(batch) else END
        merged = merge(np.concatenate([rest, batch]), watermark, pair_wait_us("PYMT"), closed)
        rest = merged.rest
        at = tick("pair", at)
        payloads = route(merged.ready, rules)
        at = tick("route", at)
        for bucket, payload in payloads:
            if bucket not in hosts:
                hosts[bucket] = RuleHost(bucket, None, rules)
            hosts[bucket].add(payload)
        at = tick("hosts", at)
        for host in hosts.values():
            crossings += host.advance(watermark - pair_wait_us("PYMT")).num_rows
        tick("kernels", at)
        transactions += len(merged.recon)
    return Spent(seconds, transactions, crossings)


def rules(bench: Bench) -> dict[str, Any]:
    """CPU us a transaction on made and on simulated payments."""
    some, every = window_rules(), stream_rules()
    spent(made(20_000), every)  # compiles
    out: dict[str, Any] = {"window rules": ", ".join(rule.name for rule in some)}
    for name, rows in (("made", made(2 * bench.small)), ("demo tape", on_time(narrow(bench)))):
        ours = spent(rows, some)
        whole = spent(rows, every)
        out |= {
            f"{name}: reports and transactions": f"{len(rows):,} and {ours.transactions:,}",
            f"{name}: pairing, us a transaction": round(ours.us("pair"), 2),
            **{f"{name}: window rules, {step}, us": round(ours.us(step), 2) for step in STAGE},
            f"{name}: window rules, us a transaction": round(ours.us(*STAGE), 2),
            f"{name}: window rules, a CPU-s": round(1e6 / ours.us(*STAGE)),
            f"{name}: with the graph rules, us a transaction": round(whole.us(*STAGE), 2),
            f"{name}: with the graph rules, a CPU-s": round(1e6 / whole.us(*STAGE)),
            f"{name}: crossings": whole.crossings,
        }
        for rule in some:
            alone = spent(rows, (rule,))
            out[f"{name}: {rule.name} alone, us a transaction"] = round(alone.us(*STAGE), 2)
    return out
