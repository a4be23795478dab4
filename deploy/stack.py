"""`stack.toml` as an object."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.ends.messages import Topic
from schemas.errors import ConfigurationError

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Stack:
    """Versions, ports, memory, topics and settings of the live stack.

    Ports are TCP ports on 127.0.0.1; memory is in MiB; times in milliseconds.
    """

    versions: Mapping[str, str]
    ports: Mapping[str, int]
    memory: Mapping[str, int]
    task_managers: int
    slots: int
    checkpoint_ms: int
    transaction_timeout_ms: int
    cluster_id: str
    topic_settings: Mapping[str, str]
    broker_settings: Mapping[str, str]
    partitions: Mapping[str, int]

    @property
    def servers(self) -> str:
        """Where the broker listens."""
        return f"127.0.0.1:{self.ports['kafka']}"

    @property
    def rest(self) -> str:
        """Where the Flink cluster answers."""
        return f"127.0.0.1:{self.ports['flink_rest']}"

    def topics(self) -> list[Topic]:
        """The topics with their settings."""
        return [Topic(name, count, self.topic_settings) for name, count in self.partitions.items()]

    def on_ports(self, **ports: int) -> "Stack":
        """The same stack on other ports."""
        return replace(self, ports={**self.ports, **ports})


def load(path: Path = FOLDER / "stack.toml") -> Stack:
    """Read the stack's description.

    Raises:
        ConfigurationError: a part is missing; the message names it.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return Stack(
            versions=data["versions"],
            ports=data["ports"],
            memory=data["memory"],
            task_managers=data["flink"]["task_managers"],
            slots=data["flink"]["slots"],
            checkpoint_ms=data["flink"]["checkpoint_ms"],
            transaction_timeout_ms=data["flink"]["transaction_timeout_ms"],
            cluster_id=data["kafka"]["cluster_id"],
            topic_settings=data["kafka"]["topic_settings"],
            broker_settings=data["kafka"]["settings"],
            partitions=data["topics"],
        )
    except KeyError as error:
        raise ConfigurationError(f"{path}: {error.args[0]}: expected this entry; add it") from error
