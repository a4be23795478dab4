"""Dormant wake: an account rests for weeks, then sums near the large-value line move within days.

PBC Order 2006-2 Art 11(4) asks for a year; a tape spans two months, so here an account rests for 37
calendar days and more. It is used once at the start of the tape, so that somebody has seen it, and
everyday payments leave it alone. A tape too short for that gets none of these.

Split variants wake two accounts of one customer in two regions, each with less than a region needs.
"""

import numpy as np

from replay.schemes.pass_through import parts, stranger
from replay.schemes.plans import INNOCENT, SCHEME, UNLABELLED, Planner

RULE = "dormant_wake"
YUAN = 100
LINE_FEN = {True: 500_000 * YUAN, False: 2_000_000 * YUAN}  # by: the holder is a natural person
REST_DAYS = 37
_AWAKE = 8  # business days from the wake within which the sums move
_SHORT = 16  # calendar days an innocent's account rests


class Resting:
    """Accounts and parties everyday payments leave alone, so that a plan may let them rest.

    Args:
        plan: draws; its parties are claimed.
    """

    def __init__(self, plan: Planner) -> None:
        who, base = plan.who, plan.base
        self._plan = plan
        self._region = who.account_regions()
        uses = np.bincount(base.payer, minlength=len(who.account_party))
        uses += np.bincount(base.payee, minlength=len(who.account_party))
        self._quiet = (uses == 0) & (self._region >= 0)
        party = who.account_party
        total = np.bincount(party, weights=uses)
        regions = [
            np.bincount(party[self._region == r], minlength=len(who.person)) > 0 for r in range(4)
        ]
        self.one = np.bincount(party[self._quiet], minlength=len(who.person)) > 0
        self.whole = (total == 0) & (np.sum(regions, axis=0) >= 2) & who.inside

    def account(self, party: int) -> int:
        """A quiet account of a party that has one."""
        mine = self._plan.who.accounts_of(party)
        return int(self._plan.rng.choice(mine[self._quiet[mine]]))

    def two(self, party: int) -> list[int]:
        """Two accounts of a quiet party, in two regions."""
        mine = self._plan.rng.permutation(self._plan.who.accounts_of(party))
        first = int(next(a for a in mine if self._region[a] >= 0))
        away = (self._region[mine] >= 0) & (self._region[mine] != self._region[first])
        return [first, int(mine[away][0])]


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule, if the tape is long enough."""
    business = plan.when.business
    if business[-_AWAKE] <= business[3] + REST_DAYS:
        return
    rest = Resting(plan)
    for _ in range(8):
        _customer(plan, rest, "woken_in_two_regions", shares=(0.5, 0.72))
    for _ in range(6):
        _account(plan, rest, "one_account", share=(0.9, 2.4))
    # Expected misses: it moves less than what is near the line.
    for _ in range(2):
        _customer(plan, rest, "woken_with_little", shares=(0.15, 0.3))
    for _ in range(5):
        _account(plan, rest, "woken_for_a_purchase", share=(0.2, 0.6), kind=INNOCENT)
    for _ in range(4):
        _account(
            plan, rest, "rests_for_a_fortnight", share=(0.9, 2.4), kind=INNOCENT, rest_days=_SHORT
        )
    for _ in range(4):
        _account(plan, rest, "savings_by_and_by", share=(1.0, 1.6), kind=INNOCENT, spread=True)


def _days(plan: Planner, rest: int) -> tuple[int, list[int]]:
    """The day of the first use, and the business days that follow at least `rest` days later."""
    business = plan.when.business
    while True:
        first = int(plan.rng.choice(business[: 4 if rest >= REST_DAYS else 12]))
        woken = [day for day in business if day >= first + rest + 1]
        if len(woken) >= _AWAKE:
            begin = int(plan.rng.integers(0, min(4, len(woken) - _AWAKE + 1)))
            return first, list(woken[begin:])


def _move(plan: Planner, number: int, account: int, fen: int, day: int, hour: float) -> None:
    region = int(plan.who.account_regions()[account])
    other = stranger(plan, region, bool(plan.rng.random() < 0.4))
    plan.pay(number, plan.at(day, hour), account, other, fen)


def _use(plan: Planner, account: int, day: int) -> None:
    """The last use before the rest: lawful, and no part of the scheme."""
    _move(plan, UNLABELLED, account, int(plan.rng.integers(60, 900)) * YUAN, day, plan.hour())


def _person(plan: Planner) -> bool:
    return bool(plan.rng.random() < 0.7)


def _customer(
    plan: Planner, rest: Resting, variant: str, shares: tuple[float, float], kind: str = SCHEME
) -> None:
    """Both accounts are used once, rest, and wake within a few days of each other.

    A natural person's: a firm that banks in two regions and rests is rare.
    """
    person = True
    accounts = rest.two(plan.party(person, among=rest.whole))
    number = plan.begin(RULE, variant, kind, split=True)
    first, woken = _days(plan, REST_DAYS)
    for account in accounts:
        _use(plan, account, first)
    for at, account in enumerate(accounts):
        fen = int(LINE_FEN[person] * float(plan.rng.uniform(*shares))) // YUAN * YUAN
        for part in parts(plan, fen, int(plan.rng.integers(2, 5))):
            _move(
                plan, number, account, part, woken[at + int(plan.rng.integers(0, 4))], plan.hour()
            )


def _account(
    plan: Planner,
    rest: Resting,
    variant: str,
    share: tuple[float, float],
    kind: str = SCHEME,
    rest_days: int = REST_DAYS,
    spread: bool = False,
) -> None:
    """One account rests while its holder uses others; spread: what wakes goes out over weeks."""
    person = _person(plan)
    account = rest.account(plan.party(person, among=rest.one))
    number = plan.begin(RULE, variant, kind, split=False)
    first, woken = _days(plan, rest_days)
    _use(plan, account, first)
    fen = int(LINE_FEN[person] * float(plan.rng.uniform(*share))) // YUAN * YUAN
    if spread:  # never near the line within ten business days
        cut = parts(plan, fen // 4, 2)
        days = [woken[0], woken[min(len(woken) - 1, 6)]]
    else:
        cut = parts(plan, fen, int(plan.rng.integers(2, 5)))
        days = [woken[int(plan.rng.integers(0, _AWAKE - 2))] for _ in cut]
    for part, day in zip(cut, days, strict=True):
        _move(plan, number, account, part, day, plan.hour())
