"""The stream job and the whole path, as CPU-seconds and wall time of a whole process tree.

Each is run over two tapes of one make that differ in length only. What both have in common (start
of Python, of the JVM, of the workers, loading of compiled kernels) falls out of the difference, so

    steady cost  = (cost of the large - cost of the small) / (reports of the large - of the small)
    start-up     = cost of the small - its reports x steady cost

The rate with start-up is the large tape's reports by its wall time.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.process_cpu import Cost, measure
from benchmarks.rules import batches, made
from benchmarks.sizes import Bench
from pipelines.job.classes import make as make_archive
from pipelines.job.embedded import java_home
from pipelines.job.segments import write_segment
from schemas.errors import YrdError
from yrd.settings import Settings

SEGMENT_ROWS = 25_000


def job(bench: Bench) -> dict[str, Any]:
    """The PyFlink job alone over made narrow rows: pairing, rules, checkpoints, files.

    Five and thirty times the short tape's rows: so little is the steady cost of a row against the
    start of the JVM.
    """
    found = []
    for times in (5, 30):
        folder = bench.folder / f"job-{times}"
        shutil.rmtree(folder, ignore_errors=True)
        rows = made(times * bench.small)
        for number, batch in enumerate(batches(rows, SEGMENT_ROWS)):
            newest = int(batch["event_time"][-1])
            write_segment(folder / "intake" / "narrow", number, batch, newest)
        command = [sys.executable, "-m", "benchmarks.job_alone", str(folder)]
        found.append((len(rows), _checked(command)))
    return _difference(found)


def path(bench: Bench) -> dict[str, Any]:
    """`yrd replay` over payments, bills and loans, over every simulated feed, over pacs.008 alone.

    The archive of the job's Java classes is made first where there is none, as after setting up.
    """
    make_archive(Settings().var / "cache", java_home(Settings().java_home))
    out: dict[str, Any] = {}
    for name, make in (
        ("demo mix", bench.core),
        ("every feed", bench.demo),
        ("pacs.008", bench.payments),
    ):
        runs = [_run(bench, make(reports)) for reports in (bench.small, bench.large)]
        pairs = [(run.result["submitted"], run.cost) for run in runs]
        out |= {f"{name}: {key}": value for key, value in _difference(pairs).items()}
        out[f"{name}: output_sha256"] = runs[-1].result["output_sha256"]
    return out


class _Run:
    def __init__(self, folder: Path, cost: Cost) -> None:
        self.folder, self.cost = folder, cost
        self.result: dict[str, Any] = json.loads((folder / "summary.json").read_text())


def _run(bench: Bench, tape: Path) -> _Run:
    """One replay in a process of its own."""
    folder = bench.folder / f"run-{tape.name}"
    shutil.rmtree(folder, ignore_errors=True)
    command = [
        str(Path(sys.executable).with_name("yrd")),
        "replay",
        str(tape),
        "--out",
        str(folder),
        "--json",
    ]
    return _Run(folder, _checked(command))


def _checked(command: list[str]) -> Cost:
    cost = measure(command, quiet=True)
    if cost.code:
        raise YrdError(f"benchmark: {' '.join(command[1:4])}: ended with code {cost.code}")
    return cost


def _difference(found: Sequence[tuple[int, Cost]], what: str = "report") -> dict[str, Any]:
    """Steady cost and start-up from two lengths."""
    small, large = found
    more = large[0] - small[0]
    cpu = (large[1].cpu_s - small[1].cpu_s) / more
    wall = (large[1].wall_s - small[1].wall_s) / more
    return {
        f"{what}s": f"{small[0]:,} and {large[0]:,}",
        "wall s": f"{small[1].wall_s} and {large[1].wall_s}",
        "CPU-s": f"{small[1].cpu_s} and {large[1].cpu_s}",
        "largest process so far, MB": round(large[1].peak_mb),
        f"steady, CPU us a {what}": round(cpu * 1e6, 2),
        f"steady, {what}s a wall s": round(1 / wall) if wall > 0 else "not measurable",
        f"steady, {what}s a CPU-s": round(1 / cpu) if cpu > 0 else "not measurable",
        "start-up, CPU-s": round(small[1].cpu_s - small[0] * cpu, 2),
        "start-up, wall s": round(small[1].wall_s - small[0] * wall, 2),
        f"with start-up, {what}s a wall s": round(large[0] / large[1].wall_s),
    }
