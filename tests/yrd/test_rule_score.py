"""`yrd rule score`: what it prints and the JSON others read."""

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from schemas.regions import REGIONS
from tests.replay.scoring.tables import CYCLES, FANS, everyday, write
from tests.yrd.conftest import Run
from yrd.cli import build

RATIO = {"hits", "n", "value", "low", "high"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("score"), everyday())


def score(*arguments: str | Path) -> Any:
    ended = CliRunner().invoke(build("rule"), ["score", *map(str, arguments), "--json"])
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def test_the_json_has_every_part_and_every_ratio_its_interval(table: Path) -> None:
    told = score(table, "--armed-days", "5", "--camouflaged")
    for part in (told, told["camouflaged"]):
        rule = part["by_rule"]["pass_through"]
        assert set(rule["solo"]) == {*REGIONS, "union"}
        for side in (rule["joint"], *rule["solo"].values()):
            assert {"recall", "precision", "delay_days", "alerts", "n"} <= set(side)
            assert set(side["recall"]) == set(side["precision"]) == RATIO
        assert rule["joint"]["alerts"] > 0
        # One account has one region, which sees both of its legs: nothing can hide.
        assert (rule["hidden_by_split"], rule["not_raised_jointly"]) == (0, 0)
        assert {"precision", "recall", "f1"} <= set(part["transfers"])
        assert part["per_1000_accounts_month"] > 0
        assert set(part["baselines"]) == {
            "crosses_a_region",
            "crosses_a_region_and_is_a_new_pair",
            "solo_touching",
            "solo_retuned",
            "alert_exchange",
        }


def test_planted_patterns_are_found_and_rings_hide_from_every_region(table: Path) -> None:
    rules = score(table, "--partition", "random", "--armed-days", "45")["by_rule"]
    for name, n in (("fan_in", FANS), ("cycle", CYCLES)):
        assert (rules[name]["joint"]["recall"]["hits"], rules[name]["joint"]["n"]) == (n, n)
        assert rules[name]["joint"]["precision"]["value"] == 1.0
        # The last transfer of a pattern completes it; a fan speaks before.
        assert -6 < rules[name]["joint"]["delay_days"] <= 0
    assert rules["cycle"]["hidden"]["patterns"]["hits"] > 0
    assert rules["cycle"]["paired"]["joint_only"] > rules["cycle"]["paired"]["solo_only"] == 0


def test_regions_thresholds_move_towards_as_many_alerts_as_jointly(table: Path) -> None:
    told = score(table, "--partition", "random", "--rule", "cycle", "--rule", "fan_in")
    moved = told["baselines"]["solo_retuned"]["by_rule"]
    for rule, one in told["by_rule"].items():
        joint, alone = one["joint"]["alerts"], one["solo"]["union"]["alerts"]
        assert moved[rule]["joint_alerts"] == joint
        off = [abs(count - joint) for count in (moved[rule]["alerts"], alone)]
        assert off[0] <= max(off[1], joint / 10)
        assert (moved[rule]["values"] == {}) == (moved[rule]["alerts"] == alone)
        # Whoever has the pattern's every transfer finds it; exchange and touching are in between.
        touched = told["baselines"]["solo_touching"]["by_rule"][rule]["hits"]
        linked = told["baselines"]["alert_exchange"]["by_rule"][rule]["recall"]["hits"]
        assert one["solo"]["union"]["recall"]["hits"] <= touched
        assert linked <= one["joint"]["recall"]["hits"]


def test_the_same_call_says_the_same(table: Path) -> None:
    calls = [score(table, "--partition", "community", "--cross", "40", "--quick") for _ in "12"]
    assert calls[0] == calls[1]
    assert calls[0]["assignment"]["cross"] == pytest.approx(0.4, abs=0.02)


def test_a_region_that_takes_no_part_sees_nothing(table: Path) -> None:
    some = score(table, "--rule", "pass_through", "--vantages", "310000", "--quick")
    rule = some["by_rule"]["pass_through"]
    assert list(some["by_rule"]) == ["pass_through"]
    assert [rule["solo"][region]["alerts"] for region in REGIONS[1:]] == [0, 0, 0]


def test_other_numbers_change_what_is_raised(table: Path) -> None:
    plain, strict = (
        score(table, "--rule", "pass_through", "--armed-days", "0", "--quick", *more)
        for more in ((), ("--set", "pass_through.least_in_fen=90003000"))
    )
    alerts = [one["by_rule"]["pass_through"]["joint"]["alerts"] for one in (plain, strict)]
    assert alerts[0] > alerts[1] > 0


def test_the_curve_has_a_row_a_share_and_a_picture(table: Path, tmp_path: Path) -> None:
    picture = tmp_path / "curve.svg"
    told = score(
        table, "--curve", "--seeds", "1", "--svg", picture, "--armed-days", "0", "--rule", "fan_in"
    )
    rows = [row for row in told["curve"] if row["rule"] == "all"]
    assert {row["partition"] for row in rows} == {"bank", "community", "random"}
    assert len(rows) == 3 * 8
    # The joint vantage sees the same however regions are given.
    assert len({row["joint"]["recall"]["hits"] for row in rows}) == 1
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<svg") and text.count("<polyline") > 0 and "NaN" not in text


def test_a_run_is_scored_by_what_it_stored(demo: Run) -> None:
    told = score(demo.folder, "--quick")
    planted = pq.read_table(demo.tape / "labels.parquet", columns=["rule", "kind"])
    for rule in ("pass_through", "structuring", "invoice_double_financing"):
        one = told["by_rule"][rule]
        schemes = pc.and_(pc.equal(planted["rule"], rule), pc.equal(planted["kind"], "scheme"))
        assert one["joint"]["n"] == pc.sum(schemes).as_py()
        assert one["joint"]["recall"]["value"] > 0.5
        # Alerts of two variants with the same evidence are two alerts, and count once.
        assert 0 < one["hidden_by_split"] <= demo.result["by_rule"][rule]["hidden_by_split"]


class TestRefusals:
    def refused(self, *arguments: str | Path) -> str:
        ended = CliRunner().invoke(build("rule"), ["score", *map(str, arguments)])
        assert ended.exit_code == 2
        return " ".join(ended.output.split())

    def test_an_unknown_rule(self, table: Path) -> None:
        assert "--rule nothing: expected one of" in self.refused(table, "--rule", "nothing")

    def test_an_unknown_number(self, table: Path) -> None:
        said = self.refused(table, "--set", "pass_through.nothing=3")
        assert "--set pass_through.nothing: expected one of" in said
        assert "--set: expected RULE.NAME=VALUE" in self.refused(table, "--set", "a=b")

    def test_a_folder_that_is_neither_tape_nor_run(self, tmp_path: Path) -> None:
        assert "expected a transfer table, a tape" in self.refused(tmp_path)

    def test_regions_of_a_tape_are_its_own(self, tmp_path: Path) -> None:
        assert "a tape has its own regions" in self.refused(tmp_path, "--cross", "20")
