"""Episodes: what every vantage saw, hidden by split, not raised jointly, and the output hash."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.episodes.episodes import episodes, output_sha256
from pipelines.episodes.revisions import revise
from pipelines.lanes.stream import run_plain
from pipelines.rules.registry import load_rules
from schemas.errors import ConfigurationError
from schemas.records import ALERT, CROSSING
from tests.pipelines.streams import DAY, HOUR, MONDAY, Market, every_kind

NOW = datetime(2026, 3, 1, tzinfo=UTC)
JOINT = 4
PASS = ("pass_through", "pass_through")


def crossing(vantage: int, instant: int, evidence: list[int], **more: Any) -> dict[str, Any]:
    rule, variant = PASS
    return {
        "rule": rule, "variant": variant, "vantage": vantage, "subject": 5, "instant": instant,
        "measure": 100, "band": 1, "evidence": evidence, "search_cut": False,
    } | more  # fmt: skip


def alerts_of(*rows: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    table = pa.Table.from_pylist(list(rows), schema=CROSSING)
    found: list[dict[str, Any]] = episodes(
        table, load_rules(), "SIMULATED", NOW, **more
    ).to_pylist()
    return found


def test_hidden_by_split_means_none_in_every_region() -> None:
    (alert,) = alerts_of(crossing(JOINT, MONDAY, [1, 2]))
    assert alert["hidden_by_split"]
    assert not alert["not_raised_jointly"]
    assert alert["solo_status"] == ["none"] * 4
    assert alert["solo_peak"] == [None] * 4
    (seen,) = alerts_of(crossing(JOINT, MONDAY, [1, 2]), crossing(3, MONDAY, [1]))
    assert not seen["hidden_by_split"]


@pytest.mark.parametrize(
    ("own", "status"),
    [([1], "partial"), ([1, 2], "seen"), ([9], "partial"), ([1, 2, 3, 4], "seen")],
)
def test_a_region_that_covers_less_than_half_the_evidence_saw_it_in_part(
    own: list[int], status: str
) -> None:
    (alert,) = alerts_of(crossing(JOINT, MONDAY, [1, 2, 3, 4]), crossing(1, MONDAY + 5, own))
    assert alert["solo_status"] == ["none", status, "none", "none"]
    assert alert["solo_coverage"][1] == len(set(own) & {1, 2, 3, 4}) / 4
    assert alert["solo_first"][1] - alert["joint_first"] == timedelta(microseconds=5)


def test_what_only_a_region_raises_is_kept_as_not_raised_jointly() -> None:
    (alert,) = alerts_of(crossing(2, MONDAY, [1, 2], measure=7, band=3))
    assert alert["not_raised_jointly"]
    assert not alert["hidden_by_split"]
    assert alert["solo_status"] == ["none", "none", "seen", "none"]
    assert (alert["peak_measure"], alert["peak_band"], alert["evidence"]) == (7, 3, [1, 2])
    assert alert["joint_first"] is None


def test_the_joint_vantage_speaks_for_an_alert_it_raised() -> None:
    (alert,) = alerts_of(
        crossing(0, MONDAY, [1, 8], measure=900, band=3),
        crossing(JOINT, MONDAY + 1, [1, 2], measure=50),
        crossing(JOINT, MONDAY + 2, [2, 3], measure=40, band=2),
    )
    assert (alert["peak_measure"], alert["peak_band"]) == (50, 2)
    assert alert["evidence"] == [1, 2, 3]
    assert alert["solo_peak"][0] == 900
    assert alert["first_crossing"] < alert["joint_first"]


@pytest.mark.parametrize(("gap", "count"), [(24 * HOUR, 1), (24 * HOUR + 1, 2)])
def test_an_episode_lasts_until_the_horizon_passes(gap: int, count: int) -> None:
    assert len(alerts_of(crossing(JOINT, MONDAY, [1]), crossing(1, MONDAY + gap, [2]))) == count


@pytest.mark.parametrize(("days", "count"), [(14, 1), (15, 2)])
def test_a_horizon_in_business_days_skips_the_weekend(days: int, count: int) -> None:
    rows = [
        crossing(JOINT, MONDAY + n * DAY, [n], rule="structuring", variant="same_pair")
        for n in (0, days)
    ]
    assert len(alerts_of(*rows)) == count


@pytest.mark.parametrize(("days", "count"), [(14, 1), (15, 2)])
def test_what_lies_before_the_calendar_begins_counts_weekdays(days: int, count: int) -> None:
    long_ago = int(datetime(2024, 12, 2, 2, tzinfo=UTC).timestamp()) * 1_000_000  # a Monday
    rows = [
        crossing(JOINT, long_ago + n * DAY, [n], rule="structuring", variant="same_pair")
        for n in (0, days)
    ]
    assert len(alerts_of(*rows)) == count


@pytest.mark.parametrize(("over", "links"), [(0, [None]), (1, [None, "first"])])
def test_an_episode_is_closed_after_ninety_days_and_linked(over: int, links: list[Any]) -> None:
    rows = [crossing(JOINT, MONDAY + n * DAY // 2, [n]) for n in range(180)]
    rows.append(crossing(JOINT, MONDAY + 90 * DAY + over, [500]))
    found = alerts_of(*rows)
    assert [a["continues"] for a in found] == [found[0]["alert_id"] if x else None for x in links]


def test_an_operator_sees_what_lies_wholly_in_its_market() -> None:
    operators = pa.table({"transaction": [1, 2, 3], "operator": ["A", "A", None]})
    for evidence, sees in (([1, 2], "A"), ([1, 3], None), ([1, 9], None), ([9], None), ([], None)):
        (alert,) = alerts_of(crossing(JOINT, MONDAY, evidence), operators=operators)
        assert alert["operator_sees"] == sees
    two = pa.table({"transaction": [1, 2], "operator": ["A", "B"]})
    (alert,) = alerts_of(crossing(JOINT, MONDAY, [1, 2]), operators=two)
    assert alert["operator_sees"] is None


def test_an_alert_names_its_law_and_parameter_set() -> None:
    (alert,) = alerts_of(crossing(JOINT, MONDAY, [1]))
    assert (alert["legal_status"], alert["parameter_set"]) == ("analogy; numbers: I", "2026.1")
    assert (alert["subject_kind"], alert["unit"]) == ("party", "CNY fen")


def test_a_crossing_of_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected a pair the rules declare"):
        alerts_of(crossing(JOINT, MONDAY, [1], variant="other"))


def test_no_crossings_give_no_alerts() -> None:
    assert alerts_of() == []


ROW = st.builds(
    crossing,
    st.integers(0, 4),
    st.integers(0, 40).map(lambda n: MONDAY + n * 13 * HOUR),
    st.lists(st.integers(1, 9), max_size=4, unique=True).map(sorted),
    subject=st.integers(1, 3),
    measure=st.integers(0, 5),
    band=st.integers(1, 3),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=40), data=st.data())
def test_alerts_depend_neither_on_the_order_nor_on_repeats(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    once = pa.Table.from_pylist(rows, schema=CROSSING)
    mixed = data.draw(st.permutations([*rows, *rows[:3]]))
    cut = data.draw(st.integers(0, len(mixed)))
    twice = pa.concat_tables(
        [pa.Table.from_pylist(part, schema=CROSSING) for part in (mixed[:cut], mixed[cut:])]
    )
    first = episodes(once, load_rules(), "SIMULATED", NOW)
    second = episodes(twice, load_rules(), "SIMULATED", NOW + timedelta(days=1))
    assert output_sha256(first) == output_sha256(second)
    assert first.drop_columns("known_from").equals(second.drop_columns("known_from"))
    for alert in first.to_pylist():  # the plain words of the definition
        mine = [r for r in rows if r["subject"] == alert["subject"]
                and alert["first_crossing"] <= at(r) <= alert["last_crossing"]]  # fmt: skip
        joint = {e for r in mine if r["vantage"] == JOINT for e in r["evidence"]}
        raised = {r["vantage"] for r in mine}
        assert alert["not_raised_jointly"] == (JOINT not in raised)
        assert alert["hidden_by_split"] == (raised == {JOINT})
        proof = joint if JOINT in raised else {e for r in mine for e in r["evidence"]}
        assert alert["evidence"] == sorted(proof)
        for region in range(4):
            own = {e for r in mine if r["vantage"] == region for e in r["evidence"]}
            share = len(own & proof) / max(len(proof), 1)
            assert alert["solo_coverage"][region] == pytest.approx(share)
            status = "none" if region not in raised else "partial" if share < 0.5 else "seen"
            assert alert["solo_status"][region] == status


def at(row: dict[str, Any]) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row["instant"])


def test_the_output_hash_tells_alerts_apart_and_ignores_known_time() -> None:
    table = episodes(run_plain([every_kind(MONDAY, 0).rows()], [0]), load_rules(), "SIMULATED", NOW)
    shuffled = table.take(np.random.default_rng(1).permutation(len(table)))
    assert output_sha256(table) == output_sha256(shuffled)
    assert output_sha256(table) != output_sha256(table.slice(1))


def test_late_knowledge_amends_withdraws_and_points_to_the_heir() -> None:
    market = Market()
    for n in range(4):
        market.pay(MONDAY + n * HOUR, 45_000_000, 1, 2, 1)
    rows = market.rows()
    rules = load_rules()
    before = episodes(run_plain([rows[1:]], [0]), rules, "SIMULATED", NOW)
    later = NOW + timedelta(days=1)
    now = episodes(run_plain([rows], [0]), rules, "SIMULATED", later)
    revisions = revise(before, now, later).to_pylist()
    withdrawn = {row["variant"]: row for row in revisions if row["withdrawn"]}
    assert set(withdrawn) == {"same_pair", "same_customer"}
    standing = {row["variant"]: row for row in revisions if not row["withdrawn"]}
    for variant, row in withdrawn.items():
        assert row["superseded_by"] == standing[variant]["alert_id"]
        assert row["known_from"] == later
    assert revise(now, now, later).num_rows == 0
    gone = revise(before, ALERT.empty_table(), later).to_pylist()
    assert [row["superseded_by"] for row in gone] == [None, None]
