"""What travels over Kafka, without Kafka: topics, messages, submissions as messages and back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.records import RAW

FLUSH = "flush"

Place = tuple[str, int]
"""A topic's partition."""


@dataclass(frozen=True)
class Topic:
    """A topic as the stack declares it.

    Args:
        name: Name of the topic.
        partitions: How many partitions.
        settings: Broker-side settings, such as retention.ms.
    """

    name: str
    partitions: int
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Message:
    """One message as consumed.

    Args:
        place: Topic and partition.
        offset: Its offset in the partition.
        key: Key bytes or None.
        value: Value bytes; None for a flush marker or a body that lies in the vault.
        timestamp_ms: The message's time, milliseconds.
        headers: Header name -> text.
    """

    place: Place
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Mapping[str, str]

    @property
    def is_flush(self) -> bool:
        """Whether this marks the end of a tape and only moves time."""
        return self.headers.get("kind") == FLUSH


class Out(NamedTuple):
    """One message to produce; a partition of None is chosen by the key."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None
    partition: int | None = None


Transform = Callable[[Sequence[Message]], Mapping[str, Sequence[tuple[Any, ...]]]]
"""Messages -> topic -> (key, value, timestamp_ms[, partition]). Must be pure up to its own memory,
which is lost when the process is: what is given again after a kill must give the same messages."""


def raw_table(messages: Sequence[Message], prefix: str = "raw.") -> pa.Table:
    """Raw messages as a table of schema RAW, flush markers left out, in the order given."""
    rows = [
        {
            "feed": message.place[0].removeprefix(prefix),
            "submitter": message.headers["submitter"],
            "received_at": datetime.fromisoformat(message.headers["received_at"]),
            "data_origin": message.headers["data_origin"],
            "sha256": bytes.fromhex(message.headers["sha256"]),
            "size": int(message.headers["size"]),
            "file_name": message.headers.get("file_name"),
            "body": message.value,
        }
        for message in messages
        if not message.is_flush
    ]
    return pa.Table.from_pylist(rows, schema=RAW)


def raw_headers(row: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """The headers of a submission's message: everything of RAW but feed and body."""
    headers = {
        "submitter": row["submitter"],
        "received_at": row["received_at"].isoformat(),
        "data_origin": row["data_origin"],
        "sha256": row["sha256"].hex(),
        "size": str(row["size"]),
    }
    if row["file_name"] is not None:
        headers["file_name"] = row["file_name"]
    return [(name, text.encode()) for name, text in headers.items()]
