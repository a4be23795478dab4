"""Alerts that were amended, withdrawn and replaced: what a reader is told of them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from ledger import asof
from ledger.duck import Connection
from ledger.loader import Loader
from schemas.errors import InputError
from schemas.records import ALERT
from serving.answers import explain_text, words
from serving.answers.explain import explanation
from serving.answers.revisions import revisions, successor
from serving.answers.verify import verify
from serving.publish import open_version, publish
from tests.ledger.filled import results, structured_payments
from yrd.cli import build

RAISED = datetime(2026, 3, 4, 20, 10, tzinfo=UTC)  # 2026-03-05 04:10 in Beijing
DAY = timedelta(days=1)
OLD, OLDER, GONE = "0" * 32, "1" * 32, "2" * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published ledger: an alert raised and amended, which took the place of two before it."""
    root = tmp_path_factory.mktemp("revised")
    with Loader(root / "writer.duckdb", "SIMULATED") as loader:
        loader.load_segment("tape", 0, {"event": structured_payments()})
        loader.flush()
        crossings, alerts = results(loader)
        (real,) = (row for row in alerts.to_pylist() if row["variant"] == "same_customer")
        started = real | {"evidence": real["evidence"][:5], "peak_measure": 225_000_000}
        rows = [
            started | state(OLDER, 0, "raised", RAISED),
            started | state(GONE, 0, "raised", RAISED),
            started | state(OLDER, 1, "withdrawn", RAISED + DAY, superseded_by=OLD, cause="LATE"),
            started | state(OLD, 0, "raised", RAISED + DAY, cause="LATE"),
            started | state(GONE, 1, "withdrawn", RAISED + DAY, cause="CORRECTION"),
            started | state(OLD, 1, "withdrawn", RAISED + 2 * DAY, superseded_by=real["alert_id"]),
            started | state(real["alert_id"], 0, "raised", RAISED + 2 * DAY),
            real | state(real["alert_id"], 1, "amended", RAISED + 3 * DAY, cause="LATE"),
        ]
        size = crossings.num_rows
        known = pa.array([RAISED] * size, pa.timestamp("us", "UTC"))
        crossings = crossings.append_column("lane", pa.array(["stream"] * size))
        loader.load_segment(
            "alerts",
            0,
            {
                "alert": pa.Table.from_pylist(rows, schema=ALERT),
                "crossing": crossings.append_column("known_from", known),
            },
        )
        publish(loader, root)
    return root


def state(
    alert_id: str, revision: int, status: str, known: datetime, **more: Any
) -> dict[str, Any]:
    return {
        "alert_id": alert_id, "revision": revision, "status": status, "known_from": known,
        "withdrawn": status == "withdrawn", "cause": "NEW",
    } | more  # fmt: skip


@pytest.fixture
def ledger(folder: Path) -> Iterator[Connection]:
    connection, _ = open_version(folder)
    with connection:
        yield connection


def standing(ledger: Connection) -> str:
    found: str = ledger.scalar("SELECT alert_id FROM alerts")
    return found


def test_an_old_id_leads_to_what_stands_however_often_it_was_replaced(ledger: Connection) -> None:
    assert successor(ledger, OLDER) == successor(ledger, OLD) == standing(ledger)
    assert successor(ledger, standing(ledger)) == standing(ledger)
    assert successor(ledger, GONE) == GONE


def test_the_states_of_an_alert_follow_each_other_without_a_gap(ledger: Connection) -> None:
    raised, amended = revisions(ledger, standing(ledger))
    assert (raised.status, amended.status) == ("raised", "amended")
    assert (raised.transactions, amended.transactions) == (5, 9)
    assert raised.known_to == amended.known_from
    assert amended.known_to is None


@pytest.mark.parametrize(
    ("lang", "replaced", "since", "line"),
    [
        ("zh", "已于 2026-03-06 04:10:00（北京时间）撤回，由本预警替代",
         "2026-03-07 04:10:00（北京时间）起知悉",
         "2026-03-08 04:10:00  修订  迟到报送  9 笔, 405.00 万元"),
        ("en", "was withdrawn at 2026-03-06 04:10:00 Beijing time; this took its place",
         "Known since 2026-03-07 04:10:00 Beijing time",
         "2026-03-08 04:10:00  amended  late reports  9 transactions, CNY 4,050,000"),
    ],
)  # fmt: skip
def test_explaining_an_old_id_tells_its_successor_and_says_so(
    ledger: Connection, lang: words.Lang, replaced: str, since: str, line: str
) -> None:
    told = explanation(ledger, OLDER)
    assert told.alert.alert_id == standing(ledger)
    text = explain_text.text(told, lang)
    for needed in (OLDER[:12], replaced, since, line):
        assert needed in text, needed
    directly = explanation(ledger, standing(ledger))
    assert directly.took_place_of is None
    assert directly.revisions == told.revisions
    assert replaced not in explain_text.text(directly, lang)


def test_a_withdrawn_alert_without_a_successor_says_that_it_is_gone(ledger: Connection) -> None:
    text = explain_text.text(explanation(ledger, GONE), "en")
    assert "Withdrawn at 2026-03-06 04:10:00; nothing took its place." in text
    assert "corrected reports" in text
    assert "已于 2026-03-06 04:10:00 撤回" in explain_text.text(explanation(ledger, GONE), "zh")


def test_the_list_shows_what_stands_and_with_all_what_was_withdrawn(folder: Path) -> None:
    app, runner = build("alert"), CliRunner()
    plain = json.loads(runner.invoke(app, ["list", "--ledger", str(folder), "--json"]).stdout)
    assert len(plain) == 1
    assert plain[0]["known_since"] == (RAISED + 2 * DAY).isoformat()
    every = json.loads(
        runner.invoke(app, ["list", "--ledger", str(folder), "--all", "--json"]).stdout
    )
    assert {row["alert_id"] for row in every} == {plain[0]["alert_id"], OLD, OLDER, GONE}
    shown = runner.invoke(app, ["list", "--ledger", str(folder), "--all"]).stdout
    assert f"withdrawn, now {OLD[:12]}" in shown
    assert "3 of them withdrawn" in shown
    assert (
        "已撤回"
        in runner.invoke(app, ["list", "--ledger", str(folder), "--all", "--lang", "zh"]).stdout
    )


@pytest.mark.parametrize(
    ("after", "ids"),
    [(-1, []), (0, [GONE, OLDER]), (1, [OLD]), (2, ["real"]), (3, ["real"])],
)
def test_as_of_an_earlier_time_stood_what_stood_then(
    folder: Path, after: int, ids: list[str]
) -> None:
    connection, _ = open_version(folder)
    with connection:
        real = standing(connection)
        asof.apply(connection, RAISED + after * DAY + timedelta(hours=1))
        found = [row[0] for row in connection.rows("SELECT alert_id FROM alerts ORDER BY 1")]
        assert found == sorted(real if one == "real" else one for one in ids)
        if ids == ["real"]:
            told = explanation(connection, real)
            assert len(told.revisions) == after - 1
            assert told.revisions[-1].known_to is None


def test_a_withdrawn_alert_has_nothing_to_be_proven(ledger: Connection) -> None:
    nothing: Any = None  # neither the tape nor the intake is asked
    with pytest.raises(InputError, match="expected one that stands; it was withdrawn"):
        verify(ledger, nothing, nothing, GONE)
