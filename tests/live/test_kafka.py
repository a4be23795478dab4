"""Against a real broker and a real cluster: no kill loses or doubles anything."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.ends import kafka
from connectors.ends.messages import Message as Raw
from connectors.ends.messages import Place, Topic, raw_table
from connectors.ends.publishing import publish
from connectors.ends.tape import Tape, TapeWriter
from deploy import flink
from deploy.native import NativeStack
from pipelines.job.outputs import Outputs, parse
from pipelines.job.segments import Message, encode
from pipelines.job.settings import LiveSettings
from pipelines.lanes.stream import run_plain
from schemas.errors import ConfigurationError
from tests.pipelines.job import market

pytestmark = pytest.mark.kafka
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
ORDER = [
    (name, "ascending")
    for name in ("rule", "variant", "subject", "instant", "vantage", "measure", "band")
]


@pytest.fixture
def topic(live: NativeStack, request: pytest.FixtureRequest) -> Callable[[str, int], str]:
    """Makes a topic of this test's own."""

    def make(name: str, partitions: int = 1) -> str:
        full = f"{name}.{request.node.name}"
        made = Topic(full, partitions, live.stack.topic_settings)
        assert kafka.create_topics(live.stack.servers, [made]) == [full]
        return full

    return make


def tape_of(folder: Path, feed: str, bodies: Sequence[bytes], step_s: float = 60) -> Tape:
    with TapeWriter(folder, "SIMULATED", 1) as writer:
        for number, body in enumerate(bodies):
            received = BEGIN + timedelta(seconds=number * step_s)
            writer.add(feed, f"bank-{number % 3}", received, body, f"file-{number}")
    return Tape(folder)


def values(live: NativeStack, name: str) -> list[bytes]:
    return [message.value or b"" for message in kafka.read_all(live.stack.servers, [name])]


def test_a_tape_arrives_whole_in_order_and_with_its_flush_mark(
    live: NativeStack, topic: Callable[..., str], tmp_path: Path
) -> None:
    name = topic("raw")
    large = b"x" * (600 << 10)
    bodies = [f"body {number}".encode() for number in range(40)] + [large]
    tape = tape_of(tmp_path / "tape", name.removeprefix("raw."), bodies)
    waits: list[float] = []
    vault: list[bytes] = []
    sent = publish(tape, live.stack.servers, speed=60, wait=waits.append, store=vault.append)
    assert sent == len(bodies)
    assert waits == [1.0] * 40
    assert vault == [large]
    messages = list(kafka.read_all(live.stack.servers, [name]))
    assert [message.is_flush for message in messages] == [False] * 41 + [True]
    table = raw_table(messages)
    wanted = tape.read(0)
    assert table.drop_columns(["body"]).equals(wanted.drop_columns(["body"]))
    assert table["body"].to_pylist() == [*bodies[:-1], None]


def test_a_failing_transform_leaves_nothing_behind_and_is_tried_again(
    live: NativeStack, topic: Callable[..., str], tmp_path: Path
) -> None:
    source, target = topic("raw"), topic("out")
    bodies = [str(number).encode() for number in range(30)]
    publish(tape_of(tmp_path / "t", source.removeprefix("raw."), bodies), live.stack.servers)
    fail = [True]

    def transform(messages: Sequence[Raw]) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        def records() -> Any:
            for message in messages:
                if not message.is_flush:
                    if message.value == b"17" and fail[0]:
                        fail[0] = False
                        raise ValueError("planned")
                    yield message.key, message.value, message.timestamp_ms

        return {target: records()}

    def intake() -> kafka.Intake:
        return kafka.Intake(live.stack.servers, [source], "g", source, transform, max_records=5)

    first = intake()
    with pytest.raises(ValueError, match="planned"):
        first.run(lambda: False)
    first.close()
    assert values(live, target) == bodies[:15], "only whole transactions are visible"
    second = intake()
    while second.step(2_000):
        pass
    second.close()
    assert values(live, target) == bodies


def test_a_second_intake_fences_the_first_off(live: NativeStack, topic: Callable[..., str]) -> None:
    source, target = topic("raw"), topic("out")
    _produce(live, source, [b"a"])

    def copy(messages: Sequence[Raw]) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        return {target: [(None, message.value, None) for message in messages]}

    first = kafka.Intake(live.stack.servers, [source], "g", source, copy)
    assert first.step(5_000) == 1
    second = kafka.Intake(live.stack.servers, [source], "g", source, copy)
    _produce(live, source, [b"b"])
    with pytest.raises(Exception, match=r"(?i)fence|epoch"):
        while not first.step(5_000):
            pass
    assert second.step(5_000) == 1
    second.close()
    assert values(live, target) == [b"a", b"b"]


def test_a_reader_goes_on_from_the_offsets_its_caller_kept(
    live: NativeStack, topic: Callable[..., str]
) -> None:
    name = topic("out", 2)
    sent = [str(number).encode() for number in range(100)]
    _produce(live, name, sent)
    kept: dict[Place, int] = {}
    got: list[bytes] = []
    for _ in range(60):
        reader = kafka.Reader(live.stack.servers, [name], kept)
        for message in reader.poll(max_records=7):
            got.append(message.value or b"")
        kept = reader.offsets()
        done = reader.drained()
        reader.close()
        if done:
            break
    assert Counter(got) == Counter(sent)


