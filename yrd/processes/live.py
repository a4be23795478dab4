"""A tape through the live stack: raw topics, intake, stream job on the cluster, loader, alerts."""

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.ends.kafka import Reader, create_topics
from connectors.ends.messages import Message, Topic
from connectors.ends.publishing import publish
from connectors.ends.tape import Tape
from connectors.vault import Vault
from deploy.docker import ComposeStack, docker_runs
from deploy.native import NativeStack
from deploy.stack import Stack, load
from ledger.loader import Loader
from pipelines.intake.messages import NARROW_TOPIC, TABLE_TOPICS
from schemas.errors import PrerequisiteError, YrdError
from schemas.narrow import ORDER_DELAY_US
from schemas.visibility import pair_wait_us
from yrd.processes import cpu
from yrd.processes.layout import Layout
from yrd.processes.live_closings import LiveClosings
from yrd.processes.live_job import PATIENCE_S, STREAM_MARKET, LiveJob, start_job
from yrd.processes.loading import open_loader
from yrd.settings import Settings

Progress = Callable[[str, int, int], None]
_LEDGER_TABLE = {"submissions": "submission"}


@dataclass(frozen=True, slots=True)
class _Run:
    """One tape's run on the stack: its own topics, so that runs do not meet."""

    stack: Stack
    native: NativeStack | ComposeStack
    prefix: str
    layout: Layout
    tape: Tape

    def topic(self, name: str) -> str:
        return self.prefix + name


def run_live(
    tape: Path,
    layout: Layout,
    settings: Settings,
    speed: float,
    progress: Progress,
    native: NativeStack | ComposeStack | None = None,
) -> dict[str, Any]:
    """Publish a tape's submissions to the raw topics, and wait for the alerts.

    The topics, the job and the consumer group carry the run's name: called again after a failure it
    goes on where it was. The intake and the job run while the loader loads. `native` is the stack
    to use; None is the one of `yrd up`.

    Raises:
        PrerequisiteError: the stack does not run (`yrd up`).
        YrdError: the intake or the job ended.
    """
    cpu.adopt_orphans()
    started, cpu_started = time.perf_counter(), cpu.cpu_seconds()
    native = native or _running(settings)
    reader = Tape(tape)
    digest = hashlib.sha256((tape / "manifest.json").read_bytes()).hexdigest()
    run = _Run(
        _with_topics(native.stack, reader),
        native,
        f"{layout.root.name}-{digest[:8]}.",
        layout,
        reader,
    )
    layout.root.mkdir(parents=True, exist_ok=True)
    _topics(run)
    job = start_job(native, layout.root, run.prefix, settings)
    origin = str(reader.manifest["data_origin"])
    end = datetime.fromisoformat(str(reader.manifest["received_to"]))
    with (
        _publisher(run, speed, settings.slack) as sending,
        _intake(run) as intake,
        open_loader(layout.ledger, origin) as loading,
    ):
        loader = loading.loader
        closings = LiveClosings(
            loader, layout.ledger, run.stack.servers, run.prefix, settings.slack
        )
        _load(run, closings, job, (intake, sending), progress)
        job.wait_for(_microseconds(end) + ORDER_DELAY_US)
        result = closings.finish(job.outputs(), end)
    job.cancel()
    cpu.reap()
    return result | {
        "elapsed_s": round(time.perf_counter() - started, 2),
        "cpu_s": round(cpu.cpu_seconds() - cpu_started, 2),
    }


def _running(settings: Settings) -> NativeStack | ComposeStack:
    """The stack `yrd up` started: the native one if it runs, else the one in containers."""
    native = NativeStack(load(), settings.var / "stack", settings.java_home)
    if not any(process.alive for process in native.processes()) and docker_runs():
        return ComposeStack(load())
    return native


def _with_topics(stack: Stack, tape: Tape) -> Stack:
    """The stack with a raw topic for every feed of the tape, those from outside too."""
    raw = {f"raw.{feed}": 1 for feed in tape.manifest["feeds"]}
    return replace(stack, partitions={**raw, **stack.partitions})


def _topics(run: _Run) -> None:
    topics = [
        Topic(run.topic(one.name), one.partitions, one.settings) for one in run.stack.topics()
    ]
    try:
        create_topics(run.stack.servers, topics)
    except PrerequisiteError:
        raise PrerequisiteError(
            f"live stack: expected a broker at {run.stack.servers}; start it with `yrd up`"
        ) from None


