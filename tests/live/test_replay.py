"""A tape through Kafka and the Flink cluster gives what it gives without them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connectors.ends.kafka import read_all
from deploy.native import NativeStack
from replay.market.build import Sizes, simulate
from schemas.errors import YrdError
from serving.publish import open_version
from yrd.processes.layout import Layout
from yrd.processes.live import run_live
from yrd.processes.run import Options, run_tape
from yrd.processes.summary import adds_up
from yrd.settings import Settings

pytestmark = pytest.mark.kafka
SAME: tuple[str, ...] = (
    "submitted",
    "accepted",
    "rejected",
    "quarantined",
    "duplicates",
    "late",
    "alerts",
)
SAME += ("revisions", "transactions", "output_sha256")
# What closings write; a row's number in its table is the only thing that may differ.
WRITTEN = {"alert": "*", "crossing": "*", "reconciliation": "*", "parameter": "*"}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small market of every feed."""
    folder = tmp_path_factory.mktemp("market") / "tape"
    simulate(folder, 3, Sizes(reports=8_000, days=25))
    return folder


@pytest.fixture(scope="module")
def embedded(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, dict[str, Any]]:
    """Its run without broker and cluster."""
    root = tmp_path_factory.mktemp("embedded")
    layout = Layout(root / "run")
    settings = Settings(var=root / "var")
    return layout, run_tape(tape, layout, settings, Options(), lambda *_: None)


def concluded(ledger: Path) -> dict[str, Counter[str]]:
    """What the closings wrote into a ledger, row by row."""
    connection, _ = open_version(ledger)
    with connection:
        return {
            table: Counter(map(repr, connection.rows(f"SELECT {what} FROM {table}")))
            for table, what in WRITTEN.items()
        }


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
    live: NativeStack, tmp_path: Path, tape: Path, embedded: tuple[Layout, dict[str, Any]]
) -> None:
    settings = Settings(var=tmp_path / "var")
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
    assert {key: result[key] for key in SAME} == {key: embedded[1][key] for key in SAME}
    assert concluded(layout.ledger) == concluded(embedded[0].ledger)
    assert result["alerts"] > 0


@pytest.mark.soak
def test_a_live_run_killed_between_two_closings_ends_with_the_rows_of_the_tape_run(
    live: NativeStack, tmp_path: Path, tape: Path, embedded: tuple[Layout, dict[str, Any]]
) -> None:
    layout = Layout(tmp_path / "closing")
    told = {
        "ports": dict(live.stack.ports),
        "stack": str(live.folder),
        "jars": str(Path("var/stack/jars").resolve()),
        "tape": str(tape),
        "root": str(layout.root),
        "var": str(tmp_path / "var"),
        "speed": 150_000,
    }
    (tmp_path / "told.json").write_text(json.dumps(told))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.live_run", str(tmp_path / "told.json")],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + 180
    while not (layout.ledger / "current.json").is_file():  # the first closing publishes
        assert process.poll() is None, (tmp_path / "log").read_text()
        assert time.monotonic() < deadline, "no closing in three minutes"
        time.sleep(0.1)
    process.kill()
    process.wait()
    before = closed(layout.ledger)
    assert before, "a published ledger has its closings"

    settings = Settings(var=tmp_path / "var")
    result = run_live(tape, layout, settings, 0.0, lambda *_: None, live)
    assert {key: result[key] for key in SAME} == {key: embedded[1][key] for key in SAME}
    assert concluded(layout.ledger) == concluded(embedded[0].ledger)
    after = closed(layout.ledger)
    assert set(before.items()) < set(after.items()), "a closing was concluded once more"

    prefix = json.loads((layout.root / "live-intake.json").read_text())["prefix"]
    sent = [
        json.loads(message.value or b"")
        for message in read_all(live.stack.servers, [prefix + "alerts"])
    ]
    connection, _ = open_version(layout.ledger)
    with connection:
        stored = connection.rows("SELECT alert_id, revision, status FROM alert ORDER BY known_from")
    assert Counter((one["alert_id"], one["revision"], one["status"]) for one in sent) == Counter(
        stored
    )
    times = [one["known_from"] for one in sent]
    assert times == sorted(times)


def closed(ledger: Path) -> dict[int, int]:
    """Concluded closing -> the commit it was concluded with."""
    connection, _ = open_version(ledger)
    with connection:
        rows = connection.rows(
            "SELECT position, commit_number FROM load_offset WHERE source LIKE 'closings of %'"
        )
    return dict(rows)


def test_without_a_broker_one_sentence_says_how_to_start_it(tmp_path: Path, tape: Path) -> None:
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
