"""Tables as the rules meet them: what the fast path makes, and that feeds would make the same."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from connectors.ends.tape import Tape
from pipelines.episodes.episodes import episodes
from pipelines.intake.plan import plan
from pipelines.lanes.stream import run_once
from replay.market import payments
from replay.scoring.camouflage import camouflaged
from replay.scoring.market import Market, market_of
from replay.scoring.regions import assign
from replay.scoring.score import Period, score_rules
from replay.scoring.tables import Transfers, read_table
from replay.transfers import render_transfers
from schemas.errors import InputError
from tests.replay.scoring.tables import CYCLES, FANS, everyday, write
from yrd.processes.building import build_intake
from yrd.processes.scoring import chosen_rules
from yrd.settings import Settings

SEED = 3


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("market"), everyday())


@pytest.fixture(scope="module")
def table(file: Path) -> Transfers:
    return read_table(file)


@pytest.fixture(scope="module")
def market(table: Transfers) -> Market:
    return market_of(table, assign(table, "bank").region, SEED)


def test_both_sides_regions_hold_a_transfer(table: Transfers, market: Market) -> None:
    region = assign(table, "bank").region
    payer, payee = region[table.payer], region[table.payee]
    assert np.array_equal(market.narrow["mask"], (1 << payer) | (1 << payee))
    assert np.array_equal(market.narrow["regions"], (payer + 1) + 16 * (payee + 1))


def test_an_account_is_one_party_and_equal_rows_stay_two() -> None:
    ones = np.ones(3, np.int64)
    twins = Transfers(
        "amlsim", ones * 0, ones, ones * 500, ones * 0, ones * -1, np.array([""] * 3),
        np.array([0, 0]), ("310000_B01",),
    )  # fmt: skip
    rows = market_of(twins, np.array([0, 1])).narrow
    assert len(set(rows["key"].tolist())) == 3
    assert len(set(rows["payer_party"].tolist())) == 1
    assert set(rows["payer_party"].tolist()).isdisjoint(rows["payee_party"].tolist())


def test_neither_ids_nor_times_of_day_tell_the_order_of_the_table(market: Market) -> None:
    row = np.arange(len(market.narrow))
    for name in ("key", "event_time", "payer_party"):
        value = market.narrow[name] % (24 * 3_600_000_000)
        assert abs(np.corrcoef(row, value)[0, 1]) < 0.1, name


def test_a_table_longer_than_the_calendars_is_refused(table: Transfers) -> None:
    days = np.linspace(0, 4_000, len(table.day)).astype(np.int64)
    stretched = Transfers(
        **{name: getattr(table, name) for name in Transfers.__dataclass_fields__} | {"day": days}
    )
    with pytest.raises(InputError, match=r"time: expected at most \d+ days"):
        market_of(stretched, assign(table, "bank").region)


def test_feeds_and_intake_lead_to_the_same_alerts(
    file: Path, market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without lateness and without banks that state another amount, nothing is left to differ.
    monkeypatch.setattr(payments, "_LATE", 0.0)
    monkeypatch.setattr(payments, "_MISMATCH", 0.0)
    render_transfers(file, tmp_path / "tape", SEED)
    settings, tape = Settings(), Tape(tmp_path / "tape")
    intake = build_intake(settings, "SIMULATED", lambda feed: [(0, feed)])
    taken = [intake.take(tape, unit).narrow for unit in plan(tape, None, settings.slack_us)]
    assert alerts(np.concatenate(taken)) == alerts(market.narrow)


def alerts(narrow: np.ndarray) -> list[object]:
    """Alerts by what does not depend on ids: evidence as (time, amount) of its transactions."""
    rules = chosen_rules(())
    names = dict(
        zip(narrow["key"].tolist(), narrow[["event_time", "amount_fen"]].tolist(), strict=True)
    )
    made = episodes(run_once(narrow), rules, "SIMULATED", datetime(2026, 1, 1, tzinfo=UTC))
    columns = ("rule", "variant", "first_crossing", "peak_measure", "solo_status", "joint_first")
    rows = [
        (*(str(row[name]) for name in columns), sorted(names[each] for each in row["evidence"]))
        for row in made.to_pylist()
    ]
    assert {"pass_through", "structuring", "fan_in", "cycle"} <= {row[0] for row in rows}
    return sorted(rows)


class TestCamouflage:
    def test_silent_labelled_accounts_become_busy_ones(self) -> None:
        # Accounts 0 and 1 do nothing but their pattern; 2 and 3 are busy, 4 is labelled and busy.
        busy = [(2, 3)] * 12 + [(3, 2)] * 12 + [(4, 2)] * 12
        rows = [(0, 1), (1, 4), *busy]
        payer, payee = (np.array([pair[side] for pair in rows]) for side in (0, 1))
        n = len(rows)
        pattern = np.where(np.arange(n) < 2, 0, -1)
        table = Transfers(
            "amlsim", payer, payee, np.full(n, 100), np.zeros(n, np.int64), pattern,
            np.where(pattern == 0, "cycle", ""), np.array([0, 1, 1, 0, 0]),
            ("310000_B01", "320000_B01"),
        )  # fmt: skip
        copy, how = camouflaged(table)
        assert how.as_dict() == {"silent": 2, "moved": 2, "same_bank": 2}
        assert list(zip(copy.payer[:2], copy.payee[:2], strict=True)) == [(3, 2), (2, 4)]
        assert np.array_equal(copy.payer[2:], table.payer[2:])
        assert np.array_equal(camouflaged(table)[0].payer, copy.payer)

    def test_nobody_is_taken_twice(self, table: Transfers) -> None:
        copy, how = camouflaged(table)
        quiet = FANS * 7 + CYCLES * 5
        assert (how.silent, how.moved) == (quiet, quiet)
        labelled = table.pattern >= 0
        before, after = (
            len(np.unique(np.r_[one.payer[labelled], one.payee[labelled]])) for one in (table, copy)
        )
        assert before == after == quiet


class TestArming:
    def test_crossings_of_the_learning_period_raise_nothing(self, market: Market) -> None:
        rules = chosen_rules(())
        crossings = run_once(market.narrow)
        whole, late = (
            score_rules(
                crossings,
                rules,
                market.truth,
                market.accounts,
                Period.of(market.first_us, market.last_us, days),
            )
            for days in (0, 45)
        )
        joint = [one.by_rule["pass_through"].joint for one in (whole, late)]
        assert 0 < joint[1].alerts < joint[0].alerts
        assert [len(one.scored) for one in (whole, late)] == [FANS + CYCLES] * 2
        assert late.period.months == pytest.approx(whole.period.months - 1.5, abs=1e-6)
