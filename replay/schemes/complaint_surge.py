"""Complaint surges: within days many more people complain of an institution than ever before.

Split surges spread over the centres of four regions, a few in each; they are about branches of one
bank. Surges in one region are about an institution seated there. Innocents: a bank that is always
complained of a lot, one person who complains again and again, and a season in which everybody in
one region is complained of.
"""

from collections.abc import Sequence

import numpy as np

from replay.market import complaints
from replay.market.complaints import CENTRES, Complaints
from replay.market.days import HOUR
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "complaint_surge"
_FIRST = 30  # day of the span from which there are weeks enough to compare with
_CATEGORIES = ("PAYMENT", "CARD", "LOAN", "WEALTH", "PREPAID", "OTHER")
_CAUSES = ("SERVICE", "UNPAID", "LOSTMONEY", "OTHER")
_BASE = 50_000  # everyday complaints are numbered from 1


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    desk = _Desk(plan)
    for legal in ("LP-381", "LP-382", "LP-384", "LP-385"):
        with plan.room():
            desk.surge("surge_split", desk.branches(legal), 16, split=True)
    for region, institution in ((0, "PI-SH2"), (1, "PI-JS2"), (2, "PI-ZJ2"), (3, "PI-AH2")):
        with plan.room():
            desk.surge("surge_one_region", {region: institution}, 14, split=False)
    with plan.room():
        desk.surge("surge_one_region", {0: "Z1099031000377"}, 14, split=False)
    with plan.room():
        desk.steady("always_many", desk.branches("LP-383"), 9)
    for region, institution in ((0, "PI-SH3"), (1, "PI-JS3"), (2, "PI-ZJ3")):
        desk.again("same_person", region, institution)
    for region in (1, 3):
        desk.season("season", region)
    plan.place(complaints.FEED, desk.complaints())


class _Desk:
    """Collects complaints."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._rows: list[tuple[object, ...]] = []
        self._days = [day for day in plan.when.business if day >= _FIRST]

    def complaints(self) -> Complaints:
        """Everything complained of so far."""
        return Complaints(*(np.array(column) for column in zip(*self._rows, strict=True)))

    def branches(self, legal: str) -> dict[int, str]:
        """A branch of a bank in each region."""
        banks = self.plan.who.banks
        mine = np.flatnonzero(banks.legal[: banks.branches] == legal)
        return {int(banks.region[row]): str(banks.ids[row]) for row in reversed(mine.tolist())}

    def _one(
        self, number: int, day: int, person: int, centre: int, institution: str, phone: str = ""
    ) -> None:
        plan, rng = self.plan, self.plan.rng
        instant = plan.at(day, 0.0) + int(rng.uniform(9, 17.5) * 3600) * (HOUR // 3600)
        serial = f"{CENTRES[centre]}{plan.when.day(day):%Y%m%d}{_BASE + len(self._rows):05d}"
        self._rows.append(
            (
                instant, person, centre, institution, str(rng.choice(_CATEGORIES)),
                str(rng.choice(_CAUSES)), int(np.exp(rng.normal(13.5, 1.4))),
                phone or f"136{int(rng.integers(10**8)):08d}", serial,
                int(rng.integers(6, 15)), number,
            )
        )  # fmt: skip
        mine = plan.plans[number]
        mine.refs.append(f"{complaints.FEED}:{serial}")
        mine.instants.append(instant)
        mine.regions.add(centre)

    def _spread(self, number: int, days: Sequence[int], about: dict[int, str], count: int) -> None:
        """So many people, one after another over the days, in the regions in turn.

        All are drawn before the first complains: a market too small for them has no complaint.
        """
        rng, regions = self.plan.rng, sorted(about)
        people = {region: self.plan.crowd(count, region) for region in regions}
        order = rng.permutation(np.resize(np.arange(len(regions)), count))
        for at, place in enumerate(order.tolist()):
            region = regions[place]
            day = days[at * len(days) // count]
            self._one(number, day, people[region].pop(), region, about[region])

    def surge(self, variant: str, about: dict[int, str], count: int, split: bool) -> None:
        """Many people complain within four business days."""
        number = self.plan.begin(RULE, variant, SCHEME, split)
        first = int(self.plan.rng.integers(0, max(len(self._days) - 5, 1)))
        self._spread(number, self._days[first : first + 4], about, count)

    def steady(self, variant: str, about: dict[int, str], a_week: int) -> None:
        """As many every week of the span."""
        number = self.plan.begin(RULE, variant, INNOCENT, split=True)
        days = list(self.plan.when.business)
        self._spread(number, days, about, a_week * len(days) // 5)

    def again(self, variant: str, region: int, institution: str) -> None:
        """One person complains of one institution twelve times within a week."""
        number = self.plan.begin(RULE, variant, INNOCENT, split=False)
        (person,) = self.plan.crowd(1, region)
        phone = f"135{int(self.plan.rng.integers(10**8)):08d}"
        first = int(self.plan.rng.integers(0, max(len(self._days) - 5, 1)))
        for at in range(12):
            day = self._days[first + at // 3]
            self._one(number, day, person, region, institution, phone)

    def season(self, variant: str, region: int) -> None:
        """Everybody in a region is complained of five times as often in one week."""
        number = self.plan.begin(RULE, variant, INNOCENT, split=False)
        rng, code = self.plan.rng, CENTRES[region]
        first = int(rng.integers(1, max(len(self._days) - 6, 2)))
        week = self._days[first : first + 4]
        banks = self.plan.who.banks
        small = banks.lenders[
            (banks.lenders >= banks.banks) & (banks.region[banks.lenders] == region)
        ]
        lender = str(banks.ids[small[0]])
        for institution in (f"PI-{code}", f"PI-{code}4", lender):
            before = [day for day in self.plan.when.business if day < week[0]]
            self._spread(number, before, {region: institution}, 2 * len(before) // 5)
            self._spread(number, week, {region: institution}, 10)
