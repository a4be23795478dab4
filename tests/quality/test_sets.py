"""Rules over sets: what they find is a matter of the ledger, not of what arrived together."""

import datetime
import random

import pytest

from ledger import ddl, duck
from quality import examples
from quality.rules import Rule
from quality.sets import set_rules, sets_of_day
from tests.quality.conftest import FIRST_DAY, LAST_DAY, Rows, append, bills, loans, payments

BEFORE = LAST_DAY - datetime.timedelta(days=1)


def again(rows: Rows, day: datetime.date, **values: object) -> Rows:
    """Other reports of a day that stand in one set with the given ones."""
    times = {
        "event_timestamp": f"{day}T07:00:00Z",
        "received_at": f"{day}T09:00:00Z",
        "business_date": day,
    }
    return [
        row | times | {"report_id": f"{number:02x}" * 16} | values
        for number, row in enumerate(rows, start=1)
    ]


def faulty() -> dict[str, Rows]:
    """Reports of two days, with one fault for every rule over sets, most of them across days."""
    paid = payments(BEFORE, 5) + payments(LAST_DAY, 5)
    same_uetr = again(paid[:1], LAST_DAY, source_trade_id="TX-OTHER")
    dealt = bills(BEFORE) + bills(LAST_DAY)
    other_content = again(dealt[:1], LAST_DAY, content_hash="ff" * 16)
    overlapping = again(dealt[2:3], LAST_DAY, source_trade_id="TX-OVER")
    # The package of the last day was issued for three of its four sub-ranges.
    issue = {"event_type": "ISSU", "source_trade_id": "CP-1", "asset_range_end": 30_000_000}
    issued = again(dealt[4:5], BEFORE, transaction_key="ab" * 16, **issue)
    lent = loans(LAST_DAY)
    other_balance = again(lent[:1], LAST_DAY, content_hash="ee" * 16)
    return {
        "PYMT": paid + same_uetr,
        "BILL": dealt + other_content + overlapping + issued,
        "LOAN": lent + other_balance,
    }


FOUND = {
    "BILL-122 SHCPE DISC OP-BILL": (6, 1),
    "BILL-123 SHCPE DISC OP-BILL": (6, 1),
    "BILL-126 SHCPE DISC OP-BILL": (6, 1),
    "LOAN-120 PBC-LOAN UPDT C1038131000011": (6, 2),
    "PYMT-125 HVPS PAYM 381290000019": (6, 1),
    "PYMT-125 HVPS PAYM 381301000013": (5, 0),
}


@pytest.mark.parametrize("seed", range(4))
def test_findings_do_not_depend_on_how_reports_arrive(seed: int) -> None:
    chance = random.Random(seed)
    pieces: list[tuple[str, Rows]] = []
    for market, rows in faulty().items():
        chance.shuffle(rows)
        size = chance.randint(1, len(rows))
        pieces += [(market, rows[at : at + size]) for at in range(0, len(rows), size)]
    chance.shuffle(pieces)
    with duck.memory() as ledger:
        ddl.create(ledger, "SIMULATED")
        for market, rows in pieces:
            append(ledger, market, rows)
        found = sets_of_day(ledger, LAST_DAY).to_pylist()
    assert {row["label"]: (row["reports"], row["broken"]) for row in found} == FOUND
    told = {label[:8] for label in FOUND}
    assert told == {rule.id for rule in set_rules() if base_of(rule) in faulty()}


def base_of(rule: Rule) -> str:
    """The base record of a rule: its market's, or that of its market and kind."""
    (kind,), market = rule.kinds, rule.markets[0]
    return market if examples.kind_of(market) == kind else f"{market}/{kind}"


@pytest.mark.parametrize(
    "rule", [r for r in set_rules() if base_of(r) not in faulty()], ids=lambda rule: rule.id
)
def test_sets_of_other_kinds_are_judged_in_the_ledger_too(rule: Rule) -> None:
    """Figures, entries, complaints and acts of other markets that arrive one by one."""
    market = base_of(rule)
    for rows, faulty_too in ((rule.passing, False), (rule.failing, True)):
        with duck.memory() as ledger:
            ddl.create(ledger, "SIMULATED")
            for number, row in enumerate(rows, 1):
                own = {"report_id": f"{number:02x}" * 16, "business_date": LAST_DAY}
                append(ledger, market, [{**row, **own}])
            found = sets_of_day(ledger, LAST_DAY).to_pylist()
        mine = [row["broken"] for row in found if row["label"].startswith(rule.id)]
        assert mine, "the set was looked at"
        assert (sum(mine) > 0) == faulty_too


def test_a_set_is_judged_on_the_day_its_report_came_and_by_what_is_known_by_then() -> None:
    with duck.memory() as ledger:
        ddl.create(ledger, "SIMULATED")
        for market, rows in faulty().items():
            append(ledger, market, rows)
        before = sets_of_day(ledger, BEFORE)
        assert before.num_rows
        assert sum(before["broken"].to_pylist()) == 0, "the other member came a day later"
        assert sets_of_day(ledger, FIRST_DAY).num_rows == 0


def test_what_no_longer_holds_is_in_no_set() -> None:
    with duck.memory() as ledger:
        ddl.create(ledger, "SIMULATED")
        for market, rows in faulty().items():
            append(ledger, market, rows)
        ledger.execute(
            "UPDATE stored.event SET is_duplicate = true WHERE source_trade_id = 'TX-OVER'"
        )
        ledger.execute(
            "UPDATE stored.event SET known_to = now() WHERE source_trade_id = 'TX-OTHER'"
        )
        found = sets_of_day(ledger, LAST_DAY).to_pylist()
    broken = {row["label"][:8] for row in found if row["broken"]}
    assert broken == {"BILL-123", "BILL-126", "LOAN-120"}
