"""Parameter sets: who agreed, a region's own bands for itself alone, a change from its day on."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ledger import duck
from pipelines.episodes.episodes import episodes
from pipelines.job.settings import JobSettings
from pipelines.lanes.judged import by_definition
from pipelines.lanes.stream import run_once
from pipelines.rules.parameter_sets import ALL_VANTAGES, EVER, ParameterSet, begins, judgements
from pipelines.rules.registry import load_parameters, load_rules, parameters_on
from schemas.errors import ConfigurationError
from schemas.regions import JOINT_BIT, REGIONS
from tests.pipelines.streams import DAY, MONDAY, Rows, define_tx, every_kind, tuples

RULE = load_rules()["structuring"]
FIRST = ParameterSet("a", date(2026, 1, 1), {}, not_agreed="a test")
# Jiangsu wants four a day where the others want three.
JIANGSU = FIRST.changed_in("320000", "structuring", times_a_day=4, days_running=4)
LATER = ParameterSet(
    "b", date(2026, 1, 14), {"structuring": {"times_a_day": 4}}, not_agreed="a test"
)


def whole(found: list[tuple[object, ...]], rule: str = "structuring") -> list[tuple[object, ...]]:
    return [row for row in found if row[0] == rule]


def defined(sets: ParameterSet | list[ParameterSet]) -> list[tuple[object, ...]]:
    with duck.memory() as connection:
        define_tx(connection, market())
        return tuples(by_definition(connection, RULE, sets))


def market() -> Rows:
    made = every_kind(MONDAY, 0)
    for n in range(3):  # Jiangsu sees three a day, and a week later again
        for at in (MONDAY, MONDAY + 3 * DAY):
            made.pay(at + n * 3_600_000_000, 45_000_000, 61, 62, 2)
    for n in range(4):  # what either set raises, on both sides of the change
        for at in (MONDAY, MONDAY + 3 * DAY):
            made.pay(at + n * 3_600_000_000, 45_000_000, 63, 64, 4)
    return made.rows()


def test_the_runs_of_a_rule_part_every_vantage_and_instant() -> None:
    (one,) = judgements(RULE, FIRST)
    assert one.takes_all
    runs = judgements(RULE, [LATER, JIANGSU])
    for vantage in range(5):
        mine = sorted(
            (run for run in runs if run.vantages >> vantage & 1), key=lambda run: run.since_us
        )
        assert (mine[0].since_us, mine[-1].until_us) == (-EVER, EVER)
        assert all(a.until_us == b.since_us for a, b in pairwise(mine))
    # a set that changes nothing for a rule costs it no run
    assert len(judgements(load_rules()["pass_through"], [LATER, JIANGSU])) == 1


def test_a_regions_own_bands_reach_its_solo_vantage_and_no_other() -> None:
    before, after = tuples(run_once(market(), FIRST)), tuples(run_once(market(), JIANGSU))
    lost = whole(sorted(set(before) - set(after)))
    assert lost and {row[2] for row in lost} == {REGIONS.index("320000")}
    assert not set(after) - set(before)
    assert whole(after) == defined(JIANGSU)
    assert [row for row in after if row[2] == JOINT_BIT] == [
        row for row in before if row[2] == JOINT_BIT
    ]


def test_a_changed_set_judges_from_its_day_on_and_no_day_before() -> None:
    change = begins(LATER.valid_from)
    old, new = (tuples(run_once(market(), one)) for one in (FIRST, LATER))
    both = tuples(run_once(market(), [FIRST, LATER]))
    expected = [row for row in old if row[4] < change] + [row for row in new if row[4] >= change]
    assert both == sorted(expected)
    assert both not in (old, new), "the market must notice the change"
    assert whole(both) == defined([FIRST, LATER])


def test_an_alert_keeps_the_set_in_force_at_its_first_crossing() -> None:
    crossings = run_once(market(), [FIRST, LATER])
    made = episodes(
        crossings, load_rules(), "SIMULATED", datetime(2026, 3, 1, tzinfo=UTC),
        parameters=[FIRST, LATER],
    ).to_pylist()  # fmt: skip
    change = datetime(2026, 1, 13, 16, tzinfo=UTC)  # 00:00 in Beijing
    for row in made:
        assert row["parameter_set"] == ("a" if row["first_crossing"] < change else "b")
    spanning = [r for r in made if r["first_crossing"] < change <= r["last_crossing"]]
    assert spanning and all(row["parameter_set"] == "a" for row in spanning)
    assert any(row["parameter_set"] == "b" for row in made)


def test_a_trial_of_a_region_goes_through_the_jobs_file(tmp_path: Path) -> None:
    settings = JobSettings(tmp_path, tmp_path, parameters=JIANGSU)
    read = JobSettings.from_json(settings.to_json())
    assert read.parameters == JIANGSU
    assert json.loads(settings.to_json())["parameters"]["regional"]["320000"]


SPOKEN = "".join(
    f'[agreed.{region}]\nby = "office of {region}"\non = 2026-02-0{n}\n'
    for n, region in enumerate(REGIONS, start=1)
)
GOOD = f'version = "b"\nvalid_from = 2026-03-01\n{SPOKEN}' + (
    '[regional.320000]\nby = "office"\non = 2026-02-20\nvalues.structuring.near_low_bp = 9_000\n'
)


def test_a_set_names_the_four_regions_each_with_its_day(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(GOOD, encoding="utf-8")
    (one,) = load_parameters(tmp_path)
    assert [said.region for said in one.agreed] == list(REGIONS)
    assert one.agreed[2].on == date(2026, 2, 3)
    assert "320000 office of 320000, 2026-02-02" in one.agreed_by
    assert one.of(RULE, 1)["near_low_bp"] == 9_000
    assert [one.of(RULE, v)["near_low_bp"] for v in (0, 2, 3, JOINT_BIT)] == [8_000] * 4
    (own, others) = sorted(judgements(RULE, one), key=lambda run: run.vantages)
    assert (own.vantages, others.vantages) == (2, ALL_VANTAGES - 2)


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ("[agreed.340000]", "[agreed.350000]", "350000: expected a region, one of 310000"),
        ('[agreed.340000]\nby = "office of 340000"\non = 2026-02-04\n', "", "for each of 310000"),
        ("on = 2026-02-04", "on = 2026-04-04", "a day not before the last agreement"),
        ("on = 2026-02-20", "on = 2026-04-04", "regional.320000: on: expected a day not after"),
        ("on = 2026-02-04\n", "", "340000: on: expected the day of it"),
        ("near_low_bp = 9_000", "near_low_bp = 0.9", "near_low_bp: expected a whole number"),
        ("near_low_bp", "near_low", "values.structuring.near_low: expected a whole number"),
        ('version = "b"\n', 'version = "b"\nnot_agreed = "x"\n', "write one of the two"),
        ('version = "b"', 'version = "b', "b.toml: "),
    ],
)
def test_a_set_that_not_all_agreed_to_is_refused(
    tmp_path: Path, good: str, bad: str, says: str
) -> None:
    assert good in GOOD
    (tmp_path / "b.toml").write_text(GOOD.replace(good, bad), encoding="utf-8")
    load_parameters.cache_clear()
    with pytest.raises(ConfigurationError) as refused:
        load_parameters(tmp_path)
    assert says in str(refused.value)
    load_parameters.cache_clear()


def test_two_sets_of_one_day_or_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(GOOD, encoding="utf-8")
    later = GOOD.replace("2026-03-01", "2026-04-01")
    for text, says in ((later, "version"), (GOOD.replace('"b"', '"c"'), "valid_from")):
        (tmp_path / "c.toml").write_text(text, encoding="utf-8")
        load_parameters.cache_clear()
        with pytest.raises(ConfigurationError, match=f"{says}: expected another one"):
            load_parameters(tmp_path)
    load_parameters.cache_clear()


def test_the_set_of_this_repository_says_that_nobody_agreed() -> None:
    today = parameters_on(date(2026, 1, 1) + timedelta(days=10))
    assert not today.agreed
    assert "no authority has agreed" in today.agreed_by
