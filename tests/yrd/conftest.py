"""Runs of the whole path, made once a test session and shared: a Java machine takes its time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.ends.tape import Tape
from ledger.duck import Connection
from serving.publish import open_version

ROOT = Path(__file__).parents[2]
REPORTS = 20_000  # the smallest demo
LONGEST_RUN_S = 420
PARTS = ("accepted", "rejected", "quarantined", "duplicates")  # of what was submitted


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, what it printed and what it logged."""

    folder: Path
    result: dict[str, Any]
    log: str

    @property
    def tape(self) -> Path:
        return self.folder / "tape"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"


def yrd(*arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """One command, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "yrd", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100"},
        check=False,
    )


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`yrd demo`, once; everything it logs at all, down to level debug, is kept."""
    folder = tmp_path_factory.mktemp("whole") / "demo"
    ended = subprocess.run(
        [sys.executable, "-m", "yrd", "demo", "--reports", str(REPORTS), "--out", folder, "--json"],
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_S,
        cwd=ROOT,
        env=os.environ | {"YRD_LOG_LEVEL": "debug"},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return Run(folder, json.loads(ended.stdout), ended.stderr)


@pytest.fixture(scope="session")
def ledger(demo: Run) -> Iterator[Connection]:
    """The demo's published ledger."""
    connection, _ = open_version(demo.ledger)
    with connection:
        yield connection


@pytest.fixture(scope="session")
def manifest(demo: Run) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((demo.tape / "manifest.json").read_text(encoding="utf-8"))
    return told


@pytest.fixture(scope="session")
def raw(demo: Run) -> list[dict[str, Any]]:
    """Every submission of the tape, bodies included."""
    tape = Tape(demo.tape)
    return [row for at in range(len(tape.segments())) for row in tape.read(at).to_pylist()]


@dataclass(frozen=True)
class Killed:
    """A run that was killed once and run again."""

    result: dict[str, Any]
    ledger: Path
    kept: dict[str, int]  # stored intake units at the kill: name -> time of change
    found: dict[str, int]  # the same files after the second run


Replay = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session")
def start_replay(demo: Run) -> Replay:
    """Start `yrd replay` of the demo's tape as the leader of its own process group."""

    def start(out: Path, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "yrd", "replay", demo.tape, "--out", out, "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )

    return start


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The summary a run prints; fails with its last words where it does not end well."""
    try:
        out, log = process.communicate(timeout=LONGEST_RUN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, log[-2000:]
    result: dict[str, Any] = json.loads(out)
    return result


def killed_and_resumed(
    start: Replay, out: Path, ready: Callable[[Path], bool], *options: str
) -> Killed:
    """Kill the whole process group of a run (SIGKILL) as soon as it is `ready`; run it again."""
    first = start(out, *options)
    deadline = time.monotonic() + LONGEST_RUN_S
    while not ready(out) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert first.poll() is None, "the run was over before it could be killed"
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    kept = _units(out)
    result = finished(start(out, *options))
    return Killed(
        result, out / "ledger", kept, {name: at for name, at in _units(out).items() if name in kept}
    )


def _units(out: Path) -> dict[str, int]:
    """Stored intake units; `submissions` is written last, so a unit with it is complete."""
    stored = (out / "intake" / "submissions").glob("seg-*.arrow")
    return {path.name: path.stat().st_mtime_ns for path in stored}
