"""What schemes at the exchanges share: firms of one controller, and a desk that writes orders."""

from collections.abc import Sequence

import numpy as np

from replay.market import exchanges
from replay.market.days import Ints
from replay.schemes.plans import Planner, TooSmall
from schemas.regions import OUT, REGIONS, region_of_area

SPECULATES, HEDGES, MAKES_MARKET = 1, 3, 5  # of `Orders.purpose`
HOME = -1  # of `Orders.broker`: the branch in the client's own region
_APART_S = 40  # between orders of one day
_GROUP_OF = 4  # firms, at most


class Desk:
    """Collects orders, of which labels name the fills.

    Args:
        plan: draws; its parties are claimed.
    """

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self.days: Ints = exchanges.trading_days(plan.when)
        self._rows: list[tuple[int, ...]] = []
        self._trades = 0
        homes = [region_of_area(area) for area in plan.who.home.tolist()]
        self.region = np.array([-1 if one == OUT else REGIONS.index(one) for one in homes])

    def times(self, count: int) -> range:
        """So many, or one in a market too small for more."""
        return self.plan.turns(count)

    def place(self) -> None:
        """Hand the orders to the market."""
        columns = (np.array(column) for column in zip(*self._rows, strict=True))
        names = exchanges.Orders.__dataclass_fields__
        orders = exchanges.Orders(**dict(zip(names, columns, strict=True)))
        self.plan.place(exchanges.FEED, orders)

    # -- who --------------------------------------------------------------------------------

    def firm(self, region: int | None = None) -> int:
        """A firm of no group, at home in the Delta or in one region of it."""
        among = self.plan.who.group < 0
        if region is not None:
            among = among & (self.region == region)
        return self.plan.party(False, among=among)

    def together(self, split: bool) -> tuple[int, int]:
        """Two firms of one group, at home in two regions or in one."""
        group = np.where(self.plan.unclaimed() & (self.region >= 0), self.plan.who.group, -1)
        rows = np.flatnonzero(group >= 0)
        rows = rows[np.argsort(group[rows], kind="stable")]
        steps = [np.column_stack([rows[:-step], rows[step:]]) for step in range(1, _GROUP_OF)]
        first, second = np.concatenate(steps).T
        apart = self.region[first] != self.region[second]
        mine = (group[first] == group[second]) & (apart if split else ~apart)
        fits = np.column_stack([first[mine], second[mine]])
        if not len(fits):
            raise TooSmall
        chosen = self.plan.rng.permutation(self.plan.rng.choice(fits))
        for row in chosen.tolist():
            only = np.zeros(len(group), bool)
            only[row] = True
            self.plan.party(False, among=only)
        return int(chosen[0]), int(chosen[1])

    # -- what -------------------------------------------------------------------------------

    def run_of(self, count: int, part: float = 0.0) -> list[int]:
        """`count` consecutive trading days, begun at random in the rest of the span.

        Args:
            count: how many.
            part: of the days that could begin it, so large a share is left out in front.
        """
        last = len(self.days) - count - 2
        first = int(self.plan.rng.integers(1 + int(part * (last - 1)), max(last, 2)))
        return [int(day) for day in self.days[first : first + count]]

    def moments(self, day: int, count: int) -> list[int]:
        """Instants of orders on a trading day, ascending, most of a minute apart."""
        rng = self.plan.rng
        hours = sorted(
            float(rng.uniform(9.6, 11.2) if rng.random() < 0.55 else rng.uniform(13.1, 14.6))
            for _ in range(count)
        )
        return [
            self.plan.at(day, hour + at * _APART_S / 3600)
            for at, hour in enumerate(hours)
        ]  # fmt: skip

    def order(
        self,
        number: int,
        instant: int,
        client: int,
        instrument: int,
        buy: bool,
        lots: int,
        purpose: int = SPECULATES,
        broker: int = HOME,
        trade: int = 0,
        fen: int = 0,
    ) -> None:
        """One order that is filled whole, in two parts.

        Args:
            number: of the plan.
            instant: when, UTC microseconds.
            client: party row.
            instrument: row of `exchanges.contracts()`.
            buy: else it sells.
            lots: an even number of lots, or of round lots of shares.
            purpose: as brokers say it.
            broker: the branch, a region; or `HOME`.
            trade: as in `Orders`; 0 where the other side is nobody's here.
            fen: its limit; without one, an everyday one.
        """
        limit = fen or exchanges.limit(self.plan.rng, instrument)
        said = (instant, client, instrument, buy, lots, limit, exchanges.FILLED, True, purpose)
        self._rows.append((*said, False, number, trade, broker, 1))
        mine = self.plan.plans[number]
        mine.instants.append(instant)
        mine.regions.add(int(self.region[client]) if broker == HOME else broker)

    def cross(
        self,
        number: int,
        instant: int,
        sides: Sequence[tuple[int, int]],
        instrument: int,
        lots: int,
        purpose: int = SPECULATES,
    ) -> None:
        """Two orders that are each other's other side: two trades of half the lots each.

        Args:
            number: of the plan.
            instant: of the one that buys; the other comes a moment before.
            sides: (party, broker) of the buyer and of the seller.
            instrument: row of `exchanges.contracts()`.
            lots: of each order.
            purpose: of both.
        """
        self._trades += 1
        fen = exchanges.limit(self.plan.rng, instrument)
        for buy, (client, broker) in zip((True, False), sides, strict=True):
            self.order(
                number, instant - (not buy) * _BEFORE, client, instrument, buy, lots, purpose,
                broker, self._trades, fen,
            )  # fmt: skip

    def share(self, at: int) -> int:
        """The instrument of a share, counted round."""
        return [row for row, (_, future) in enumerate(exchanges.contracts()) if not future][at % 6]

    def future(self, at: int) -> int:
        """The instrument of a future, counted round."""
        return [row for row, (_, future) in enumerate(exchanges.contracts()) if future][at % 6]


_BEFORE = 130_000  # microseconds
