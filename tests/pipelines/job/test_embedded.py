"""The job on a mini-cluster: the same crossings as without Flink, whatever happens on the way.

Each start of a JVM costs some 15 CPU-seconds, so one run covers several conditions; the full
product of them is for `make soak`.
"""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.job.embedded import (
    JobFailedError,
    newest_checkpoint,
    notes,
    run_embedded,
    start_child,
)
from pipelines.job.outputs import COUNTERS, line
from pipelines.job.settings import JobSettings
from pipelines.lanes.stream import run_plain
from pipelines.rules.registry import parameters_on
from schemas.errors import ConfigurationError, InputError, PrerequisiteError
from tests.pipelines.job import market

ORDER = [
    (name, "ascending")
    for name in ("rule", "variant", "subject", "instant", "vantage", "measure", "band")
]
SEGMENTS = 16


@pytest.fixture(scope="module")
def arrived() -> tuple:  # type: ignore[type-arg]
    return market.reports(12_000)


@pytest.fixture(scope="module")
def expected(arrived: tuple) -> pa.Table:  # type: ignore[type-arg]
    parts = list(market.segments(*arrived, SEGMENTS))
    table = run_plain([part for part, _ in parts], [mark - market.SLACK for _, mark in parts])
    assert table.num_rows > 1_000
    return table.sort_by(ORDER)


@pytest.fixture
def job(tmp_path: Path, arrived: tuple) -> JobSettings:  # type: ignore[type-arg]
    folder = tmp_path / "长 三角"  # what Java and Flink must not spell anew
    market.write(folder / "narrow", market.segments(*arrived, SEGMENTS))
    return JobSettings(
        narrow=folder / "narrow",
        folder=folder / "job",
        slack_us=market.SLACK,
        checkpoint_ms=200,
        quick_start=True,
        heap_mb=512,
    )


def same(found: pa.Table, expected: pa.Table) -> bool:
    return bool(found.sort_by(ORDER).equals(expected))


