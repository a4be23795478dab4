"""Provisions that are too small, and borrowers whom one lender classes better than others do.

A bank's head office states a provision that covers its loans in the seat's region and not those of
its branches elsewhere: the seat's supervisor has the figure, the others have the loans. Small
lenders lend in one region, so theirs shows there. A firm from outside the Delta is sound at one
bank and bad at another, mostly in another region. Innocents: lenders whose provision is enough,
firms of whose debts little is bad elsewhere, a person.
"""

from collections.abc import Mapping

import numpy as np

from replay.market import lenders, loans
from replay.market.days import DAY
from replay.market.lenders import Stated, called_for, reference, seats
from replay.market.loans import LoanFeed, Loans, day_number
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "provision_shortfall"
_SHORT_SPLIT = ("LP-381", "LP-382", "LP-383", "LP-384")
_SHORT_SOLO = ("LP-Z01", "LP-Z02")
_NORMAL, _WATCH, _SUBSTANDARD, _DOUBTFUL, _LOSS = range(len(loans.GRADES))


def plant(plan: Planner) -> Mapping[tuple[int, int], int]:
    """Plant the borrowers; returns how their lenders class them, by (lender, borrower)."""
    desk = _Desk(plan)
    for _ in range(6):
        desk.firm("better_split", split=True)
    for _ in range(2):
        desk.firm("better_one_region", split=False)
    for _ in range(4):
        desk.firm("little_bad", split=True, kind=INNOCENT)
    for _ in range(2):
        desk.firm("person", split=True, kind=INNOCENT, person=True)
    plan.place(loans.FEED, desk.loans())
    return desk.graded


def state(plan: Planner, owed: LoanFeed) -> list[Stated]:
    """Plant what every lender states, once it is known what is owed to it."""
    rng, banks, found = plan.rng, owed.who.banks, []
    days = plan.when.month_ends()
    for legal, seat in seats(banks).items():
        short = legal in _SHORT_SPLIT or legal in _SHORT_SOLO
        split = legal in _SHORT_SPLIT
        variant = ("short_split" if split else "short_one_region") if short else "enough"
        number = plan.begin(RULE, variant, SCHEME if short else INNOCENT, split)
        mine = plan.plans[number]
        worse: set[int] = set()
        factor = int(rng.integers(62, 84)) if short else int(rng.integers(112, 150))
        for end in days:
            rows, fen, need = called_for(owed, end)
            own = banks.legal[owed.loans.lender[rows]] == legal
            at_seat = own & (banks.region[owed.loans.lender[rows]] == banks.region[seat])
            provision = int(need[own].sum()) * factor // 100
            if split:  # what its own supervisor can see is covered
                provision = max(provision, int(need[at_seat].sum()) * 106 // 100)
            filed = int(rng.integers(5, 10))
            lent = int(fen[own].sum())
            unit = lenders.UNIT_FEN
            found.append(Stated(seat, end, lent // unit, provision // unit, filed))
            instant = (day_number(end) * DAY) - DAY // 3
            if instant + filed * DAY >= plan.at(plan.when.length, 0.0):
                continue  # it comes after the span
            items = ("L02",) if short else ("L01", "L02")
            mine.refs += [reference(banks, seat, end, item) for item in items]
            mine.instants.append(instant)
            if short:
                bad = own & (owed.grade[rows] != _NORMAL) & (owed.loans.plan[rows] < 0)
                worse |= set(rows[bad].tolist())
                regions = banks.region[owed.loans.lender[rows[own]]]
                mine.regions |= {int(region) for region in regions if region >= 0}
        mine.refs += [owed.reference(row) for row in sorted(worse)]
    return found


class _Desk:
    """Collects loans to firms of which nobody else in this market has one."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self.graded: dict[tuple[int, int], int] = {}
        self._rows: list[tuple[object, ...]] = []

    def loans(self) -> Loans:
        """The loans planted."""
        return Loans(*(np.array(column) for column in zip(*self._rows, strict=True)))

    def _lend(self, number: int, lender: int, borrower: int, fen: int, grade: int) -> None:
        plan, rng = self.plan, self.plan.rng
        start = day_number(plan.when.first) - int(rng.integers(60, 400))
        end = day_number(plan.when.last) + int(rng.integers(30, 500))
        rate = int(rng.integers(2_900, 7_200))
        fen = fen // 600_000 * 600_000 + 300_000  # of those that revolve: the balance stays
        self._rows.append((lender, borrower, start, end, fen, rate, "", "", number))
        self.graded[lender, borrower] = grade
        mine = plan.plans[number]
        mine.instants.append(plan.at(0, 0.0))
        mine.regions.add(int(plan.who.banks.region[lender]))

    def firm(self, variant: str, split: bool, kind: str = SCHEME, person: bool = False) -> None:
        """A borrower that is sound at one bank and bad at another."""
        plan, rng, banks = self.plan, self.plan.rng, self.plan.who.banks
        number = plan.begin(RULE, variant, kind, split)
        borrower = plan.party(person, spread=0)
        first = int(rng.integers(0, banks.branches))
        same = banks.region[: banks.branches] == banks.region[first]
        other = banks.legal[: banks.branches] != banks.legal[first]
        second = int(rng.choice(np.flatnonzero(other & (~same if split else same))))
        sound = int(rng.integers(300, 1_500)) * 1_000_000
        share = rng.uniform(0.04, 0.12) if variant == "little_bad" else rng.uniform(0.4, 1.5)
        worse = int(rng.choice([_SUBSTANDARD, _DOUBTFUL, _LOSS]))
        self._lend(number, first, borrower, sound, _WATCH if rng.random() < 0.3 else _NORMAL)
        self._lend(number, second, borrower, int(sound * share), worse)
