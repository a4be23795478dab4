"""The scorer on hand-made alerts: boundaries, solo views, innocents, what splitting hid."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from replay.schemes.plans import LABELS
from replay.scorer import REFERENCES, Ratio, Score, score
from schemas.records import ALERT, CROSSING

T0 = datetime(2026, 4, 20, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def label(name: str, ids: range | list[int], **extra: Any) -> dict[str, Any]:
    return {
        "scheme_id": name,
        "rule": "structuring",
        "variant": "plain",
        "kind": "scheme",
        "planned_regions": ["310000"],
        "split": True,
        "refs": [f"pacs008:{each}" for each in ids],
        "first_event": T0,
        "last_event": T0 + 5 * HOUR,
    } | extra


def alert(evidence: list[int], subject: int = 1, **extra: Any) -> dict[str, Any]:
    at = extra.pop("at", T0 + 6 * HOUR)
    return {
        "alert_id": f"{subject}-{len(evidence)}-{at.isoformat()}",
        "rule": "structuring",
        "variant": "same_pair",
        "subject_kind": "pair",
        "subject": subject,
        "parameter_set": "p",
        "legal_status": "as written",
        "first_crossing": at,
        "last_crossing": at,
        "peak_measure": 3,
        "peak_band": 1,
        "unit": "payments",
        "solo_status": ["none"] * 4,
        "solo_first": [None] * 4,
        "solo_peak": [None] * 4,
        "solo_coverage": [0.0] * 4,
        "joint_first": at,
        "hidden_by_split": True,
        "not_raised_jointly": False,
        "operator_sees": None,
        "evidence": evidence,
        "search_cut": False,
        "data_origin": "SIMULATED",
        "superseded_by": None,
        "withdrawn": False,
        "known_from": at,
    } | extra


def crossing(vantage: int, evidence: list[int], subject: int = 1, **extra: Any) -> dict[str, Any]:
    at = extra.pop("at", T0 + 6 * HOUR)
    return {
        "rule": "structuring",
        "variant": "same_pair",
        "vantage": vantage,
        "subject": subject,
        "instant": int(at.timestamp() * 1_000_000),
        "measure": 3,
        "band": 1,
        "evidence": evidence,
        "search_cut": False,
    } | extra


def judged(
    labels: list[dict[str, Any]],
    alerts: list[dict[str, Any]],
    crossings: list[dict[str, Any]] | None = None,
    references: dict[int, str] | None = None,
    armed_from: datetime | None = None,
) -> Score:
    known = references or {int(ref.split(":")[1]): ref for row in labels for ref in row["refs"]}
    return score(
        pa.Table.from_pylist(alerts, schema=ALERT),
        pa.Table.from_pylist(crossings or [], schema=CROSSING),
        pa.Table.from_pylist(labels, schema=LABELS),
        pa.table({"ref": list(known.values()), "transaction": list(known)}, schema=REFERENCES),
        armed_from,
    )


class TestFound:
    @pytest.mark.parametrize(("covered", "found"), [(6, 1), (5, 0), (10, 1)])
    def test_six_tenths_of_a_scheme_find_it(self, covered: int, found: int) -> None:
        result = judged([label("a", range(10))], [alert(list(range(covered)))])
        assert (result.overall.found, result.overall.missed) == (found, 1 - found)
        assert result.overall.missed_ids == (() if found else ("a",))

    def test_two_alerts_that_cover_half_each_do_not_find_it(self) -> None:
        alerts = [alert([0, 1, 2, 3, 4], 1), alert([5, 6, 7, 8, 9], 2)]
        result = judged([label("a", range(10))], alerts)
        assert result.overall.found == 0
        assert result.overall.true_alerts == 2

    def test_an_alert_of_another_rule_finds_nothing(self) -> None:
        result = judged([label("a", range(3))], [alert([0, 1, 2], rule="pass_through")])
        assert result.rules["structuring"].found == 0
        assert result.rules["pass_through"].false == 1
        assert (result.overall.planted, result.overall.found, result.overall.false) == (1, 0, 1)

    def test_withdrawn_and_superseded_alerts_do_not_count(self) -> None:
        alerts = [alert([0, 1, 2], withdrawn=True), alert([0, 1, 2], superseded_by="x")]
        result = judged([label("a", range(3))], alerts)
        assert (result.overall.found, result.overall.alerts) == (0, 0)

    def test_a_reference_with_several_ids_is_covered_once_by_any_of_them(self) -> None:
        loans = label("a", [1, 2])
        ids = {1: "pacs008:1", 11: "pacs008:1", 12: "pacs008:1", 2: "pacs008:2"}
        assert judged([loans], [alert([11, 12])], references=ids).overall.found == 0
        assert judged([loans], [alert([12, 2])], references=ids).overall.found == 1


class TestTrue:
    @pytest.mark.parametrize(("strangers", "true"), [(3, 1), (4, 0)])
    def test_half_the_evidence_must_be_labelled(self, strangers: int, true: int) -> None:
        evidence = [0, 1, 2, *range(100, 100 + strangers)]
        result = judged([label("a", range(3))], [alert(evidence)])
        assert (result.overall.true_alerts, result.overall.false) == (true, 1 - true)
        assert result.overall.found == 1  # an alert may find a scheme and still be too wide

    def test_equal_evidence_counts_once(self) -> None:
        alerts = [alert([7, 8, 9], 1), alert([9, 8, 7], 2, variant="same_customer")]
        result = judged([label("a", range(3))], alerts)
        assert (result.overall.alerts, result.overall.false) == (1, 1)

    def test_innocents_raised_are_counted_and_their_alerts_are_false(self) -> None:
        labels = [label("a", range(3)), label("b", range(10, 13), kind="innocent", variant="rent")]
        result = judged(labels, [alert([0, 1, 2], 1), alert([10, 11, 12], 2)])
        overall = result.overall
        assert (overall.innocents, overall.innocents_raised) == (1, 1)
        assert (overall.true_alerts, overall.false, overall.false_on_innocents) == (1, 1, 1)
        assert result.rules["structuring"].by_variant == {
            "plain": ("scheme", 1, 1),
            "rent": ("innocent", 1, 1),
        }

    def test_single_transfers_are_scored_from_the_union_of_evidence(self) -> None:
        result = judged([label("a", range(4))], [alert([0, 1, 50], 1), alert([1, 2], 2)])
        assert (result.overall.transfers_true, result.overall.transfers_raised) == (3, 4)
        assert result.overall.f1 == pytest.approx(6 / 8)


class TestSolo:
    def test_a_region_must_cover_six_tenths_of_the_whole_scheme(self) -> None:
        crossings = [crossing(0, [0, 1, 2]), crossing(2, [0, 1]), crossing(4, [0, 1, 2, 3, 4])]
        result = judged([label("a", range(5))], [alert([0, 1, 2, 3, 4])], crossings)
        assert result.overall.solo_found == (1, 0, 0, 0)
        assert (result.overall.solo_union, result.overall.solo_touched) == (1, 1)

    def test_crossings_of_one_region_within_an_alert_add_up(self) -> None:
        crossings = [crossing(1, [0, 1]), crossing(1, [1, 2], at=T0 + 7 * HOUR)]
        long = alert([0, 1, 2, 3, 4], last_crossing=T0 + 7 * HOUR)
        assert judged([label("a", range(5))], [long], crossings).overall.solo_found[1] == 1

    def test_a_crossing_outside_the_alert_is_not_its_own(self) -> None:
        crossings = [crossing(1, [0, 1, 2], at=T0 + 9 * HOUR), crossing(1, [0, 1, 2], subject=2)]
        result = judged([label("a", range(3))], [alert([0, 1, 2])], crossings)
        assert (result.overall.solo_union, result.overall.solo_touched) == (0, 0)

    def test_what_only_a_region_raises_is_not_a_joint_find(self) -> None:
        solo = alert([0, 1, 2], joint_first=None, not_raised_jointly=True, hidden_by_split=False)
        result = judged([label("a", range(3))], [solo], [crossing(3, [0, 1, 2])])
        overall = result.overall
        assert (overall.found, overall.alerts, overall.not_raised_jointly) == (0, 0, 1)
        assert overall.solo_found == (0, 0, 0, 1)


class TestHidden:
    def test_a_find_is_hidden_only_if_every_alert_that_found_it_is(self) -> None:
        hidden, seen = alert([0, 1, 2], 1), alert([0, 1, 2], 2, hidden_by_split=False)
        labels = [label("a", range(3))]
        assert judged(labels, [hidden]).overall.hidden_found == 1
        both = judged(labels, [hidden, seen]).overall
        assert (both.found, both.hidden_planted, both.hidden_found) == (1, 1, 0)


class TestDelay:
    def test_delay_is_from_the_last_event_to_the_first_alert_that_found_it(self) -> None:
        alerts = [alert([0, 1, 2], 1, at=T0 + 8 * HOUR), alert([0, 1], 2, at=T0 + 4 * HOUR)]
        result = judged([label("a", range(3))], alerts)
        assert result.overall.delays_s == (-3600.0,)

    def test_before_arming_neither_alerts_nor_schemes_count(self) -> None:
        early = label("a", range(3))
        late = label("b", range(10, 13), last_event=T0 + timedelta(days=20))
        alerts = [alert([0, 1, 2], 1), alert([10, 11, 12], 2, at=T0 + timedelta(days=20))]
        result = judged([early, late], alerts, armed_from=T0 + timedelta(days=10))
        assert (result.overall.planted, result.overall.found, result.overall.alerts) == (1, 1, 1)


class TestRatio:
    def test_wilson_interval_of_known_cases(self) -> None:
        low, high = Ratio(8, 10).interval or (0, 0)
        assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
        assert Ratio(0, 10).interval == pytest.approx((0.0, 0.2775), abs=1e-4)
        assert Ratio(10, 10).interval == pytest.approx((0.7225, 1.0), abs=1e-4)

    def test_nothing_of_nothing_has_no_value(self) -> None:
        assert Ratio(0, 0).as_dict() == {
            "hits": 0,
            "n": 0,
            "value": None,
            "low": None,
            "high": None,
        }

    def test_the_sum_over_rules_is_that_of_the_rules(self) -> None:
        labels = [label("a", range(3)), label("b", range(10, 13), rule="pass_through")]
        result = judged(labels, [alert([0, 1, 2]), alert([10, 11, 12], rule="pass_through")])
        assert result.as_dict()["all"]["recall"]["n"] == 2
        assert result.overall.found == sum(each.found for each in result.rules.values()) == 2
