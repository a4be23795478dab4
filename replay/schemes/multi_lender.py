"""Many lenders at once: a borrower who goes from lender to lender for new loans.

No law gives a number; lenders speak of three. Split variants spread the loans over three or four
regions, with at most two lenders (a firm's: three) in each. Innocents: credit taken over the years,
a loan of a syndicate, one loan paid off by the next, two lenders, the usual banks of a firm.
"""

from datetime import date

import numpy as np

from replay.market import bills, loans
from replay.market.days import DAY
from replay.market.loans import Loans, Shared, day_number
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from schemas.regions import REGIONS

RULE = "multi_lender"
_INVOICED = 0.83


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    desk = _Desk(plan)
    times = plan.turns
    for _ in times(9):
        desk.run("person_split", True, lenders=(4, 7), most=2)
    for _ in times(3):
        desk.run("person_one_region", True, lenders=(3, 5), most=5, regions=1)
    for _ in times(4):
        desk.run("firm_split", False, lenders=(8, 9), most=3)
    for _ in times(2):  # expected misses: a lender every four months
        desk.run("person_slowly", True, lenders=(4, 5), most=2, apart=120)
    for _ in times(3):
        desk.run("over_the_years", True, lenders=(3, 5), most=2, apart=300, kind=INNOCENT)
    for _ in times(4):
        desk.run("two_lenders", True, lenders=(2, 3), most=1, kind=INNOCENT)
    for _ in times(3):
        desk.run("usual_banks", False, lenders=(4, 6), most=3, kind=INNOCENT)
    for _ in times(3):
        desk.syndicate()
    for _ in times(3):
        desk.paid_off()
    plan.place(loans.FEED, desk.granted())
    plan.place(loans.FEED, desk.shared())


class _Desk:
    """Collects the loans that are granted, and those that share a contract."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._rows: list[tuple[int, int, int, int, int, int, str, str, int]] = []
        self._shared: list[tuple[int, int, int, int, int, int]] = []
        self._last = day_number(plan.when.month_ends()[-1])  # what starts later is in no register

    def granted(self) -> Loans:
        """Everything granted so far."""
        return Loans(*(np.array(column) for column in zip(*self._rows, strict=True)))

    def shared(self) -> Shared:
        """What is one contract of several lenders."""
        return Shared(*(np.array(column) for column in zip(*self._shared, strict=True)))

    # -- pieces -----------------------------------------------------------------------------

    def _lenders(self, count: int, most: int, regions: int = len(REGIONS)) -> list[int]:
        """Branches of so many legal persons, no more than `most` in a region."""
        banks = self.plan.who.banks
        places = set(self.plan.rng.permutation(len(REGIONS))[:regions].tolist())
        found: dict[str, int] = {}
        for row in self.plan.rng.permutation(banks.lenders).tolist():
            region = int(banks.region[row])
            used = sum(int(banks.region[other]) == region for other in found.values())
            if region in places and used < most:
                found.setdefault(str(banks.legal[row]), row)
        return list(found.values())[:count]

    def _borrower(self, person: bool) -> int:
        return self.plan.party(person)

    def _fen(self, person: bool) -> int:
        middle = 20_000_000 if person else 150_000_000
        fen = float(np.exp(self.plan.rng.normal(np.log(middle), 0.6)))
        return max(int(fen) // 100_000, 1) * 100_000

    def lend(
        self, number: int, lender: int, borrower: int, start: int, end: int = 0, fen: int = 0
    ) -> int:
        """One loan; its amount in fen."""
        rng, who = self.plan.rng, self.plan.who
        person = bool(who.person[borrower])
        tenor = rng.integers(400, 3600) if person else rng.integers(150, 1000)
        last = day_number(self.plan.when.last)
        end = end or max(start + int(tenor), last + int(rng.integers(1, 300)))
        fen = fen or self._fen(person)
        numbers = rng.integers(0, 2 * 10**9, 1), rng.integers(0, 2 * 10**7, 1)
        invoiced = not person and rng.random() < _INVOICED
        invoice = str(bills.invoices(numbers[0])[0]) if invoiced else ""
        contract = str(bills.contracts(numbers[1])[0]) if invoiced and rng.random() < 0.75 else ""
        rate = int(rng.integers(2_900, 7_200))
        row = (lender, borrower, start, end, fen, rate, invoice, contract, number)
        self._rows.append(row)
        mine = self.plan.plans[number]
        mine.instants.append(start * DAY - DAY // 3)  # 00:00 Beijing
        mine.regions.add(int(who.banks.region[lender]))
        return fen

    # -- schemes and innocents --------------------------------------------------------------

    def run(
        self, variant: str, person: bool, lenders: tuple[int, int], most: int,
        regions: int = len(REGIONS), apart: int = 8, kind: str = SCHEME,
    ) -> None:  # fmt: skip
        """A loan from each of several lenders, `apart` days from one to the next.

        Args:
            variant: of the label.
            person: a natural person borrows, else a firm.
            lenders: how many, from, to (not included).
            most: lenders in one region.
            regions: in how many regions.
            apart: days from one loan to the next, about.
            kind: scheme or innocent.
        """
        rng = self.plan.rng
        chosen = self._lenders(int(rng.integers(*lenders)), most, regions)
        places = {int(self.plan.who.banks.region[row]) for row in chosen}
        number = self.plan.begin(RULE, variant, kind, split=len(places) > 1)
        borrower = self._borrower(person)
        day = self._last - int(rng.integers(2, 12))  # of the last loan
        for lender in reversed(chosen):
            self.lend(number, lender, borrower, day)
            day -= int(rng.integers(max(apart - 4, 1), apart + 4))

    def syndicate(self) -> None:
        """Eight lenders share one contract; the borrower has one other bank."""
        number = self.plan.begin(RULE, "syndicate", INNOCENT, split=True)
        borrower, start = self._borrower(person=False), self._last - 40
        for lender in self._lenders(8, 3):
            fen = self.lend(number, lender, borrower, start)
            self._shared.append((lender, borrower, start, fen, number, number))

    def paid_off(self) -> None:
        """Three lenders in turn: each loan ends on the day on which the next one starts."""
        number = self.plan.begin(RULE, "paid_off_by_the_next", INNOCENT, split=True)
        borrower = self._borrower(person=True)
        ends = day_number(date(self.plan.when.last.year + 1, 6, 30))
        chosen = self._lenders(3, 2)
        starts = [self._last - 62 + 31 * turn for turn in range(len(chosen))]
        for lender, start, end in zip(chosen, starts, [*starts[1:], ends], strict=True):
            self.lend(number, lender, borrower, start, end)