def processes_of(group: int) -> Iterator[int]:
    """Living processes of a process group."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                yield int(entry.name)


def until(reached: Callable[[], bool], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill_mid_run(job: JobSettings, segments_read: int) -> None:
    """Start the job, wait until it has read some segments and has a checkpoint, kill all of it."""
    job.folder.mkdir(parents=True)
    child = start_child(job, None)
    deadline = time.monotonic() + 120
    while True:
        read = [note["segment"] for note in notes(job.folder)]
        if len(read) >= segments_read and newest_checkpoint(job.folder):
            break
        assert child.poll() is None, (job.folder / "child.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(list(processes_of(child.pid))) >= 2, "the JVM should be in the child's group"
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    until(lambda: not list(processes_of(child.pid)), 10)
    assert not (job.folder / "result.json").exists()


@pytest.mark.flink
def test_two_subtasks_and_a_failing_operator_give_the_crossings_of_the_plain_run(
    job: JobSettings, expected: pa.Table
) -> None:
    shown: list[tuple[int, int]] = []
    failing = replace(job, parallelism=2, pause_ms=150, fail_at_message=40)
    result = run_embedded(failing, lambda read, total: shown.append((read, total)))
    assert (job.folder / "failed").exists(), "the planned failure did not happen"
    assert len(result.first_segments) == 2
    assert result.first_segments[0] == 0
    assert result.first_segments[1] > 0, "it began again from the first segment"
    assert same(result.outputs.crossings, expected)
    assert result.outputs.counters["reports"] > 12_000
    assert result.outputs.counters["behind"] == 0
    assert len(result.outputs.recon) == result.outputs.counters["transactions"]
    assert shown[-1] == (SEGMENTS, SEGMENTS)
    again = run_embedded(failing)  # finished: nothing is started
    assert again.resumed_from is None
    assert same(again.outputs.crossings, expected)
    with pytest.raises(ConfigurationError, match="other settings"):
        run_embedded(replace(failing, slack_us=1))


@pytest.mark.flink
def test_a_killed_run_goes_on_from_its_checkpoint_and_doubles_nothing(
    job: JobSettings,
    expected: pa.Table,
    arrived: tuple,  # type: ignore[type-arg]
) -> None:
    for path in job.narrow.iterdir():
        path.unlink()
    market.write(job.narrow, market.segments(*arrived, SEGMENTS, shuffle=7))
    slow = replace(job, parallelism=1, batch_rows=100, pause_ms=300)
    kill_mid_run(slow, SEGMENTS // 2)
    result = run_embedded(replace(slow, parallelism=2, pause_ms=0))
    assert result.resumed_from is not None
    assert len(result.first_segments) == 2
    assert result.first_segments[1] >= SEGMENTS // 4, "it began again from the first segments"
    assert same(result.outputs.crossings, expected)
    assert result.outputs.counters["reports"] == len(arrived[0])
    assert result.outputs.counters["behind"] == 0


@pytest.mark.flink
@pytest.mark.soak
@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("batch_rows", [100, 5_000])
@pytest.mark.parametrize("killed_after", [3, 9, 15])
def test_any_kill_with_any_batching_gives_the_crossings_of_the_plain_run(
    job: JobSettings,
    expected: pa.Table,
    arrived: tuple,  # type: ignore[type-arg]
    parallelism: int,
    batch_rows: int,
    killed_after: int,
) -> None:
    market.write(job.narrow, market.segments(*arrived, SEGMENTS, shuffle=killed_after))
    slow = replace(job, parallelism=parallelism, batch_rows=batch_rows, pause_ms=200)
    kill_mid_run(slow, killed_after)
    result = run_embedded(replace(slow, pause_ms=0))
    assert same(result.outputs.crossings, expected)
    assert result.outputs.counters["reports"] == len(arrived[0])


def test_the_job_ends_with_the_process_that_started_it(job: JobSettings, tmp_path: Path) -> None:
    job.folder.mkdir()
    (tmp_path / "settings.json").write_text(replace(job, pause_ms=60_000).to_json())
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from pathlib import Path\n"
            "from pipelines.job.embedded import start_child\n"
            "from pipelines.job.settings import JobSettings\n"
            "print(start_child(JobSettings.from_json(Path(sys.argv[1]).read_text()), None).pid)\n"
            "sys.stdout.flush(); time.sleep(600)",
            str(tmp_path / "settings.json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    group = int(parent.stdout.readline())
    until((job.folder / "lock").exists, 60)
    second = start_child(job, None)
    assert second.wait(60) == 1, "two processes must not work on one run"
    assert "another process" in (job.folder / "result.json").read_text()
    assert list(processes_of(group))
    parent.kill()
    parent.wait()
    until(lambda: not list(processes_of(group)), 10)


def test_a_java_home_without_java_is_named(job: JobSettings, tmp_path: Path) -> None:
    with pytest.raises(PrerequisiteError, match=r"bin/java.*YRD_JAVA_HOME"):
        run_embedded(replace(job, java_home=tmp_path))


def test_a_java_that_does_not_start_is_one_clear_sentence(job: JobSettings, tmp_path: Path) -> None:
    broken = tmp_path / "java" / "bin" / "java"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IEXEC)
    with pytest.raises(PrerequisiteError, match="the JVM could not start"):
        run_embedded(replace(job, java_home=broken.parents[1]))


def test_a_folder_without_segments_is_refused(job: JobSettings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected narrow segments"):
        run_embedded(replace(job, narrow=tmp_path / "none"))


def test_settings_survive_the_way_to_the_child(job: JobSettings) -> None:
    trial = parameters_on().changed("structuring", times_a_day=4)
    settings = replace(job, parameters=trial, java_home=job.folder)
    assert JobSettings.from_json(settings.to_json()) == settings
    assert JobSettings.from_json(job.to_json()) == job
    with pytest.raises(InputError, match="unknown speed"):
        JobSettings.from_json(job.to_json().replace('"pause_ms"', '"speed"'))


@pytest.mark.parametrize("change", [{"parallelism": 0}, {"batch_rows": 0}, {"heap_mb": 10}])
def test_settings_that_cannot_work_are_refused(job: JobSettings, change: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        replace(job, **change)  # type: ignore[arg-type]


def test_a_spoilt_segment_is_refused_before_anything_is_started(job: JobSettings) -> None:
    (job.narrow / "seg-00003.bin").write_bytes(b"spoilt")
    with pytest.raises(InputError, match=r"seg-00003\.bin: expected narrow rows"):
        run_embedded(job)
    assert not job.folder.exists()


def test_a_job_that_stands_still_is_ended_and_said(job: JobSettings, tmp_path: Path) -> None:
    sleeping = tmp_path / "java" / "bin" / "java"
    sleeping.parent.mkdir(parents=True)
    sleeping.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeping.chmod(sleeping.stat().st_mode | stat.S_IEXEC)
    with pytest.raises(JobFailedError, match="stands still since 1 s"):
        run_embedded(replace(job, java_home=sleeping.parents[1], stall_s=1))
    # a segment that intake still works on is waited for; one that will not come is not
    ends_at = time.monotonic() + 3
    waiting = replace(
        job, java_home=sleeping.parents[1], stall_s=1, narrow=tmp_path / "later", segments=1,
        folder=tmp_path / "waits",
    )  # fmt: skip
    with pytest.raises(JobFailedError, match="intake has ended without segment 0 of 1"):
        run_embedded(waiting, feeding=lambda: time.monotonic() < ends_at)
    assert time.monotonic() >= ends_at


ENDS_WELL = """
import json, sys
from pathlib import Path
folder, line = Path(sys.argv[1]), sys.argv[2]
(folder / "result.json").write_text('{"status": "finished", "startup_s": 1.0, "run_s": 1.0}')
(folder / "progress.jsonl").write_text('{"segment": 0, "rows": 3, "first": true}\\n')
(folder / "out").mkdir()
(folder / "out" / "part-0").write_text(line + "\\n")
"""


@pytest.mark.parametrize(("judged", "believed"), [(3, True), (2, False), (0, False)])
def test_a_job_that_ends_well_without_judging_every_report_is_not_believed(
    job: JobSettings, monkeypatch: pytest.MonkeyPatch, judged: int, believed: bool
) -> None:
    counted = line(COUNTERS, json.dumps({"reports": judged}).encode())

    def start(settings: JobSettings, recover: Path | None) -> subprocess.Popen[bytes]:
        assert recover is None
        command = [sys.executable, "-c", ENDS_WELL, str(settings.folder), counted]
        return subprocess.Popen(command, start_new_session=True)

    monkeypatch.setattr("pipelines.job.embedded.start_child", start)
    if believed:
        assert run_embedded(job).outputs.counters["reports"] == judged
    else:
        with pytest.raises(JobFailedError, match="before every report was judged"):
            run_embedded(job)


@pytest.mark.flink
@pytest.mark.soak
def test_a_failure_that_stays_names_its_reason_and_its_log(job: JobSettings) -> None:
    path = job.narrow / "seg-00003.bin"
    data = bytearray(path.read_bytes())
    job.folder.mkdir()
    slow = replace(job, pause_ms=500)
    child = start_child(slow, None)
    path.write_bytes(data[:-1])  # spoilt after it was checked
    child.wait()
    result = (job.folder / "result.json").read_text()
    assert '"failed"' in result
    assert "expected as many rows as the header says" in result
