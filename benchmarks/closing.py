"""A day of five million reports is closed by the ledger lane: CPU, wall time and memory by rule.

`python -m benchmarks closing` loads the reports of the short tape, and multiplies those that its
busiest day brought until the day has five million: every copy has parties, accounts, transactions
and assets of its own, so it is as suspicious as the day was. Days before it stand once. Then every
rule of the lane is evaluated as a live run does when that day closes. All in a process of its own.
"""

import json
import shutil
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.process_cpu import measure
from benchmarks.sizes import Bench
from benchmarks.state import high_water_mb
from benchmarks.taking import stored
from ledger.duck import Connection
from pipelines.lanes.closings import Closing
from pipelines.lanes.known import at_closings
from pipelines.rules.registry import load_rules
from schemas.errors import YrdError
from schemas.fields import IMPLEMENTED_KINDS
from yrd.processes.concluding import closings_of, group_days
from yrd.processes.loading import WRITTEN, open_loader

REPORTS = 5_000_000
SLACK = timedelta(minutes=10)
ORIGIN = "SIMULATED"
_IDS = ("transaction_id", "payer_account", "payee_account", "asset", "instrument")
_MORE_IDS = ("representative", "entity_account", "reference_id")
_SALT = "hash(copy.number)"


def closing(bench: Bench) -> dict[str, Any]:
    """What closing such a day costs, rule by rule."""
    result = bench.folder / "closing.json"
    units = stored(bench)
    folder = bench.folder / "closing"
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.closing", str(units), str(folder), str(result)]
    try:
        cost = measure(command)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if cost.code:
        raise YrdError(f"benchmark: closing: ended with code {cost.code}")
    told: dict[str, Any] = json.loads(result.read_text())
    return told | {"with making the ledger, CPU-s": cost.cpu_s}


def run(units: Path, folder: Path, reports: int = REPORTS) -> dict[str, Any]:
    """Make the ledger, and close its busiest day before and after it is multiplied."""
    with open_loader(folder, ORIGIN) as loader:
        for number in range(len(list((units / "submissions").glob("seg-*.arrow")))):
            loader.take_unit("benchmark", units, number)
    return on_ledger(folder, reports)


def on_ledger(folder: Path, reports: int) -> dict[str, Any]:
    """Close the busiest day of a ledger before and after it is multiplied."""
    with open_loader(folder, ORIGIN) as loader:
        ledger = loader.loader.connection
        end = ledger.scalar("SELECT max(received_at) FROM submission")
        every = closings_of(ledger, end, SLACK)
        day = _busiest(ledger, every)
        closed = every[: day + 1]
        group_days(loader.loader, closed)
        before = evaluated(ledger, closed)
        copies = _multiply(ledger, every, day, reports)
        in_day, in_all = _count(ledger, every, day)
        out: dict[str, Any] = {
            "reports of the day": in_day,
            "reports before it": in_all - in_day,
            "copies of the day": copies,
            "ledger, GB": round((folder / WRITTEN).stat().st_size / 1e9, 2),
            "the day as it was, CPU-s": round(sum(cpu for cpu, _, _ in before.values()), 2),
        }
        found = evaluated(ledger, closed)
    for rule, (cpu, wall, crossings) in found.items():
        out[f"{rule}: CPU-s, wall s, crossings"] = f"{cpu:.1f}, {wall:.1f}, {crossings}"
    out["all rules, CPU-s"] = round(sum(cpu for cpu, _, _ in found.values()), 1)
    out["all rules, wall s"] = round(sum(wall for _, wall, _ in found.values()), 1)
    return out | {"peak memory, MB": round(high_water_mb())}


def evaluated(
    ledger: Connection, closed: tuple[Closing, ...]
) -> dict[str, tuple[float, float, int]]:
    """CPU-seconds, wall seconds and crossings of every rule of the lane at these closings."""
    found = {}
    for rule in load_rules().values():
        if rule.lane == "ledger":
            cpu, wall = time.process_time(), time.perf_counter()
            lane = at_closings(ledger, rule, closed, None)
            crossings = sum(one.found.num_rows for one in lane.replaced)
            found[rule.name] = (time.process_time() - cpu, time.perf_counter() - wall, crossings)
    return found


def _busiest(ledger: Connection, closed: tuple[Closing, ...]) -> int:
    """The closing that first knows the most reports of events, but not the end of the run."""
    counts = [_count(ledger, closed, number)[0] for number in range(len(closed) - 1)]
    return counts.index(max(counts))


def _count(ledger: Connection, closed: tuple[Closing, ...], day: int) -> tuple[int, int]:
    """Reports that a closing is the first to know, and all that it knows."""
    row = [0, 0]
    for kind in IMPLEMENTED_KINDS:
        known = f"SELECT count(*) FROM {kind} WHERE epoch_us(known_from) <= {{}}"
        until = int(ledger.scalar(known.format(closed[day].known_us)))
        before = int(ledger.scalar(known.format(closed[day - 1].known_us))) if day else 0
        row = [row[0] + until - before, row[1] + until]
    return row[0], row[1]


def _multiply(ledger: Connection, closed: tuple[Closing, ...], day: int, reports: int) -> int:
    """Copy what a closing is the first to know until it has so many reports; returns how often."""
    in_day, _ = _count(ledger, closed, day)
    copies = max(round(reports / in_day) - 1, 0)
    since = closed[day - 1].known_us if day else 0
    ledger.execute(f"CREATE TEMP TABLE copy AS SELECT unnest(range({copies})) AS number")
    for kind in IMPLEMENTED_KINDS:
        names = ledger.sql(f"SELECT * FROM stored.{kind} LIMIT 0").schema.names
        others = ", ".join(
            f"CASE WHEN r.{name} IS NULL THEN NULL ELSE xor(r.{name}, {_SALT}) END AS {name}"
            if name.endswith(("_high", "_low"))
            else f"CASE WHEN r.{name} = 0 THEN 0 ELSE "
            f"greatest(xor(r.{name}, ({_SALT} >> 2)::BIGINT), 1) END AS {name}"
            for name in names
            if name.endswith(("_high", "_low")) or name in (*_IDS, *_MORE_IDS)
        )
        ledger.execute(
            f"INSERT INTO stored.{kind} BY NAME SELECT r.* REPLACE ({others}) "
            f"FROM stored.{kind} AS r JOIN stored.{kind}_envelope AS e ON e.envelope = r.envelope "
            f"CROSS JOIN copy WHERE epoch_us(e.known_from) > {since} "
            f"AND epoch_us(e.known_from) <= {closed[day].known_us}"
        )
    ledger.execute("DROP TABLE temp.main.copy")
    return copies


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))))
