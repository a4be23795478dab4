"""The generated page and the two commands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger import ddl, duck
from quality.page import page
from quality.rules import catalogue
from quality.suites import checks
from tests.quality.conftest import FIRST_DAY, append, payments
from yrd.cli.quality import app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def small_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("ledger") / "ledger.duckdb"
    with duck.open(path, read_only=False) as connection:
        ddl.create(connection, "SIMULATED")
        append(connection, "PYMT", payments(FIRST_DAY))
    yield path


def test_the_page_is_what_the_catalogue_says() -> None:
    committed = (ROOT / "docs" / "quality.md").read_text("utf-8")
    assert committed == page(), "run: python -m quality.page docs/quality.md"
    for entry in (*catalogue(), *checks()):
        assert f"| {entry.id} |" in committed


def test_rules_are_listed_as_text_and_as_json() -> None:
    everything = CliRunner().invoke(app, ["rules", "--json"])
    assert [rule["id"] for rule in json.loads(everything.stdout)] == [r.id for r in catalogue()]
    payments_only = CliRunner().invoke(app, ["rules", "--market", "PYMT", "--json"])
    assert all("PYMT" in rule["markets"] for rule in json.loads(payments_only.stdout))
    text = CliRunner().invoke(app, ["rules", "--market", "LOAN", "--lang", "zh"])
    assert "LOAN-101" in text.stdout
    assert "金融机构代码" in text.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["rules", "--market", "CORN"],
        ["rules", "--lang", "fr"],
        ["day", "2026-02-30"],
        ["day", "2026-03-10", "--ledger", "no/such/folder"],
    ],
)
def test_wrong_usage_ends_with_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_a_day_the_ledger_does_not_hold_is_wrong_usage(small_ledger: Path) -> None:
    result = CliRunner().invoke(app, ["day", "2026-01-01", "--ledger", str(small_ledger)])
    assert result.exit_code == 2


def test_a_day_with_an_alien_code_fails_with_exit_code_1_and_leaves_pages(
    small_ledger: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.duckdb"
    bad.write_bytes(small_ledger.read_bytes())
    with duck.open(bad, read_only=False) as connection:
        connection.execute("UPDATE stored.event_profile SET action_type = 'ODD'")
    for path, code in ((small_ledger, 0), (bad, 1)):
        docs = tmp_path / f"docs-{code}"
        arguments = ["day", str(FIRST_DAY), "--ledger", str(path), "--docs", str(docs), "--json"]
        result = CliRunner().invoke(app, arguments)
        answer = json.loads(result.stdout)
        failed = [check["id"] for check in answer["checks"] if not check["passed"]]
        assert (result.exit_code, answer["passed"]) == (code, code == 0)
        assert failed == (["DAY-203"] if code else [])
        assert answer["data_origin"] == "SIMULATED"
        assert Path(answer["docs"]).is_file()
