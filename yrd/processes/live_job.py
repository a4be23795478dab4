"""The stream job of a live run on the cluster: submitted once, asked how far it has come."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.ends.kafka import Reader
from connectors.ends.messages import Message
from deploy import flink
from deploy.docker import ComposeStack
from deploy.native import NativeStack
from pipelines.intake.messages import NARROW_TOPIC
from pipelines.job.outputs import Outputs, parse
from pipelines.job.settings import LiveSettings
from schemas.errors import ConfigurationError, YrdError
from schemas.visibility import pair_wait_us
from yrd.settings import Settings

STREAM_MARKET = "PYMT"
PATIENCE_S = 600.0
CROSSINGS_TOPIC = "crossings"


@dataclass(frozen=True, slots=True)
class LiveJob:
    """A job that runs.

    Args:
        native: The stack it runs on.
        id: As the cluster calls it.
        prefix: In front of the run's topics.
    """

    native: NativeStack | ComposeStack
    id: str
    prefix: str

    def judged_us(self) -> float:
        """Everything of instants before this one (us) has been judged; -inf before the first."""
        return self._watermark_ms() * 1_000 - pair_wait_us(STREAM_MARKET)

    def wait_for(self, instant_us: int) -> None:
        """Block until everything of instants before this one (us) has been judged."""
        self._until(lambda: self.judged_us() >= instant_us)

    def outputs(self) -> Outputs:
        """What the job has found up to now; blocks until a checkpoint has made it visible.

        Raises:
            YrdError: the job ended, or makes no checkpoints.
        """
        passed_ms = time.time() * 1_000
        self._until(lambda: self._checkpointed_ms() > passed_ms)  # all that was found is written
        reader = Reader(self.native.stack.servers, [self.prefix + CROSSINGS_TOPIC])
        found: list[Message] = []
        try:
            ends = reader.ends()

            def visible() -> bool:
                # A checkpoint's output is committed some time after the checkpoint is complete.
                while polled := reader.poll():
                    found.extend(polled)
                return reader.passed(ends)

            self._until(visible)
        finally:
            reader.close()
        return parse(message.value.decode() for message in found if message.value)

    def cancel(self) -> None:
        """End the job; its checkpoints stay."""
        self.native.cancel(self.id)

    def _until(self, done: Callable[..., bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            state = (flink.ask(self.native.stack, f"/jobs/{self.id}") or {}).get("state")
            if state in ("FAILED", "CANCELED", "FINISHED"):
                raise YrdError(f"stream job: {state} on the cluster; see {self.native.folder}")
            if time.monotonic() > deadline:
                raise YrdError(
                    f"stream job: no end after {PATIENCE_S:.0f} s; see {self.native.folder}"
                )
            time.sleep(0.5)

    def _watermark_ms(self) -> float:
        """The slowest watermark that reached the rules stage, ms; -inf before the first."""
        stack = self.native.stack
        vertices = (flink.ask(stack, f"/jobs/{self.id}") or {}).get("vertices", [])
        found = []
        for vertex in vertices:
            if "rules" in vertex["name"]:
                marks = flink.ask_list(stack, f"/jobs/{self.id}/vertices/{vertex['id']}/watermarks")
                found += [float(mark["value"]) for mark in marks]
                if len(marks) < vertex["parallelism"]:
                    return float("-inf")
        return min(found, default=float("-inf"))

    def _checkpointed_ms(self) -> float:
        """When the newest completed checkpoint was triggered, milliseconds."""
        stack = self.native.stack
        latest = (flink.ask(stack, f"/jobs/{self.id}/checkpoints") or {}).get("latest", {})
        return float((latest.get("completed") or {}).get("trigger_timestamp", 0))


def start_job(
    native: NativeStack | ComposeStack, root: Path, prefix: str, settings: Settings
) -> LiveJob:
    """The run's job on the cluster, submitted unless it runs already.

    Args:
        native: The running stack.
        root: The run's folder; keeps the job's id and its checkpoints.
        prefix: In front of the run's topics.
        settings: Has the transport slack.

    Raises:
        ConfigurationError: the narrow topic has fewer partitions than the cluster slots.
    """
    stack, told = native.stack, root / "live-job.json"
    parallelism = stack.task_managers * stack.slots
    if stack.partitions[NARROW_TOPIC] < parallelism:
        raise ConfigurationError(
            f"stack.toml: topics: {NARROW_TOPIC}: expected at least as many partitions as the "
            f"cluster has slots ({parallelism}): a subtask without one would hold the job back for "
            "ever; give it more, or the cluster fewer slots"
        )
    if told.is_file():
        known = str(json.loads(told.read_text())["job"])
        state = (flink.ask(stack, f"/jobs/{known}") or {}).get("state")
        if state in ("RUNNING", "RESTARTING", "CREATED"):
            return LiveJob(native, known, prefix)
    folder = root / "live"
    folder.mkdir(exist_ok=True)
    job = native.submit(
        LiveSettings(
            servers=stack.servers,
            folder=folder,
            source=prefix + NARROW_TOPIC,
            sink=prefix + CROSSINGS_TOPIC,
            transaction_prefix=f"{prefix}job",
            transaction_timeout_ms=stack.transaction_timeout_ms,
            wait_us=pair_wait_us(STREAM_MARKET),
            slack_us=settings.slack_us,
            parallelism=parallelism,
            checkpoint_ms=stack.checkpoint_ms,
        )
    )
    told.write_text(json.dumps({"job": job}))
    return LiveJob(native, job, prefix)
