"""Causal rules: one run says what every closing would have said, and late rows are told on time."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ledger.duck import Connection
from pipelines.lanes import causal
from pipelines.lanes.closings import Closing
from pipelines.lanes.known import at_closings
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.lifetimes import lifetimes
from pipelines.rules.registry import load_rules, parameters_on
from schemas.narrow import EVENT_CODES, NARROW
from schemas.records import CROSSING
from tests.pipelines.known import closed_days, ledger_of
from tests.pipelines.streams import DAY, HOUR, MONDAY, tuples

RULE = load_rules()["quota_splitting"]
AGREED = parameters_on().changed(
    RULE.name, least_persons=3, quota_usd_cents=3_000, band_2_persons=4, most_persons_before=3
)
Act = dict[str, Any]

ACT = st.tuples(
    st.sampled_from(["PURC", "PURC", "PURC", "SELL", "PAYM"]),
    st.integers(0, 8 * 24),  # hours
    st.sampled_from([0, 0, HOUR, 5 * HOUR, 3 * DAY]),  # how long after it was received
    st.integers(1, 5),  # person
    st.sampled_from([70, 71]),  # whoever is on the other side
    st.sampled_from([1, 2, 4, 9]),  # regions
    st.sampled_from([0, 0, 9]),  # representative
)


def acts(drawn: list[tuple[Any, ...]]) -> list[Act]:
    return [
        {
            "key": 8_000_000 + number, "report": 1_000 + number, "event_code": EVENT_CODES[kind],
            "event_time": MONDAY + hour * HOUR, "known": MONDAY + hour * HOUR + delay,
            "payer_party": 70 if kind == "PAYM" and person % 2 else person,
            "payee_party": person if kind == "PAYM" and person % 2 else other,
            "payee_account": other if kind == "PURC" else 0, "mask": mask, "amount_fen": 7_000,
            "representative": 0 if kind == "PAYM" else who,
        }
        for number, (kind, hour, delay, person, other, mask, who) in enumerate(drawn)
    ]  # fmt: skip


def filled(made: list[Act]) -> Connection:
    rows = np.zeros(len(made), NARROW)
    for at, act in enumerate(made):
        for name in set(act) & set(NARROW.names or ()):
            rows[name][at] = act[name]
    known = np.array([act["known"] for act in made], np.int64)
    deal = {"market_segment": "FX", "notional_currency_1": "USD", "action_type": "NEWT"}
    more = [
        {
            "representative": act["representative"],
            "notional_amount_leg_1": 1_000,
            "action_type": "NEWT",
        }
        | (deal if act["event_code"] != EVENT_CODES["PAYM"] else {})
        for act in made
    ]
    return ledger_of(rows, known, (), more)


def as_known(made: list[Act], closing: Closing) -> list[tuple[Any, ...]]:
    """What the definition says of everything that was known at a closing, where it speaks of it."""
    known = [act for act in made if act["known"] <= closing.known_us]
    if not known:
        return []
    said = evaluate(filled(known), RULE, AGREED).crossings
    return tuples(said.filter(pa.compute.less(said["instant"], closing.until_us)))


def standing(lives: pa.Table, number: int) -> list[tuple[Any, ...]]:
    begins, ends = lives["begins"].to_numpy(), lives["ends"].to_numpy()
    mine = lives.filter(pa.array((begins <= number) & (number < ends)))
    return sorted(tuples(mine.select(CROSSING.names)))


SPLIT = [
    ("PURC", 2, 0, 1, 70, 1, 0), ("PURC", 3, 0, 2, 70, 2, 0), ("PURC", 20, 0, 3, 70, 4, 0),
    ("PURC", 30, 3 * DAY, 4, 70, 1, 0), ("PAYM", 1, 0, 2, 70, 1, 0), ("PURC", 150, 0, 1, 71, 1, 0),
]  # fmt: skip


@settings(max_examples=3, deadline=None, phases=(Phase.generate,))
@given(st.lists(ACT, min_size=2, max_size=16))
def test_at_every_closing_a_causal_rule_says_what_was_known_then(
    drawn: list[tuple[Any, ...]],
) -> None:
    made = acts([*SPLIT, *drawn])
    closed = closed_days(np.array([act["known"] for act in made]))
    said = at_closings(filled(made), RULE, closed, AGREED)
    lives = lifetimes(CROSSING.empty_table(), said.replaced, closed)
    assert lives.num_rows
    for number, closing in enumerate(closed):
        assert standing(lives, number) == sorted(as_known(made, closing))


def test_what_comes_on_time_needs_one_run_whatever_the_number_of_closings() -> None:
    made = acts([one for one in SPLIT if not one[2]])
    closed = closed_days(np.array([act["known"] for act in made]))
    assert len(closed) > 3
    said = at_closings(filled(made), RULE, closed, AGREED)
    assert [one.closing for one in said.replaced] == [0]
    assert said.replaced[0].found.num_rows


def test_a_late_deal_is_told_at_the_closing_that_knows_it_and_not_before() -> None:
    made = acts(SPLIT)
    closed = closed_days(np.array([act["known"] for act in made]))
    said = at_closings(filled(made), RULE, closed, AGREED)
    late = [one for one in said.replaced if one.closing]
    assert [one.causes.tolist() for one in late] == [[1]]
    assert 4 in late[0].found["measure"].to_pylist()
    assert 4 not in said.replaced[0].found["measure"].to_pylist()


@pytest.mark.parametrize("name", ["fundraising", "quota_splitting", "shared_identity"])
def test_a_rule_reads_only_views_that_are_made_of_kinds_it_accepts(name: str) -> None:
    rule = load_rules()[name]
    _, kinds = causal.needed(rule)
    assert set(kinds) == set(rule.accepted)


def test_a_causal_rule_without_its_relation_is_not_evaluated() -> None:
    payment = acts([("PAYM", 1, 0, 2, 70, 1, 0)])
    closed = closed_days(np.array([act["known"] for act in payment]))
    said = at_closings(filled(payment), RULE, closed, AGREED)
    assert (said.replaced, said.not_evaluated) == ((), "fx_deal: no rows")
