"""The ledger lane, closing by closing: what each subject was known to be then, asked once."""

import re
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.episodes.history import history
from pipelines.lanes import known as lane
from pipelines.lanes.closings import Closing
from pipelines.lanes.lifetimes import lifetimes
from pipelines.rules.registry import load_rules, parameters_on
from schemas.narrow import EVENT_CODES, NARROW
from schemas.records import CROSSING
from tests.pipelines.known import closed_days, ledger_of
from tests.pipelines.streams import DAY, HOUR, MONDAY, tuples

RULE = load_rules()["invoice_double_financing"]
FAR = 1 << 62
Papers = tuple[list[dict[str, Any]], list[dict[str, Any]]]

ACT = st.tuples(
    st.sampled_from(["DISC", "DISC", "PLDG", "RDEM", "RLSE", "CNCL"]),
    st.integers(0, 9 * 24),  # hours
    st.sampled_from([0, HOUR, 5 * HOUR, 3 * DAY]),  # how long after it was received
    st.sampled_from([1, 2, 3, 4]),  # bill
    st.sampled_from([50, 60, 70]),  # institution
    st.sampled_from([0, 700, 701]),  # invoice
    st.sampled_from([0, 800]),  # contract
    st.sampled_from([1, 2, 4, 9]),  # regions
)
LOAN = st.tuples(
    st.sampled_from([11, 12]),  # note
    st.sampled_from([50, 60, 70]),
    st.integers(0, 8),  # first day
    st.integers(0, 9 * 24),  # received after so many hours
    st.one_of(st.none(), st.integers(1, 5 * 24)),  # replaced so much later
    st.sampled_from([0, 9]),  # what is owed
    st.sampled_from([0, 700, 701]),
    st.sampled_from([0, 800]),
)


@st.composite
def papers(draw: st.DrawFn) -> Papers:
    """Acts on few bills and statements of few loans, on few invoices and contracts."""
    acts = [
        {
            "key": 8_000_000 + number, "report": 1_000 + number, "event_code": EVENT_CODES[kind],
            "event_time": MONDAY + hour * HOUR, "known": MONDAY + hour * HOUR + delay,
            "asset": asset, "payer_party": 1, "payee_party": bank, "mask": mask,
            "invoice": invoice, "contract": contract,
        }
        for number, (kind, hour, delay, asset, bank, invoice, contract, mask) in enumerate(
            draw(st.lists(ACT, min_size=1, max_size=14))
        )
    ]  # fmt: skip
    loans = [
        {
            "transaction_id": 9_000_000 + number, "report": 5_000 + number,
            "reference_id": 6_000 + number, "reporter": bank, "payer_party": bank,
            "payee_party": 2, "asset": asset, "amount_cny": owed,
            "vantage_mask": 16 | 1 << number % 4,
            "counterparty_1_party_key": bank.to_bytes(8, "big") + bytes(8),
            "effective_date": date(2026, 1, 12 + day), "event_timestamp": MONDAY + day * DAY,
            "business_date": date(2026, 1, 12 + day), "is_late": False, "revision_number": 0,
            "received_at": MONDAY + hour * HOUR, "known_from": MONDAY + hour * HOUR,
            "known_to": None if after is None else MONDAY + (hour + after) * HOUR,
            "invoice": invoice, "contract": contract,
        }
        for number, (asset, bank, day, hour, after, owed, invoice, contract) in enumerate(
            draw(st.lists(LOAN, min_size=1, max_size=8))
        )
    ]  # fmt: skip
    return acts, loans


def filled(acts: list[dict[str, Any]], loans: list[dict[str, Any]]) -> Any:
    rows = np.zeros(len(acts), NARROW)
    for at, act in enumerate(acts):
        for name in set(act) & set(NARROW.names or ()):
            rows[name][at] = act[name]
    known = np.array([act["known"] for act in acts], np.int64)
    more = [{"invoice": act["invoice"], "contract": act["contract"]} for act in acts]
    return ledger_of(rows, known, loans, more)


def by_definition(made: Papers, closing: Closing) -> pa.Table:
    """What the definition says of everything that was known at a closing."""
    acts = [act for act in made[0] if act["known"] <= closing.known_us]
    loans = [
        loan | {"known_to": None}
        for loan in made[1]
        if loan["known_from"] <= closing.known_us
        and (loan["known_to"] is None or loan["known_to"] > closing.known_us)
    ]
    ledger = filled(acts, loans)
    parameters = parameters_on().of(RULE)
    values = ", ".join(f"{value}::BIGINT AS {name}" for name, value in parameters.items())
    found = ledger.sql(
        f"WITH params AS (SELECT {values}), crossing AS ({RULE.definition}) "
        "SELECT *, false AS search_cut FROM crossing"
    ).cast(CROSSING)
    return found.filter(pa.array(found["instant"].to_numpy() < closing.until_us))


