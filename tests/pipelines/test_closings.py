"""Closings: alerts raised, amended and withdrawn when it became known, and the law of the lanes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.episodes.episodes import episodes, output_sha256
from pipelines.episodes.history import History
from pipelines.lanes import late
from pipelines.lanes.closings import END_OF_TIME, Closing, closings
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.operators import holders
from pipelines.lanes.stream import run_plain
from pipelines.rules.registry import load_rules, parameters_on
from schemas.records import ALERT
from tests.pipelines.known import LATENESS_US, closed_days, instant, ledger_of
from tests.pipelines.streams import (
    DAY,
    HOUR,
    MONDAY,
    Market,
    Rows,
    every_kind,
    proves,
    streams,
    tuples,
)
from yrd.processes.concluding import conclusions

RULES = load_rules()
STREAM = [rule for rule in RULES.values() if rule.lane == "stream"]
Times = npt.NDArray[np.int64]


def concluded(rows: Rows, known: Times) -> tuple[History, tuple[Closing, ...], pa.Table]:
    """Every closing of the reports, as a run concludes them."""
    closed = closed_days(known)
    on_time = rows[known <= rows["event_time"] + LATENESS_US]
    on_time["payer_group"] = on_time["payee_group"] = 0  # the ledger alone knows groups
    stream = run_plain([on_time], [MONDAY - 1])
    ledger = ledger_of(rows, known)
    found, crossings, _ = conclusions(ledger, stream, closed, "SIMULATED", parameters_on())
    return found, closed, crossings


def at_once(rows: Rows, known: Times, closing: Closing) -> pa.Table:
    """The alerts by definition, from everything that was known at a closing."""
    by_then = known <= closing.known_us
    ledger = ledger_of(rows[by_then], known[by_then])
    found = pa.concat_tables([evaluate(ledger, rule).crossings for rule in STREAM])
    found = found.filter(pa.array(found["instant"].to_numpy() < closing.until_us))
    held = holders(ledger, found)
    return episodes(found, RULES, "SIMULATED", closing.known_at, held)


def as_of(revisions: pa.Table, time: datetime) -> pa.Table:
    """The alerts that stood at a time, from the rows that were stored."""
    newest: dict[str, dict[str, Any]] = {}
    for row in revisions.to_pylist():
        if row["known_from"] <= time:
            newest[row["alert_id"]] = row
    return pa.Table.from_pylist([r for r in newest.values() if not r["withdrawn"]], schema=ALERT)


@st.composite
def received(draw: st.DrawFn, rows: Rows) -> Times:
    """When each report came: most within the lateness, some up to ten days after."""
    delays = draw(
        st.lists(
            st.one_of(
                st.integers(0, LATENESS_US),
                st.just(LATENESS_US),
                st.integers(LATENESS_US + 1, 10 * DAY),
            ),
            min_size=len(rows),
            max_size=len(rows),
        )
    )
    return rows["event_time"] + np.array(delays, np.int64)


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_at_every_closing_stand_the_alerts_that_everything_known_by_then_gives(
    data: st.DataObject,
) -> None:
    rows = data.draw(streams())
    known = data.draw(received(rows))
    found, closed, _ = concluded(rows, known)
    final = at_once(rows, known, closed[-1])
    assert output_sha256(found.standing) == output_sha256(final)
    assert closed[-1].until_us == END_OF_TIME
    for closing in data.draw(st.lists(st.sampled_from(closed), min_size=2, max_size=3)):
        stood = as_of(found.revisions, closing.known_at)
        assert output_sha256(stood) == output_sha256(at_once(rows, known, closing))


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_the_order_of_loading_and_of_the_streams_crossings_changes_no_revision(
    data: st.DataObject,
) -> None:
    rows = data.draw(streams())
    known = data.draw(received(rows))
    found, closed, crossings = concluded(rows, known)
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(len(rows))
    again, same, others = concluded(rows[order], known[order])
    assert same == closed
    assert again.revisions.equals(found.revisions)
    assert others.equals(crossings)


def test_the_law_was_tried_on_crossings_of_every_kind() -> None:
    rows = every()
    found = run_plain([rows], [MONDAY - 1])
    for rule, variant in (("structuring", "same_customer"), ("pass_through", "pass_through")):
        proves(tuples(found), rule, variant)


def every() -> Rows:
    return every_kind(MONDAY + HOUR, 0).rows()


def structure() -> Market:
    """Four payments of 450,000 within an afternoon: three are enough."""
    market = Market()
    for hour in range(4):
        market.pay(MONDAY + hour * HOUR, 45_000_000, 1, 2, 1)
    return market


def structured() -> Rows:
    return structure().rows()


def of(found: History, variant: str = "same_pair") -> list[dict[str, Any]]:
    return [row for row in found.revisions.to_pylist() if row["variant"] == variant]


def with_delays(rows: Rows, *delays: int) -> Times:
    return rows["event_time"] + np.array(delays, np.int64)


def test_an_alert_is_known_from_the_closing_of_its_day() -> None:
    market = structure()
    market.pay(MONDAY + DAY, 100, 8, 9, 1)  # the run goes on
    rows = market.rows()
    found, closed, _ = concluded(rows, with_delays(rows, 0, 0, 0, 0, 0))
    (first,) = of(found)
    assert first["known_from"] == closed[0].known_at
    assert closed[0].known_at == datetime(2026, 1, 12, 20, 10, tzinfo=UTC)  # 04:10 in Beijing
    assert (first["revision"], first["status"], first["cause"]) == (0, "raised", "NEW")


def test_a_late_report_amends_the_alert_it_extends() -> None:
    rows = structured()
    found, _, _ = concluded(rows, with_delays(rows, 0, 0, 0, 2 * DAY))
    raised, amended = of(found)
    assert (amended["revision"], amended["status"], amended["cause"]) == (1, "amended", "LATE")
    assert amended["alert_id"] == raised["alert_id"]
    assert len(amended["evidence"]) == len(raised["evidence"]) + 1
    assert amended["known_from"] > raised["known_from"]
    standing = [row for row in found.standing.to_pylist() if row["variant"] == "same_pair"]
    assert standing == [amended]


def test_a_late_report_that_moves_the_start_withdraws_and_names_the_successor() -> None:
    rows = structured()
    found, _, crossings = concluded(rows, with_delays(rows, 2 * DAY, 0, 0, 0))
    old, *later = of(found)
    assert old["status"] == "raised"
    by_status = {row["status"]: row for row in later}
    assert set(by_status) == {"raised", "withdrawn"}
    gone, heir = by_status["withdrawn"], by_status["raised"]
    assert (gone["alert_id"], gone["revision"]) == (old["alert_id"], 1)
    assert gone["superseded_by"] == heir["alert_id"] != gone["alert_id"]
    assert gone["known_from"] == heir["known_from"] > old["known_from"]
    assert heir["cause"] == gone["cause"] == "LATE"
    standing = {row["alert_id"] for row in found.standing.to_pylist()}
    assert heir["alert_id"] in standing and gone["alert_id"] not in standing
    assert set(crossings["lane"].to_pylist()) == {"stream", "late"}


def test_an_alert_a_late_report_takes_back_is_withdrawn_without_a_successor() -> None:
    market = Market()
    market.pay(MONDAY, 70_000_000, 53, 44, 1, person=False)
    market.pay(MONDAY + 2 * HOUR, 68_000_000, 44, 54, 1, person=False)
    market.pay(MONDAY + HOUR, 90_000_000, 55, 44, 1, person=False)  # so much more came in
    rows = market.rows()
    found, _, _ = concluded(rows, with_delays(rows, 0, 0, 3 * DAY))
    raised, gone = of(found, "pass_through")
    assert (raised["status"], gone["status"]) == ("raised", "withdrawn")
    assert gone["withdrawn"] and gone["superseded_by"] is None
    assert found.standing.num_rows == 0


@pytest.mark.parametrize("days", [0, 3])
def test_an_episode_that_goes_on_is_amended_day_by_day(days: int) -> None:
    market = Market()
    for day in range(1 + days):
        for hour in range(3):
            market.pay(MONDAY + day * DAY + hour * HOUR, 45_000_000, 1, 2, 1)
    rows = market.rows()
    known = rows["event_time"] + 60_000_000
    found, closed, _ = concluded(rows, known)
    told = of(found)
    assert [row["status"] for row in told] == ["raised"] + ["amended"] * days
    assert [row["known_from"] for row in told] == [one.known_at for one in closed[: 1 + days]]
    assert {row["cause"] for row in told} == {"NEW"}


def test_a_day_closes_after_the_lateness_and_only_on_business_days() -> None:
    friday = datetime(2026, 1, 16, 3, tzinfo=UTC)
    found = closings(friday, friday + timedelta(days=5), timedelta(hours=4), timedelta(minutes=10))
    assert [(one.first.day, one.last.day) for one in found] == [
        (16, 16), (17, 19), (20, 20), (21, 21),
    ]  # fmt: skip
    assert [one.known_at.hour for one in found] == [20, 20, 20, 3]
    assert instant(found[0].until_us) == datetime(2026, 1, 16, 16, tzinfo=UTC)
    assert found[-1].until_us == END_OF_TIME
    assert closings(friday, friday, timedelta(0), timedelta(0))[-1].known_at == friday


def test_a_ledger_without_reports_has_nothing_to_conclude() -> None:
    rows = Market().rows()
    closed = closings(instant(MONDAY), instant(MONDAY + DAY), timedelta(0), timedelta(0))
    ledger = ledger_of(rows, np.zeros(0, np.int64))
    stream = run_plain([rows], [MONDAY])
    found, _, lanes = conclusions(ledger, stream, closed, "SIMULATED", parameters_on())
    assert found.revisions.num_rows == found.standing.num_rows == 0
    silent = {lane.not_evaluated for lane in lanes}
    assert "tx: no rows with DISC, PLDG, RDEM, RLSE, CNCL" in silent
    assert all(why and ": no rows" in why for why in silent)  # every rule says what it lacks


def test_a_late_report_of_a_ring_makes_every_ring_of_its_time_be_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No report names a set: as if parties were sets, the same alerts come out."""
    rows = structured()
    known = with_delays(rows, 2 * DAY, 0, 0, 0)
    usual, _, _ = concluded(rows, known)
    rules = late.stream_rules()
    as_sets = tuple(
        replace(rule, variants=tuple(replace(one, subject="set") for one in rule.variants))
        for rule in rules
    )
    monkeypatch.setattr(late, "stream_rules", lambda: as_sets)
    again, _, _ = concluded(rows, known)
    assert again.revisions.equals(usual.revisions)
    assert {row["status"] for row in again.revisions.to_pylist()} == {"raised", "withdrawn"}
