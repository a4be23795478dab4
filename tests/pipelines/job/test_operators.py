"""The keyed operators against a stand-in of Flink's timers: no report goes without a judgement."""

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.job.operators import PairStage
from pipelines.job.outputs import parse
from pipelines.job.retained import MemoryStore
from pipelines.job.settings import JobSettings
from tests.pipelines.job import market

FIRST, LAST = -(1 << 63), (1 << 63) - 1  # where Flink's watermarks begin and end


class Timers:
    """Event-time timers of one operator with one key, as Flink keeps them."""

    def __init__(self) -> None:
        self.watermark = FIRST
        self.due: set[int] = set()

    def current_watermark(self) -> int:
        return self.watermark

    def register_event_time_timer(self, timestamp: int) -> None:
        self.due.add(timestamp)

    def advance(self, watermark: int) -> list[int]:
        self.watermark = watermark
        fired = sorted(time for time in self.due if time <= watermark)
        self.due -= set(fired)
        return fired


class Value:
    """A value in state."""

    def __init__(self) -> None:
        self.held: int | None = None

    def value(self) -> int | None:
        return self.held

    def update(self, value: int) -> None:
        self.held = value


def judged(watermarks: list[int], tmp_path: Any) -> tuple[int, int]:
    """Reports a pair operator is given before these watermarks, and those it says something of."""
    timers, done = Timers(), Value()
    states = SimpleNamespace(
        get_state=lambda _: done,
        get_map_state=lambda _: MemoryStore(),
    )
    ctx = SimpleNamespace(timer_service=lambda: timers, get_current_key=lambda: 0)
    stage = PairStage(JobSettings(narrow=tmp_path, folder=tmp_path, segments=1))
    stage.open(states)
    rows, _ = market.reports(200, days=3)
    outputs = list(stage.process_element((0, rows.tobytes()), ctx))
    for watermark in watermarks:
        for timer in timers.advance(watermark):
            outputs += stage.on_timer(timer, ctx)
    lines = [each[1] for each in outputs if isinstance(each[1], str)]
    return len(rows), int(parse(lines).counters["reports"])


@pytest.mark.parametrize(
    "before",
    [[], [FIRST], [-600_001], [FIRST, -600_001, -600_001], [-600_001, 0]],
    ids=str,
)
def test_a_watermark_that_says_nothing_does_not_put_a_key_to_sleep(
    before: list[int], tmp_path: Any
) -> None:
    given, said = judged([*before, LAST], tmp_path)
    assert said == given > 0


def test_nothing_is_judged_before_the_watermark_says_anything(tmp_path: Any) -> None:
    _, said = judged([FIRST, -600_001], tmp_path)
    assert said == 0
