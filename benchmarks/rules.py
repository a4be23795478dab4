"""The stream rules alone: pairing, routing and kernels without Flink, against SQL.

Rows come from the demo tape (on-time payments as intake stores them) and are the same for all:

- ours: process CPU time of routing, hosts and kernels over the paired rows, five vantages;
- Flink SQL: `benchmarks.flink_sql` in a process of its own, CPU of the whole tree, over all rows
  and over a quarter of them. What starting, planning and reading cost is not charged: reading the
  same files as often is measured alone and subtracted at both lengths, and of what is left only the
  difference between the lengths counts;
- DuckDB: the rules' own `definition.sql` over the paired rows as a table, all threads.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks import flink_sql
from benchmarks.process_cpu import measure
from benchmarks.sizes import Bench
from benchmarks.taking import stored
from ledger import duck
from pipelines.job.segments import read_segment
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.stream import RuleHost, route, stream_rules
from pipelines.pairing.pairing import SECOND, Closed, merge
from schemas.errors import YrdError
from schemas.narrow import FLAG_PAYER_PERSON, NARROW
from schemas.visibility import pair_wait_us

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


def on_time(folder: Path) -> npt.NDArray[Any]:
    """The narrow rows of stored units, in order of event time."""
    parts = [read_segment(path).rows for path in sorted(folder.glob("seg-*.bin"))]
    rows = np.concatenate(parts)
    return rows[np.argsort(rows["event_time"], kind="stable")]


def _narrow(bench: Bench) -> Path:
    """Stored narrow rows: of the long run where `path` made it, else of the short tape."""
    ran = bench.folder / f"run-tape-{bench.large}" / "intake" / "narrow"
    return ran if ran.is_dir() else stored(bench) / "narrow"


def spent(rows: npt.NDArray[Any], size: int = 5_000) -> tuple[dict[str, float], int, Any]:
    """CPU-seconds by step over rows in order of event time, crossings, and the paired rows."""
    seconds = dict.fromkeys(("pair", "route", "hosts", "kernels"), 0.0)
    closed, hosts, rest, crossings = Closed(), dict[int, RuleHost](), rows[:0], 0
    paired = []

    def tick(name: str, since: float) -> float:
        now = time.process_time()
        seconds[name] += now - since
        return now

    for batch in (*batches(rows, size), rows[:0]):
        at = time.process_time()
        watermark = int(batch["event_time"][-1]) - SLACK if len(batch) else 1 << 62
        merged = merge(np.concatenate([rest, batch]), watermark, pair_wait_us("PYMT"), closed)
        rest = merged.rest
        at = tick("pair", at)
        payloads = route(merged.ready)
        at = tick("route", at)
        for bucket, payload in payloads:
            if bucket not in hosts:
                hosts[bucket] = RuleHost(bucket)
            hosts[bucket].add(payload)
        at = tick("hosts", at)
        for host in hosts.values():
            crossings += host.advance(watermark - pair_wait_us("PYMT")).num_rows
        tick("kernels", at)
        paired.append(merged.ready.copy())
    return seconds, crossings, np.concatenate(paired)


def rules(bench: Bench, flink: bool = True) -> dict[str, Any]:
    """CPU us a report by step on made and on simulated payments; Flink SQL and DuckDB as ratios."""
    spent(made(20_000))  # compiles
    out: dict[str, Any] = {}
    paired, own, count = np.empty(0, NARROW), 0.0, 1
    for name, rows in (
        ("made", made(2 * bench.small)),
        ("demo tape", on_time(_narrow(bench))),
    ):
        seconds, crossings, paired = spent(rows)
        count = len(rows)
        own = sum(seconds.values()) - seconds["pair"]
        out |= {
            f"{name}: reports": count,
            **{f"{name}: {step}, us": round(s / count * 1e6, 3) for step, s in seconds.items()},
            f"{name}: rules, us a report": round(own / count * 1e6, 3),
            f"{name}: with pairing, us": round(sum(seconds.values()) / count * 1e6, 3),
            f"{name}: crossings": crossings,
        }
    out |= _against("DuckDB definition.sql", _duckdb(paired), own, count)
    if flink:
        out["Flink SQL configuration"] = flink_sql.CONFIGURATION
        found, more = _flink(paired, bench.folder / "flink-sql")
        out |= {f"Flink SQL {name}, CPU-s": seconds for name, seconds in found.items()}
        steady = (found["rules, all"] - found["reading, all"]) - (
            found["rules, a quarter"] - found["reading, a quarter"]
        )
        out |= _against("Flink SQL", steady / more, own, count)
    return out


def _against(name: str, seconds: float, own: float, count: int) -> dict[str, Any]:
    return {
        f"{name}, us a report": round(seconds / count * 1e6, 3),
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


def _duckdb(paired: npt.NDArray[Any]) -> float:
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
        for rule in stream_rules():
            if rule.language == "sql":
                evaluate(connection, rule)
        return time.process_time() - start
