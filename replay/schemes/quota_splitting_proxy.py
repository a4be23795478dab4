"""Remittances of several persons to one payee abroad, where no purchase of currency is reported.

Five persons on the same, next or consecutive days are the shape of a notice of 2009 (secondary
copy, not verified) that speaks of purchases; persons without any reported deal are drawn, so only
the remittances tell. Split variants send the persons to branches of three regions, or to where they
happen to bank. Innocents: families at one school abroad, relatives, a travel group, staff who pay
the fee of a meeting, staff who buy their firm's shares.
"""

from collections.abc import Callable

import numpy as np

from replay.market.population import Flags
from replay.market.remittances import FEED, PURPOSES, Remittances
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from schemas.regions import REGIONS

RULE = "quota_splitting_proxy"
_PAYEES_FROM = 700_000_000  # of everyday payees none is numbered like these
_FEW = 4  # persons in one region, more are the shape
_EDUCATION, _OTHER, _GIFT, _SERVICE = range(len(PURPOSES))
_BELOW_TEN_THOUSAND = (9_200, 9_980)


def plant(plan: Planner, dealers: Flags) -> None:
    """Plant every scheme and innocent of this rule; few in a small market.

    Args:
        plan: the planner, with random numbers of its own.
        dealers: parties that buy or sell currency anywhere; none of them takes part.
    """
    desk = _Desk(plan, ~dealers)
    made: tuple[tuple[int, int, Callable[[], None]], ...] = (
        (5, 1, lambda: desk.one_payee("one_payee_split", regions=3)),
        (2, 1, lambda: desk.one_payee("where_they_bank", regions=0)),
        (2, 1, lambda: desk.one_payee("one_payee_one_region", regions=1)),
        # Expected misses: days lie between the persons; they remit little.
        (2, 0, lambda: desk.one_payee("days_between", regions=3, step=3)),
        (1, 0, lambda: desk.one_payee("small_sums", regions=3, dollars=(1_500, 3_000))),
        (2, 1, desk.school),
        (4, 1, desk.relatives),
        (2, 1, lambda: desk.together("travel_group", (1_500, 3_500), _SERVICE)),
        (2, 1, lambda: desk.together("meeting_fee", (300, 1_200), _SERVICE)),
        (2, 1, lambda: desk.together("share_plan", (4_000, 9_800), _OTHER)),
    )
    for count, least, one in made:
        for _ in plan.turns(count, least):
            desk.rows = []
            with plan.room():
                one()
                plan.place(FEED, desk.made())


class _Desk:
    """Collects the remittances."""

    def __init__(self, plan: Planner, among: Flags) -> None:
        self.plan = plan
        self.among = among
        self.rows: list[tuple[int, int, int, int, int, int]] = []
        self._payee = _PAYEES_FROM

    def made(self) -> Remittances:
        """What was remitted since `rows` was empty."""
        rows = np.array(self.rows, np.int64).reshape(-1, 6)
        return Remittances(*rows.T)

    # -- pieces -----------------------------------------------------------------------------

    def _abroad(self) -> int:
        self._payee += int(self.plan.rng.integers(1, 10**6))
        return self._payee

    def _person(self, region: int | None = None) -> int:
        """An account of a person who deals in no currency, in a region where one is given."""
        regions = [] if region is None else [region]
        party = self.plan.party(True, regions=regions, among=self.among)
        return self.plan.account(party, region)

    def _region(self, account: int) -> int:
        return int(self.plan.who.account_regions()[account])

    def _hour(self, turn: int) -> float:
        return min(self.plan.hour() + 0.03 * turn, 19.5)

    def _pay(
        self, number: int, instant: int, account: int, payee: int, dollars: int, why: int
    ) -> None:
        self.rows.append((instant, account, payee, dollars * 100, why, number))
        mine = self.plan.plans[number]
        mine.instants.append(instant)
        mine.regions |= {self._region(account)} - {-1}

    # -- schemes ----------------------------------------------------------------------------

    def one_payee(
        self,
        variant: str,
        regions: int,
        step: int = 1,
        dollars: tuple[int, int] = _BELOW_TEN_THOUSAND,
    ) -> None:
        """Six to eight persons remit to one payee, two a day, from so many regions; 0: as it comes.

        `split` says that no region has five of them.
        """
        plan, rng = self.plan, self.plan.rng
        count = int(rng.integers(6, 9))
        order = [int(region) for region in rng.permutation(len(REGIONS))]
        places = [order[at % regions] if regions else None for at in range(count)]
        accounts = [self._person(place) for place in places]
        most = np.bincount([self._region(one) + 1 for one in accounts])[1:].max(initial=0)
        number, payee = plan.begin(RULE, variant, SCHEME, bool(most <= _FEW)), self._abroad()
        each = 2 if step == 1 else 1
        days = plan.days(step * -(-count // each), last=2)
        for at, account in enumerate(accounts):
            moment = plan.at(days[0] + step * (at // each), self._hour(at))
            self._pay(number, moment, account, payee, int(rng.integers(*dollars)), _OTHER)

    # -- innocents --------------------------------------------------------------------------

    def school(self) -> None:
        """Forty families pay the fees of one school all season."""
        plan, rng = self.plan, self.plan.rng
        number, payee = plan.begin(RULE, "school_abroad", INNOCENT, split=True), self._abroad()
        for day in np.sort(rng.choice(np.array(plan.when.business[1:-2]), 40)).tolist():
            account = self._person(int(rng.integers(len(REGIONS))))
            dollars = int(rng.integers(4_000, 9_900))
            self._pay(number, plan.at(day, plan.hour()), account, payee, dollars, _EDUCATION)

    def relatives(self) -> None:
        """Three or four of a family, in two regions, pay the fees of one child within days."""
        plan, rng = self.plan, self.plan.rng
        number, payee = plan.begin(RULE, "relatives", INNOCENT, split=True), self._abroad()
        places = rng.permutation(len(REGIONS))[:2].tolist()
        days = plan.days(2, last=2)
        for at in range(int(rng.integers(3, 5))):
            moment = plan.at(days[at % 2], self._hour(at))
            dollars = int(rng.integers(*_BELOW_TEN_THOUSAND))
            self._pay(number, moment, self._person(places[at % 2]), payee, dollars, _EDUCATION)

    def together(self, variant: str, dollars: tuple[int, int], why: int) -> None:
        """Eight persons of one place pay the same payee within two days."""
        plan, rng = self.plan, self.plan.rng
        number, payee = plan.begin(RULE, variant, INNOCENT, split=False), self._abroad()
        place, days = int(rng.integers(len(REGIONS))), plan.days(2, last=2)
        for at in range(8):
            moment = plan.at(days[at // 4], self._hour(at))
            self._pay(number, moment, self._person(place), payee, int(rng.integers(*dollars)), why)