@contextmanager
def _intake(run: _Run) -> Iterator[Callable[[], bool]]:
    """The intake process, for as long as the block runs; gives a check that it still does."""
    path = run.layout.root / "live-intake.json"
    feeds = [name.removeprefix("raw.") for name in run.stack.partitions if name.startswith("raw.")]
    path.write_text(
        json.dumps(
            {
                "prefix": run.prefix,
                "servers": run.stack.servers,
                "feeds": feeds,
                "vault": str(run.layout.vault.resolve()),
                "data_origin": run.tape.manifest["data_origin"],
                "partitions": run.stack.partitions[NARROW_TOPIC],
                "wait_us": pair_wait_us(STREAM_MARKET),
            }
        )
    )
    with (run.layout.root / "live-intake.log").open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "yrd.processes.live_intake", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def check() -> bool:
        if child.poll() is not None:
            raise YrdError(f"live intake: ended with code {child.returncode}; see {log.name}")
        return False

    try:
        yield check
    finally:
        child.terminate()
        child.wait(timeout=30)


@contextmanager
def _publisher(run: _Run, speed: float, slack: timedelta) -> Iterator[Callable[[], bool]]:
    """Sends the tape: at a pace while the block runs, as fast as it can before the block.

    Gives a check that raises what went wrong and says whether more is to come: nights are long.
    What comes a few submissions at a time costs a transaction each, so haste sends all of it first.
    """
    stopped = threading.Event()
    failed: list[Exception] = []
    vault = Vault(run.layout.vault, lambda _: None)

    def wait(seconds: float) -> None:
        if stopped.wait(seconds):
            raise YrdError("live replay: stopped")

    def send() -> None:
        try:
            publish(
                run.tape,
                run.stack.servers,
                prefix=run.topic("raw."),
                speed=speed or None,
                wait=wait,
                store=vault.put,
                slack=slack,
            )
        except Exception as error:  # raised again by the check
            failed.append(error)

    def check() -> bool:
        if failed:
            raise failed[0]
        return thread.is_alive()

    thread = threading.Thread(target=send, name="publisher", daemon=True)
    thread.start()
    if not speed:
        thread.join()
        check()
    try:
        yield check
    finally:
        stopped.set()
        thread.join(timeout=30)


def _load(
    run: _Run,
    closings: LiveClosings,
    job: LiveJob,
    checks: tuple[Callable[[], bool], ...],
    progress: Progress,
) -> None:
    """Load what the intake answers until every submission is accounted for; close days on the way.

    Raises:
        YrdError: nothing more came for ten minutes of waiting, or a part ended.
    """
    loader = closings.loader
    total = sum(segment.submissions for segment in run.tape.segments())
    names = {run.topic(topic): name for name, topic in TABLE_TOPICS.items()}
    places: dict[tuple[str, int], int] = {}
    for topic in names:
        done = loader.loaded(_source(topic, 0))
        if done:
            places[topic, 0] = done[-1] + 1
    reader = Reader(run.stack.servers, list(names), places)
    deadline, before = time.monotonic() + PATIENCE_S, -1
    try:
        while (counted := _submissions(loader)) < total or not reader.passed(reader.ends()):
            progress("submissions loaded", counted, total)
            for message in reader.poll():
                _take(loader, message, names)
            loader.flush()
            for closing in closings.look(reader, job):
                progress(f"closed {closing.last}", 1, 1)
            if any([check() for check in checks]) or counted > before:  # noqa: C419 - all of them
                deadline, before = time.monotonic() + PATIENCE_S, counted
            if time.monotonic() > deadline:
                raise YrdError(
                    f"live intake: {counted} of {total} submissions answered, then nothing for "
                    f"{PATIENCE_S:.0f} s; see {run.layout.root / 'live-intake.log'}"
                )
        progress("submissions loaded", total, total)
    finally:
        reader.close()


def _take(loader: Loader, message: Message, names: Mapping[str, str]) -> None:
    if message.value is None:
        return
    topic, partition = message.place
    name = names[topic]
    table = pa.ipc.open_stream(message.value).read_all()
    loader.load_segment(
        _source(topic, partition), message.offset, {_LEDGER_TABLE.get(name, name): table}
    )


def _source(topic: str, partition: int) -> str:
    return f"kafka:{topic}:{partition}"


def _submissions(loader: Loader) -> int:
    return int(loader.connection.scalar("SELECT count(*) FROM submission"))


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
