"""Intake of a whole tape by several processes, one unit at a time."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.intake.plan import Unit, plan
from yrd.settings import Settings

if TYPE_CHECKING:
    from connectors.ends.tape import Tape
    from pipelines.intake.intake import Intake

_intake: "tuple[Tape, Intake] | None" = None  # one per worker process, made by _start


def take_tape(
    tape: Path, folder: Path, settings: Settings, units: tuple[Unit, ...]
) -> Iterator[int]:
    """Take every unit that is not stored yet; yield each unit's number when it is.

    The result does not depend on the number of workers: a unit knows all it needs.
    """
    from pipelines.intake.store import stored

    waiting = [unit for unit in units if not stored(folder, unit.number)]
    yield from (unit.number for unit in units if stored(folder, unit.number))
    if not waiting:
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        settings.workers, mp_context=context, initializer=_start, initargs=(tape, settings)
    ) as pool:
        pending: set[Future[int]] = {pool.submit(_take, unit, folder) for unit in waiting}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def make_plan(tape: Path, shuffle: int | None, settings: Settings) -> tuple[Unit, ...]:
    """The plan of a tape; see `pipelines.intake.plan`."""
    from connectors.ends.tape import Tape

    return plan(Tape(tape), shuffle, settings.slack_us)


def _start(tape: Path, settings: Settings) -> None:
    from connectors.ends.tape import Tape
    from yrd.processes.building import build_intake

    global _intake  # noqa: PLW0603 - a worker process has exactly one
    reader = Tape(tape)
    _intake = (reader, build_intake(settings, str(reader.manifest["data_origin"])))


def _take(unit: Unit, folder: Path) -> int:
    from pipelines.intake.store import store

    assert _intake is not None  # noqa: S101 - the pool's initializer ran
    tape, intake = _intake
    store(intake.take(tape, unit), folder, unit.number)
    return unit.number
