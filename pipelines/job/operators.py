"""The operators of the job: thin shells that move bytes between Flink and Flink-free code.

They run in the JVM's process (thread mode), one interpreter and one lock for all subtasks; the
kernels below them release the lock. A host object a key lives in memory and is made again from the
retained batches after a restore.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pyflink.common import Types
from pyflink.datastream import OutputTag
from pyflink.datastream.functions import FlatMapFunction, KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor

from pipelines.job.hosts import PairHost, RulesHost
from pipelines.job.outputs import COUNTERS, CROSSINGS, RECONCILIATION, line, recon_parts
from pipelines.job.segments import decode, encode, read_parts, segment_path
from pipelines.job.settings import JobSettings, StageSettings

LINES = OutputTag("lines", Types.STRING())

# Flink's last watermark is the largest long; ours stays clear of overflow.
_END_MS = 1 << 52


class ReadSegments(FlatMapFunction):  # type: ignore[misc]
    """Number of a segment -> its messages. Notes each segment in the run's progress file."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called at every start and restart of the operator."""
        self._first = True

    def flat_map(self, value: int) -> Iterator[bytes]:
        """Read one segment."""
        if self._settings.pause_ms:
            time.sleep(self._settings.pause_ms / 1_000)
        path = segment_path(self._settings.narrow, value)
        while not path.is_file():  # intake still works on it; it appears whole
            time.sleep(0.05)
        rows = 0
        for part in read_parts(path, self._settings.batch_rows):
            yield encode(part)
            rows += len(part.rows)
        note = {"segment": value, "rows": rows, "first": self._first}
        self._first = False
        with (self._settings.folder / "progress.jsonl").open("a") as file:
            file.write(json.dumps(note) + "\n")


class RouteRows(FlatMapFunction):  # type: ignore[misc]
    """A message -> its rows by bucket of the transaction id."""

    def __init__(self, buckets: int) -> None:
        self._buckets = buckets

    def flat_map(self, value: bytes) -> Iterator[tuple[int, bytes]]:
        """Split one message; rows keep their order inside a bucket."""
        rows = decode(bytes(value)).rows
        bucket = (rows["key"] % self._buckets).astype(np.int16)
        order = np.argsort(bucket, kind="stable")
        rows = rows[order]
        cuts = np.searchsorted(bucket[order], np.arange(self._buckets + 1))
        for number in range(self._buckets):
            if cuts[number + 1] > cuts[number]:
                yield number, rows[cuts[number] : cuts[number + 1]].tobytes()


class _KeyedStage(KeyedProcessFunction):  # type: ignore[misc]
    """Feeds a host a key with batches, and tells it to advance when the watermark does."""

    def __init__(self, settings: StageSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called at every start and restart: no host is in memory yet."""
        self._done = runtime_context.get_state(ValueStateDescriptor("done", Types.LONG()))
        self._hosts: dict[int, Any] = {}
        self._armed: set[int] = set()

    def _host(self, key: int) -> Any:  # noqa: ANN401 - each stage knows its own host
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = self._new_host(self._done.value())
        return host

    def _new_host(self, done_us: int | None) -> Any:  # noqa: ANN401
        raise NotImplementedError

    def process_element(
        self, value: tuple[int, bytes], ctx: KeyedProcessFunction.Context
    ) -> Iterator[Any]:
        """Take the batch; it is judged when the watermark passes."""
        key = value[0]
        behind = self._host(key).add(bytes(value[1]))
        if key not in self._armed:
            self._arm(key, ctx)
        if behind:
            yield LINES, line(COUNTERS, json.dumps({"behind": behind}).encode())

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Any]:
        """The watermark moved: let the host of this key advance."""
        key = ctx.get_current_key()
        self._armed.discard(key)
        watermark_ms = min(ctx.timer_service().current_watermark(), _END_MS)
        host = self._host(key)
        yield from self._advance(host, watermark_ms * 1_000)
        self._done.update(watermark_ms * 1_000)
        if host.waiting and watermark_ms < _END_MS:
            self._arm(key, ctx)

    def _arm(self, key: int, ctx: KeyedProcessFunction.Context) -> None:
        """Have this key advance at the next watermark that says anything.

        Watermarks begin below 1970, and a message that moves nothing gives one there: a timer that
        such a one set off would be spent, and the key asleep until its next batch, if one comes.
        """
        self._armed.add(key)
        timers = ctx.timer_service()
        timers.register_event_time_timer(max(timers.current_watermark() + 1, 0))

    def _advance(self, host: Any, watermark_us: int) -> Iterator[Any]:  # noqa: ANN401
        raise NotImplementedError


class PairStage(_KeyedStage):
    """Reports of one bucket of transaction ids -> variants, routed to where a rule reads them."""

    def open(self, runtime_context: RuntimeContext) -> None:
        """Open the state."""
        super().open(runtime_context)
        self._rows = runtime_context.get_map_state(_batches("rows"))
        self._opened = runtime_context.get_map_state(_batches("opened"))

    def _new_host(self, done_us: int | None) -> PairHost:
        settings = self._settings
        return PairHost(self._rows, self._opened, settings.wait_us, settings.lanes, done_us)

    def _advance(self, host: PairHost, watermark_us: int) -> Iterator[Any]:
        for upto_us in host.steps(watermark_us):
            step = host.advance(upto_us)
            yield from step.messages
            for part in recon_parts(step.recon):
                yield LINES, line(RECONCILIATION, part)
            if step.counters:
                yield LINES, line(COUNTERS, json.dumps(step.counters).encode())


class RulesStage(_KeyedStage):
    """Variants of one lane of subjects -> crossings."""

    def open(self, runtime_context: RuntimeContext) -> None:
        """Open the state."""
        super().open(runtime_context)
        self._kept = runtime_context.get_map_state(_batches("kept"))
        self._messages = 0

    def _new_host(self, done_us: int | None) -> RulesHost:
        settings = self._settings
        return RulesHost(self._kept, settings.parameters, settings.wait_us, done_us)

    def process_element(
        self, value: tuple[int, bytes], ctx: KeyedProcessFunction.Context
    ) -> Iterator[Any]:
        """Take the batch, or fail where a test planned it."""
        self._messages += 1
        if self._messages == self._settings.fail_at_message:
            fail_once(self._settings.folder / "failed")
        yield from super().process_element(value, ctx)

    def _advance(self, host: RulesHost, watermark_us: int) -> Iterator[Any]:
        for crossings in host.advance(watermark_us):
            yield line(CROSSINGS, crossings)
        if counters := host.counters():
            yield line(COUNTERS, json.dumps(counters).encode())


def _batches(name: str) -> MapStateDescriptor:
    """A map of batches. A byte array type would be converted byte by byte; a pickle is not."""
    return MapStateDescriptor(name, Types.LONG(), Types.PICKLED_BYTE_ARRAY())


def fail_once(mark: Path) -> None:
    """Raise the planned failure, the first time only."""
    if not mark.exists():
        mark.touch()
        raise RuntimeError("planned failure")
