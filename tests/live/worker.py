"""The intake of the tests, as a process of its own: `python -m tests.live.worker ARGS-AS-JSON`.

Bodies of submissions are narrow messages already. At the batch given as `die_at` the process kills
itself (SIGKILL) after half of the batch's messages have reached the broker in an open transaction.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from connectors.ends.kafka import Intake
from connectors.ends.messages import Message
from pipelines.job.live import NarrowSender, Record
from pipelines.job.segments import decode


def main(arguments: dict[str, Any]) -> None:
    sender = NarrowSender(arguments["partitions"], batch_rows=300)
    batches = 0
    newest = 0
    ended = False

    def transform(messages: Sequence[Message]) -> Mapping[str, Sequence[tuple[Any, ...]]]:
        nonlocal batches, ended, newest
        batches += 1
        records: list[Record] = []
        for message in messages:
            if message.is_flush:
                ended = True
                records += sender.flush(newest, arguments["slack_us"], arguments["wait_us"])
            else:
                narrow = decode(message.value or b"")
                records += sender.records(narrow.rows, narrow.watermark_us)
                newest = max(newest, int(narrow.rows["event_time"].max()), narrow.watermark_us)
        if batches == arguments["die_at"]:
            return {arguments["to"]: Dying(records)}
        return {arguments["to"]: records}

    intake = Intake(
        arguments["servers"],
        [arguments["from"]],
        group="test-intake",
        transactional_id=arguments["from"],
        transform=transform,
        max_records=3,
    )
    progress = Path(arguments["progress"])
    while not ended:
        intake.step()
        progress.write_text(str(batches))
    intake.close()


class Dying(Sequence[tuple[Any, ...]]):
    """Messages that end their process half way."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        return self._records[index]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for number, record in enumerate(self._records):
            if number == len(self._records) // 2:
                time.sleep(0.5)  # what was sent has left this process by now
                os.kill(os.getpid(), signal.SIGKILL)
            yield record


if __name__ == "__main__":
    np.seterr(all="raise")
    main(json.loads(sys.argv[1]))
