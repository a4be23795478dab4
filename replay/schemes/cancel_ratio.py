"""Cancels: orders that are withdrawn, so many or so large that the exchange's numbers are reached.

Fifty cancels of at least 300 lots in one contract on one trading day are large ones by the metal
exchange's rule, five hundred of any size frequent ones. Split variants lie at brokers of two
regions or with two firms of one controller, none of which reaches the number alone. Innocents: a
market maker, a hedger, orders that withdraw themselves, just too few, two contracts.
"""

from collections.abc import Callable

import numpy as np

from replay.market import exchanges
from replay.schemes.plans import INNOCENT, SCHEME, Planner, TooSmall
from replay.schemes.trading import HEDGES, HOME, MAKES_MARKET, SPECULATES, Desk
from schemas.regions import REGIONS

RULE = "cancel_ratio"
_LARGE = (300, 480)  # lots, of at most 500 an order
_ANY = (2, 60)
_ENOUGH_PAYMENTS = 20_000  # a smaller market has one of each, and no two thousand messages of one
_CANCELS_ONLY = 2  # of `Orders.named`
_Side = tuple[int, int, int]  # party, broker, how many


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    desk = _Cancelling(plan)
    large = len(plan.base) >= _ENOUGH_PAYMENTS

    def times(most: int, least: int = 1) -> range:
        if not large:
            plan.leave_out(most - least)
        return range(most if large else least)

    for _ in times(3):
        desk.day("brokers_split", desk.both(desk.firm(), (27, 32)), split=True)
    for _ in times(3):
        first, second = desk.mates()
        sides = [(first, HOME, desk.some(27, 32)), (second, HOME, desk.some(27, 32))]
        desk.day("group_split", sides, split=True)
    desk.night("night_and_day", split=True)
    for _ in times(2):
        desk.day("one_account", [(desk.firm(), HOME, desk.some(52, 60))], split=False)
    for _ in times(1, 0):
        mine = desk.both(desk.firm(), (256, 270))
        desk.day("frequent_split", mine, split=True, lots=_ANY)
    for _ in times(2, 0):  # expected misses: half today, half tomorrow
        desk.day("two_days", desk.both(desk.firm(), (27, 32)), split=True, days=2)
    desk.innocents(times)
    desk.place()


class _Cancelling(Desk):
    """Orders that are withdrawn, one after the other through a day's sessions."""

    def __init__(self, plan: Planner) -> None:
        super().__init__(plan)
        self._drawn: set[int] = set()

    def some(self, low: int, high: int) -> int:
        """A number from `low` to `high`."""
        return int(self.plan.rng.integers(low, high + 1))

    def mates(self) -> tuple[int, int]:
        """Two firms of one group at home in two regions, not drawn before for this; not claimed.

        Groups are few: other schemes may have drawn the same firms.
        """
        group, region = self.plan.who.group, self.region
        known = np.flatnonzero((group >= 0) & (region >= 0) & ~self.plan.who.person)
        pairs = [
            (first, second)
            for first in known.tolist()
            for second in known[(group[known] == group[first]) & (region[known] != region[first])]
            if not {first, int(second)} & self._drawn
        ]
        if not pairs:
            raise TooSmall
        first, second = pairs[int(self.plan.rng.integers(len(pairs)))]
        self._drawn |= {first, int(second)}
        return first, int(second)

    def both(self, firm: int, many: tuple[int, int]) -> list[_Side]:
        """A firm at its own broker and at one of another region."""
        others = [region for region in range(len(REGIONS)) if region != self.region[firm]]
        away = int(self.plan.rng.choice(others))
        return [(firm, HOME, self.some(*many)), (firm, away, self.some(*many))]

    def day(
        self,
        variant: str,
        sides: list[_Side],
        *,
        split: bool,
        lots: tuple[int, int] = _LARGE,
        kind: str = SCHEME,
        purpose: int = SPECULATES,
        fate: int = exchanges.WITHDRAWN,
        days: int = 1,
        contracts: int = 1,
    ) -> None:
        """Withdraw the orders of each side on one day, or each side's on another one."""
        number = self.plan.begin(RULE, variant, kind, split)
        at = self.some(0, 5)
        run = self.run_of(days)
        for place, (client, broker, many) in enumerate(sides):
            instrument = self.future(at + place % contracts)
            for moment in self.spread(run[place % days], many):
                self.withdraw(number, moment, client, broker, instrument, lots, purpose, fate)

    def night(self, variant: str, split: bool) -> None:
        """Half in the night session, which belongs to the next trading day, half on that day."""
        number = self.plan.begin(RULE, variant, SCHEME, split)
        instrument = self.future(self.some(0, 5))
        firm = self.firm()
        (_, here, some), (_, away, more) = self.both(firm, (27, 32))
        after = np.flatnonzero(np.diff(self.days) == 1)
        day = int(self.days[self.plan.rng.choice(after[1:-1])])
        for at in range(some):
            moment = self.plan.at(day, 21.2 + at * 0.05)
            self.withdraw(number, moment, firm, here, instrument, _LARGE, night=True)
        for moment in self.spread(day + 1, more):
            self.withdraw(number, moment, firm, away, instrument, _LARGE)

    def spread(self, day: int, many: int) -> list[int]:
        """Instants over both sessions of a day, ascending."""
        rng = self.plan.rng
        half = many // 2
        hours = [
            *np.sort(rng.uniform(9.1, 11.3, half)),
            *np.sort(rng.uniform(13.6, 14.8, many - half)),
        ]
        return [self.plan.at(day, float(hour)) + at for at, hour in enumerate(hours)]

    def withdraw(
        self,
        number: int,
        instant: int,
        client: int,
        broker: int,
        instrument: int,
        lots: tuple[int, int],
        purpose: int = SPECULATES,
        fate: int = exchanges.WITHDRAWN,
        night: bool = False,
    ) -> None:
        """One order that is withdrawn before anything of it was filled."""
        buy = bool(self.plan.rng.random() < 0.5)
        limit = exchanges.limit(self.plan.rng, instrument)
        size = self.some(*lots)
        said = (instant, client, instrument, buy, size, limit, fate, True, purpose)
        self._rows.append((*said, night, number, 0, broker, _CANCELS_ONLY))
        mine = self.plan.plans[number]
        mine.instants.append(instant)
        mine.regions.add(int(self.region[client]) if broker == HOME else broker)

    def innocents(self, times: Callable[[int], range]) -> None:
        """Market makers, hedgers, orders that withdraw themselves; and just too few."""
        for variant, purpose in (("market_maker", MAKES_MARKET), ("hedger", HEDGES)):
            for _ in times(2):
                sides = self.both(self.firm(), (28, 32))
                self.day(variant, sides, split=True, kind=INNOCENT, purpose=purpose)
        for _ in times(2):
            sides = self.both(self.firm(), (28, 36))
            self.day("killed", sides, split=True, kind=INNOCENT, fate=exchanges.KILLED)
        for _ in times(2):
            sides = self.both(self.firm(), (20, 24))
            self.day("too_few", sides, split=True, kind=INNOCENT)
        for _ in times(2):
            sides = self.both(self.firm(), (28, 32))
            self.day("two_contracts", sides, split=True, kind=INNOCENT, contracts=2)
