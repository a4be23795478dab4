"""Volume share: firms of one controller take part in a fifth of ten trading days' volume and more.

A fifth and a half are the criminal law's, as one of its conditions. Split variants trade through
brokers of several regions, less than a fifth in each. Innocents: a market maker, a hedger with
some, a burst of two days. Missed on purpose: a controller whom no register names.
"""

from collections.abc import Sequence

from replay.schemes.plans import INNOCENT, SCHEME, Planner
from replay.schemes.trading import HEDGES, HOME, MAKES_MARKET, SPECULATES, Desk
from schemas.regions import REGIONS

RULE = "volume_share"
_RUN_DAYS = 11
_ORDERS = 4  # a day
# Lots a day. What all others trade of a future comes to some 1,400 to 1,800, of a share to
# 300,000 to 360,000.
_SOME, _MUCH, _MOST = (170, 210), (380, 420), (760, 840)
_SHARES = 200


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    desk = _Desk(plan)
    for _ in desk.times(3):
        firms = desk.together(split=True)
        desk.trade("group_split", [(firm, HOME) for firm in firms], _MUCH, split=True)
    desk.trade("brokers_split", desk.brokers(2), _MUCH, split=True)
    desk.trade("half_split", desk.brokers(len(REGIONS)), _MOST, split=True)
    firms = desk.together(split=True)
    desk.trade("shares_split", [(firm, HOME) for firm in firms], _MUCH, split=True, share=True)
    for _ in desk.times(2):
        desk.trade("one_broker", [(desk.firm(), HOME)], _MOST, split=False)
    # Expected miss: nobody says that they are one.
    strangers = [(desk.firm(0), HOME), (desk.firm(1), HOME)]
    desk.trade("unknown_controller", strangers, _MUCH, split=True)
    for _ in desk.times(2):
        desk.trade(
            "market_maker", [(desk.firm(), HOME)], _MOST, split=False, kind=INNOCENT,
            purpose=MAKES_MARKET,
        )  # fmt: skip
    for _ in desk.times(2):
        desk.trade(
            "hedger", [(desk.firm(), HOME)], _SOME, split=False, kind=INNOCENT, purpose=HEDGES
        )
    for _ in desk.times(2):
        desk.trade("burst", [(desk.firm(), HOME)], _MOST, split=False, kind=INNOCENT, days=2)
    desk.place()


class _Desk(Desk):
    """Orders that meet nobody known; each plan has a contract of its own as far as there are."""

    def __init__(self, plan: Planner) -> None:
        super().__init__(plan)
        self._turn = int(plan.rng.integers(6))

    def brokers(self, count: int) -> list[tuple[int, int]]:
        """One firm at brokers of so many regions, its own among them."""
        firm = self.firm()
        away = [region for region in range(len(REGIONS)) if region != self.region[firm]]
        chosen = self.plan.rng.permutation(away)[: count - 1]
        return [(firm, HOME), *((firm, int(region)) for region in chosen)]

    def trade(
        self,
        variant: str,
        sides: Sequence[tuple[int, int]],
        lots: tuple[int, int],
        split: bool,
        share: bool = False,
        kind: str = SCHEME,
        purpose: int = SPECULATES,
        days: int = _RUN_DAYS,
    ) -> None:
        """Some orders a day of each side in one contract.

        Args:
            variant: of the label.
            sides: (party, broker) of each who trades.
            lots: of one side and day, from, to (not included).
            split: no region sees a fifth.
            share: in a share, else in a future.
            kind: scheme or innocent.
            purpose: as brokers say it.
            days: trading days.
        """
        rng = self.plan.rng
        number = self.plan.begin(RULE, variant, kind, split)
        self._turn += 1
        instrument = self.share(self._turn) if share else self.future(self._turn)
        for day in self.run_of(days):
            for client, broker in sides:
                size = int(rng.integers(*lots)) // (2 * _ORDERS) * 2
                for moment in self.moments(day, _ORDERS):
                    self.order(
                        number, moment, client, instrument, bool(rng.random() < 0.5),
                        size * (_SHARES if share else 1), purpose, broker,
                    )  # fmt: skip
