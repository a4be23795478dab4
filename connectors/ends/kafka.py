"""Kafka as an end: tapes published to raw topics, the intake's transactions, the loader's reader.

Guarantees. `publish` sends each submission once when it ends normally (idempotent producer).
`Intake` consumes, transforms and produces in one Kafka transaction with the consumed offsets: a
kill at any point neither loses nor doubles a message for readers of committed messages, which all
readers here are. `Reader` keeps no offsets in Kafka: its caller stores them with what it loaded.

A raw topic has one partition, so submissions of a feed keep their order of receipt.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAlreadyExistsError

from connectors.ends.messages import FLUSH, Message, Out, Place, Topic, Transform, raw_headers
from connectors.ends.tape import Tape
from connectors.vault import INLINE_LIMIT
from schemas.errors import ConfigurationError, PrerequisiteError

MAX_MESSAGE = 8 << 20
_POLL_MS = 500
_PATIENCE = {"bootstrap_timeout_ms": 5_000, "reconnect_backoff_max_ms": 500}


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
                        headers=raw_headers(row),
                        timestamp_ms=_ms(newest),
                    )
                )
        if newest is not None:
            for feed in sorted(feeds):
                headers = [("kind", FLUSH.encode()), ("received_at", newest.isoformat().encode())]
                topic = prefix + feed
                mark = FLUSH.encode()  # a message without a value needs a key
                sent.append(
                    producer.send(topic, key=mark, headers=headers, timestamp_ms=_ms(newest))
                )
        producer.flush()
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close()
    return len(sent) - len(feeds)


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
        with contextlib.suppress(KafkaError):  # fenced off: there is nothing left to send
            self._producer.close(timeout=5)

    def _abort(self) -> None:
        """End the transaction; where this process may not any more, the broker ends it itself."""
        with contextlib.suppress(KafkaError):
            self._producer.abort_transaction()


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
        return client(bootstrap_servers=servers, **_PATIENCE, **settings)
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


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000)
