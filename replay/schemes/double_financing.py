"""Double financing: one invoice or trade contract behind two financings at different institutions.

Split variants put the two financings into two regions, so that each supervisor sees one lawful
financing. Innocents share numbers for lawful reasons: the same institution refinances, a pledge is
released before the next one, a bill is sold on, a framework contract covers several deliveries.
"""

from datetime import date

import numpy as np

from replay.market import bills
from replay.market.batches import SECOND
from replay.market.bills import KINDS, Acts
from replay.market.days import DAY
from replay.market.loans import Loans, day_number
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "invoice_double_financing"
_YUAN = 100


def plant(plan: Planner) -> tuple[Acts, Loans]:
    """Plant every scheme and innocent of this rule; returns the acts and loans it takes."""
    desk = _Desk(plan)
    for _ in range(7):
        desk.bill_and_loan("bill_and_loan_split", split=True)
    for _ in range(3):
        desk.bill_and_loan("contract_split", split=True, by="contract")
    for _ in range(5):
        desk.two_bills("two_bills_split", split=True)
    for _ in range(3):
        desk.bill_and_loan("bill_and_loan_solo", split=False)
    for _ in range(2):
        desk.two_bills("two_bills_solo", split=False)
    for _ in range(2):  # the second time the number is written with a stroke in it
        desk.two_bills("number_rewritten", split=True, second="stroke")
    for _ in range(2):  # expected misses: two digits are swapped
        desk.two_bills("digits_swapped", split=True, second="swapped")
    for _ in range(4):
        desk.same_institution()
    for _ in range(3):
        desk.released_first()
    for _ in range(3):
        desk.sold_on()
    for _ in range(3):
        desk.bill_and_loan("framework_contract", split=True, by="framework", kind=INNOCENT)
    for _ in range(2):
        desk.two_bills("neighbouring_numbers", split=True, second="neighbour", kind=INNOCENT)
    return desk.acts(), desk.loans()


