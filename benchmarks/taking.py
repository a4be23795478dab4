"""Intake in one process: what decoding, enrichment, quality and answers cost on a tape.

Process CPU time of every step over all units but the first, which fills caches and loads compiled
kernels and is stated as start-up. `stored` leaves the units where the other stages read them.
"""

import cProfile
import pstats
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.sizes import Bench
from connectors.ends.tape import Tape
from pipelines.intake import group
from pipelines.intake import intake as intake_module
from pipelines.intake.intake import Intake
from pipelines.intake.plan import plan
from pipelines.intake.store import store
from quality.evaluate import Evaluator
from yrd.processes.building import build_intake
from yrd.settings import Settings

# What each step is called in the module that calls it; those after the first lie side by side.
_STEPS = {
    "decode": (group, "decode"),
    "enrich": (group, "enrich"),
    "quality rules": (Evaluator, "evaluate"),
    "answers": (group, "answers"),
    "narrow rows": (group, "narrow_rows"),
    "one feed's submissions, all of these": (intake_module, "take_group"),
}


@contextmanager
def _clocked(spent: dict[str, float]) -> Iterator[None]:
    """Add up the process CPU time of every step."""

    def clocked(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the step takes
            start = time.process_time()
            try:
                return step(*given, **named)
            finally:
                spent[name] += time.process_time() - start

        return run

    patches = [
        patch.object(place, attribute, clocked(name, getattr(place, attribute)))
        for name, (place, attribute) in _STEPS.items()
    ]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def intake(bench: Bench) -> dict[str, Any]:
    """CPU us a report of each step, on the demo mix and on pacs.008 alone."""
    out: dict[str, Any] = {}
    for name, tape in (
        ("demo mix", bench.demo(bench.small)),
        ("pacs.008", bench.payments(bench.small)),
    ):
        out |= {f"{name}: {key}": value for key, value in _measure(tape, bench).items()}
    return out


def stored(bench: Bench) -> Path:
    """Every unit of the small demo tape as intake leaves it, made once."""
    folder = bench.folder / f"intake-{bench.small}"
    if not (folder / "complete").is_file():
        _measure(bench.demo(bench.small), bench, folder)
        (folder / "complete").touch()
    return folder


def _measure(tape: Path, bench: Bench, folder: Path | None = None) -> dict[str, Any]:
    reader = Tape(tape)
    size = sum(part.bytes for part in reader.segments())
    units = plan(reader, unit_bytes=max(1, min(24 << 20, size // 4)))
    began = time.process_time()
    whole = build_intake(Settings(), str(reader.manifest["data_origin"]))
    spent = dict.fromkeys((*_STEPS, "store"), 0.0)
    total = records = submitted = 0.0
    for unit in units:
        start = time.process_time()
        if unit.number == 0:
            taken = whole.take(reader, unit)
            first = time.process_time() - began
        else:
            with _clocked(spent):
                taken = whole.take(reader, unit)
            total += time.process_time() - start
            records += sum(taken.submissions["submitted"].to_pylist())
            submitted += sum(taken.submissions["size"].to_pylist())
        start = time.process_time()
        store(taken, folder or bench.folder / "scratch", unit.number)
        spent["store"] += (time.process_time() - start) * (unit.number > 0)
    total += spent["store"]
    return {
        "records": int(records),
        "first unit with start-up, CPU-s": round(first, 2),
        **{f"{name}, us": round(seconds / records * 1e6, 2) for name, seconds in spent.items()},
        "intake, us a report": round(total / records * 1e6, 2),
        "intake, MB a CPU-s": round(submitted / total / 1e6, 1),
    }


def profile(bench: Bench, lines: int = 25) -> dict[str, Any]:
    """The functions intake spends its time in: share of the time, by own time."""
    reader = Tape(bench.demo(bench.small))
    units = plan(reader)
    whole: Intake = build_intake(Settings(), str(reader.manifest["data_origin"]))
    whole.take(reader, units[0])
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    for unit in units[1:] or units:
        whole.take(reader, unit)
    profiler.disable()
    stats = pstats.Stats(profiler)
    total = stats.total_tt  # type: ignore[attr-defined]
    found = sorted(stats.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]
    return {
        _where(*place): f"{own / total:6.1%} own {cumulative / total:6.1%} with what it calls"
        for place, (_, _, own, cumulative, _) in found[:lines]
    }


def _where(file: str, line: int, name: str) -> str:
    parts = Path(file).parts
    return f"{'/'.join(parts[-2:])}:{line} {name}" if line else name
