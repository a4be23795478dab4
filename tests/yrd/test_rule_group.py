"""`yrd rule show --group`: members, ties, and what was not known yet."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.pipelines.test_groups import Made, entry, party_id
from yrd.cli.rule import app

RUNNER = CliRunner()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    made = Made(
        tmp_path,
        entry(1, "EDGE", "A", 0, edge_role="CONTROLLER", behind="K"),
        entry(2, "EDGE", "B", 2, edge_role="CONTROLLER", behind="K"),
    )
    made.close(0, 1, 2, 3)
    made.loader.close()
    return tmp_path / "ledger.duckdb"


def told(ledger: Path, *options: str) -> dict[str, object]:
    party = str(party_id("B"))
    said = RUNNER.invoke(
        app, ["show", "--group", party, "--ledger", str(ledger), "--json", *options]
    )
    assert said.exit_code == 0, said.output
    return dict(json.loads(said.output))


def test_a_group_is_told_as_each_day_knew_it(ledger: Path) -> None:
    said = told(ledger)
    since = {one["party"]: one["valid_from"] for one in said["members"]}  # type: ignore[attr-defined, index]
    assert set(since) == {party_id(name) for name in "ABK"}
    assert since[party_id("B")] > min(since.values())
    assert {one["test"] for one in said["links"]} == {"controls"}  # type: ignore[attr-defined, index]
    assert said["note"] == "each day as its own closing knew it"


def test_todays_groups_on_every_day_are_called_look_ahead(ledger: Path) -> None:
    said = told(ledger, "--knowledge", "today")
    assert said["note"] == "look-ahead"
    assert len({one["valid_from"] for one in said["members"]}) == 1  # type: ignore[attr-defined, index]


@pytest.mark.parametrize("options", [["--group", "5"], ["--group", "x"]])
def test_a_group_that_is_none_is_refused(ledger: Path, options: list[str]) -> None:
    said = RUNNER.invoke(app, ["show", *options, "--ledger", str(ledger)])
    assert said.exit_code == 2
