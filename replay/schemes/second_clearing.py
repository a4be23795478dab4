"""Second clearing: a firm pools what many persons pay and settles it to merchants days later.

No text gives a number; a settlement between T+1 and T+7 is what contracts with merchants offer, and
a fee of a few percent is what stays. Split variants take the money on accounts in two regions and
settle from a third; in some the takers and the settler are firms of one controller. Innocents: a
licensed institution, a marketplace whose money lies on a custody account, a payroll firm, a
landlord, a shop that buys its goods.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replay.market import licensed, registers
from replay.schemes.plans import INNOCENT, SCHEME, UNLABELLED, Planner, TooSmall
from schemas.regions import REGIONS, region_of_area

RULE = "second_clearing"
_DAYS = 10  # on which money is taken
_A_DAY = 10  # payers
_POOL = 90  # persons who pay at all
_MERCHANTS = 6
_YUAN = 100


@dataclass(frozen=True, slots=True)
class _Platform:
    """Accounts that take the money, and the one that settles."""

    takers: Sequence[int]
    settler: int


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    for at in plan.turns(3):
        with plan.room():
            _clear(plan, "platform_split", _spread(plan), lag=1 + 2 * at)
    for _ in plan.turns(1, 0):
        with plan.room():
            _clear(plan, "platform_split_large", _spread(plan), lag=1, yuan=(30_000, 90_000))
    for _ in plan.turns(2):
        with plan.room():
            _clear(plan, "group_split", _of_one_controller(plan), lag=1)
    for _ in plan.turns(2):
        with plan.room():
            _clear(plan, "platform_one_region", _at_one_place(plan), lag=2, split=False)
    for _ in plan.turns(1, 0):  # expected miss: what is paid out on a day follows nothing
        with plan.room():
            _clear(plan, "no_rhythm", _spread(plan), lag=1, passed=(0.4, 1.6))
    _innocents(plan)


def _innocents(plan: Planner) -> None:
    licences, custody = [], []
    for _ in plan.turns(2):
        with plan.room():
            away = _at_one_place(plan, away=True)
            _clear(plan, "licensed", away, lag=1, split=False, kind=INNOCENT)
            licences.append(int(plan.who.account_party[away.settler]))
    for _ in plan.turns(1, 0):
        with plan.room():
            market = _at_one_place(plan)
            _clear(plan, "custody_account", market, lag=1, split=False, kind=INNOCENT)
            custody.append(market.settler)
    for one in [one for _ in plan.turns(2) for one in (_payroll, _landlord)]:
        with plan.room():
            one(plan)
    for _ in plan.turns(2, 0):  # two thirds of what it takes goes to those it buys from
        with plan.room():
            shop = _at_one_place(plan)
            _clear(plan, "shop", shop, lag=1, split=False, kind=INNOCENT, passed=(0.55, 0.8))
    plan.place(registers.FEED, licensed.Licences(np.array(licences, np.int64)))
    plan.place(registers.FEED, licensed.Custody(np.array(custody, np.int64)))


# -- who ------------------------------------------------------------------------------------


def _spread(plan: Planner) -> _Platform:
    """One firm with accounts in three regions: two take, one settles."""
    firm = plan.party(False, spread=3)
    accounts = [plan.account(firm, region) for region in plan.regions_of(firm)[:3]]
    return _Platform(accounts[1:], accounts[0])


def _at_one_place(plan: Planner, away: bool = False) -> _Platform:
    """One firm with one account; `away`: in a region that is not that of its seat."""
    firm = plan.party(False, spread=2 if away else 1)
    home = region_of_area(str(plan.who.home[firm]))
    there = [r for r in plan.regions_of(firm) if (REGIONS[r] != home) == away]
    account = plan.account(firm, there[0] if there else None)
    return _Platform([account], account)


def _of_one_controller(plan: Planner) -> _Platform:
    """Firms of one group in three regions: two take, one settles."""
    who = plan.who
    for group in plan.rng.permutation(int(who.group.max()) + 1).tolist():
        found: dict[int, int] = {}
        for firm in np.flatnonzero(who.group == group).tolist():
            free = [region for region in plan.regions_of(firm) if region not in found]
            if free and len(found) < 3:
                found[free[0]] = plan.account(firm, free[0])
        if len(found) == 3:
            first, *others = found.values()
            return _Platform(others, first)
    raise TooSmall


# -- what -----------------------------------------------------------------------------------


def _clear(
    plan: Planner,
    variant: str,
    platform: _Platform,
    lag: int,
    split: bool = True,
    kind: str = SCHEME,
    yuan: tuple[int, int] = (1_000, 6_000),
    passed: tuple[float, float] = (0.955, 0.985),
) -> None:
    """Take money on ten days and settle each day's, less a fee, so many business days later.

    Args:
        plan: the planner.
        variant: of the label.
        platform: who does it.
        lag: business days between the day and its settlement.
        split: no single region sees both sides.
        kind: scheme or innocent.
        yuan: what one pays, from, to (not included).
        passed: share of a day's money that is passed on, from, to.
    """
    rng, who = plan.rng, plan.who
    number = plan.begin(RULE, variant, kind, split=kind == SCHEME and split)
    days = plan.days(_DAYS + lag, last=2)
    regions = [int(who.account_regions()[taker]) for taker in platform.takers]
    payers = [
        (plan.account(person, region, int(who.account_bank[taker])), taker)
        for taker, region in zip(platform.takers, regions, strict=True)
        for person in plan.crowd(_POOL // len(regions), region)
    ]
    rng.shuffle(payers)
    shops = [plan.account(plan.party(False, claim=False)) for _ in range(_MERCHANTS)]
    share = rng.dirichlet(np.full(_MERCHANTS, 6.0))
    for at, day in enumerate(days[:_DAYS]):
        taken = dict.fromkeys(platform.takers, 0)
        for turn, hour in enumerate(plan.hours(_A_DAY)):
            payer, taker = payers[(at * _A_DAY + turn) % len(payers)]
            fen = int(rng.integers(*yuan)) * _YUAN
            plan.pay(number, plan.at(day, hour), payer, taker, fen)
            taken[taker] += fen
        paid_on = days[at + lag]
        for taker, fen in taken.items():
            if taker != platform.settler and fen:
                moved = plan.at(paid_on, 9.1)
                plan.pay(UNLABELLED, moved, taker, platform.settler, fen, "INTC")
        out = int(sum(taken.values()) * rng.uniform(*passed))
        for shop, part, hour in zip(shops, share, plan.hours(_MERCHANTS), strict=True):
            plan.pay(number, plan.at(paid_on, hour), platform.settler, shop, int(out * part))


def _payroll(plan: Planner) -> None:
    """Three firms fund the wages; a firm pays them to their staff on two days."""
    number = plan.begin(RULE, "payroll", INNOCENT, split=False)
    firm = plan.account(plan.party(False))
    region = int(plan.who.account_regions()[firm])
    clients = [plan.account(plan.party(False, claim=False)) for _ in range(3)]
    staff = [plan.account(person) for person in plan.crowd(30, region)]
    days = plan.days(12, last=2)
    for day, payday in ((days[0], days[1]), (days[10], days[11])):
        wages = [int(plan.rng.integers(60, 160)) * 100 * _YUAN for _ in staff]
        for at, client in enumerate(clients):
            plan.pay(number, plan.at(day, 9.2), client, firm, sum(wages[at::3]), "SALA")
        for person, fen in zip(staff, wages, strict=True):
            plan.pay(number, plan.at(payday, plan.hour()), firm, person, fen, "SALA")


def _landlord(plan: Planner) -> None:
    """Tenants pay the rent within a week; the owners get it once, after the fee."""
    number = plan.begin(RULE, "landlord", INNOCENT, split=False)
    firm = plan.account(plan.party(False))
    region = int(plan.who.account_regions()[firm])
    owners = [plan.account(plan.party(False, claim=False)) for _ in range(5)]
    days = plan.days(8, last=2)
    rents = 0
    for person in plan.crowd(70, region):
        fen = int(plan.rng.integers(20, 60)) * 100 * _YUAN
        rents += fen
        at = plan.at(int(plan.rng.choice(days[:5])), plan.hour())
        plan.pay(number, at, plan.account(person), firm, fen, "RENT")
    for owner in owners:
        plan.pay(number, plan.at(days[7], plan.hour()), firm, owner, int(rents * 0.19), "RENT")
