"""Money from the public: many persons pay multiples of a unit, some get a fixed rate of it back.

The lines of 150 persons and RMB 1 million are those of the SPC interpretation of 2022-02-23,
units of 500 yuan and a unit rate those of an analyst's worked report. Split variants take the
money in three regions, each below both lines; in some the takers are three firms of one
controller. Innocents: fees of a school, donations, deposits that are given back.
"""

import numpy as np

from replay.schemes.plans import INNOCENT, SCHEME, Planner, TooSmall
from schemas.regions import REGIONS

RULE = "fundraising"
_UNIT_FEN = 50_000
Taker = tuple[int, int]  # region, account


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    for _ in plan.turns(3):
        _raise(plan, "money_split", (20, 20, 20), units=(34, 60))
    for _ in plan.turns(1, 0):
        _raise(plan, "persons_split", (60, 50, 45), units=(2, 8))
    for _ in plan.turns(2):
        _raise(plan, "one_controller", (22, 20, 18), units=(34, 60), one_controller=True)
    for _ in plan.turns(1, 0):
        _raise(plan, "one_region", (70,), units=(34, 60))
    for _ in plan.turns(1, 0):  # expected miss: everybody gets another rate
        _raise(plan, "rates_differ", (20, 20, 20), units=(34, 60), rates=40)
    for _ in plan.turns(2):
        _raise(plan, "school_fees", (40, 20), units=(30, 60), kind=INNOCENT, repaid=0.0)
    _raise(plan, "donations", (30, 10), units=(1, 6), kind=INNOCENT, repaid=0.0)
    _raise(plan, "deposits", (25, 10), units=(40, 80), kind=INNOCENT, rate_bp=10_000)


def _raise(
    plan: Planner,
    variant: str,
    crowds: tuple[int, ...],
    units: tuple[int, int],
    kind: str = SCHEME,
    repaid: float = 0.45,
    rate_bp: int = 0,
    rates: int = 1,
    one_controller: bool = False,
) -> None:
    """Take money over three weeks, pay on it in the fourth.

    Args:
        plan: the planner.
        variant: of the label.
        crowds: persons in each region.
        units: what one pays, in units, from, to (not included).
        kind: scheme or innocent.
        repaid: share of the persons that get something.
        rate_bp: of what was paid in; 0: a rate of one to three percent.
        rates: how many different rates there are.
        one_controller: a firm of one controller in each region, else one firm.
    """
    rng = plan.rng
    takers = _takers(plan, len(crowds), one_controller)
    number = plan.begin(RULE, variant, kind, split=kind == SCHEME and len(crowds) > 1)
    days = plan.days(20, last=2)
    rate = rate_bp or int(rng.choice((100, 150, 200, 300)))
    for size, (region, taker) in zip(crowds, takers, strict=True):
        bank = int(plan.who.account_bank[taker])
        for at, person in enumerate(plan.crowd(size, region)):
            account = plan.account(person, region, bank_not=bank)
            fen = int(rng.integers(*units)) * _UNIT_FEN
            paid = plan.at(int(rng.choice(days[3:14])), plan.hour())
            plan.pay(number, paid, account, taker, fen, "OTHR")
            if at < size * repaid:
                mine = rate + 7 * (at % rates)
                back = plan.at(int(rng.choice(days[15:])), plan.hour())
                plan.pay(number, back, taker, account, fen * mine // 10_000, "OTHR")


def _takers(plan: Planner, regions: int, one_controller: bool) -> list[Taker]:
    """Who takes the money where: one firm with an account in each region, or firms of a group."""
    if not one_controller:
        firm = plan.party(False, spread=regions)
        places = plan.regions_of(firm)[:regions]
        return [(region, plan.account(firm, region)) for region in places]
    groups = plan.rng.permutation(int(plan.who.group.max()) + 1)
    for group in groups.tolist():
        firms = np.flatnonzero(plan.who.group == group).tolist()
        found: list[Taker] = []
        for firm in firms:
            taken = {region for region, _ in found}
            free = [region for region in plan.regions_of(firm) if region not in taken]
            if free and len(found) < min(regions, len(REGIONS)):
                found.append((free[0], plan.account(firm, free[0])))
        if len(found) == regions:
            return found
    raise TooSmall
