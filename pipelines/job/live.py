"""The job on a cluster: the script `flink run -py` starts, and the messages that feed it.

Run as a script it has one argument, a file with `LiveSettings` as JSON.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.job.segments import Message, encode, split
from pipelines.job.settings import LiveSettings, flink_path
from schemas.narrow import NARROW, ORDER_DELAY_US

Record = tuple[bytes | None, bytes, int, int]
"""(key, value, time in milliseconds, partition) of a message to produce."""

_SECOND_US = 1_000_000


class NarrowSender:
    """Turns narrow rows into messages for every partition of a narrow topic, watermarks included.

    Each partition must hear of time, or it holds the watermark of the whole job back: rows go to
    the partitions in turn, and the others get a message without rows.

    Args:
        partitions: How many partitions the topic has.
        batch_rows: Most rows of a message.
    """

    def __init__(self, partitions: int, batch_rows: int = 5_000) -> None:
        self._partitions, self._batch_rows = partitions, batch_rows
        self._watermark_us = 0
        self._turn = 0

    def records(self, rows: npt.NDArray[Any], watermark_us: int) -> Iterator[Record]:
        """Messages of one batch of intake.

        Args:
            rows: On-time rows, dtype NARROW; may be empty.
            watermark_us: Newest `received_at` so far minus lateness, microseconds.
        """
        before, self._watermark_us = self._watermark_us, max(self._watermark_us, watermark_us)
        if len(rows):
            for part in split(Message(before, rows), self._batch_rows, before):
                self._turn = (self._turn + 1) % self._partitions
                yield _record(part, self._turn)
        mark = Message(self._watermark_us, np.empty(0, NARROW))
        for partition in range(self._partitions):
            yield _record(mark, partition)

    def flush(self, newest_us: int, slack_us: int, wait_us: int) -> Iterator[Record]:
        """Marks that close every window: nothing up to `newest_us`, orders too, waits after them.

        Args:
            newest_us: Newest event time and `received_at` of everything sent, microseconds.
            slack_us: The job's transport slack.
            wait_us: The job's pair wait.
        """
        closes = newest_us + ORDER_DELAY_US + slack_us + wait_us + _SECOND_US
        yield from self.records(np.empty(0, NARROW), closes)


def _record(message: Message, partition: int) -> Record:
    return None, encode(message), message.watermark_us // 1_000, partition


def main(settings_path: str) -> None:
    """Lay out the live job and hand it to the cluster the caller chose."""
    from pyflink.datastream import StreamExecutionEnvironment

    from pipelines.job.graph import configuration, live

    settings = LiveSettings.from_json(Path(settings_path).read_text(encoding="utf-8"))
    env = StreamExecutionEnvironment.get_execution_environment(configuration(_options(settings)))
    env.set_parallelism(settings.parallelism)
    live(env, settings)
    env.execute(settings.transaction_prefix)


def _options(settings: LiveSettings) -> dict[str, str]:
    options = {
        "python.execution-mode": "thread",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "pipeline.object-reuse": "true",
        "pipeline.max-parallelism": "128",
        "pipeline.auto-watermark-interval": f"{settings.watermark_ms} ms",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1000",
        "restart-strategy.fixed-delay.delay": "1 s",
        "execution.checkpointing.interval": f"{settings.checkpoint_ms} ms",
        "execution.checkpointing.dir": flink_path(settings.folder / "checkpoints"),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    }
    if settings.recover is not None:
        options["execution.state-recovery.path"] = flink_path(settings.recover)
        options["execution.state-recovery.claim-mode"] = "CLAIM"
    return options


if __name__ == "__main__":
    main(sys.argv[1])
