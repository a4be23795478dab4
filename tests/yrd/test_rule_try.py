"""`yrd rule try` on a whole run and on a tape: compared, scored, logged; nothing published."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.ends.tape import Tape, TapeWriter
from ledger.duck import Connection
from pipelines.rules.registry import load_rules
from replay.paired import Paired
from tests.yrd.conftest import Run
from yrd.cli import build
from yrd.processes.tape_ledger import tried_on
from yrd.settings import Settings


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("YRD_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("YRD_WORKERS", "1")
    monkeypatch.setenv("COLUMNS", "120")
    yield tmp_path / "var"


def tried(on: Path, *arguments: str) -> Result:
    return CliRunner().invoke(build("rule"), ["try", *arguments, "--on", str(on)])


def as_json(on: Path, *arguments: str) -> dict[str, Any]:
    ended = tried(on, *arguments, "--json")
    assert ended.exit_code == 0, ended.output
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def files(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }


def test_todays_own_numbers_change_nothing_in_either_lane(
    demo: Run, ledger: Connection, var: Path
) -> None:
    before = files(demo.ledger)
    for rule, text in (
        ("structuring", "line_person_fen=500000yuan"),
        ("invoice_double_financing", "band_2_institutions=3"),
    ):
        told = as_json(demo.folder, rule, "--set", text)
        counts = told["alerts"]
        assert counts["gained"] == counts["lost"] == counts["changed"] == 0
        assert counts["today"] == counts["tried"] == counts["kept"]
        raised = ledger.scalar(f"SELECT count(*) FROM alerts WHERE rule = '{rule}'")
        assert raised == counts["today"] + counts["set_aside"]["today"] + counts["cold"]["today"]
        pair = told["score"]["paired"]
        assert pair["only_today"] == pair["only_tried"] == 0
        assert told["score"]["planted"] + told["holdout"]["score"]["planted"] > 0
    assert files(demo.ledger) == before, "a try must write nothing where it reads"


def test_a_narrower_line_loses_what_lay_below_it_and_is_scored_in_pairs(
    demo: Run, var: Path
) -> None:
    page = var.parent / "try.html"
    # As many tries as there are: each is told its number on this tape.
    first = as_json(demo.folder, "structuring", "--set", "near_low_bp=95%", "--html", str(page))
    second = as_json(demo.folder, "pass_through", "--set", "least_in_fen=200wan")
    assert (first["try"], second["try"]) == (1, 2)
    for told in (first, second):
        counts, pair = told["alerts"], told["score"]["paired"]
        assert counts["lost"] + counts["changed"] > 0
        assert counts["lost"] <= counts["today"] <= counts["kept"] + counts["lost"]
        assert counts["tried"] <= counts["kept"] + counts["gained"]
        assert sum(pair[k] for k in ("both", "only_today", "only_tried", "neither")) == pair["n"]
        assert pair["only_today"] > 0 == pair["only_tried"]
        assert told["cpu_s"]["tried"] < 5
        assert told["by_view"]["joint"]["lost"] >= told["by_view"]["hidden_by_split"]["lost"] > 0
    lines = [json.loads(line) for line in (var / "tries.jsonl").read_text().splitlines()]
    assert [(line["try"], line["rule"]) for line in lines] == [
        (1, "structuring"),
        (2, "pass_through"),
    ]
    assert lines[0]["tape"] == json.loads((demo.folder / "plan.json").read_text())["tape"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n<html") and "&lt;style" not in text
    assert "Trying structuring" in text and "<script" not in text and "style=" not in text
    assert text.count('class="part missed"') >= 2  # the legend and the bars


def test_days_limit_what_is_counted(demo: Run, var: Path) -> None:
    whole = as_json(demo.folder, "structuring", "--set", "near_low_bp=95%")
    some = as_json(
        demo.folder, "structuring", "--set", "near_low_bp=95%", "--days", "2026-05-04..2026-05-15"
    )
    assert 0 < some["alerts"]["today"] < whole["alerts"]["today"]
    assert some["days"] == ["2026-05-04", "2026-05-15"]


def test_a_regions_own_numbers_change_its_own_view_only(demo: Run, var: Path) -> None:
    told = as_json(demo.folder, "pass_through", "--set", "least_in_fen=1wan", "--region", "310000")
    views = told["by_view"]
    assert views["joint"]["gained"] == views["joint"]["lost"] == 0
    for region in ("320000", "330000", "340000"):
        assert views[region]["gained"] == views[region]["lost"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["structure", "--set", "a=1"], "expected one of invoice_double_financing"),
        (["structuring", "--set", "line=1"], "line_person_fen (CNY fen)"),
        (["structuring", "--set", "times_a_day=x"], "whole number of transfers"),
        (["structuring", "--set", "times_a_day=4", "--days", "yesterday"], "--days: expected"),
        (["structuring", "--set", "times_a_day=4", "--region", "110000"], "--region: expected"),
    ],
)
def test_what_cannot_be_tried_is_one_line_with_the_list(
    demo: Run, var: Path, arguments: list[str], says: str
) -> None:
    ended = tried(demo.folder, *arguments)
    assert ended.exit_code == 2
    said = " ".join(ended.output.split())
    if says.startswith("expected one of"):
        assert all(name in said for name in load_rules())
    else:
        assert says in said
    assert not (var / "tries.jsonl").exists()


def test_a_place_that_holds_neither_tape_nor_run_is_said(tmp_path: Path, var: Path) -> None:
    ended = tried(tmp_path, "structuring", "--set", "times_a_day=4")
    assert ended.exit_code == 2
    assert "folder of a tape" in " ".join(ended.output.split())


def test_a_tape_is_taken_in_once_and_a_warm_up_gives_history(
    demo: Run, tmp_path: Path, var: Path
) -> None:
    """Two parts of the demo's tape: the first is history of the second."""
    tapes = []
    reader = Tape(demo.tape)
    for number, name in ((0, "before"), (1, "after")):
        with TapeWriter(tmp_path / name, "SIMULATED", 1) as writer:
            for row in reader.read(number).to_pylist()[:40]:
                if row["body"] is not None:
                    writer.add(row["feed"], row["submitter"], row["received_at"], row["body"])
        tapes.append(tmp_path / name)
    alone = as_json(tapes[1], "structuring", "--set", "times_a_day=4")
    stages: list[str] = []
    source = tried_on(tapes[1], None, Settings(), lambda stage, _, __: stages.append(stage))
    assert not stages, "the ledger made by the first try is used again"
    assert source.tape == alone["tape"]
    warmed = as_json(tapes[1], "structuring", "--set", "times_a_day=4", "--warmup", str(tapes[0]))
    assert warmed["reports"] > alone["reports"] > 0
    assert warmed["tape"] == alone["tape"]
    assert (alone["try"], warmed["try"]) == (1, 2)
    assert alone["score"] is None, "there are no labels beside this tape"


def test_pairs_that_agree_say_nothing_and_those_that_do_not_decide() -> None:
    even, uneven = Paired(100, 5, 5, 3), Paired(0, 0, 12, 0)
    assert even.p_value == 1.0 and even.difference == 0
    low, high = even.interval or (0, 0)
    assert low < 0 < high and abs(low + high) < 1e-9
    assert uneven.p_value == 2 / 2**12
    assert (uneven.interval or (0, 0))[0] > 0
    assert Paired(0, 0, 0, 0).interval is None
