"""`yrd ask`: answers, exports, blind spots, refusals."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from typer.testing import CliRunner, Result

from serving.publish import open_version
from yrd.cli import build


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build("ask"), list(arguments))


def answer(folder: Path, *arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--ledger", str(folder), "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_an_answer_ends_with_its_blind_spots(published: Path) -> None:
    result = run("SELECT count(*) AS n FROM tx", "--ledger", str(published))
    assert result.exit_code == 0
    rows, _, spots = result.stdout.partition("1 row")
    assert "n" in rows
    assert "SIMULATED" in spots
    assert "Four regions only" in spots
    assert "rules were not evaluated (--caveats all lists them)" in spots
    assert "nothing came on" in spots


def test_blind_spots_are_said_in_chinese_too(published: Path) -> None:
    told = run("--view", "alerts", "--ledger", str(published), "--lang", "zh").stdout
    assert "仅含四个地区的报送" in told
    assert "模拟数据" in told


@pytest.mark.parametrize("view", ["alerts", "alert_evidence", "hidden_by_split", "tx", "holding"])
def test_a_view_is_asked_by_its_name(published: Path, view: str) -> None:
    connection, _ = open_version(published)
    with connection:
        rows = connection.scalar(f"SELECT count(*) FROM {view}")
    assert len(answer(published, "--view", view)["answer"]) == rows > 0


def test_every_format_holds_the_same_rows_and_says_where_they_are_from(
    published: Path, tmp_path: Path
) -> None:
    query = "SELECT alert_id, peak_measure, evidence, first_crossing FROM alert ORDER BY alert_id"
    told = answer(published, query)
    read = {}
    for form in ("csv", "parquet", "arrow"):
        path = tmp_path / f"answer.{form}"
        result = run(query, "--ledger", str(published), "--format", form, "--out", str(path))
        assert result.exit_code == 0, result.output
    read["csv"] = pyarrow.csv.read_csv(tmp_path / "answer.csv")
    about = json.loads((tmp_path / "answer.csv.about.json").read_text())
    read["parquet"] = pyarrow.parquet.read_table(tmp_path / "answer.parquet")
    read["arrow"] = pa.ipc.open_file(tmp_path / "answer.arrow").read_all()
    for name in ("parquet", "arrow"):
        assert json.loads(read[name].schema.metadata[b"yrd"]) == about
        assert read[name]["evidence"].to_pylist() == [row["evidence"] for row in told["answer"]]
    assert about["data_origin"] == "SIMULATED"
    assert [spot["kind"] for spot in about["blind_spots"]][:2] == ["origin", "scope"]
    for table in read.values():
        assert table["alert_id"].to_pylist() == [row["alert_id"] for row in told["answer"]]
        assert table["peak_measure"].to_pylist() == [row["peak_measure"] for row in told["answer"]]


def test_an_earlier_time_gives_an_earlier_answer(published: Path) -> None:
    def count(*when: str) -> int:
        return int(answer(published, "SELECT count(*) AS n FROM event", *when)["answer"][0]["n"])

    assert count("--as-of", "2026-03-01") == 0
    assert 0 < count("--as-of", "2026-03-02") < count("--as-of", "2026-03-03") < count()
    assert count("--as-of", "2026-03-02T08:30") < count("--as-of", "2026-03-02")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected one statement in SQL or --view NAME"),
        (("SELECT 1", "--view", "tx"), "expected one statement in SQL or --view NAME"),
        (("SELECT 1; SELECT 2",), "ask them one by one"),
        (("DROP TABLE event",), "got DROP"),
        (("COPY event TO 'x.csv'",), "got COPY"),
        (("SET threads = 1",), "got SET"),
        (("SELECT * FROM nowhere",), "nowhere"),
        (("SELEC 1",), "syntax error"),
        (("SELECT * FROM read_csv('/etc/passwd')",), "disabled"),
        (("SELECT CAST(source_trade_id AS INTEGER) FROM event",), "TRY_CAST"),
        (("--view", "secrets"), "expected one of"),
        (("SELECT 1", "--format", "xls"), "expected one of table"),
        (("SELECT 1", "--as-of", "yesterday"), "2026-04-30"),
        (("SELECT 1", "--lang", "fr"), "zh or en"),
        (("SELECT 1", "--format", "csv", "--out", "/nowhere/x.csv"), "can be written"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    published: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run(*arguments, "--ledger", str(published))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_a_ledger_that_is_not_there_is_exit_code_two(tmp_path: Path) -> None:
    result = run("SELECT 1", "--ledger", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "yrd demo" in result.stderr
