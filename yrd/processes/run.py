"""One tape, from submissions to a published ledger with alerts."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from yrd.processes import cpu
from yrd.processes.layout import Layout
from yrd.settings import Settings

if TYPE_CHECKING:
    from pipelines.job.embedded import JobResult

Progress = Callable[[str, int, int], None]  # (stage, done, total)
STAGES = ("intake", "stream job", "ledger", "large submissions, MiB")


@dataclass(frozen=True, slots=True)
class Options:
    """How a tape is run. None of it may change the result.

    `shuffle` is a seed: submissions overtake each other within the slack. `batch_rows` bounds the
    messages of the stream job. `speed` is replayed seconds a second, 0 = as fast as possible.
    """

    shuffle: int | None = None
    batch_rows: int = 5_000
    speed: float = 0.0


def run_tape(
    tape: Path, layout: Layout, settings: Settings, options: Options, progress: Progress
) -> dict[str, Any]:
    """Run a tape and publish its ledger; returns the summary (docs/summary.md).

    A run that was interrupted goes on where it was: units that are stored are not taken again, the
    job resumes from its last checkpoint, segments that are loaded are not loaded twice.

    Raises:
        YrdError: the tape cannot be read, Java is missing, or the folder belongs to another run.
    """
    from connectors.ends.tape import Tape
    from pipelines.job.embedded import run_embedded
    from yrd.processes.building import job_settings
    from yrd.processes.concluding import conclude
    from yrd.processes.loading import open_loader
    from yrd.processes.taking import join_workers, make_plan, take_tape

    cpu.adopt_orphans()
    started, cpu_started = time.perf_counter(), cpu.cpu_seconds()
    reader = Tape(tape)
    origin = str(reader.manifest["data_origin"])
    units = make_plan(tape, layout.root, options, settings)
    job = job_settings(settings, layout, segments=len(units), batch_rows=options.batch_rows)
    source = f"tape:{hashlib.sha256((tape / 'manifest.json').read_bytes()).hexdigest()}"
    feeding = Event()
    feeding.set()
    with ThreadPoolExecutor(1) as side, open_loader(layout.ledger, origin) as loader:
        ends: Future[JobResult] = side.submit(
            run_embedded,
            job,
            lambda done, total: progress(STAGES[1], done, total),
            feeding.is_set,
        )
        try:
            for count, number in enumerate(
                take_tape(
                    tape,
                    layout.intake,
                    settings,
                    units,
                    options.speed,
                    lambda done, total: progress(STAGES[3], done, total),
                ),
                start=1,
            ):
                progress(STAGES[0], count, len(units))
                loader.take_unit(source, layout.intake, number)
                progress(STAGES[2], count, len(units))
                if ends.done():
                    ends.result()
        finally:  # else the job would wait for segments that nobody writes
            feeding.clear()
        loader.loader.flush()  # while the job ends
        found = ends.result()
        known = datetime.fromisoformat(str(reader.manifest["received_to"]))
        result = conclude(
            loader.loader, layout.ledger, found.outputs, source, known, settings.slack
        )
    join_workers()
    cpu.reap()
    result |= {
        "elapsed_s": round(time.perf_counter() - started, 2),
        "cpu_s": round(cpu.cpu_seconds() - cpu_started, 2),
    }
    return result