def test_what_the_broker_lacks_is_said(live: NativeStack, topic: Callable[..., str]) -> None:
    name = topic("out", 2)
    with pytest.raises(ConfigurationError, match="expected it to exist"):
        kafka.Reader(live.stack.servers, ["no.such.topic"])
    with pytest.raises(ConfigurationError, match="expected 3 partitions"):
        kafka.create_topics(live.stack.servers, [Topic(name, 3, {})])


@pytest.mark.flink
def test_killing_the_intake_and_a_task_manager_changes_no_crossing(
    live: NativeStack, topic: Callable[..., str], tmp_path: Path
) -> None:
    """One tape through the raw topic, an intake killed in a batch, a job killed in its middle.

    The first task manager is killed while the job works; after that nothing of it may be left.
    """
    raw, narrow, out = topic("raw"), topic("narrow", 2), topic("crossings")
    rows, received = market.reports(12_000)
    parts = list(market.segments(rows, received, 60))
    expected = run_plain([part for part, _ in parts], [mark - market.SLACK for _, mark in parts])
    bodies = [encode(Message(mark, part)) for part, mark in parts]
    tape = tape_of(tmp_path / "tape", raw.removeprefix("raw."), bodies)
    assert publish(tape, live.stack.servers) == len(bodies)

    settings = LiveSettings(
        servers=live.stack.servers,
        folder=tmp_path,
        source=narrow,
        sink=out,
        transaction_prefix="test-job",
        slack_us=market.SLACK,
        checkpoint_ms=500,
    )
    job = live.submit(settings)
    arguments = {
        "servers": live.stack.servers,
        "from": raw,
        "to": narrow,
        "partitions": 2,
        "slack_us": settings.slack_us,
        "wait_us": settings.wait_us,
        "progress": str(tmp_path / "progress"),
        "die_at": 8,
    }
    assert _intake(arguments) == -signal.SIGKILL
    assert (tmp_path / "progress").read_text() == "7"
    halfway = _wait_for(live, out, lambda found: found.counters["reports"] > 0, "first output")
    assert halfway.counters["reports"] < len(rows)

    manager = next(one for one in live.processes() if one.name == "taskmanager-1")
    os.killpg(manager.pid, signal.SIGKILL)
    _wait_until(lambda: not _group(manager.pid), "the end of the task manager", 10)
    assert not manager.alive
    live.start_task_manager(live.home(), 1)

    assert _intake(arguments | {"die_at": 0}) == 0
    try:
        # counts leave the first stage, crossings the second: maybe one checkpoint later
        _wait_for(
            live,
            out,
            lambda found: (
                found.counters["reports"] >= len(rows)
                and found.crossings.num_rows >= expected.num_rows
            ),
            "all crossings",
            240,
        )
        time.sleep(3)  # whatever were doubled would be there after some more checkpoints
        found = parse(value.decode() for value in values(live, out))
        restored = flink.ask(live.stack, f"/jobs/{job}/checkpoints")
        assert restored is not None
        assert restored["counts"]["restored"] >= 1, "the kill came before or after the job's work"
    finally:
        live.cancel(job)
    again = live.submit(settings)  # as after `yrd down` and `yrd up`
    try:
        _wait_until(lambda: _completed(live, again) >= 3, "checkpoints of the resumed job", 120)
        resumed = flink.ask(live.stack, f"/jobs/{again}/checkpoints")
        assert resumed is not None
        assert resumed["counts"]["restored"] == 1
        lines = len(values(live, out))
    finally:
        live.cancel(again)
    assert parse(value.decode() for value in values(live, out)).counters == found.counters
    assert lines == len(values(live, out)), "the resumed job wrote something again"
    assert found.counters["reports"] == len(rows)
    assert found.counters["behind"] == 0
    assert found.counters["transactions"] == 12_000
    assert found.crossings.sort_by(ORDER).equals(expected.sort_by(ORDER))


def _completed(live: NativeStack, job: str) -> int:
    told = flink.ask(live.stack, f"/jobs/{job}/checkpoints") or {"counts": {"completed": 0}}
    return int(told["counts"]["completed"])


def _produce(live: NativeStack, name: str, sent: Sequence[bytes]) -> None:
    producer = kafka.KafkaProducer(bootstrap_servers=live.stack.servers)
    for value in sent:
        producer.send(name, value)
    producer.flush()
    producer.close()


def _intake(arguments: Mapping[str, Any]) -> int:
    command = [sys.executable, "-m", "tests.live.worker", json.dumps(arguments)]
    return subprocess.run(command, check=False, timeout=120).returncode


def _group(group: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def _wait_for(
    live: NativeStack,
    name: str,
    enough: Callable[[Outputs], bool],
    what: str,
    patience_s: float = 180,
) -> Outputs:
    found: list[Outputs] = []

    def look() -> bool:
        found[:] = [parse(value.decode() for value in values(live, name))]
        return enough(found[0])

    _wait_until(look, what, patience_s)
    return found[0]


def _wait_until(reached: Callable[[], bool], what: str, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.5)
