"""Pass-through: money comes in at one bank and leaves through another almost at once.

No regulator published a number; the shapes follow the trade's usual ones (more than 500,000 yuan
in within a day, nine tenths and more of it out again). Split variants let the money in through
agents of one region and out through agents of another, so that one sees an inflow, the other an
outflow, and neither the two together.
"""

from collections.abc import Sequence

import numpy as np

from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "pass_through"
YUAN = 100


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    for _ in range(8):
        _split(plan, "in_one_out_other")
    for _ in range(3):
        _split(plan, "in_one_out_other_slowly", wait=(3.0, 5.0))
    for _ in range(3):
        _split(plan, "in_two_out_other", doors=2)
    for _ in range(3):
        _returns(plan)
    for _ in range(2):
        _two_banks(plan)
    # Expected misses: held too long, or too little of it leaves.
    for _ in range(2):
        _split(plan, "held_for_days", hold_days=3)
    for _ in range(2):
        _split(plan, "keeps_a_third", ratio=(0.6, 0.7))
    _innocents(plan)


def _innocents(plan: Planner) -> None:
    for _ in range(4):
        _sweep(plan)
    for _ in range(3):
        _split(plan, "ordinary_spending", ratio=(0.3, 0.5), kind=INNOCENT)
    for _ in range(3):
        _split(plan, "saved_then_spent", hold_days=5, kind=INNOCENT)
    for _ in range(2):
        _split(plan, "small_amounts", between=(150_000, 300_000), kind=INNOCENT)
    for _ in range(2):
        _split(plan, "house_purchase", between=(900_000, 2_200_000), kind=INNOCENT, person=True)


