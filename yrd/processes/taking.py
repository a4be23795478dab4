"""Intake of a whole tape by several processes, one unit at a time."""

import hashlib
import json
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.intake.plan import UNIT_BYTES, Unit, plan
from schemas.errors import InputError
from yrd.settings import Settings

if TYPE_CHECKING:
    from connectors.ends.tape import Tape
    from pipelines.intake.intake import Intake
    from yrd.processes.run import Options

# A paced replay goes in small steps: else nothing came for days of the tape, then all at once.
PACED_BYTES = 256 << 10
# Workers give way to the process that loads: what it has not loaded when they end, it loads alone.
_YIELDING = 5
_intake: "tuple[Tape, Intake, Synchronized[int]] | None" = None  # of a worker, made by _start


def take_tape(
    tape: Path,
    folder: Path,
    settings: Settings,
    units: tuple[Unit, ...],
    speed: float = 0.0,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[int]:
    """Take every unit that is not stored yet; yield each unit's number when it is.

    The result does not depend on the number of workers: a unit knows all it needs. With a speed, a
    unit is taken no sooner than its submissions would have come, so many seconds of the tape a
    second. `told` hears how many MiB of large submissions, which take minutes, are done. After the
    last unit the workers end by themselves (`join_workers`).
    """
    from pipelines.intake.store import stored

    waiting = [unit for unit in units if not stored(folder, unit.number)]
    yield from (unit.number for unit in units if stored(folder, unit.number))
    if not waiting:
        return
    context = multiprocessing.get_context("spawn")
    large = sum(unit.size for unit in waiting if unit.large) >> 20
    done_bytes = context.Value("q", 0)
    pool = ProcessPoolExecutor(
        settings.workers,
        mp_context=context,
        initializer=_start,
        initargs=(tape, settings, context.Value("b", 0), done_bytes),
    )
    try:
        began, first_us = time.monotonic(), waiting[0].received_us
        pending: set[Future[int]] = set()
        ahead = deque(waiting)
        while ahead or pending:
            now = time.monotonic() - began
            while ahead and (not speed or (ahead[0].received_us - first_us) / 1e6 <= now * speed):
                pending.add(pool.submit(_take, ahead.popleft(), folder))
            done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            if large:
                told(done_bytes.value >> 20, large)
            for future in done:
                yield future.result()
            if ahead and not pending:
                time.sleep(0.05)
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown(wait=False)  # a worker takes a second to end, in which others can work


def join_workers() -> None:
    """Wait until the workers of this process have ended."""
    for worker in multiprocessing.active_children():
        worker.join()


def make_plan(tape: Path, root: Path, options: "Options", settings: Settings) -> tuple[Unit, ...]:
    """The plan of a tape; a run that is gone on with must have the same one.

    Raises:
        InputError: the folder holds a run of another tape, order or pace.
    """
    from connectors.ends.tape import Tape

    unit_bytes = PACED_BYTES if options.speed else UNIT_BYTES
    identity = {
        "tape": hashlib.sha256((tape / "manifest.json").read_bytes()).hexdigest(),
        "shuffle": options.shuffle,
        "slack_us": settings.slack_us,
        "unit_bytes": unit_bytes,
    }
    adopted = _adopted(settings)
    if adopted:
        identity["adoptions"] = adopted
    told = root / "plan.json"
    if told.is_file() and json.loads(told.read_text()) != identity:
        raise InputError(
            f"{root}: expected the folder of a run of this tape with the same --shuffle, --speed, "
            "slack and adopted specs; name another with --out, or begin anew with --fresh"
        )
    root.mkdir(parents=True, exist_ok=True)
    told.write_text(json.dumps(identity))
    return plan(Tape(tape), options.shuffle, settings.slack_us, unit_bytes)


def _adopted(settings: Settings) -> str:
    """A hash over the record of adopted specs, empty where nothing was adopted."""
    logs = sorted((settings.var / "feeds").glob("*/adoptions.jsonl"))
    return hashlib.sha256(b"".join(log.read_bytes() for log in logs)).hexdigest() if logs else ""


def _start(
    tape: Path, settings: Settings, warmed: "Synchronized[int]", done_bytes: "Synchronized[int]"
) -> None:
    from connectors.ends.tape import Tape
    from yrd.processes.building import build_intake
    from yrd.processes.warming import warm

    global _intake  # noqa: PLW0603 - a worker process has exactly one
    os.nice(_YIELDING)
    reader = Tape(tape)
    origin = str(reader.manifest["data_origin"])
    _intake = (reader, build_intake(settings, origin), done_bytes)
    with warmed.get_lock():  # the others wait for the first one and find the kernels on disk
        if not warmed.value:
            warm(_intake[1], origin, reader.manifest.get("feeds"))
            warmed.value = 1


def _take(unit: Unit, folder: Path) -> int:
    from pipelines.intake.store import store

    assert _intake is not None  # noqa: S101 - the pool's initializer ran
    tape, intake, done_bytes = _intake
    if unit.large:
        take_large(tape, intake, unit, folder, done_bytes)
        return unit.number
    store(intake.take(tape, unit), folder, unit.number)
    return unit.number


def take_large(
    tape: "Tape", intake: "Intake", unit: Unit, folder: Path, done_bytes: "Synchronized[int]"
) -> None:
    """Take and store a unit of one large submission, piece by piece; adds to the bytes done."""
    from pipelines.intake.store import StoredPieces

    (part,) = unit.parts
    feed = intake.feed_of(tape.envelopes(part.segment)["feed"][part.rows[0]].as_py())
    pieces = StoredPieces(folder, feed.kind, unit.number)
    before = 0

    def told(share: float) -> None:
        nonlocal before
        done = round(share * unit.size)
        with done_bytes.get_lock():
            done_bytes.value += done - before
        before = done

    pieces.finish(intake.take_large(tape, unit, pieces, told))
