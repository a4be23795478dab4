"""The command line as a user meets it: help, errors, exit codes; no traceback ever."""

import errno
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from connectors.ends.tape import TapeWriter
from schemas.errors import InputError
from serving.answers.ask import parse_time
from yrd.cli import COMMANDS, build
from yrd.cli.common import guarded
from yrd.processes.adopting import demand_own_key
from yrd.processes.layout import Layout
from yrd.settings import Settings

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yrd", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )


def test_help_lists_every_command() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", shown.stdout, re.MULTILINE), name


def test_an_unknown_command_is_one_line_and_exit_code_two() -> None:
    shown = run("nonsense")
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert "--help" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_builds_and_explains_itself(name: str) -> None:
    app = build(name)
    assert app.registered_commands or app.registered_groups


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_offers_json(name: str) -> None:
    for command in build(name).registered_commands:
        assert command.callback is not None
        assert "as_json" in command.callback.__annotations__, f"{name} {command.name}"


def test_building_the_command_line_loads_no_heavy_library() -> None:
    code = (
        "import sys, yrd.cli as c; [c.build(n) for n in c.COMMANDS]; "
        "print([m for m in ('pyflink','duckdb','great_expectations','kafka','numba','pyarrow') "
        "if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_the_settings_page_names_every_setting() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`YRD_{name.upper()}`" in page


def test_only_the_edge_reads_the_environment() -> None:
    rooms = ("schemas", "ledger", "connectors", "quality", "pipelines", "serving", "replay")
    guilty = [
        str(path.relative_to(ROOT))
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if re.search(
            r"os\.environ(?!\.update\()|getenv|datetime\.now|time\.time\(", path.read_text("utf-8")
        )
    ]
    assert guilty == []


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = typer.main.get_command(build(name))
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            yield from ((f"{name} {sub}", one) for sub, one in inner.items())


@pytest.mark.parametrize(("name", "command"), _commands(), ids=[name for name, _ in _commands()])
def test_the_commands_page_has_every_command_its_options_and_exit_codes(
    name: str, command: click.Command
) -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    _, found, rest = page.partition(f"## `yrd {name}`\n")
    assert found, f"docs/commands.md has no entry for yrd {name}"
    entry = rest.partition("\n## ")[0]
    assert "Exit status" in entry
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            assert f"| `{parameter.opts[0]}` |" in entry, parameter.opts[0]


@pytest.mark.parametrize(("name", "command"), _commands(), ids=[name for name, _ in _commands()])
def test_help_promises_exit_codes(name: str, command: click.Command) -> None:
    assert "Exit status" in (command.help or ""), name


@pytest.mark.parametrize(
    ("name", "value"),
    [("YRD_WORKERS", "0"), ("YRD_LOG_LEVEL", "loud"), ("YRD_TOKEN_KEY", "short")],
)
def test_a_setting_that_cannot_be_used_is_one_line_without_its_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    shown = run("rule", "list")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith(f"yrd: {name}: ")
    assert shown.stderr.count("\n") == 1
    assert value not in shown.stderr.partition(": ")[2].split()


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, 3, "make room"),
        (errno.EROFS, 2, "read-only"),
        (errno.ENOTDIR, 2, "expected a folder"),
        (errno.EBADF, 4, "our own fault"),
    ],
)
def test_what_the_user_can_cure_is_told_from_our_own_faults(
    number: int, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, guarded():
        raise OSError(number, "as the system says it", "a place")
    assert ended.value.exit_code == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("simulate", ["--seed", "-1", "--out", "nowhere"]),
        ("demo", ["--seed", "-1", "--out", "nowhere"]),
        ("replay", ["nowhere", "--shuffle", "-1"]),
        ("rule", ["score", "nowhere", "--seed", "-1"]),
    ],
)
def test_a_seed_below_nothing_is_wrong_usage(name: str, arguments: list[str]) -> None:
    shown = CliRunner().invoke(build(name), arguments)
    assert (shown.exit_code, "greater than or equal to 0" in shown.stderr) == (2, True)


@pytest.mark.parametrize("text", ["soon", "9999-12-31"])
def test_a_time_that_cannot_be_used_names_its_option(text: str) -> None:
    with pytest.raises(InputError, match="--known-at"):
        parse_time(text, "--known-at")


def test_a_folder_that_is_no_former_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tape").mkdir()
    (tmp_path / "summary.json").touch()
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        Layout(tmp_path).clear(keep_tape=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "summary.json",
        "tape",
        "thesis.txt",
    ]
    (tmp_path / "thesis.txt").unlink()
    Layout(tmp_path).clear(keep_tape=True)
    assert [path.name for path in tmp_path.iterdir()] == ["tape"]


def test_no_link_of_a_page_leads_nowhere_and_every_decision_is_listed() -> None:
    root = Path(__file__).parents[2]
    pages = [root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/**/*.md")]
    links = {
        (page.relative_to(root), link)
        for page in pages
        for link in re.findall(r"\]\(([^)#\s:]+)[#)]", page.read_text(encoding="utf-8"))
    }
    assert [
        f"{page}: {link}"
        for page, link in sorted(links)
        if not (root / page.parent / link).exists()
    ] == []
    index = (root / "docs/adr/README.md").read_text(encoding="utf-8")
    assert [p.name for p in root.glob("docs/adr/0*.md") if f"({p.name})" not in index] == []


def test_real_reports_are_not_taken_with_the_public_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TapeWriter(tmp_path, "REAL") as tape:
        tape.add("pacs008", "381290000019", datetime(2026, 6, 15, tzinfo=UTC), b"<a/>", "a.xml")
    refused = CliRunner().invoke(build("replay"), [str(tmp_path), "--out", str(tmp_path / "run")])
    assert (refused.exit_code, "YRD_TOKEN_KEY" in refused.stderr) == (2, True)
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv("YRD_TOKEN_KEY", "a key of one's own, long enough")
    demand_own_key(tmp_path, Settings())
