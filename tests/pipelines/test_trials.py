"""Trying numbers: what is matched, what is set aside, what is cold, and what may be typed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.episodes.episodes import episodes
from pipelines.lanes.stream import run_once
from pipelines.rules.registry import load_rules, parameters_on
from pipelines.trials.compare import VIEWS, compare
from pipelines.trials.holdout import Holdout, declared, holdout
from pipelines.trials.raising import cold
from pipelines.trials.values import parse_values
from schemas.errors import ConfigurationError, InputError
from tests.pipelines.streams import DAY, MONDAY, every_kind

RULE = load_rules()["structuring"]


def alerts(**values: int) -> pa.Table:
    crossings = run_once(
        every_kind(MONDAY, 0).rows(), parameters_on().changed("structuring", **values)
    )
    return episodes(crossings, load_rules(), "SIMULATED", datetime(2026, 3, 1, tzinfo=UTC))


def mine(table: pa.Table) -> pa.Table:
    return table.filter(pa.array([name == "structuring" for name in table["rule"].to_pylist()]))


def test_the_same_numbers_gain_and_lose_nothing() -> None:
    same = compare(alerts(), alerts())
    assert (same.gained, same.lost, same.changed) == ((), (), ())
    assert len(same.kept) == alerts().num_rows > 10
    views = same.by_view()
    assert set(views) == set(VIEWS)
    assert all(row["gained"] == row["lost"] == 0 for row in views.values())


def test_a_higher_number_loses_alerts_and_the_way_back_gains_the_same() -> None:
    three, four = mine(alerts()), mine(alerts(times_a_day=4, days_running=4))
    there, back = compare(three, four), compare(four, three)
    assert there.lost and not there.gained
    assert [row["alert_id"] for row in there.lost] == [row["alert_id"] for row in back.gained]
    assert len(there.kept) + len(there.lost) == three.num_rows
    lost = there.by_view()
    assert lost["joint"]["lost"] == sum(not row["not_raised_jointly"] for row in there.lost)
    assert lost["hidden_by_split"]["lost"] > 0, "the market must hold hidden alerts to lose"


def test_an_alert_that_begins_elsewhere_is_still_the_same_one() -> None:
    """With four a day the first crossing is an hour later: another id, the same evidence."""
    there = compare(mine(alerts()), mine(alerts(times_a_day=4, days_running=4)))
    moved = [(a, b) for a, b in there.kept if a["alert_id"] != b["alert_id"]]
    assert moved
    assert all(set(a["evidence"]) & set(b["evidence"]) for a, b in moved)
    assert any(a["solo_status"] != b["solo_status"] for a, b in there.changed) or moved


def test_an_alert_whose_counterpart_does_not_count_is_not_lost() -> None:
    table = mine(alerts())
    none, every = [False] * table.num_rows, [True] * table.num_rows
    moved = compare(table, table, every, none)
    assert (moved.lost, moved.gained) == ((), ())
    assert len(moved.kept) == table.num_rows
    empty = table.slice(0, 0)
    assert compare(table, empty, none, []).lost == ()
    assert compare(empty, table, [], none).gained == ()
    assert len(compare(empty, table, [], every).gained) == table.num_rows


def test_days_are_set_aside_by_tape_and_day_and_about_as_many_as_declared() -> None:
    share, _ = declared()
    days = np.arange(20_000, 24_000, dtype=np.int64) * DAY
    aside = holdout("one").holds(days)
    assert abs(aside.mean() - share) < 0.03
    assert (aside != holdout("two").holds(days)).any()
    # a day is a Beijing day: 16:00 UTC begins the next one
    hours = np.arange(0, 48, dtype=np.int64) * 3_600_000_000 + days[0]
    one = holdout("one").holds(hours)
    assert len({bool(x) for x in one[:16]}) == len({bool(x) for x in one[16:40]}) == 1
    assert Holdout("one", share, whole=True).holds(days).all()


def test_a_share_nobody_would_call_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "holdout.toml"
    path.write_text("share_of_days = 1.5\ntapes = []\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="share_of_days: expected more than 0"):
        declared(path)


def test_an_alert_is_cold_until_the_history_is_as_long_as_the_rule_looks_back() -> None:
    monday = datetime(2026, 4, 13, 2, tzinfo=UTC)  # business days follow for three weeks
    first = [monday + timedelta(days=n) for n in (0, 7, 11, 16, 18)]
    table = pa.table({"first_crossing": pa.array(first, pa.timestamp("us", "UTC"))})
    since = int(monday.timestamp() * 1_000_000)
    found = cold(RULE, table, since).tolist()
    assert found[0] and found[1] and not found[-1]
    assert found == sorted(found, reverse=True)
    assert not cold(RULE, table, since - 60 * DAY).any()
    assert cold(RULE, table, None).all()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("line_person_fen=45_000_000", {"line_person_fen": 45_000_000}),
        ("line_person_fen=450000.5yuan", {"line_person_fen": 45_000_050}),
        ("line_person_fen=45wan", {"line_person_fen": 45_000_000}),
        ("near_low_bp=85.5%", {"near_low_bp": 8_550}),
        ("times_a_day = 4", {"times_a_day": 4}),
    ],
)
def test_a_value_may_be_typed_in_the_unit_people_use(text: str, value: dict[str, Any]) -> None:
    assert parse_values(RULE, [text]) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("line=45", "line_person_fen \\(CNY fen\\), line_other_fen"),
        ("times_a_day", "expected NAME=VALUE"),
        ("times_a_day=0.5", "times_a_day: expected a whole number of transfers, such as 3"),
        ("times_a_day=4yuan", "times_a_day: expected a whole number of transfers"),
        ("line_person_fen=many", "whole number of CNY fen, such as 50000000 or with yuan, wan"),
        ("line_person_fen=-1", "line_person_fen: expected a whole number"),
        ("near_low_bp=0.8", "near_low_bp: expected a whole number of basis points"),
    ],
)
def test_a_value_of_no_parameter_or_another_unit_is_refused_with_the_list(
    text: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        parse_values(RULE, [text])


def test_nothing_and_the_same_twice_are_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        parse_values(RULE, [])
    with pytest.raises(InputError, match="expected once"):
        parse_values(RULE, ["times_a_day=4", "times_a_day=5"])
