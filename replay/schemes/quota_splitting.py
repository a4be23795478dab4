"""Quota splitting: several persons buy or sell currency for one payee, source, collector or agent.

Five persons on the same, next or consecutive days are the shape of a notice of 2009 (secondary
copy, not verified); the quota of a person and year is that of the notice of 2020. Split variants
send the persons to branches of several regions. Innocents: a school that many pay all season, a
travel group, presents to one relative abroad, a family of three.
"""

from collections.abc import Sequence

import numpy as np

from replay.market import fx
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from schemas.regions import REGIONS

RULE = "quota_splitting"
_YUAN_FOR_DOLLAR = 7.2  # a little above the rate: whoever pays does not fall short
_FEN = 100


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    desk = _Desk(plan)
    for _ in range(4):
        desk.one_payee("one_payee_split", split=True)
    for _ in range(2):
        desk.one_payee("one_payee_one_region", split=False)
    for _ in range(3):
        desk.one_funder("one_funder_split", split=True)
    for _ in range(3):
        desk.one_collector("one_collector_split", split=True)
    for _ in range(2):
        desk.one_representative("one_representative_split", split=True)
    for _ in range(2):  # expected misses: days lie between the persons
        desk.one_payee("days_between", split=True, step=3)
    desk.innocents()
    plan.place(fx.FEED, desk.deals())