class _Desk:
    """Collects acts and loans; numbers come from ranges that everyday financing leaves free."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._acts: list[tuple[object, ...]] = []
        self._loans: list[tuple[object, ...]] = []
        # Everyday invoices use 0 to 2e9; these lie among them, at numbers drawn at random.
        self._bill = 10**9

    # -- pieces -----------------------------------------------------------------------------

    def _numbers(self) -> tuple[str, str]:
        rng = self.plan.rng
        number = np.array([rng.integers(0, 2 * 10**9)])
        return str(bills.invoices(number)[0]), str(
            bills.contracts(np.array([rng.integers(0, 2 * 10**7)]))[0]
        )

    def _two_places(self, split: bool) -> tuple[int, int]:
        """Two branches of different legal persons, in two regions or in one."""
        rng, banks = self.plan.rng, self.plan.who.banks
        first = int(rng.integers(0, banks.branches))
        same = banks.region[: banks.branches] == banks.region[first]
        other = banks.legal[: banks.branches] != banks.legal[first]
        second = int(rng.choice(np.flatnonzero(other & (~same if split else same))))
        return first, second

    def _money(self) -> int:
        rng = self.plan.rng
        return int(np.exp(rng.normal(np.log(68_000_000), 0.8))) // 10_000 * 10_000

    def _act(
        self,
        number: int,
        kind: str,
        instant: int,
        sides: tuple[int, bool, int, bool],
        fen: int,
        papers: tuple[str, str],
        bill: int | None = None,
    ) -> int:
        if bill is None:
            self._bill += 1
            bill = self._bill
        acceptor = int(self.plan.rng.integers(0, self.plan.who.banks.branches))
        instant = instant // SECOND * SECOND  # the feed says no fractions
        row = (instant, KINDS.index(kind), bill, acceptor, fen, *sides, *papers, number)
        self._acts.append(row)
        mine = self.plan.plans[number]
        mine.instants.append(instant)
        mine.regions |= {
            int(self.plan.who.banks.region[side])
            for side, bank in ((sides[0], sides[1]), (sides[2], sides[3]))
            if bank
        }
        return bill

    def _loan(
        self, number: int, lender: int, borrower: int, start: int, fen: int, papers: tuple[str, str]
    ) -> None:
        rng = self.plan.rng
        last = day_number(self.plan.when.last)
        end = max(start + int(rng.integers(150, 800)), last + int(rng.integers(5, 200)))
        rate = int(rng.integers(2_900, 7_200))
        self._loans.append((lender, borrower, start, end, fen, rate, *papers, number))
        mine = self.plan.plans[number]
        mine.instants.append(start * DAY - DAY // 3)  # 00:00 Beijing
        mine.regions.add(int(self.plan.who.banks.region[lender]))

    def _granted(self) -> int:
        """A day this year, early enough for the loan to stand in a register of the span."""
        final = self.plan.when.month_ends()[-1]
        first = day_number(date(self.plan.when.first.year, 1, 1))
        return int(self.plan.rng.integers(first, day_number(final) - 1))

    def _discount_time(self, last: int = 3) -> int:
        return self.plan.at(self.plan.days(1, last)[0], self.plan.hour())

    def _financing(self) -> str:
        return "TX01" if self.plan.rng.random() < 0.75 else "ZY02"

    # -- schemes ----------------------------------------------------------------------------

    def bill_and_loan(
        self, variant: str, split: bool, by: str = "invoice", kind: str = SCHEME
    ) -> None:
        """A bill at one institution, a loan at another, on the same papers."""
        rng = self.plan.rng
        firm = self.plan.party(False)
        number = self.plan.begin(RULE, variant, kind, split)
        invoice, contract = self._numbers()
        first, second = self._two_places(split)
        papers, loan_papers = {
            "invoice": (
                (invoice, contract if rng.random() < 0.7 else ""),
                (invoice, contract if rng.random() < 0.7 else ""),
            ),
            "contract": (("", contract), ("", contract)),
            "framework": ((invoice, contract), (self._numbers()[0], contract)),
        }[by]
        fen = self._money()
        sides = (firm, False, first, True)
        self._act(number, self._financing(), self._discount_time(), sides, fen, papers)
        start = self._granted()
        self._loan(
            number,
            second,
            firm,
            start,
            int(fen * rng.uniform(0.7, 1.0)) // 100_000 * 100_000,
            loan_papers,
        )

    def two_bills(
        self,
        variant: str,
        split: bool,
        second: str = "same",
        kind: str = SCHEME,
    ) -> None:
        """Two bills at two institutions; `second` says how the papers read the second time."""
        firm = self.plan.party(False)
        number = self.plan.begin(RULE, variant, kind, split)
        invoice, contract = self._numbers()
        while invoice[-2] == invoice[-4]:  # so that swapped digits differ
            invoice, contract = self._numbers()
        again = {
            "same": (invoice, contract),
            "stroke": (f"{invoice[:8]}/{invoice[8:]}", ""),
            "swapped": (f"{invoice[:-4]}{invoice[-2]}{invoice[-3]}{invoice[-4]}{invoice[-1]}", ""),
            "neighbour": (f"{invoice[:-1]}{(int(invoice[-1]) + 1) % 10}", ""),
        }[second]
        places = self._two_places(split)
        for place, papers in zip(places, ((invoice, contract), again), strict=True):
            sides = (firm, False, place, True)
            self._act(
                number, self._financing(), self._discount_time(), sides, self._money(), papers
            )

    # -- innocents --------------------------------------------------------------------------

    def same_institution(self) -> None:
        """The bank that holds the bill lends on the same invoice: it knows both."""
        firm = self.plan.party(False)
        number = self.plan.begin(RULE, "same_institution", INNOCENT, split=False)
        papers, fen = self._numbers(), self._money()
        bank, _ = self._two_places(split=False)
        self._act(number, "TX01", self._discount_time(), (firm, False, bank, True), fen, papers)
        start = self._granted()
        self._loan(number, bank, firm, start, fen // 200_000 * 100_000, papers)

    def released_first(self) -> None:
        """Pledged at one bank, released, then discounted at another."""
        firm = self.plan.party(False)
        number = self.plan.begin(RULE, "released_then_financed", INNOCENT, split=True)
        papers, fen = self._numbers(), self._money()
        first, second = self._two_places(split=True)
        days = self.plan.days(8)
        pledged, released, sold = (self.plan.at(days[i], self.plan.hour()) for i in (0, 4, 6))
        bill = self._act(number, "ZY02", pledged, (firm, False, first, True), fen, papers)
        self._act(number, "JZ01", released, (first, True, firm, False), fen, ("", ""), bill)
        self._act(number, "TX01", sold, (firm, False, second, True), fen, papers, bill)

    def sold_on(self) -> None:
        """A discounted bill is rediscounted to another bank, papers and all."""
        firm = self.plan.party(False)
        number = self.plan.begin(RULE, "sold_on", INNOCENT, split=True)
        papers, fen = self._numbers(), self._money()
        first, second = self._two_places(split=True)
        days = self.plan.days(6)
        discounted, sold = self.plan.at(days[0], 11.0), self.plan.at(days[5], 15.0)
        bill = self._act(number, "TX01", discounted, (firm, False, first, True), fen, papers)
        self._act(number, "ZT01", sold, (first, True, second, True), fen, papers, bill)

    # -- columns ----------------------------------------------------------------------------

    def acts(self) -> Acts:
        """The acts planted."""
        return Acts(*(np.array(column) for column in zip(*self._acts, strict=True)))

    def loans(self) -> Loans:
        """The loans planted."""
        return Loans(*(np.array(column) for column in zip(*self._loans, strict=True)))
