"""Kafka as an end: a sender, the intake's transactions, the loader's reader.

Guarantees. `Sender` sends each message once (idempotent producer).
`Intake` consumes, transforms and produces in one Kafka transaction with the consumed offsets: a
kill at any point neither loses nor doubles a message for readers of committed messages, which all
readers here are. `Reader` keeps no offsets in Kafka: its caller stores them with what it loaded.

A raw topic has one partition, so submissions of a feed keep their order of receipt; several feeds
are read in the order of their times (`connectors.ends.merging`).
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAlreadyExistsError

from connectors.ends.merging import Merge
from connectors.ends.messages import Message, Out, Place, Topic, Transform
from schemas.errors import ConfigurationError, PrerequisiteError

MAX_MESSAGE = 8 << 20
_POLL_MS = 500
_APPEAR_S = 30.0
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
    existing = partitions(servers, [topic.name for topic in topics], patience_s=_APPEAR_S)
    for topic in topics:
        if len(existing[topic.name]) != topic.partitions:
            raise ConfigurationError(
                f"kafka: topic {topic.name}: expected {topic.partitions} partitions as "
                "deploy/stack.toml says; remove the topic or the stack's data"
            )
    return created


def partitions(servers: str, topics: Sequence[str], patience_s: float = 0) -> dict[str, list[int]]:
    """The partitions of topics that exist.

    Args:
        servers: Broker addresses.
        topics: Their names.
        patience_s: How long to look again: a broker may take a while to tell of a new topic.

    Raises:
        ConfigurationError: a topic does not exist.
    """
    consumer = _connected(KafkaConsumer, servers)
    deadline = time.monotonic() + patience_s
    try:
        found = {}
        for topic in topics:
            while not (numbers := consumer.partitions_for_topic(topic)):
                if time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                raise ConfigurationError(
                    f"kafka: topic {topic}: expected it to exist; run `yrd up` once"
                )
            found[topic] = sorted(numbers)
        return found
    finally:
        consumer.close(autocommit=False)


class Sender:
    """Sends messages to topics and waits for them to be written, each once (idempotent producer).

    Args:
        servers: Broker addresses.
    """

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._futures: list[Any] = []
        self._producer = _connected(
            KafkaProducer,
            servers,
            acks="all",
            linger_ms=20,
            batch_size=1 << 18,
            max_request_size=MAX_MESSAGE,
        )

    def send(self, topic: str, out: Out, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Send one message; it is written when `acknowledged` returns, in order with the others."""
        self._futures.append(
            self._producer.send(
                topic,
                key=out.key,
                value=out.value,
                headers=list(headers),
                timestamp_ms=out.timestamp_ms,
            )
        )

    def acknowledged(self) -> None:
        """Block until everything sent so far is written; raises what went wrong."""
        self._producer.flush()
        for future in self._futures:
            future.get(timeout=30)
        self._futures.clear()

    def held(self, topics: Sequence[str]) -> dict[str, int]:
        """How many messages topics hold that lose none and know no transactions."""
        consumer = _connected(KafkaConsumer, self._servers)
        try:
            found = {}
            for topic, numbers in partitions(self._servers, topics).items():
                ends = consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
                found[topic] = sum(ends.values())
            return found
        finally:
            consumer.close(autocommit=False)

    def close(self) -> None:
        """Let go of the broker."""
        self._producer.close()


def send_rest(servers: str, topic: str, transactional_id: str, records: Sequence[Out]) -> int:
    """Send of a growing list of messages those the topic does not hold yet, in one transaction.

    Called again with a longer list, also after a kill, it goes on where the topic ends: readers of
    committed messages see each one once.

    Args:
        servers: Broker addresses.
        topic: Of one partition; nobody else writes to it.
        transactional_id: Stable name of the sender.
        records: The whole list, in an order that does not change.

    Returns:
        How many were sent.
    """
    producer = _connected(KafkaProducer, servers, transactional_id=transactional_id, acks="all")
    try:
        producer.init_transactions()  # ends what a killed predecessor left open
        rest = records[sum(1 for _ in read_all(servers, [topic])) :]
        if rest:
            producer.begin_transaction()
            for out in rest:
                producer.send(topic, key=out.key, value=out.value, timestamp_ms=out.timestamp_ms)
            producer.commit_transaction()
        return len(rest)
    finally:
        producer.close()


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
        self._places = [
            TopicPartition(topic, number)
            for topic, numbers in partitions(servers, topics).items()
            for number in numbers
        ]
        self._consumer.assign(self._places)
        self._merge = Merge((place.topic, place.partition) for place in self._places)
        self._full = False

    def step(self, timeout_ms: int = _POLL_MS) -> int:
        """Handle one batch in one transaction; 0 when there was nothing within the timeout.

        Raises:
            Whatever the transform or the broker raises, after the transaction was aborted; the
            process should end and start again.
        """
        messages = self._next(0 if self._full else timeout_ms)
        self._full = len(messages) == self._max_records
        if not messages:
            return 0
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
                TopicPartition(*message.place): OffsetAndMetadata(message.offset + 1, "", -1)
                for message in messages
            }
            self._producer.send_offsets_to_transaction(done, self._group)
            self._producer.commit_transaction()
        except BaseException:
            self._abort()
            raise
        return len(messages)

    def _next(self, timeout_ms: int) -> list[Message]:
        """The oldest messages that are there; none while an older one is on its way."""
        polled = self._consumer.poll(timeout_ms, max_records=self._max_records)
        self._merge.add(_message(record) for records in polled.values() for record in records)
        if not len(self._merge):
            return []
        ends = self._consumer.end_offsets(self._places)
        ended = {
            (place.topic, place.partition)
            for place in self._places
            if self._consumer.position(place) >= ends[place]
        }
        messages = self._merge.take(ended, self._max_records)
        ahead = [TopicPartition(*place) for place in self._merge.ahead(5 * self._max_records)]
        paused = self._consumer.paused()
        self._consumer.resume(*(paused - set(ahead)))
        self._consumer.pause(*(place for place in ahead if place not in paused))
        return messages

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

    def ends(self) -> dict[Place, int]:
        """Where the partitions end now, with what is written and not committed yet."""
        servers = self._consumer.config["bootstrap_servers"]
        consumer = _connected(KafkaConsumer, servers)
        try:
            found = consumer.end_offsets(self._places)
            return {(place.topic, place.partition): end for place, end in found.items()}
        finally:
            consumer.close(autocommit=False)

    def passed(self, ends: Mapping[Place, int]) -> bool:
        """Whether everything before these ends was polled, or turned out not to be committed."""
        return all(self._consumer.position(TopicPartition(*at)) >= end for at, end in ends.items())

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
    lacking = PrerequisiteError(f"kafka: expected a broker at {servers}; start one with `yrd up`")
    # A client that finds nobody leaves its thread behind: where nobody listens none is made.
    if not any(_listens(one) for one in servers.split(",")):
        raise lacking
    try:
        return client(bootstrap_servers=servers, **_PATIENCE, **settings)
    except KafkaTimeoutError as error:
        raise lacking from error


def _listens(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except OSError:
        return False


def _message(record: Any) -> Message:  # noqa: ANN401 - untyped library
    return Message(
        place=(record.topic, record.partition),
        offset=record.offset,
        key=record.key,
        value=record.value,
        timestamp_ms=record.timestamp,
        headers={name: value.decode() for name, value in record.headers},
    )
