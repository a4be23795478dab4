"""A tape through the live stack: raw topics, intake, stream job on the cluster, loader, alerts."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.ends.kafka import Reader, create_topics, publish, read_all
from connectors.ends.messages import Message, Topic
from connectors.ends.tape import Tape
from connectors.vault import Vault
from deploy import flink
from deploy.native import NativeStack
from deploy.stack import Stack, load
from ledger.loader import Loader
from pipelines.intake.messages import NARROW_TOPIC, TABLE_TOPICS
from pipelines.job.outputs import Outputs, parse
from pipelines.job.settings import LiveSettings
from schemas.errors import PrerequisiteError, YrdError
from schemas.visibility import pair_wait_us
from yrd.processes import cpu
from yrd.processes.concluding import conclude
from yrd.processes.layout import Layout
from yrd.processes.loading import open_loader
from yrd.settings import Settings

Progress = Callable[[str, int, int], None]
_LEDGER_TABLE = {"submissions": "submission"}
_PATIENCE_S = 600.0
_STREAM_MARKET = "PYMT"


@dataclass(frozen=True, slots=True)
class _Run:
    """One tape's run on the stack: its own topics, so that runs do not meet."""

    stack: Stack
    native: NativeStack
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
    native: NativeStack | None = None,
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
    native = native or NativeStack(load(), settings.var / "stack", settings.java_home)
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
    job = _job(run, settings)
    origin = str(reader.manifest["data_origin"])
    total = sum(segment.submissions for segment in reader.segments())
    with _intake(run) as check, open_loader(layout.ledger, origin) as loading:
        _publish(run, speed)
        _load(run, loading.loader, total, check, progress)
        outputs = _outputs(run, job)
        known = datetime.fromisoformat(str(reader.manifest["received_to"]))
        source = f"kafka:{run.prefix}"
        result = conclude(loading.loader, layout.ledger, outputs, source, known, settings.slack)
    run.native.cancel(job)
    cpu.reap()
    return result | {
        "elapsed_s": round(time.perf_counter() - started, 2),
        "cpu_s": round(cpu.cpu_seconds() - cpu_started, 2),
    }


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


def _job(run: _Run, settings: Settings) -> str:
    """The id of the run's job on the cluster, submitted unless it runs already."""
    told = run.layout.root / "live-job.json"
    if told.is_file():
        known = str(json.loads(told.read_text())["job"])
        state = (flink.ask(run.stack, f"/jobs/{known}") or {}).get("state")
        if state in ("RUNNING", "RESTARTING", "CREATED"):
            return known
    folder = run.layout.root / "live"
    folder.mkdir(exist_ok=True)
    job = run.native.submit(
        LiveSettings(
            servers=run.stack.servers,
            folder=folder,
            source=run.topic(NARROW_TOPIC),
            sink=run.topic("crossings"),
            transaction_prefix=f"{run.prefix}job",
            transaction_timeout_ms=run.stack.transaction_timeout_ms,
            wait_us=pair_wait_us(_STREAM_MARKET),
            slack_us=settings.slack_us,
            parallelism=run.stack.task_managers * run.stack.slots,
            checkpoint_ms=run.stack.checkpoint_ms,
        )
    )
    told.write_text(json.dumps({"job": job}))
    return job


@contextmanager
def _intake(run: _Run) -> Iterator[Callable[[], None]]:
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
                "wait_us": pair_wait_us(_STREAM_MARKET),
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

    def check() -> None:
        if child.poll() is not None:
            raise YrdError(f"live intake: ended with code {child.returncode}; see {log.name}")

    try:
        yield check
    finally:
        child.terminate()
        child.wait(timeout=30)


def _publish(run: _Run, speed: float) -> None:
    """Send the tape, once."""
    mark = run.layout.root / "live-published"
    if mark.exists():
        return
    vault = Vault(run.layout.vault, lambda _: None)
    publish(
        run.tape,
        run.stack.servers,
        prefix=run.topic("raw."),
        speed=speed or None,
        wait=time.sleep,
        store=vault.put,
    )
    mark.touch()


def _load(
    run: _Run, loader: Loader, total: int, check: Callable[[], None], progress: Progress
) -> None:
    """Load what the intake answers until every submission is accounted for."""
    names = {run.topic(topic): name for name, topic in TABLE_TOPICS.items()}
    places: dict[tuple[str, int], int] = {}
    for topic in names:
        done = loader.loaded(_source(topic, 0))
        if done:
            places[topic, 0] = done[-1] + 1
    reader = Reader(run.stack.servers, list(names), places)
    deadline = time.monotonic() + _PATIENCE_S
    try:
        while (counted := _submissions(loader)) < total or not reader.drained():
            progress("submissions loaded", counted, total)
            for message in reader.poll():
                _take(loader, message, names)
            loader.flush()
            check()
            if time.monotonic() > deadline:
                raise YrdError(
                    f"live intake: {counted} of {total} submissions answered after "
                    f"{_PATIENCE_S:.0f} s; see {run.layout.root / 'live-intake.log'}"
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


def _outputs(run: _Run, job: str) -> Outputs:
    """What the job wrote, once its watermark has passed everything that was sent."""
    newest = datetime.fromisoformat(str(run.tape.manifest["received_to"]))
    _until(lambda: _watermark_ms(run.stack, job) >= newest.timestamp() * 1_000, run, job)
    for _ in range(2):  # a checkpoint's output is committed once the checkpoint is complete
        passed_ms = time.time() * 1_000
        _until(lambda since=passed_ms: _checkpointed_ms(run.stack, job) > since, run, job)
    lines = (
        m.value.decode() for m in read_all(run.stack.servers, [run.topic("crossings")]) if m.value
    )
    return parse(lines)


def _until(done: Callable[..., bool], run: _Run, job: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not done():
        state = (flink.ask(run.stack, f"/jobs/{job}") or {}).get("state")
        if state in ("FAILED", "CANCELED", "FINISHED"):
            raise YrdError(f"stream job: {state} on the cluster; see {run.native.folder}")
        if time.monotonic() > deadline:
            raise YrdError(f"stream job: no end after {_PATIENCE_S:.0f} s; see {run.native.folder}")
        time.sleep(0.5)


def _watermark_ms(stack: Stack, job: str) -> float:
    """The slowest watermark that reached the rules stage, milliseconds; -inf before the first."""
    vertices = (flink.ask(stack, f"/jobs/{job}") or {}).get("vertices", [])
    found = []
    for vertex in vertices:
        if "rules" in vertex["name"]:
            marks = flink.ask_list(stack, f"/jobs/{job}/vertices/{vertex['id']}/watermarks")
            found += [float(mark["value"]) for mark in marks]
            if len(marks) < vertex["parallelism"]:
                return float("-inf")
    return min(found, default=float("-inf"))


def _checkpointed_ms(stack: Stack, job: str) -> float:
    """When the newest completed checkpoint was triggered, milliseconds."""
    latest = (flink.ask(stack, f"/jobs/{job}/checkpoints") or {}).get("latest", {})
    return float((latest.get("completed") or {}).get("trigger_timestamp", 0))
