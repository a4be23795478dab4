"""Exposure concentration: a bank's branches together lend one borrower more than the law allows.

The limit of a tenth of the bank's capital is the law's, for one borrower; for a group of borrowers
no text was verified, the schemes go beyond the 15 percent that is commonly said. Split variants
spread the loans over branches of three or four regions, each of them below the limit. Innocents: a
borrower just below it, one who owes two banks, a group below its line.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from replay.market import bills, loans
from replay.market.days import DAY
from replay.market.loans import Loans, day_number
from replay.schemes.plans import INNOCENT, SCHEME, Planner, TooSmall
from schemas.reference_data import read_table
from schemas.regions import REGIONS

RULE = "exposure_concentration"
_STEP_FEN = 300_000  # such an amount is a line that revolves: what is owed stays
_INVOICED = 0.83


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    desk = _Desk(plan)
    for _ in plan.turns(4):
        desk.one_borrower("four_branches_split", (1_150, 1_450), regions=4)
    for _ in plan.turns(2):
        desk.one_borrower("three_branches_split", (1_600, 1_900), regions=3)
    for _ in plan.turns(3):
        desk.one_borrower("one_region", (1_150, 1_450), regions=1)
    for _ in plan.turns(4):
        desk.one_group("group_split", (1_650, 2_300), split=True)
    for _ in plan.turns(2, 0):  # expected misses: two branches do not report to the four
        desk.one_borrower("partly_outside", (700, 900), regions=2)
    for _ in plan.turns(4):
        desk.one_borrower("below_the_limit", (850, 970), regions=4, kind=INNOCENT)
    for _ in plan.turns(3):
        desk.two_banks("two_banks", (600, 800))
    for _ in plan.turns(3):
        desk.one_group("group_below", (900, 1_400), split=True, kind=INNOCENT)
    plan.place(loans.FEED, desk.granted())


class _Desk:
    """Collects the loans that are granted."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._rows: list[tuple[int, int, int, int, int, int, str, str, int]] = []
        banks = plan.who.banks
        known = {
            row["legal_person_id"]: int(Decimal(row["net_capital_cny"]) * 100)
            for row in read_table("capital.csv").to_pylist()
            if row["valid_from"] <= plan.when.last <= (row["valid_to"] or date.max)
        }
        everywhere = range(len(REGIONS))
        self._capital = {
            legal: fen
            for legal, fen in sorted(known.items())
            if all((banks.legal[banks.in_region(r)] == legal).any() for r in everywhere)
        }

    def granted(self) -> Loans:
        """Everything granted so far."""
        return Loans(*(np.array(column) for column in zip(*self._rows, strict=True)))

    # -- pieces -----------------------------------------------------------------------------

    def _bank(self) -> tuple[str, int]:
        """A bank with branches in all regions, and its capital in fen."""
        legal = str(self.plan.rng.choice(list(self._capital)))
        return legal, self._capital[legal]

    def _branch(self, legal: str, region: int) -> int:
        banks = self.plan.who.banks
        rows = banks.in_region(region)
        return int(self.plan.rng.choice(rows[banks.legal[rows] == legal]))

    def _regions(self, count: int) -> list[int]:
        return [int(r) for r in self.plan.rng.permutation(len(REGIONS))[:count]]

    def _parts(self, fen: int, count: int) -> list[int]:
        """An amount in so many parts of like size."""
        share = self.plan.rng.uniform(0.8, 1.2, count)
        return [int(fen * one) for one in share / share.sum()]

    def _share(self, capital: int, bp: tuple[int, int]) -> int:
        return capital * int(self.plan.rng.integers(*bp)) // 10_000

    def _lend(self, number: int, branch: int, borrower: int, fen: int) -> None:
        """A line of credit that stands in a register of the span."""
        plan, rng = self.plan, self.plan.rng
        last = day_number(plan.when.last)
        first = day_number(date(plan.when.first.year, 1, 1))
        start = int(rng.integers(first, day_number(plan.when.month_ends()[-1]) - 1))
        end = max(start + int(rng.integers(150, 800)), last + int(rng.integers(5, 200)))
        numbers = rng.integers(0, 2 * 10**9, 1), rng.integers(0, 2 * 10**7, 1)
        invoiced = rng.random() < _INVOICED
        invoice = str(bills.invoices(numbers[0])[0]) if invoiced else ""
        contract = str(bills.contracts(numbers[1])[0]) if invoiced and rng.random() < 0.75 else ""
        amount = -(-fen // _STEP_FEN) * _STEP_FEN
        rate = int(rng.integers(2_900, 7_200))
        row = (branch, borrower, start, end, amount, rate, invoice, contract, number)
        self._rows.append(row)
        mine = plan.plans[number]
        mine.instants.append(start * DAY - DAY // 3)  # 00:00 Beijing
        mine.regions.add(int(plan.who.banks.region[branch]))

    # -- schemes and innocents --------------------------------------------------------------

    def one_borrower(
        self, variant: str, bp: tuple[int, int], regions: int, kind: str = SCHEME
    ) -> None:
        """One or two loans at a branch in each of so many regions; `bp` of the capital in all."""
        number = self.plan.begin(RULE, variant, kind, split=regions > 1)
        firm = self.plan.party(False)
        legal, capital = self._bank()
        places = [r for r in self._regions(regions) for _ in range(2 if regions < 4 else 1)]
        for region, fen in zip(
            places, self._parts(self._share(capital, bp), len(places)), strict=True
        ):
            self._lend(number, self._branch(legal, region), firm, fen)

    def two_banks(self, variant: str, bp: tuple[int, int]) -> None:
        """One borrower owes two banks a good part of the limit each."""
        number = self.plan.begin(RULE, variant, INNOCENT, split=True)
        firm = self.plan.party(False)
        first, capital = self._bank()
        others = [legal for legal in self._capital if legal != first]
        second = str(self.plan.rng.choice(others))
        for legal, whole in ((first, capital), (second, self._capital[second])):
            places = self._regions(2)
            for region, fen in zip(places, self._parts(self._share(whole, bp), 2), strict=True):
                self._lend(number, self._branch(legal, region), firm, fen)

    def one_group(self, variant: str, bp: tuple[int, int], split: bool, kind: str = SCHEME) -> None:
        """Firms of one controller borrow, each at a branch in another region."""
        number = self.plan.begin(RULE, variant, kind, split)
        firms = self._relatives(3)
        legal, capital = self._bank()
        parts = self._parts(self._share(capital, bp), len(firms))
        for firm, region, fen in zip(firms, self._regions(len(firms)), parts, strict=True):
            self._lend(number, self._branch(legal, region), firm, fen)

    def _relatives(self, count: int) -> Sequence[int]:
        """Firms of one group that no plan uses yet."""
        group = self.plan.who.group
        for one in self.plan.rng.permutation(int(group.max()) + 1).tolist():
            if self.plan.free(group == one) >= count:
                return [self.plan.party(False, among=group == one) for _ in range(count)]
        raise TooSmall
