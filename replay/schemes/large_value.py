"""Large value: a day's transfers of one customer, over several banks, none of which must report.

The lines are those of PBC Order 2016-3 Art 5 (a natural person's domestic transfers of a day
500,000 yuan, anyone else's 2,000,000), summed per customer and bank, one side at a time. Split
variants keep every bank below the line, and every region too: only all together reach it.
"""

from itertools import combinations

import numpy as np

from replay.schemes.pass_through import parts, stranger
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "large_value"
YUAN = 100
LINE_FEN = {True: 500_000 * YUAN, False: 2_000_000 * YUAN}  # by: the customer is a natural person


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    doors = _Doors(plan)
    for _ in range(6):
        _spread(plan, doors, "paid_over_regions", regions=2)
    for _ in range(3):
        _spread(plan, doors, "paid_over_three_regions", regions=3)
    for _ in range(4):
        _spread(plan, doors, "received_over_regions", regions=2, outgoing=False)
    for _ in range(3):
        _spread(plan, doors, "two_banks_one_region", regions=1)
    # Expected misses: half of it the next day.
    for _ in range(2):
        _spread(plan, doors, "over_two_days", regions=2, days=2)
    _innocents(plan, doors)


def _innocents(plan: Planner, doors: "_Doors") -> None:
    for _ in range(4):
        _spread(plan, doors, "below_together", regions=2, low=0.55, high=0.9, kind=INNOCENT)
    for _ in range(4):
        _one_large(plan)
    for _ in range(3):
        _own_accounts(plan, doors)
    for _ in range(3):
        _in_and_out(plan, doors)


class _Doors:
    """Who has accounts at several banks, in one region or in several."""

    def __init__(self, plan: Planner) -> None:
        who = plan.who
        self._plan = plan
        self._region = who.account_regions()
        self._legal = who.banks.legal[who.account_bank]
        n = len(who.person)
        self._fits = {count: np.zeros(n, bool) for count in (1, 2, 3)}
        for party in np.flatnonzero(who.inside):
            for count, fits in self._fits.items():
                fits[party] = bool(self._choose(int(party), count, None))

    def draw(self, regions: int, person: bool) -> tuple[int, list[int]]:
        """A party and accounts of it at banks of different legal persons.

        One account in each of so many regions, or two in one.
        """
        party = self._plan.party(person, among=self._fits[regions])
        return party, self._choose(party, regions, self._plan.rng)

    def _choose(self, party: int, regions: int, rng: np.random.Generator | None) -> list[int]:
        mine = self._plan.who.accounts_of(party)
        mine = mine[self._region[mine] >= 0]
        order: list[int] = (mine if rng is None else rng.permutation(mine)).tolist()
        for chosen in combinations(order, max(2, regions)):
            places = {int(self._region[account]) for account in chosen}
            banks = {str(self._legal[account]) for account in chosen}
            if len(places) == regions and len(banks) == len(chosen):
                return list(chosen)
        return []


def _shares(plan: Planner, line: int, count: int, low: float, high: float) -> list[int]:
    """Sums by bank, each below the line, that add up to between `low` and `high` lines."""
    while True:
        fen = int(line * float(plan.rng.uniform(low, high))) // YUAN * YUAN
        cut = parts(plan, fen, count)
        if max(cut) < 0.97 * line:
            return cut


def _spread(
    plan: Planner,
    doors: _Doors,
    variant: str,
    regions: int,
    outgoing: bool = True,
    days: int = 1,
    low: float = 1.06,
    high: float = 1.6,
    kind: str = SCHEME,
) -> None:
    person = bool(plan.rng.random() < 0.5)
    _, accounts = doors.draw(regions, person)
    number = plan.begin(RULE, variant, kind, split=regions > 1)
    day = plan.days(days)
    region = plan.who.account_regions()
    sums = _shares(plan, LINE_FEN[person], len(accounts), low, min(high, 0.9 * len(accounts)))
    payments = [
        (account, part, at)
        for at, (account, fen) in enumerate(zip(accounts, sums, strict=True))
        for part in parts(plan, fen, int(plan.rng.integers(1, 4)))
    ]
    hours = plan.hours(len(payments))
    for (account, part, at), hour in zip(payments, plan.rng.permutation(hours), strict=True):
        other = stranger(plan, int(region[account]), bool(plan.rng.random() < 0.4))
        ends = (account, other) if outgoing else (other, account)
        plan.pay(number, plan.at(day[at * days // len(accounts)], float(hour)), *ends, part)


def _one_large(plan: Planner) -> None:
    """One transfer over the line and a small one: the bank reports it, nothing is hidden."""
    person = bool(plan.rng.random() < 0.5)
    payer = plan.party(person)
    number = plan.begin(RULE, "one_large_transfer", INNOCENT, split=False)
    account = plan.account(payer)
    region = int(plan.who.account_regions()[account])
    day = plan.days(1)[0]
    for share, hour in zip((float(plan.rng.uniform(1.02, 2.5)), 0.05), plan.hours(2), strict=True):
        fen = int(LINE_FEN[person] * share) // YUAN * YUAN
        plan.pay(number, plan.at(day, hour), account, stranger(plan, region, False), fen)


def _own_accounts(plan: Planner, doors: _Doors) -> None:
    """Money moved between own accounts, there and back: much at each bank, nothing leaves."""
    person = bool(plan.rng.random() < 0.5)
    _, accounts = doors.draw(2, person)
    number = plan.begin(RULE, "between_own_accounts", INNOCENT, split=True)
    day = plan.days(1)[0]
    for turn, hour in enumerate(plan.hours(2)):
        fen = int(LINE_FEN[person] * float(plan.rng.uniform(0.6, 0.95))) // YUAN * YUAN
        payer, payee = accounts if turn == 0 else accounts[::-1]
        plan.pay(number, plan.at(day, hour), payer, payee, fen)


def _in_and_out(plan: Planner, doors: _Doors) -> None:
    """Much comes in at one bank and much goes out at another: each side is below the line."""
    person = bool(plan.rng.random() < 0.5)
    _, (one, two) = doors.draw(2, person)
    number = plan.begin(RULE, "in_and_out", INNOCENT, split=True)
    day = plan.days(1)[0]
    region = plan.who.account_regions()
    for account, outgoing, hour in zip((one, two), (False, True), plan.hours(2), strict=True):
        fen = int(LINE_FEN[person] * float(plan.rng.uniform(0.6, 0.85))) // YUAN * YUAN
        other = stranger(plan, int(region[account]), bool(plan.rng.random() < 0.4))
        ends = (account, other) if outgoing else (other, account)
        plan.pay(number, plan.at(day, hour), *ends, fen)
