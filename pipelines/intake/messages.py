"""Intake between topics: raw messages in, reports, answers and narrow rows out.

A message of `reports.*`, `feedback`, `quarantine` and `submissions` is an Arrow IPC stream with one
record batch. What a killed intake had not committed is given again and gives the same messages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.ends.messages import Message, raw_table
from pipelines.intake.intake import Intake
from pipelines.intake.seen import Seen
from pipelines.job.live import NarrowSender
from schemas.fields import IMPLEMENTED_KINDS

ROWS = 2_000  # of a message: a wide report takes about a kilobyte, a message at most eight MiB
NARROW_TOPIC = "narrow.payments"
# table of a unit -> topic
TABLE_TOPICS: Mapping[str, str] = {kind: f"reports.{kind}" for kind in IMPLEMENTED_KINDS} | {
    "feedback": "feedback",
    "quarantine": "quarantine",
    "submissions": "submissions",
}


@dataclass(slots=True)
class MessageIntake:
    """The transform of a live intake (`connectors.ends.kafka.Transform`).

    Args:
        intake: Decodes, enriches, checks and answers.
        sender: Addresses narrow rows to partitions.
        prefix: In front of every topic's name.
        body: Fetches a body that lies in the vault, by its SHA-256.
        keep: Puts the body of a submission that waits as a whole into the vault: it is read again
            when a newer spec is there, and the message's topic may be gone by then.
        slack_us: The job's transport slack; with `wait_us`, the pair wait, a flush marker moves the
            watermark so far that every window of the job closes.
        wait_us: See `slack_us`.
        seen: What was taken before; see `remember`.
    """

    intake: Intake
    sender: NarrowSender
    prefix: str
    body: Callable[[bytes], bytes]
    keep: Callable[[bytes], object]
    slack_us: int
    wait_us: int
    seen: Seen = field(default_factory=Seen)

    def remember(self, messages: Iterable[Message]) -> None:
        """Learn from the `submissions` topic what a predecessor took."""
        for message in messages:
            if message.value is not None:
                self.seen.note(pa.ipc.open_stream(message.value).read_all())

    def __call__(self, messages: Sequence[Message]) -> dict[str, list[tuple[Any, ...]]]:
        """Turn one transaction's messages into those to produce, by topic."""
        out: dict[str, list[tuple[Any, ...]]] = {}
        raw = raw_table(messages, f"{self.prefix}raw.")
        if raw.num_rows:
            raw = self._filled(raw)
            taken = self.intake.process(raw, self.seen.repeats(raw), 0)
            self.seen.note(taken.submissions)
            waiting = taken.quarantine.filter(pc.less(taken.quarantine["record"], 0))
            held = pc.is_in(raw["sha256"], value_set=pc.unique(waiting["submission_id"]))
            for body in raw.filter(held)["body"].to_pylist():
                self.keep(body)
            time_ms = max(message.timestamp_ms for message in messages)
            tables = dict(taken.reports) | {
                "feedback": taken.feedback,
                "quarantine": taken.quarantine,
                "submissions": taken.submissions,
            }
            for name, topic in TABLE_TOPICS.items():
                parts = _parts(tables[name])
                if parts:
                    out[self.prefix + topic] = [(None, part, time_ms) for part in parts]
            out[self.prefix + NARROW_TOPIC] = list(
                self.sender.records(taken.narrow, taken.watermark_us)
            )
        for message in messages:  # marks come last, whatever feed says so
            if message.is_flush:
                newest_us = message.timestamp_ms * 1_000
                marks = self.sender.flush(newest_us, self.slack_us, self.wait_us)
                out.setdefault(self.prefix + NARROW_TOPIC, []).extend(marks)
        return out

    def _filled(self, raw: pa.Table) -> pa.Table:
        if not raw["body"].null_count:
            return raw
        pairs = zip(raw["body"].to_pylist(), raw["sha256"].to_pylist(), strict=True)
        bodies = [self.body(sha256) if body is None else body for body, sha256 in pairs]
        at = raw.schema.get_field_index("body")
        return raw.set_column(at, raw.schema.field(at), pa.array(bodies, pa.large_binary()))


def _parts(table: pa.Table) -> list[bytes]:
    """A table as Arrow IPC streams of at most `ROWS` rows each; none for an empty table."""
    out = []
    for start in range(0, table.num_rows, ROWS):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.slice(start, ROWS))
        out.append(sink.getvalue().to_pybytes())
    return out
