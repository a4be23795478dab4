"""Loan round trip: drawn money goes through others and comes back to the borrower or its group.

No text gives a number; the press tells of returns on the same or the next day, through firms that
keep a fee. Split variants draw the loan in one region and pay through accounts in others, so that
nobody sees both the drawdown and the whole way. Innocents: suppliers who pay their own suppliers,
purchases that are cancelled or partly refunded, the treasury of a group, money that came before.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from replay.market import drawdowns, loans
from replay.market.days import DAY
from replay.market.drawdowns import Promised
from replay.market.loans import Loans, day_number
from replay.schemes.plans import INNOCENT, SCHEME, UNLABELLED, Planner, TooSmall
from schemas.regions import REGIONS

RULE = "loan_round_trip"
_YUAN = 100
_LEAST_FEN, _MOST_FEN = 60_000_000, 1_500_000_000
_STEP_FEN = 300_000  # such an amount is a line that revolves: nothing is paid back in the span
_AFTER_HOURS = 17.05  # the lender pays out until five


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    desk = _Desk(plan)
    trip, refund = desk.trip, desk.refund
    planted: tuple[tuple[int, int, Callable[[], None]], ...] = (  # in a small market, in another
        (1, 4, partial(trip, "back_through_two_split", bridges=2)),
        (1, 2, partial(trip, "back_through_three_split", bridges=3)),
        (1, 4, partial(trip, "to_affiliate_through_one_split", bridges=1, affiliate=True)),
        (0, 2, partial(trip, "to_affiliate_through_two_split", bridges=2, affiliate=True)),
        (0, 2, partial(trip, "in_two_parts_split", bridges=1, ways=2)),
        (0, 1, partial(trip, "same_evening_split", bridges=2, at_once=True)),
        (1, 3, partial(trip, "one_region", bridges=2, split=False)),
        # expected misses: it takes more than two weeks
        (0, 2, partial(trip, "weeks_later", bridges=2, slow=True)),
        (1, 4, desk.suppliers),
        (1, 3, partial(refund, "purchase_cancelled", 1.0)),
        (0, 2, partial(refund, "partly_refunded", 0.3)),
        (1, 3, desk.treasury),
        (0, 2, desk.earlier_money),
    )
    for least, most, plant_one in planted:
        for _ in plan.turns(most, least):
            plant_one()
    granted, promised = desk.granted()
    plan.place(loans.FEED, granted)
    plan.place(drawdowns.FEED, promised)


class _Desk:
    """Collects the loans that are drawn; payments go straight to the planner."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._loans: list[tuple[int, int, int, int, int, int, str, str, int]] = []
        self._drawn: list[tuple[int, int, int, int, int]] = []

    def granted(self) -> tuple[Loans, Promised]:
        """The loans, unlabelled in the register, and whose drawdowns must be reported."""
        return (
            Loans(*(np.array(column) for column in zip(*self._loans, strict=True))),
            Promised(*(np.array(column) for column in zip(*self._drawn, strict=True))),
        )

    # -- pieces -----------------------------------------------------------------------------

    def _day(self, after: int) -> int:
        """A place among the business days, with so many behind it; groups are known by then."""
        return int(self.plan.rng.integers(4, len(self.plan.when.business) - after - 2))

    def _draw(self, number: int, place: int, borrower: int, region: int) -> int:
        """Draw a loan at a branch in a region; returns its amount."""
        plan, rng = self.plan, self.plan.rng
        fen = float(np.clip(np.exp(rng.normal(np.log(250_000_000), 0.9)), _LEAST_FEN, _MOST_FEN))
        amount = int(fen) // _STEP_FEN * _STEP_FEN
        lender = int(rng.choice(plan.who.banks.in_region(region)))
        start = day_number(plan.when.day(plan.when.business[place]))
        end = start + int(rng.integers(150, 800))
        rate = int(rng.integers(2_900, 7_200))
        self._loans.append((lender, borrower, start, end, amount, rate, "", "", UNLABELLED))
        self._drawn.append((lender, borrower, start, amount, number))
        mine = plan.plans[number]
        mine.instants.append(start * DAY + DAY // 24)  # nine in Beijing
        mine.regions.add(region)
        return amount

    def _main(self, party: int) -> tuple[int, int]:
        """A party's main account and its region."""
        account = int(self.plan.who.account_start[party])
        return account, int(self.plan.who.account_regions()[account])

    def _firm(self, region: int) -> int:
        """An account of some firm in a region."""
        return self.plan.account(self.plan.party(False, regions=[region]), region)

    def _relatives(self) -> tuple[int, int]:
        """Two firms of one group that no plan uses yet."""
        group = self.plan.who.group
        for one in self.plan.rng.permutation(int(group.max()) + 1).tolist():
            if self.plan.free(group == one) >= 2:
                first = self.plan.party(False, among=group == one)
                return first, self.plan.party(False, among=group == one)
        raise TooSmall

    def _fee(self, fen: int) -> int:
        """What a bridge passes on."""
        return int(fen * float(self.plan.rng.uniform(0.955, 0.995))) // _YUAN * _YUAN

    def _times(self, place: int, count: int, at_once: bool) -> list[int]:
        """Instants of so many payments, from the evening of the drawdown on or from the day after.

        Each comes more than a day after the one before (who passes money on within a day is
        another rule's), unless all are made at once.
        """
        plan, rng = self.plan, self.plan.rng
        business = plan.when.business
        first = place if at_once or rng.random() < 0.5 else place + 1
        hours = plan.hours(count)
        if first == place:
            hours = [_AFTER_HOURS + 0.2 * at + float(rng.uniform(0, 0.1)) for at in range(count)]
        steps = [0] * count if at_once else range(count)
        return [
            plan.at(business[first + step], hour) for step, hour in zip(steps, hours, strict=True)
        ]

    # -- schemes ----------------------------------------------------------------------------

    def trip(
        self,
        variant: str,
        bridges: int,
        affiliate: bool = False,
        ways: int = 1,
        split: bool = True,
        slow: bool = False,
        at_once: bool = False,
    ) -> None:
        """A loan is drawn, goes through bridges, and comes back.

        Args:
            variant: of the label.
            bridges: how many on each way.
            affiliate: it ends at another firm of the borrower's group, else at the borrower.
            ways: in so many parts.
            split: no region sees both the drawdown and the whole way.
            slow: it takes more than two weeks.
            at_once: on the evening of the drawdown.
        """
        plan, rng = self.plan, self.plan.rng
        number = plan.begin(RULE, variant, SCHEME, split)
        borrower, taker = self._relatives() if affiliate else (plan.party(False), -1)
        account, home = self._main(borrower)
        end = self._main(taker)[0] if affiliate else account
        away = self._main(taker)[1] if affiliate else home
        free = [int(r) for r in rng.permutation(len(REGIONS)) if int(r) not in (home, away)]
        # Split: the borrower's own region lends and misses what bridges pay each other elsewhere,
        # or a region lends where nobody on the way banks.
        lender, turns = home, [*free, away] if split else [home]
        if split and (bridges == 1 or rng.random() < 0.5):
            lender, turns = free[0], [*free[1:], away]
        place = self._day(24 if slow else 7)
        amount = self._draw(number, place, borrower, lender)
        for _ in range(ways):
            stops = [account, *(self._firm(turns[at % len(turns)]) for at in range(bridges)), end]
            times = self._times(place, len(stops) - 1, at_once)
            if slow:
                times = [plan.at(plan.when.business[place + 1], plan.hour())] + [
                    plan.at(plan.when.business[place + 14 + 3 * at], plan.hour())
                    for at in range(len(stops) - 2)
                ]
            fen = int(amount * float(rng.uniform(0.85, 1.0)) / ways) // _YUAN * _YUAN
            for at, instant in enumerate(times):
                plan.pay(number, instant, stops[at], stops[at + 1], fen)
                fen = self._fee(fen)

    # -- innocents --------------------------------------------------------------------------

    def _bought(self, variant: str, hour: float) -> tuple[int, int, int, int, int]:
        """A loan pays a supplier: (plan, place, the borrower's account, the supplier's, amount)."""
        plan = self.plan
        number = plan.begin(RULE, variant, INNOCENT, split=True)
        borrower = plan.party(False)
        account, _ = self._main(borrower)
        place = self._day(10)
        amount = self._draw(number, place, borrower, int(plan.rng.integers(len(REGIONS))))
        supplier = self._firm(int(plan.rng.integers(len(REGIONS))))
        paid = int(amount * float(plan.rng.uniform(0.85, 1.0))) // _YUAN * _YUAN
        plan.pay(number, plan.at(plan.when.business[place + 1], hour), account, supplier, paid)
        return number, place, account, supplier, paid

    def suppliers(self) -> None:
        """The supplier pays its own supplier nearly as much, which pays a third."""
        plan = self.plan
        first, *hours = plan.hours(3)
        number, place, _, payer, fen = self._bought("suppliers_of_suppliers", first)
        for step, hour in zip((2, 4), hours, strict=True):
            fen = self._fee(fen)
            payee = self._firm(int(plan.rng.integers(len(REGIONS))))
            plan.pay(number, plan.at(plan.when.business[place + step], hour), payer, payee, fen)
            payer = payee

    def refund(self, variant: str, share: float) -> None:
        """The supplier gives back all, to the cent, or a part."""
        plan = self.plan
        number, place, account, supplier, fen = self._bought(variant, plan.hour())
        back = fen if share == 1.0 else int(fen * share) // _YUAN * _YUAN
        instant = plan.at(plan.when.business[place + 3], plan.hour())
        plan.pay(number, instant, supplier, account, back)

    def treasury(self) -> None:
        """The group's treasury gets the money and pays members, as every month."""
        plan = self.plan
        number = plan.begin(RULE, "group_treasury", INNOCENT, split=True)
        borrower, treasury = self._relatives()
        (account, _), (house, _) = self._main(borrower), self._main(treasury)
        place = self._day(10)
        fen = self._draw(number, place, borrower, int(plan.rng.integers(len(REGIONS))))
        business = plan.when.business
        plan.pay(number, plan.at(business[place + 1], plan.hour()), account, house, fen, "INTC")
        part = int(fen * float(plan.rng.uniform(0.3, 0.9))) // _YUAN * _YUAN
        plan.pay(number, plan.at(business[place + 4], plan.hour()), house, account, part, "INTC")
        # A customer pays the treasury a sum of its own.
        other = self._firm(int(plan.rng.integers(len(REGIONS))))
        plan.pay(number, plan.at(business[place + 5], plan.hour()), other, house, fen // 2)

    def earlier_money(self) -> None:
        """The supplier was paid, and gave back, before the loan was drawn."""
        plan = self.plan
        number = plan.begin(RULE, "before_the_loan", INNOCENT, split=True)
        borrower = plan.party(False)
        account, _ = self._main(borrower)
        place = self._day(4)
        region = int(plan.rng.integers(len(REGIONS)))
        fen = self._draw(number, place, borrower, region)
        supplier = self._firm(int(plan.rng.integers(len(REGIONS))))
        business = plan.when.business
        plan.pay(number, plan.at(business[place - 3], plan.hour()), account, supplier, fen)
        back = self._fee(fen)
        plan.pay(number, plan.at(business[place + 1], plan.hour()), supplier, account, back)
