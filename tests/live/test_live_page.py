"""What docs/live.md says of a new feed is done as it stands there, against the running broker."""

import json
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from connectors.ends import kafka
from connectors.ends.publishing import publish
from deploy import native
from deploy.native import NativeStack
from serving.publish import open_version
from tests.yrd.test_feed_pages import BLOCK, DOCS
from yrd.cli import build
from yrd.processes import live as live_process

pytestmark = pytest.mark.kafka
FEED = "prints"


def blocks(page: str, wanted: str) -> list[tuple[str, str]]:
    """(what is said about it, text) of the blocks of a language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [(about, block) for language, about, block in BLOCK.findall(text) if language == wanted]


def in_another_window(line: str, codes: tuple[int, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *shlex.split(line)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode in codes, f"{line}\n{ended.stdout}{ended.stderr}"


def repair_and_adopt(
    live: NativeStack, adopted: threading.Event, failed: list[BaseException]
) -> None:
    """The second window: once two submissions are answered."""
    try:
        told = Path("run-live/live-intake.json")
        _until(told.is_file)
        topic = json.loads(told.read_text())["prefix"] + "submissions"
        _until(lambda: answered(live, topic) >= 2)
        ((_, lines),) = [one for one in blocks("live.md", "sh") if one[0] == "meanwhile"]
        diff, check, adopt = lines.splitlines()
        in_another_window(diff, (1,))
        ((_, edits),) = blocks("feed-broke.md", "edit")
        path = Path("repaired/spec.toml")
        text = path.read_text(encoding="utf-8")
        for edit in edits.splitlines():
            old, _, new = edit.partition(" =>")
            assert old in text, edit
            text = text.replace(old, new.strip())
        path.write_text(text, encoding="utf-8")
        in_another_window(check, (0,))
        in_another_window(adopt, (0,))
    except BaseException as error:  # told by the test, which waits for it
        failed.append(error)
    finally:
        adopted.set()


@pytest.mark.soak
def test_a_new_feed_runs_live_and_a_running_intake_takes_over_what_is_adopted(
    live: NativeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YRD_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("YRD_FEEDS", "feeds")
    monkeypatch.setenv("PYTHONPATH", str(DOCS.parent))
    for page in ("add-a-feed.md", "feed-broke.md", "live.md"):
        files = [one for kind in ("csv", "toml", "json") for one in blocks(page, kind) if one[0]]
        for about, text in files:
            Path(about).parent.mkdir(parents=True, exist_ok=True)
            Path(about).write_text(text, encoding="utf-8")

    adopted, failed = threading.Event(), list[BaseException]()

    def paced(*arguments: Any, **named: Any) -> int:
        """Fifty seconds between submissions, or until the second window is done."""
        gaps = iter((lambda: None, lambda: adopted.wait(180)))
        return publish(*arguments, **named | {"wait": lambda _: next(gaps)()})

    monkeypatch.setattr(live_process, "publish", paced)
    monkeypatch.setattr(live_process, "_running", lambda _: live)
    monkeypatch.setattr(native, "NativeStack", lambda *_: live)
    monkeypatch.setattr(live, "down", list)  # other tests need it
    window = threading.Thread(target=repair_and_adopt, args=(live, adopted, failed))
    window.start()
    said: dict[str, str] = {}
    for about, text in blocks("live.md", "sh"):
        for line in text.splitlines() if about != "meanwhile" else ():
            words = shlex.split(line)
            if words[0] == "export":
                os.environ[words[1].partition("=")[0]] = words[1].partition("=")[2]
                continue
            result = CliRunner().invoke(build(words[1]), words[2:])
            assert not failed, failed
            assert result.exit_code == 0, f"{line}\n{result.output}"
            said[" ".join(words[:3])] = result.output
    window.join()

    assert "accepted 12, rejected 0, quarantined 0" in said["yrd feed rerun"]
    connection, _ = open_version(Path("run-live/ledger"))
    with connection:
        causes = connection.rows("SELECT cause, count(*) FROM event GROUP BY cause ORDER BY cause")
        states = connection.rows("SELECT status, accepted FROM submission ORDER BY received_at")
    assert causes == [("REPORT", 6), ("SPEC", 12)]
    assert states == [("decoded", 4), ("decoded", 12), ("decoded", 2)]


def answered(live: NativeStack, topic: str) -> int:
    """Submissions that have their answer."""
    found = kafka.read_all(live.stack.servers, [topic])
    return sum(pa.ipc.open_stream(one.value).read_all().num_rows for one in found if one.value)


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.3)
