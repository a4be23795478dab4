"""Blind spots on a screen: many of a kind are counted, and how to see them is said."""

import json
from pathlib import Path

from typer.testing import CliRunner

from serving.answers.blind_spots import BlindSpot
from serving.answers.folding import MOST, folded
from yrd.cli import build


def spots(kind: str, count: int) -> list[BlindSpot]:
    return [BlindSpot(kind, f"源{n}：缺。", f"feed{n}: silent.") for n in range(count)]  # type: ignore[arg-type]


def test_few_of_a_kind_stay_as_they_are_and_many_become_a_count() -> None:
    few = [*spots("origin", 1), *spots("feed", MOST), *spots("quarantine", 1)]
    assert list(folded(few)) == few
    many = [*spots("origin", 1), *spots("feed", 9), *spots("feed", 9), *spots("rule", 12)]
    origin, feeds, rules = folded(many)
    assert origin == many[0]
    assert "9 feeds" in feeds.en and "18 gaps" in feeds.en and "18 处" in feeds.zh
    assert rules.en.startswith("12 rules were not evaluated")
    for spot in (feeds, rules):
        assert "--caveats all" in spot.en and "--caveats all" in spot.zh


def test_the_screen_counts_and_files_and_all_have_every_one(
    published: Path, tmp_path: Path
) -> None:
    app, runner = build("ask"), CliRunner()
    asked = ["SELECT 1 AS one", "--ledger", str(published)]
    every = json.loads(runner.invoke(app, [*asked, "--json"]).stdout)["blind_spots"]
    short = runner.invoke(app, asked).stdout
    whole = runner.invoke(app, [*asked, "--caveats", "all"]).stdout
    assert whole.count("\n  - ") == len(every) > short.count("\n  - ") >= 4
    for spot in every:
        assert spot["en"] in whole
    assert "Data origin: SIMULATED" in short and "Four regions only" in short
    out = tmp_path / "one.csv"
    runner.invoke(app, [*asked, "--format", "csv", "--out", str(out)])
    beside = json.loads((tmp_path / "one.csv.about.json").read_text(encoding="utf-8"))
    assert beside["blind_spots"] == every
    assert runner.invoke(app, [*asked, "--caveats", "none"]).exit_code == 2
