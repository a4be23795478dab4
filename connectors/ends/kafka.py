"""Kafka as an end: tapes published to raw topics, the intake's transactions, the loader's reader.

Guarantees. `publish` sends each submission once when it ends normally (idempotent producer).
`Intake` consumes, transforms and produces in one Kafka transaction with the consumed offsets: a
kill at any point neither loses nor doubles a message for readers of committed messages, which all
readers here are. `Reader` keeps no offsets in Kafka: its caller stores them with what it loaded.

A raw topic has one partition, so submissions of a feed keep their order of receipt.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAlreadyExistsError

from connectors.ends.tape import Tape
from connectors.vault import INLINE_LIMIT
from schemas.errors import ConfigurationError, PrerequisiteError
from schemas.records import RAW

MAX_MESSAGE = 8 << 20
FLUSH = "flush"
_POLL_MS = 500
_BOOTSTRAP_MS = 5_000

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


def create_topics(servers: str, topics: Sequence[Topic]) -> list[str]:
    """Create the topics that do not exist yet; return their names.

    Raises:
        PrerequisiteError: no broker answers.
        ConfigurationError: a topic exists with another number of partitions.
    """
    admin = _connected(KafkaAdminClient, servers)
    try:
        created = []
        for topic in topics:
            configs = dict(topic.settings)
            wanted = {"num_partitions": topic.partitions, "replication_factor": 1}
            try:
                admin.create_topics({topic.name: wanted | {"configs": configs}})
                created.append(topic.name)
            except TopicAlreadyExistsError:
                continue
    finally:
        admin.close()
    existing = partitions(servers, [topic.name for topic in topics])
    for topic in topics:
        if len(existing[topic.name]) != topic.partitions:
            raise ConfigurationError(
                f"kafka: topic {topic.name}: expected {topic.partitions} partitions as "
                "deploy/stack.toml says; remove the topic or the stack's data"
            )
    return created


def partitions(servers: str, topics: Sequence[str]) -> dict[str, list[int]]:
    """The partitions of topics that exist.

    Raises:
        ConfigurationError: a topic does not exist.
    """
    consumer = _connected(KafkaConsumer, servers)
    try:
        found = {}
        for topic in topics:
            numbers = consumer.partitions_for_topic(topic)
            if not numbers:
                raise ConfigurationError(
                    f"kafka: topic {topic}: expected it to exist; run `yrd up` once"
                )
            found[topic] = sorted(numbers)
        return found
    finally:
        consumer.close(autocommit=False)


def publish(
    tape: Tape,
    servers: str,
    prefix: str = "raw.",
    speed: float | None = None,
    wait: Callable[[float], None] | None = None,
    store: Callable[[bytes], object] | None = None,
) -> int:
    """Send a tape's submissions to `<prefix><feed>` in order, then a flush marker to each.

    Args:
        tape: What to send.
        servers: Broker addresses, such as "127.0.0.1:19092".
        prefix: In front of the feed's name.
        speed: How many times faster than it was received; None sends without waiting.
        wait: Sleeps so many seconds; needed with `speed`.
        store: Takes a body above 512 KiB into the vault; its message then carries no body.

    Returns:
        How many submissions were sent. All of them are acknowledged when this returns.
    """
    producer = _connected(
        KafkaProducer,
        servers,
        acks="all",
        linger_ms=20,
        batch_size=1 << 18,
        max_request_size=MAX_MESSAGE,
    )
    sent = []
    newest: datetime | None = None
    feeds: set[str] = set()
    try:
        for number in range(len(tape.segments())):
            for row in tape.read(number).to_pylist():
                if speed and wait and newest is not None and row["received_at"] > newest:
                    producer.flush()
                    wait((row["received_at"] - newest).total_seconds() / speed)
                newest = row["received_at"]
                feeds.add(row["feed"])
                body = row["body"]
                if len(body) > INLINE_LIMIT and store is not None:
                    store(body)
                    body = None
                sent.append(
                    producer.send(
                        prefix + row["feed"],
                        key=row["submitter"].encode(),
                        value=body,
                        headers=_raw_headers(row),
                        timestamp_ms=_ms(newest),
                    )
                )
        if newest is not None:
            for feed in sorted(feeds):
                headers = [("kind", FLUSH.encode()), ("received_at", newest.isoformat().encode())]
                topic = prefix + feed
                sent.append(producer.send(topic, headers=headers, timestamp_ms=_ms(newest)))
        producer.flush()
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close()
    return len(sent) - len(feeds)


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


class Intake:
    """Consume, transform, produce, in Kafka transactions.

    The input partitions are assigned by hand: one process, known by its transactional id, reads
    them. A second one with the same id fences the first off.

    Args:
        servers: Broker addresses.
        topics: Input topics.
        group: Consumer group whose offsets are committed.
        transactional_id: Stable name of this intake.
        transform: See `Transform`.
        max_records: Most messages of one transaction.
    """

    def __init__(
        self,
        servers: str,
        topics: Sequence[str],
        group: str,
        transactional_id: str,
        transform: Transform,
        max_records: int = 200,
    ) -> None:
        self._transform, self._max_records = transform, max_records
        self._producer = _connected(
            KafkaProducer,
            servers,
            transactional_id=transactional_id,
            acks="all",
            max_request_size=MAX_MESSAGE,
            linger_ms=5,
        )
        # This ends what a killed predecessor left open; only then are its offsets final.
        self._producer.init_transactions()
        self._consumer = _connected(
            KafkaConsumer,
            servers,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_MESSAGE,
        )
        self._group = group
        self._consumer.assign(
            [
                TopicPartition(topic, number)
                for topic, numbers in partitions(servers, topics).items()
                for number in numbers
            ]
        )

    def step(self, timeout_ms: int = _POLL_MS) -> int:
        """Handle one batch in one transaction; 0 when there was nothing within the timeout.

        Raises:
            Whatever the transform or the broker raises, after the transaction was aborted; the
            process should end and start again.
        """
        polled = self._consumer.poll(timeout_ms, max_records=self._max_records)
        messages = [_message(record) for records in polled.values() for record in records]
        if not messages:
            return 0
        messages.sort(key=lambda message: (message.timestamp_ms, message.place, message.offset))
        self._producer.begin_transaction()
        try:
            for topic, records in self._transform(messages).items():
                for record in records:
                    out = Out(*record)
                    self._producer.send(
                        topic,
                        key=out.key,
                        value=out.value,
                        timestamp_ms=out.timestamp_ms,
                        partition=out.partition,
                    )
            done = {
                place: OffsetAndMetadata(self._consumer.position(place), "", -1) for place in polled
            }
            self._producer.send_offsets_to_transaction(done, self._group)
            self._producer.commit_transaction()
        except BaseException:
            self._abort()
            raise
        return len(messages)

    def run(self, stop: Callable[[], bool]) -> int:
        """Handle batches until `stop` says so; asked between batches. Return messages handled."""
        handled = 0
        while not stop():
            handled += self.step()
        return handled

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close(autocommit=False)
        self._producer.close()

    def _abort(self) -> None:
        try:
            self._producer.abort_transaction()
        except KafkaError:  # fenced or gone: the broker ends the transaction by itself
            self._producer.close(timeout=0)


class Reader:
    """Reads committed messages from offsets its caller keeps (the loader keeps them in the ledger).

    Args:
        servers: Broker addresses.
        topics: Topics to read, all partitions.
        offsets: (topic, partition) -> next offset to read; what is missing starts at the beginning.
    """

    def __init__(
        self, servers: str, topics: Sequence[str], offsets: Mapping[Place, int] | None = None
    ) -> None:
        self._consumer = _connected(
            KafkaConsumer,
            servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_MESSAGE,
        )
        self._places = [
            TopicPartition(topic, number)
            for topic, numbers in partitions(servers, topics).items()
            for number in numbers
        ]
        self._consumer.assign(self._places)
        known = offsets or {}
        for place in self._places:
            offset = known.get((place.topic, place.partition))
            if offset is None:
                self._consumer.seek_to_beginning(place)
            else:
                self._consumer.seek(place, offset)

    def poll(self, max_records: int = 1_000, timeout_ms: int = _POLL_MS) -> list[Message]:
        """Messages that came; empty after the timeout."""
        polled = self._consumer.poll(timeout_ms, max_records=max_records)
        return [_message(record) for records in polled.values() for record in records]

    def offsets(self) -> dict[Place, int]:
        """Next offset of each partition: to be stored together with what was polled so far."""
        return {
            (place.topic, place.partition): self._consumer.position(place) for place in self._places
        }

    def drained(self) -> bool:
        """Whether everything committed when this was called has been polled."""
        ends = self._consumer.end_offsets(self._places)
        return all(self._consumer.position(place) >= end for place, end in ends.items())

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close(autocommit=False)


def read_all(servers: str, topics: Sequence[str]) -> Iterator[Message]:
    """Every committed message of the topics, from the beginning to their ends now."""
    reader = Reader(servers, topics)
    try:
        while True:
            polled = reader.poll()
            yield from polled
            if not polled and reader.drained():
                return
    finally:
        reader.close()


def _connected(client: Any, servers: str, **settings: Any) -> Any:  # noqa: ANN401 - untyped library
    try:
        return client(bootstrap_servers=servers, bootstrap_timeout_ms=_BOOTSTRAP_MS, **settings)
    except KafkaTimeoutError as error:
        raise PrerequisiteError(
            f"kafka: expected a broker at {servers}; start one with `yrd up`"
        ) from error


def _message(record: Any) -> Message:  # noqa: ANN401 - untyped library
    return Message(
        place=(record.topic, record.partition),
        offset=record.offset,
        key=record.key,
        value=record.value,
        timestamp_ms=record.timestamp,
        headers={name: value.decode() for name, value in record.headers},
    )


def _raw_headers(row: Mapping[str, Any]) -> list[tuple[str, bytes]]:
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


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000)
