"""The window rules of the payment market elsewhere: DuckDB in batch, Flink SQL as a stream.

The same paired rows of the demo tape for all, five vantages, one rule after the other, and the
crossings of all three must be the same, else the stage stops. Charged is:

- ours: process CPU time of routing, host and kernel;
- DuckDB: the rule's own `definition.sql` over a table of the rows, all threads, evidence included;
- Flink SQL: `benchmarks/flink/RULE.sql` in a Java machine that has run it before. Starting,
  planning and reading are not charged: reading alone is measured at both lengths, and of what is
  left only what grows from a quarter of the subjects to all of them counts.

What Flink SQL cannot say, and why, stands in docs/benchmarks.md.
"""

import json
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks import flink_sql
from benchmarks.process_cpu import measure
from benchmarks.rules import END, SLACK, batches, narrow, on_time
from benchmarks.sizes import Bench
from ledger import duck
from pipelines.lanes.host import RuleHost
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.routing import route
from pipelines.pairing.pairing import Closed, merge
from pipelines.rules.registry import Rule, load_rules, parameters_on
from schemas.errors import YrdError
from schemas.narrow import NARROW
from schemas.visibility import pair_wait_us

# What a crossing is compared by: Flink SQL gives no evidence.
_SAME = ("variant", "vantage", "subject", "instant", "measure", "band")
Crossings = list[tuple[Any, ...]]
Found = Mapping[str, tuple[float, Crossings]]  # rule -> CPU-seconds, crossings


def elsewhere(bench: Bench, flink: bool = True) -> dict[str, Any]:
    """CPU us a transaction of every rule, ours and elsewhere, and the ratios."""
    some = [load_rules()[name] for name in flink_sql.RULES]
    rows = on_time(narrow(bench))
    merged = merge(rows, END, pair_wait_us("PYMT"), Closed())
    paired = flink_sql.one_clock(merged.ready)
    count = len(np.unique(paired["key"]))
    _ours(paired, some)  # compiles
    kernels = _ours(paired, some)
    others: dict[str, Found] = {"DuckDB": _duckdb(paired, some)}
    out: dict[str, Any] = {"reports and transactions": f"{len(rows):,} and {count:,}"}
    if flink:
        out["Flink SQL configuration"] = flink_sql.CONFIGURATION
        others["Flink SQL"], clocked = _flink(paired, some, bench.folder / "flink-sql")
        out |= clocked
    for rule in some:
        own, crossings = kernels[rule.name]
        out[f"{rule.name}: crossings"] = len(crossings)
        out[f"{rule.name}: ours, us a transaction"] = round(own / count * 1e6, 2)
        for name, found in others.items():
            seconds, same = found[rule.name]
            if sorted(same) != sorted(crossings):
                raise YrdError(
                    f"benchmark: {name}: {rule.name}: expected the {len(crossings)} crossings of "
                    f"the kernel, got {len(same)}, {len(set(same) & set(crossings))} of them the "
                    "same; correct the statement"
                )
            out[f"{rule.name}: {name}, us a transaction"] = round(seconds / count * 1e6, 2)
            out[f"{rule.name}: {name}, its CPU by ours"] = round(seconds / own, 1)
    for name, found in others.items():
        ratio = sum(one for one, _ in found.values()) / sum(one for one, _ in kernels.values())
        out[f"all of them, one by one: {name}, its CPU by ours"] = round(ratio, 1)
    return out


def _ours(paired: npt.NDArray[Any], rules: list[Rule], size: int = 5_000) -> Found:
    out = {}
    for rule in rules:
        hosts: dict[int, RuleHost] = {}
        crossings: Crossings = []
        before = time.process_time()
        for batch in (*batches(paired, size), paired[:0]):
            for bucket, payload in route(batch, (rule,)):
                if bucket not in hosts:
                    hosts[bucket] = RuleHost(bucket, None, (rule,))
                hosts[bucket].add(payload)
            watermark = int(batch["event_time"][-1]) - SLACK if len(batch) else END
            for host in hosts.values():
                found = host.advance(watermark)
                if found.num_rows:
                    crossings += _listed(found)
        out[rule.name] = time.process_time() - before, crossings
    return out


def _listed(found: pa.RecordBatch | pa.Table) -> Crossings:
    return list(zip(*(found[name].to_pylist() for name in _SAME), strict=True))


def _duckdb(paired: npt.NDArray[Any], rules: list[Rule]) -> Found:
    parts = []
    for vantage in range(5):
        own = paired[(paired["mask"] >> vantage) & 1 == 1]
        columns = {name: pa.array(own[name]) for name in NARROW.names or () if name != "mask"}
        parts.append(pa.table({"vantage": np.full(len(own), vantage, np.uint8), **columns}))
    out = {}
    with duck.memory() as connection:
        connection.register("_paired", pa.concat_tables(parts))
        connection.execute("CREATE TABLE tx AS SELECT * FROM _paired")
        for rule in rules:
            before = time.process_time()
            found = evaluate(connection, rule).crossings
            out[rule.name] = time.process_time() - before, _listed(found)
    return out


def _flink(
    paired: npt.NDArray[Any], rules: list[Rule], folder: Path
) -> tuple[Found, dict[str, Any]]:
    """What Flink SQL is charged and finds, and the CPU-seconds of every run."""
    ids = flink_sql.write_entries(paired, folder)
    agreed = parameters_on()
    texts = {rule.name: flink_sql.statement(rule.name, agreed.of(rule)) for rule in rules}
    (folder / "statements.json").write_text(json.dumps(texts))
    command = [sys.executable, "-m", "benchmarks.flink_sql", str(folder), *texts]
    cost = measure(command, quiet=True)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    if cost.code:
        raise YrdError(f"benchmark: Flink SQL: ended with code {cost.code}")
    told = json.loads((folder / "found.json").read_text())
    seconds: dict[str, dict[str, float]] = told["cpu_s"]
    sizes = {
        length: sum(len((folder / length / f"{part}.csv").read_bytes()) for part in range(2))
        for length in flink_sql.LENGTHS
    }
    grows = 1 - sizes["quarter"] / sizes["all"]
    out = {}
    for name in texts:
        read = seconds[f"reading, {flink_sql.CLOCKS[name]}"]
        beyond = {length: seconds[name][length] - read[length] for length in flink_sql.LENGTHS}
        charged = (beyond["all"] - beyond["quarter"]) / grows
        crossings = [
            (variant, vantage, int(ids[_watched(variant)][number]), *rest)
            for variant, vantage, number, *rest in told["crossings"][name]
        ]
        out[name] = charged, crossings
    clocked = {
        f"Flink SQL, CPU-s of a quarter and of all: {name}": f"{each['quarter']} and {each['all']}"
        for name, each in seconds.items()
    }
    return out, {"Flink SQL, CPU-s of everything": cost.cpu_s, **clocked}


def _watched(variant: str) -> str:
    """Whose number a crossing of this variant holds."""
    return {"same_pair": "pair", "account": "account"}.get(variant, "subject")
