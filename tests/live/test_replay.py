"""A tape through Kafka and the Flink cluster gives what it gives without them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from connectors.ends.kafka import read_all
from deploy.native import NativeStack
from replay.market.build import Sizes, simulate
from schemas.errors import YrdError
from yrd.processes.layout import Layout
from yrd.processes.live import run_live
from yrd.processes.run import Options, run_tape
from yrd.processes.summary import adds_up
from yrd.settings import Settings

pytestmark = pytest.mark.kafka


def kill_the_intake_once(native: NativeStack, root: Path, killed: threading.Event) -> None:
    """SIGKILL the live intake as soon as its first transaction is committed."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(0.1)
        told = root / "live-intake.json"
        if not told.is_file():
            continue
        topic = json.loads(told.read_text())["prefix"] + "submissions"
        if not any(read_all(native.stack.servers, [topic])):
            continue
        found = subprocess.run(
            ["pgrep", "-f", f"yrd.processes.live_intake {root}"],
            capture_output=True,
            text=True,
            check=False,
        )
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
            killed.set()
        return


def test_live_replay_equals_the_tape_run_though_the_intake_is_killed_on_the_way(
    live: NativeStack, tmp_path: Path
) -> None:
    tape = tmp_path / "tape"
    simulate(tape, 3, Sizes(reports=8_000))
    settings = Settings(var=tmp_path / "var")
    embedded = run_tape(tape, Layout(tmp_path / "embedded"), settings, Options(), lambda *_: None)
    layout = Layout(tmp_path / "live")
    killed = threading.Event()
    killer = threading.Thread(target=kill_the_intake_once, args=(live, layout.root, killed))
    killer.start()
    with pytest.raises(YrdError, match="live intake: ended with code -9"):
        run_live(tape, layout, settings, 0.0, lambda *_: None, live)
    killer.join()
    assert killed.is_set()
    # starting again goes on where it was
    result = run_live(tape, layout, settings, 0.0, lambda *_: None, live)
    assert adds_up(result)
    same = ("submitted", "accepted", "rejected", "quarantined", "duplicates", "late", "alerts")
    assert {key: result[key] for key in same} == {key: embedded[key] for key in same}
    assert result["output_sha256"] == embedded["output_sha256"]
    assert result["alerts"] > 0


def test_without_a_broker_one_sentence_says_how_to_start_it(tmp_path: Path) -> None:
    tape = tmp_path / "tape"
    simulate(tape, 3, Sizes(reports=8_000))
    shown = subprocess.run(
        [sys.executable, "-m", "yrd", "replay", str(tape), "--live"],
        env={**os.environ, "YRD_VAR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 3
    assert "yrd up" in shown.stderr
    assert "Traceback" not in shown.stderr
