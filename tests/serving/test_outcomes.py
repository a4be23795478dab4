"""Outcomes: recorded once and for all, shown where the alert is, counted as running precision."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from schemas.errors import InputError
from serving.answers.outcomes import OUTCOMES, latest, read, record, running
from serving.publish import open_version
from yrd.cli import build
from yrd.cli.alert_outcome import precision

Call = Callable[..., Result]
AT = datetime(2026, 6, 1, 3, tzinfo=UTC)


def alert(number: int, rule: str = "structuring") -> dict[str, object]:
    return {
        "alert_id": f"{number:032x}",
        "rule": rule,
        "variant": rule,
        "data_origin": "SIMULATED",
    }


def test_the_newest_outcome_counts_and_the_older_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "var" / "outcomes.jsonl"
    assert read(path) == ()
    for number, what in ((1, "unresolved"), (2, "false"), (1, "confirmed"), (3, "confirmed")):
        record(path, alert(number), what, f"because {number}", "a desk", AT)
    record(path, alert(4, "pass_through"), "unresolved", "waiting", "a desk", AT)
    known = read(path)
    assert [one.outcome for one in known if one.alert_id.endswith("1")] == [
        "unresolved",
        "confirmed",
    ]
    assert latest(known)[f"{1:032x}"].outcome == "confirmed"
    counted = running(known)
    assert counted["structuring", "SIMULATED"] == {"confirmed": 2, "false": 1, "unresolved": 0}
    told = precision(dict(counted["structuring", "SIMULATED"]))
    assert (told["hits"], told["n"], told["unresolved"]) == (2, 3, 0)
    assert 0 < told["low"] < 2 / 3 < told["high"] < 1
    assert precision(dict(counted["pass_through", "SIMULATED"]))["value"] is None


@pytest.mark.parametrize("damage", ["changed", "taken out", "not json"])
def test_a_line_that_was_touched_later_is_noticed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "outcomes.jsonl"
    for number in range(3):
        record(path, alert(number), "false", "looked", "a desk", AT)
    lines = path.read_text(encoding="utf-8").splitlines()
    if damage == "changed":
        lines[1] = lines[1].replace("false", "confirmed")
    elif damage == "taken out":
        del lines[1]
    else:
        lines[1] = "{"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"outcomes\.jsonl: line \d"):
        read(path)
    with pytest.raises(InputError):
        record(path, alert(9), "false", "looked", "a desk", AT)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("what", "because", "by", "says"),
    [
        ("true", "x", "y", "confirmed, false, unresolved"),
        ("false", " ", "y", "--because"),
        ("false", "x", "", "--by"),
        ("false", "x" * 2_001, "y", "--because"),
    ],
)
def test_an_outcome_nobody_could_use_is_refused(
    tmp_path: Path, what: str, because: str, by: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        record(tmp_path / "outcomes.jsonl", alert(1), what, because, by, AT)
    assert not (tmp_path / "outcomes.jsonl").exists()


@pytest.fixture
def called(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("YRD_VAR", str(tmp_path))

    def call(*arguments: str, group: str = "alert", ledger: bool = True) -> Result:
        where = ["--ledger", str(published)] if ledger else []
        return CliRunner().invoke(build(group), [*arguments, *where])

    return call


def test_an_outcome_is_shown_with_its_alert_and_feeds_the_rules_precision(
    called: Call, published: Path, tmp_path: Path
) -> None:
    connection, _ = open_version(published)
    with connection:
        alert_id = str(connection.scalar("SELECT alert_id FROM alerts"))
    assert "no outcomes yet" in called("list", group="rule", ledger=False).output
    said = ["outcome", alert_id[:8], "unresolved", "--because", "waits for an answer"]
    first = called(*said, "--by", "desk 2", "--known-at", "2026-06-01T10:00", "--json")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["known_at"] == "2026-06-01T02:00:00+00:00"
    assert json.loads(first.stdout)["alert_id"] == alert_id
    second = called("outcome", alert_id, "confirmed", "--because", "the payer said so")
    assert second.exit_code == 0, second.output
    shown = called("explain", alert_id, "--lang", "zh").output
    assert "未决" in shown and "属实" in shown and "desk 2: waits for an answer" in shown
    told = json.loads(called("explain", alert_id, "--json").stdout)
    assert [one["outcome"] for one in told["outcomes"]] == ["unresolved", "confirmed"]
    assert "confirmed" in called("list").output
    (row,) = json.loads(called("list", "--json").stdout)
    assert row["outcome"] == "confirmed"
    rules = json.loads(called("list", "--json", group="rule", ledger=False).stdout)
    (mine,) = [rule for rule in rules if rule["name"] == "structuring"]
    ((origin, counted),) = mine["outcomes"].items()
    assert (origin, counted["hits"], counted["n"]) == (row["data_origin"], 1, 1)
    for wrong in (["outcome", "zzz", "false", "--because", "x"], [*said[:2], "maybe", *said[3:]]):
        ended = called(*wrong)
        assert ended.exit_code == 2
        assert "Traceback" not in ended.output
    assert len(read(tmp_path / "outcomes.jsonl")) == 2
    assert set(OUTCOMES) == {"confirmed", "false", "unresolved"}


def test_one_alert_has_a_page_of_its_own(called: Call, published: Path, tmp_path: Path) -> None:
    connection, _ = open_version(published)
    with connection:
        alert_id = str(connection.scalar("SELECT alert_id FROM alerts"))
    path = tmp_path / "alert.html"
    ended = called("explain", alert_id, "--html", str(path))
    assert ended.exit_code == 0, ended.output
    page = path.read_text(encoding="utf-8")
    assert alert_id in page and "<svg" in page and "SIMULATED" in page
    assert page.startswith("<!DOCTYPE html>\n<html") and "&lt;style" not in page
    assert "<script" not in page and " style=" not in page
    called("explain", alert_id, "--html", str(tmp_path / "again.html"))
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    assert called("explain", alert_id, "--html", str(tmp_path / "no" / "x.html")).exit_code == 2