class _Desk:
    """Collects the deals; payments go straight to the planner."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._rows: list[tuple[int, int, bool, int, int, bool, int, int, int]] = []
        self._payee = 10**8  # everyday payees are derived from accounts, below 10^9 as well

    def deals(self) -> fx.Deals:
        """Everything dealt so far."""
        columns = [np.array(column) for column in zip(*self._rows, strict=True)]
        return fx.Deals(*columns)

    # -- pieces -----------------------------------------------------------------------------

    def _places(self, count: int, split: bool) -> list[int]:
        """A region for each person: three regions in turn, or one."""
        regions = [int(r) for r in self.plan.rng.permutation(len(REGIONS))]
        return [regions[at % 3 if split else 0] for at in range(count)]

    def _persons(self, places: Sequence[int]) -> list[tuple[int, int]]:
        """(party, account) of a new person at each place."""
        out = []
        for region in places:
            party = self.plan.party(True, regions=[region])
            out.append((party, self.plan.account(party, region)))
        return out

    def _days(self, count: int, step: int = 1) -> list[int]:
        """Natural days on which so many persons come, two or three a day, `step` days apart."""
        each = -(-count // 2) if step == 1 else count
        first = int(self.plan.rng.integers(2, self.plan.when.length - each * step - 6))
        return [first + step * (at // 2 if step == 1 else at) for at in range(count)]

    def _dollars(self) -> int:
        """A little below ten thousand, never a multiple of seven (those show papers here)."""
        while True:
            units = int(self.plan.rng.integers(92, 99)) * 100
            if units % 7:
                return units

    def _deal(
        self, number: int, at: int, account: int, dollars: int, *, buys: bool = True,
        payee: int = -1, agent: int = -1,
    ) -> int:  # fmt: skip
        at = at // 1_000_000 * 1_000_000  # the feed says no fractions
        remitted = payee >= 0
        self._rows.append((at, account, buys, 0, dollars, remitted, agent, payee, number))
        mine = self.plan.plans[number]
        mine.instants.append(at)
        mine.regions.add(int(self.plan.who.account_regions()[account]))
        return at

    def _abroad(self) -> int:
        self._payee += int(self.plan.rng.integers(1, 10**6))
        return self._payee

    def _begin(self, variant: str, split: bool, kind: str = SCHEME) -> int:
        return self.plan.begin(RULE, variant, kind, split)

    def _hour(self, at: int) -> float:
        return min(self.plan.hour() + 0.03 * at, 19.5)

    # -- schemes ----------------------------------------------------------------------------

    def one_payee(self, variant: str, split: bool, step: int = 1) -> None:
        """Persons buy and remit to one account abroad."""
        number, payee = self._begin(variant, split), self._abroad()
        persons = self._persons(self._places(int(self.plan.rng.integers(6, 9)), split))
        days = self._days(len(persons), step)
        for at, ((_, account), day) in enumerate(zip(persons, days, strict=True)):
            moment = self.plan.at(day, self._hour(at))
            self._deal(number, moment, account, self._dollars(), payee=payee)

    def one_funder(self, variant: str, split: bool) -> None:
        """A firm pays persons, who buy the day after."""
        number = self._begin(variant, split)
        source = self.plan.account(self.plan.party(False))
        persons = self._persons(self._places(int(self.plan.rng.integers(6, 8)), split))
        days = self._days(len(persons))
        for at, ((_, account), day) in enumerate(zip(persons, days, strict=True)):
            dollars = self._dollars()
            fen = int(dollars * _YUAN_FOR_DOLLAR) * _FEN
            self.plan.pay(number, self.plan.at(day - 1, self._hour(at)), source, account, fen)
            self._deal(number, self.plan.at(day, self._hour(at)), account, dollars)

    def one_collector(self, variant: str, split: bool) -> None:
        """Persons sell and pass the yuan to one person the same evening."""
        number = self._begin(variant, split)
        collector = self.plan.account(self.plan.party(True))
        persons = self._persons(self._places(int(self.plan.rng.integers(6, 8)), split))
        days = self._days(len(persons))
        for at, ((_, account), day) in enumerate(zip(persons, days, strict=True)):
            dollars = self._dollars()
            moment = self.plan.at(day, 9.5 + 0.4 * at)
            self._deal(number, moment, account, dollars, buys=False)
            fen = int(dollars * 6.7) * _FEN
            evening = self.plan.at(day, 14.0 + 0.5 * at)
            self.plan.pay(number, evening, account, collector, fen)

    def one_representative(self, variant: str, split: bool) -> None:
        """One person comes for others, to branches of several regions."""
        number, agent = self._begin(variant, split), self.plan.party(True)
        persons = self._persons(self._places(int(self.plan.rng.integers(6, 8)), split))
        days = self._days(len(persons))
        for at, ((_, account), day) in enumerate(zip(persons, days, strict=True)):
            moment = self.plan.at(day, self._hour(at))
            self._deal(number, moment, account, self._dollars(), agent=agent)

    # -- innocents --------------------------------------------------------------------------

    def innocents(self) -> None:
        """A school abroad, a travel group, presents, a family."""
        rng = self.plan.rng
        for _ in range(2):
            number, payee = self._begin("school_abroad", True, INNOCENT), self._abroad()
            days = np.sort(rng.integers(2, self.plan.when.length - 3, 40))
            for day in days.tolist():  # many before any run of days
                (person,) = self.plan.crowd(1, int(rng.integers(len(REGIONS))))
                at = self.plan.at(day, self.plan.hour())
                self._deal(number, at, self.plan.account(person), self._dollars(), payee=payee)
        for _ in range(2):
            number = self._begin("travel_group", False, INNOCENT)
            day = int(rng.integers(3, self.plan.when.length - 3))
            for at, (_, account) in enumerate(self._persons(self._places(7, split=False))):
                self._deal(number, self.plan.at(day, self._hour(at)), account, self._dollars())
        for _ in range(2):
            number, payee = self._begin("presents", True, INNOCENT), self._abroad()
            day = int(rng.integers(3, self.plan.when.length - 3))
            for at, (_, account) in enumerate(self._persons(self._places(6, split=True))):
                dollars = int(rng.integers(3, 11)) * 100
                moment = self.plan.at(day, self._hour(at))
                self._deal(number, moment, account, dollars + 100 * (dollars % 7 == 0), payee=payee)
        for _ in range(2):
            number, payee = self._begin("family", False, INNOCENT), self._abroad()
            day = int(rng.integers(3, self.plan.when.length - 3))
            for at, (_, account) in enumerate(self._persons(self._places(3, split=False))):
                moment = self.plan.at(day, self._hour(at))
                self._deal(number, moment, account, self._dollars(), payee=payee)