def times(made: Papers) -> "np.ndarray[Any, np.dtype[np.int64]]":
    ends = [loan["known_to"] for loan in made[1] if loan["known_to"] is not None]
    known = [act["known"] for act in made[0]] + [loan["known_from"] for loan in made[1]]
    return np.array(known + ends, np.int64)


@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(made=papers(), data=st.data())
def test_at_every_closing_the_lane_says_what_the_definition_says_of_what_was_known(
    made: Papers, data: st.DataObject
) -> None:
    closed = closed_days(times(made))
    said = lane.at_closings(filled(*made), RULE, closed, parameters_on())
    assert said.not_evaluated == ""
    lives = lifetimes(CROSSING.empty_table(), said.replaced, closed)
    begins, ends = lives["begins"].to_numpy(), lives["ends"].to_numpy()
    some = data.draw(st.sets(st.sampled_from(range(len(closed))), max_size=3))
    for number in sorted(some | {len(closed) - 1}):
        closing = closed[number]
        stand = lives.filter(pa.array((begins <= number) & (number < ends))).select(CROSSING.names)
        assert tuples(stand) == tuples(by_definition(made, closing)), closing


def test_more_closings_than_fit_one_statement_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made = two_financings()
    closed = closed_days(times(made))
    assert len(closed) > 2
    at_once = lane.at_closings(filled(*made), RULE, closed, parameters_on()).replaced
    monkeypatch.setattr(lane, "SLOTS", 2)
    in_parts = lane.at_closings(filled(*made), RULE, closed, parameters_on()).replaced
    assert sum(one.found.num_rows for one in at_once) > 0
    for one, other in zip(at_once, in_parts, strict=True):
        assert one.closing == other.closing
        assert one.subjects.tolist() == other.subjects.tolist()
        assert one.found.to_pylist() == other.found.to_pylist()


def two_financings() -> Papers:
    """A bill on an invoice, a loan on the same one, and days later that the bill was released."""
    act = {"report": 1, "asset": 1, "payer_party": 1, "payee_party": 50, "mask": 1, "contract": 0}
    acts = [
        act | {"key": 8, "event_code": EVENT_CODES["PLDG"], "event_time": MONDAY,
               "known": MONDAY, "invoice": 700},
        act | {"key": 9, "report": 2, "event_code": EVENT_CODES["RLSE"],
               "event_time": MONDAY + HOUR, "known": MONDAY + 4 * DAY, "invoice": 0},
    ]  # fmt: skip
    loan = {
        "transaction_id": 9_000, "report": 5, "reference_id": 6, "reporter": 60, "payer_party": 60,
        "payee_party": 2, "asset": 11, "amount_cny": 9, "vantage_mask": 24, "is_late": False,
        "counterparty_1_party_key": (60).to_bytes(8, "big") + bytes(8), "revision_number": 0,
        "effective_date": date(2026, 1, 13), "event_timestamp": MONDAY + DAY,
        "business_date": date(2026, 1, 13), "received_at": MONDAY + 2 * DAY,
        "known_from": MONDAY + 2 * DAY, "known_to": None, "invoice": 700, "contract": 0,
    }  # fmt: skip
    return acts, [loan]


def test_a_release_told_late_withdraws_the_alert_of_the_ledger_lane() -> None:
    made = two_financings()
    closed = closed_days(times(made))
    said = lane.at_closings(filled(*made), RULE, closed, parameters_on())
    lives = lifetimes(CROSSING.empty_table(), said.replaced, closed)
    found = history(lives, said.replaced, closed, load_rules(), "SIMULATED")
    told = [(row["status"], row["cause"]) for row in found.revisions.to_pylist()]
    assert told == [("raised", "NEW"), ("withdrawn", "LATE")]
    assert found.revisions["known_from"][0].as_py() == closed[2].known_at
    assert found.standing.num_rows == 0


def test_only_what_was_touched_is_looked_at_again() -> None:
    made = two_financings()
    closed = closed_days(times(made))
    said = lane.at_closings(filled(*made), RULE, closed, parameters_on())
    looked = {one.closing: one.subjects.tolist() for one in said.replaced}
    assert looked == {0: [1, 700], 2: [11, 700], 4: [1, 700]}


@pytest.mark.parametrize("rule", [r.name for r in load_rules().values() if r.lane == "ledger"])
def test_a_definition_never_looks_into_the_vantage(rule: str) -> None:
    """The ledger lane gives every closing vantages of its own."""
    text = re.sub(r"--.*|/\*.*?\*/", "", load_rules()[rule].definition, flags=re.DOTALL)
    assert not re.search(r"vantage\s*(=|<>|<|>|!|\b[Ii][Nn]\b|%|&)\S*\s*\(?\s*\d", text)


def test_a_rule_that_lacks_its_data_says_so() -> None:
    acts, _ = two_financings()
    said = lane.at_closings(filled(acts, []), RULE, closed_days(times((acts, []))), parameters_on())
    assert said.not_evaluated == "holding: no rows"
    assert said.replaced == ()