def parts(plan: Planner, fen: int, count: int) -> list[int]:
    """Cut an amount into uneven parts of whole yuan that add up."""
    cuts = np.sort(plan.rng.uniform(0.2, 1.0, count))
    shares = cuts / cuts.sum()
    parts = [int(fen * share) // YUAN * YUAN for share in shares[:-1]]
    return [*parts, fen - sum(parts)]


def stranger(plan: Planner, region: int, person: bool, outside: float = 0.5) -> int:
    """An account of somebody else: outside the Delta, or in this region."""
    if plan.rng.random() < outside:
        return plan.account(plan.party(person, spread=0, claim=False))
    return plan.account(plan.party(person, regions=[region], claim=False), region)


def money_in(plan: Planner, number: int, accounts: Sequence[int], fen: int, day: int) -> float:
    """Pay the inflow in one to three parts; returns the hour of the last."""
    count = max(len(accounts), int(plan.rng.integers(1, 4)))
    hour = float(plan.rng.uniform(9.0, 11.0))
    for at, part in enumerate(parts(plan, fen, count)):
        account = accounts[at % len(accounts)]
        region = int(plan.who.account_regions()[account])
        sender = stranger(plan, region, bool(plan.rng.random() < 0.5))
        hour += float(plan.rng.uniform(0.05, 0.9)) * (at > 0)
        plan.pay(number, plan.at(day, hour), sender, account, part)
    return hour


def money_out(
    plan: Planner, number: int, account: int, fen: int, day: int, hour: float, payees: Sequence[int]
) -> None:
    """Pay the outflow, a part to each payee, from an hour on."""
    for at, part in enumerate(parts(plan, fen, len(payees))):
        hour += float(plan.rng.uniform(0.05, 0.6)) * (at > 0)
        plan.pay(number, plan.at(day, min(hour, 17.9)), account, payees[at], part)


def total(plan: Planner, low: int, high: int) -> int:
    """An amount between two of yuan, small ones more often, in fen."""
    return int(np.exp(plan.rng.uniform(np.log(low), np.log(high)))) * YUAN


def _soon(plan: Planner) -> float:
    return float(plan.rng.uniform(0.1, 1.1))


def _split(
    plan: Planner,
    variant: str,
    doors: int = 1,
    hold_days: int = 0,
    ratio: tuple[float, float] = (0.93, 0.995),
    between: tuple[int, int] = (620_000, 4_000_000),
    kind: str = SCHEME,
    person: bool | None = None,
    wait: tuple[float, float] = (0.1, 1.1),
) -> None:
    nature = bool(plan.rng.random() < 0.5) if person is None else person
    party = plan.party(nature, spread=doors + 1)
    regions = plan.regions_of(party)
    number = plan.begin(RULE, variant, kind, split=True)
    days = plan.days(hold_days + 1)
    fen = total(plan, *between)
    doors_in = [plan.account(party, region) for region in regions[:doors]]
    hour = money_in(plan, number, doors_in, fen, days[0])
    way_out = regions[doors]
    payees = [
        stranger(plan, way_out, bool(plan.rng.random() < 0.4))
        for _ in range(int(plan.rng.integers(1, 4)))
    ]
    left = int(fen * float(plan.rng.uniform(*ratio))) // YUAN * YUAN
    leaves = hour + float(plan.rng.uniform(*wait))
    money_out(plan, number, plan.account(party, way_out), left, days[-1], leaves, payees)


def _returns(plan: Planner) -> None:
    """Out through another region, but to somebody who banks where the money came in."""
    party = plan.party(bool(plan.rng.random() < 0.5), spread=2)
    first, second = plan.regions_of(party)[:2]
    number = plan.begin(RULE, "returns_to_region", SCHEME, split=False)
    day = plan.days(1)[0]
    fen = total(plan, 620_000, 4_000_000)
    hour = money_in(plan, number, [plan.account(party, first)], fen, day)
    payees = [stranger(plan, first, False, outside=0.0) for _ in range(2)]
    left = int(fen * float(plan.rng.uniform(0.93, 0.99))) // YUAN * YUAN
    money_out(plan, number, plan.account(party, second), left, day, hour + _soon(plan), payees)


def _two_banks(plan: Planner) -> None:
    """In and out through two banks of one region: that region sees everything."""
    who = plan.who
    region = who.account_regions()
    twice = np.zeros(len(who.person), bool)
    for at in range(len(region) - 1):
        same = who.account_party[at] == who.account_party[at + 1] and region[at] == region[at + 1]
        twice[who.account_party[at]] |= bool(
            same and region[at] >= 0 and who.account_bank[at] != who.account_bank[at + 1]
        )
    party = plan.party(bool(plan.rng.random() < 0.5), among=twice)
    mine = who.accounts_of(party)
    first = next(
        int(a)
        for a in mine
        if ((region[mine] == region[a]) & (who.account_bank[mine] != who.account_bank[a])).any()
    )
    home = int(region[first])
    number = plan.begin(RULE, "two_banks_one_region", SCHEME, split=False)
    day = plan.days(1)[0]
    fen = total(plan, 620_000, 4_000_000)
    hour = money_in(plan, number, [first], fen, day)
    way_out = plan.account(party, home, bank_not=int(who.account_bank[first]))
    payees = [stranger(plan, home, False) for _ in range(2)]
    left = int(fen * float(plan.rng.uniform(0.93, 0.99))) // YUAN * YUAN
    money_out(plan, number, way_out, left, day, hour + _soon(plan), payees)


def _sweep(plan: Planner) -> None:
    """Customers pay a subsidiary in the morning; the group's treasury sweeps it in the evening."""
    who = plan.who
    firm = plan.party(False, spread=2, among=who.group >= 0)
    mates = np.flatnonzero((who.group == who.group[firm]) & (np.arange(len(who.group)) != firm))
    first, second = plan.regions_of(firm)[:2]
    number = plan.begin(RULE, "treasury_sweep", INNOCENT, split=True)
    day = plan.days(1)[0]
    fen = total(plan, 620_000, 2_500_000)
    money_in(plan, number, [plan.account(firm, first)], fen, day)
    left = int(fen * float(plan.rng.uniform(0.95, 0.99))) // YUAN * YUAN
    mate = plan.account(int(plan.rng.choice(mates)))
    plan.pay(number, plan.at(day, 17.2), plan.account(firm, second), mate, left, "INTC")
