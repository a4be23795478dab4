"""Pairing: the kernel against its definition, and the promises about what a vantage knows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import duck
from pipelines.pairing.pairing import PAIR_MEMORY_US, Closed, merge, reconciliation
from schemas.narrow import FLAG_NO_KEY, NARROW, RULE_COLUMNS
from tests.pipelines.streams import DAY, MONDAY, SECOND, Market, Rows, arrivals, define_tx

WAIT = 5 * SECOND
END = 1 << 62

LEG = st.tuples(
    st.integers(1, 4),  # key
    st.sampled_from([0, 1, 5 * SECOND, 5 * SECOND + 1, 3_600 * SECOND, PAIR_MEMORY_US - 1,
                     PAIR_MEMORY_US, PAIR_MEMORY_US + 1, 2 * PAIR_MEMORY_US + 7, 5 * DAY]),
    st.integers(0, 2),  # amount
    st.integers(0, 2),  # payer
    st.integers(0, 1),  # payee
    st.sampled_from([0, 1, 2, 4, 8, 3, 12, 15]),
    st.integers(0, 1),  # flags
)  # fmt: skip


def legs(drawn: list[tuple[int, ...]]) -> Rows:
    market = Market()
    for key, time, amount, payer, payee, mask, flags in drawn:
        market.leg(key, MONDAY + time, amount, payer, payee, mask, flags=flags)
    return market.rows()


def run(batches: list[Rows], watermarks: list[int]) -> Rows:
    closed, rest, ready = Closed(), np.empty(0, NARROW), []
    for rows, watermark in zip([*batches, rest], [*watermarks, END], strict=True):
        merged = merge(np.concatenate([rest, rows]), watermark, WAIT, closed)
        rest = merged.rest
        ready.append(merged.ready)
    assert len(rest) == 0
    return np.concatenate(ready)


def as_set(rows: Rows) -> list[tuple[Any, ...]]:
    names = ("key", "report", "mask", *RULE_COLUMNS)
    return sorted(zip(*[rows[name].tolist() for name in names], strict=True))


@settings(max_examples=60, deadline=None)
@given(
    drawn=st.lists(LEG, min_size=1, max_size=24),
    order=st.lists(st.integers(0, 60 * SECOND), min_size=1, max_size=24),
    size=st.integers(1, 8),
)
def test_the_kernel_and_the_definition_give_the_same_variants(
    drawn: list[tuple[int, ...]], order: list[int], size: int
) -> None:
    rows = legs(drawn)
    with duck.memory() as connection:
        define_tx(connection, rows)
        names = ("key", "report", "mask", *RULE_COLUMNS)
        defined = connection.rows(f"SELECT {', '.join(names)} FROM variant ORDER BY ALL")
    assert as_set(run([rows], [MONDAY - 1])) == defined
    assert as_set(run(*arrivals(rows, order, size, 60 * SECOND))) == defined


def test_legs_that_agree_are_one_row_with_every_bit() -> None:
    market = Market()
    market.pay(MONDAY, 5, 1, 2, 1, 4)
    (row,) = run([market.rows()], [MONDAY])
    assert row["mask"] == 1 | 4 | 16


def test_a_value_known_to_one_leg_never_reaches_another_region() -> None:
    market = Market()
    market.leg(1, MONDAY, 5, 10, 0, 1)  # Shanghai knows the payer
    market.leg(1, MONDAY, 5, 0, 20, 2)  # Jiangsu knows the payee
    found = {int(row["mask"]): (int(row["payer_party"]), int(row["payee_party"]))
             for row in run([market.rows()], [MONDAY])}  # fmt: skip
    assert found == {1: (10, 0), 2: (0, 20), 16: (10, 20)}


def test_when_amounts_disagree_the_lowest_report_speaks_jointly() -> None:
    market = Market()
    market.leg(1, MONDAY + 1, 900, 10, 20, 2)
    market.leg(1, MONDAY, 500, 10, 20, 1)
    merged = merge(market.rows(), END, WAIT, Closed())
    found = {int(row["mask"]): int(row["amount_fen"]) for row in merged.ready}
    assert found == {1: 500, 2 | 16: 900}
    (status,) = reconciliation(merged.recon, "PYMT", 2).to_pylist()
    assert status["status"] == "mismatched"
    assert status["fields"] == ["event_time", "amount_fen"]


@pytest.mark.parametrize(("expected", "status"), [(1, "paired"), (2, "one_sided")])
def test_a_leg_that_did_not_come_is_told(expected: int, status: str) -> None:
    market = Market()
    market.pay(MONDAY, 5, 1, 2, 1)
    merged = merge(market.rows(), END, WAIT, Closed())
    assert reconciliation(merged.recon, "PYMT", expected)["status"].to_pylist() == [status]


def test_a_thousand_payments_without_a_key_stay_a_thousand() -> None:
    market = Market()
    for number in range(1_000):  # all alike but for the id of the record itself
        market.leg(10_000 + number, MONDAY, 5, 1, 2, 1, flags=FLAG_NO_KEY)
    assert len(run([market.rows()], [MONDAY])) == 1_000


def test_a_repeat_of_a_payment_without_a_key_adds_nothing() -> None:
    market = Market()
    for time in (MONDAY, MONDAY, MONDAY + DAY):
        market.leg(1, time, 5, 1, 2, 1, flags=FLAG_NO_KEY)
    assert len(run([market.rows()[:2], market.rows()[2:]], [MONDAY + WAIT, MONDAY + DAY])) == 1


def test_a_leg_after_the_wait_adds_only_the_bits_nobody_had() -> None:
    market = Market()
    market.leg(1, MONDAY, 5, 1, 2, 1)
    market.leg(1, MONDAY + WAIT + 1, 7, 1, 2, 1 | 2)
    rows = run([market.rows()[:1], market.rows()[1:]], [MONDAY + WAIT, MONDAY + 2 * WAIT])
    assert [(int(row["mask"]), int(row["amount_fen"])) for row in rows] == [(1 | 16, 5), (2, 7)]


@pytest.mark.parametrize(("after", "masks"), [(0, [17]), (1, [17, 17])])
def test_a_transaction_is_remembered_to_the_end_of_the_memory(after: int, masks: list[int]) -> None:
    market = Market()
    for time in (MONDAY, MONDAY + PAIR_MEMORY_US + after):
        market.leg(1, time, 5, 1, 2, 1)
    assert run([market.rows()], [MONDAY])["mask"].tolist() == masks


def test_nothing_is_merged_before_the_wait_is_over() -> None:
    market = Market()
    market.leg(1, MONDAY, 5, 1, 2, 1)
    early = merge(market.rows(), MONDAY + WAIT - 1, WAIT, Closed())
    assert (len(early.ready), len(early.rest)) == (0, 1)
    assert len(merge(early.rest, MONDAY + WAIT, WAIT, Closed()).ready) == 1


def test_the_memory_survives_a_restart_and_forgets_what_is_past() -> None:
    rng = np.random.default_rng(5)
    market = Market()
    for number in range(3_000):
        market.leg(
            1 + number % 2_000, MONDAY + number * 200 * SECOND, 5, 1, 2, int(rng.choice([1, 2, 4]))
        )
    batches, marks = arrivals(market.rows(), None, 100, SECOND)
    whole = run(batches, marks)
    closed, kept, ready, rest = Closed(), [], [], np.empty(0, NARROW)
    for rows, mark in zip([*batches, rest[:0]], [*marks, END], strict=True):
        restored = Closed()
        restored.restore(kept, mark - DAY)
        merged = merge(np.concatenate([rest, rows]), mark, WAIT, restored)
        kept.append(merged.opened.tobytes())
        kept = [batch for batch in kept if len(batch)]
        rest = merged.rest
        ready.append(merged.ready)
    assert as_set(np.concatenate(ready)) == as_set(whole)
    closed.restore(kept, MONDAY)
    everything = closed.used
    closed.room(1 << 20, MONDAY + 100 * DAY)
    assert (everything, closed.used) == (2_000, 0)


def test_many_legs_under_one_key_are_neither_slow_nor_lost() -> None:
    market = Market()
    for number in range(20_000):
        market.leg(1, MONDAY + number % 7, number % 3, 1, 2, 1 << number % 4)
    rows = run([market.rows()], [MONDAY])
    assert int(np.bitwise_or.reduce(rows["mask"])) == 31


def test_a_late_leg_is_told_apart_though_the_watermark_leaps_past_the_memory() -> None:
    first, late = Market(), Market()
    first.leg(1, MONDAY, 5, 10, 20, 1)
    late.leg(1, MONDAY + 3_600 * SECOND, 5, 10, 20, 2)
    for other in range(2_000):  # enough new keys for the memory to be laid out anew
        late.leg(100 + other, MONDAY + 3_600 * SECOND, 5, 30, 40, 4)
    found = run([first.rows(), late.rows()], [MONDAY + 60 * SECOND, MONDAY + 30 * DAY])
    masks = sorted(found["mask"][found["key"] == 1].tolist())
    assert masks == [2, 1 | 16]
