"""The guide and the runbook work: what they say is done, in an empty folder, in their order."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from connectors.ends.tape import Tape
from ledger.loader import Loader
from serving.publish import publish
from yrd.cli import build
from yrd.processes.building import build_intake
from yrd.processes.loading import WRITTEN
from yrd.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = ("csv", "toml", "json", "xml")


@dataclass
class Shell:
    """What a reader's shell would do, in one process where that makes no difference."""

    environment: dict[str, str]
    said: dict[str, str] = field(default_factory=dict)

    def run(self, line: str, wanted: int) -> None:
        words = shlex.split(line)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            os.environ[name] = self.environment[name] = value
            return
        assert words[0] == "yrd", line
        if words[1] == "replay":  # starts processes of its own
            ended = subprocess.run(
                [sys.executable, "-m", "yrd", *words[1:]],
                capture_output=True, text=True, timeout=240, check=False,
                env=os.environ | {"PYTHONPATH": str(DOCS.parent)},
            )  # fmt: skip
            code, said = ended.returncode, ended.stdout + ended.stderr
        else:
            result = CliRunner().invoke(build(words[1]), words[2:])
            code, said = result.exit_code, result.output
        assert code == wanted, f"{line}\n{said}"
        self.said[line] = said


def follow(page: str, shell: Shell) -> None:
    """Do what a page says, block by block."""
    for language, about, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if language in FILES and about:
            Path(about).parent.mkdir(parents=True, exist_ok=True)
            Path(about).write_text(text, encoding="utf-8")
        elif language == "edit":
            for edit in text.splitlines():
                old, _, new = edit.partition(" =>")
                content = Path(about).read_text(encoding="utf-8")
                assert old in content, edit
                Path(about).write_text(content.replace(old, new.strip()), encoding="utf-8")
        elif language == "sh" and about != "live":
            for line in text.splitlines():
                shell.run(line, 1 if about == "fails" else 0)
            if about == "setup":
                into_ledger(Path("tonight"), Path("tonight-run/ledger"))


def into_ledger(tape: Path, ledger: Path) -> None:
    """A ledger with what a tape's intake makes of it, without the stream job."""
    raw = Tape(tape).read(0)
    taken = build_intake(Settings(), "SIMULATED").process(raw, np.zeros(raw.num_rows, np.bool_), 0)
    with Loader(ledger / WRITTEN, "SIMULATED") as loader:
        tables = {"feedback": taken.feedback, "quarantine": taken.quarantine}
        loader.load_segment("tape", 0, {**tables, "submission": taken.submissions})
        publish(loader, ledger)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Both pages done, the guide first."""
    kept = {name: os.environ.get(name) for name in ("YRD_FEEDS", "YRD_VAR", "YRD_WORKERS")}
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("reader"))
    os.environ |= {"YRD_VAR": "var", "YRD_WORKERS": "1"}
    made = Shell({})
    try:
        follow("add-a-feed.md", made)
        follow("feed-broke.md", made)
        yield made
    finally:
        os.chdir(before)
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def test_the_guide_leads_from_a_sample_to_rows_in_the_ledger(shell: Shell) -> None:
    said = next(text for line, text in shell.said.items() if line.startswith("yrd ask"))
    assert "900000001" in said
    assert "79326002" in said.replace(",", "")


def test_the_draft_says_what_the_guide_says_and_holds_no_value(shell: Shell) -> None:
    page = (DOCS / "add-a-feed.md").read_text(encoding="utf-8")
    told = shell.said["yrd feed new prints --sample prints.csv --market DERV"].splitlines()[0]
    assert told in page


def test_the_runbook_brings_what_was_held_into_the_ledger(shell: Shell) -> None:
    lines = {line: text for line, text in shell.said.items() if "tonight-run" in line}
    diff = next(text for line, text in lines.items() if line.startswith("yrd feed diff"))
    assert "Notional amount-Leg 1 is now Notional Amount Leg1" in diff
    assert "CORR is no code of the spec" in diff
    rerun = next(text for line, text in lines.items() if line.startswith("yrd feed rerun"))
    assert "accepted 12, rejected 0, quarantined 0" in rerun
    assert "nothing waits" in lines["yrd quarantine list --ledger tonight-run/ledger"]
    assert "adopted" in lines["yrd feed show prints --ledger tonight-run/ledger"]
