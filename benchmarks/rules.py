"""The stream rules alone: pairing, routing and kernels without Flink, against SQL.

Rows come from a made market and from the demo tape (on-time payments as intake stores them) and are
the same for all. A transaction is what its reports are of; all over five vantages:

- ours: process CPU time of routing, hosts and kernels over the paired rows: the rules that look at
  a window of a subject's own transfers, each of them alone, and with the rules on the graph;
- Flink SQL: `benchmarks.flink_sql` in a process of its own, CPU of the whole tree, over all rows
  and over a quarter of them. What starting, planning and reading cost is not charged: reading the
  same files as often is measured alone and subtracted at both lengths, and of what is left only the
  difference between the lengths counts;
- DuckDB: the rules' own `definition.sql` over the paired rows as a table, all threads.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks import flink_sql
from benchmarks.markets import BOTH, MadeMarket
from benchmarks.process_cpu import measure
from benchmarks.sizes import Bench
from benchmarks.taking import stored
from ledger import duck
from pipelines.job.segments import read_segment
from pipelines.lanes.entry import WHOLE
from pipelines.lanes.host import RuleHost
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.routing import route, stream_rules
from pipelines.pairing.pairing import SECOND, Closed, merge
from pipelines.rules.registry import Rule
from schemas.errors import YrdError
from schemas.narrow import NARROW
from schemas.visibility import pair_wait_us

DAYS = 40
PARTIES = 100_000
SLACK = 600 * SECOND
STAGE = ("route", "hosts", "kernels")  # the rules stage
END = 1 << 62
_SAID_BY_FLINK = ("pass_through", "structuring")


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
        paired: what pairing made of the reports.
    """

    seconds: Mapping[str, float]
    transactions: int
    crossings: int
    paired: npt.NDArray[Any]

    def us(self, *steps: str) -> float:
        """CPU us a transaction of some steps."""
        return sum(self.seconds[step] for step in steps) / self.transactions * 1e6


def spent(rows: npt.NDArray[Any], rules: tuple[Rule, ...], size: int = 5_000) -> Spent:
    """What rules cost, step by step, over rows in order of event time."""
    seconds = dict.fromkeys(("pair", *STAGE), 0.0)
    closed, hosts, rest, crossings = Closed(), dict[int, RuleHost](), rows[:0], 0
    paired, transactions = [], 0

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
        paired.append(merged.ready.copy())
        transactions += len(merged.recon)
    return Spent(seconds, transactions, crossings, np.concatenate(paired))


def rules(bench: Bench, flink: bool = True) -> dict[str, Any]:
    """CPU us a transaction on made and on simulated payments; Flink SQL and DuckDB as ratios."""
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
    own = sum(ours.seconds[step] for step in STAGE)
    out |= _against("DuckDB definition.sql", _duckdb(ours.paired, some), own, ours.transactions)
    if flink:
        both = tuple(rule for rule in some if rule.name in _SAID_BY_FLINK)
        alone = spent(on_time(narrow(bench)), both)
        own = sum(alone.seconds[step] for step in STAGE)
        out["Flink SQL says"] = ", ".join(rule.name for rule in both)
        out["ours of the same, us a transaction"] = round(alone.us(*STAGE), 2)
        out["Flink SQL configuration"] = flink_sql.CONFIGURATION
        found, more = _flink(ours.paired, bench.folder / "flink-sql")
        out |= {f"Flink SQL {name}, CPU-s": seconds for name, seconds in found.items()}
        steady = (found["rules, all"] - found["reading, all"]) - (
            found["rules, a quarter"] - found["reading, a quarter"]
        )
        out |= _against("Flink SQL", steady / more, own, alone.transactions)
    return out


def _against(name: str, seconds: float, own: float, count: int) -> dict[str, Any]:
    return {
        f"{name}, us a transaction": round(seconds / count * 1e6, 2),
        f"{name}: its CPU by ours": round(seconds / own, 1),
    }


def _flink(paired: npt.NDArray[Any], folder: Path) -> tuple[dict[str, float], float]:
    """CPU-seconds of the process tree by mode and length; what share of the rows the lengths part.

    The quarter are the rows of a quarter of the parties, so that windows are as full as in all.
    """
    some = paired[(paired["payer_party"] % 4 == 0)]
    out = {}
    sizes = []
    for length, rows in (("all", paired), ("a quarter", some)):
        sizes.append(flink_sql.write_entries(rows, folder))
        for name, mode in (("reading", "read"), ("rules", "rules")):
            command = [sys.executable, "-m", "benchmarks.flink_sql", str(folder), mode]
            cost = measure(command, quiet=True)
            if cost.code:
                raise YrdError(f"benchmark: Flink SQL {mode}: ended with code {cost.code}")
            out[f"{name}, {length}"] = cost.cpu_s
    return out, 1 - sizes[1] / sizes[0]


def _duckdb(paired: npt.NDArray[Any], rules: tuple[Rule, ...]) -> float:
    """CPU-seconds of the definitions over paired rows that lie in a table."""
    parts = []
    for vantage in range(5):
        own = paired[(paired["mask"] >> vantage) & 1 == 1]
        columns = {name: pa.array(own[name]) for name in NARROW.names or () if name != "mask"}
        parts.append(pa.table({"vantage": np.full(len(own), vantage, np.uint8), **columns}))
    with duck.memory() as connection:
        connection.register("_paired", pa.concat_tables(parts))
        connection.execute("CREATE TABLE tx AS SELECT * FROM _paired")
        start = time.process_time()
        for rule in rules:
            evaluate(connection, rule)
        return time.process_time() - start
