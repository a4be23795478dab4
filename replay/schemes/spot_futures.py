"""Spot and futures: goods piled up in warehouses while futures on them are bought.

The law names hoarding of spot goods to move a future, no amount. Split variants have the goods in
a warehouse of one region and the futures at a broker of another, some of them with two firms of
one controller. Innocents: a hedger who sells futures against its goods, an approved hedge, a market
maker, a merchant who passes the goods on. Missed on purpose: the futures come weeks after.
"""

from collections.abc import Sequence

import numpy as np

from replay.market import exchanges, goods
from replay.market.days import BEIJING, DAY
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from replay.schemes.trading import HEDGES, HOME, MAKES_MARKET, SPECULATES, Desk
from schemas.regions import REGIONS, region_of_area

RULE = "spot_futures"
_YUAN = 100
_SOME, _MUCH = 150_000_000 * _YUAN, 600_000_000 * _YUAN
_FIRST_RECEIPT = 2 * 10**6  # numbered apart from all others, and again before they are sent
_TONNES = (350, 850)  # of one receipt of copper; of others, worth as much
_COPPER = 0  # row of `goods.VARIETIES`: of others so much would be most of the market
_RUN_DAYS = 12
_LOTS = (30, 80)  # of one order of copper


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    desk = _Desk(plan)
    for _ in desk.times(4):
        firm = desk.firm()
        desk.build("one_firm_split", firm, firm, split=True)
    for _ in desk.times(3):
        desk.build("group_split", *desk.together(split=True), split=True)
    firm = desk.firm()
    desk.build("large_split", firm, firm, split=True, fen=_MUCH, variety=_COPPER)
    for _ in desk.times(2):
        firm = desk.firm()
        desk.build("one_region", firm, firm, split=False)
    # Expected miss: the futures are bought when the goods have long been there.
    firm = desk.firm()
    desk.build("weeks_between", firm, firm, split=True, apart=True)
    for variant, buys, purpose, passes in (
        ("hedger", False, SPECULATES, False),
        ("hedger", False, HEDGES, False),
        ("approved_hedge", True, HEDGES, False),
        ("approved_hedge", True, HEDGES, False),
        ("market_maker", True, MAKES_MARKET, False),
        ("merchant", True, SPECULATES, True),
        ("merchant", True, SPECULATES, True),
    ):
        firm = desk.firm()
        desk.build(
            variant, firm, firm, split=True, kind=INNOCENT, buys=buys, purpose=purpose,
            passes=passes,
        )  # fmt: skip
    desk.place()
    plan.place(goods.RECEIPTS, desk.acts())


class _Desk(Desk):
    """Collects acts on receipts beside the orders."""

    def __init__(self, plan: Planner) -> None:
        super().__init__(plan)
        self._acts: list[tuple[int, ...]] = []
        self._receipt = _FIRST_RECEIPT
        places = [region_of_area(f"{place[3][:2]}0000") for place in goods.WAREHOUSES]
        self._place = np.array([REGIONS.index(one) if one in REGIONS else -1 for one in places])

    def acts(self) -> goods.Acts:
        """What is done with receipts."""
        columns = [np.array(column) for column in zip(*self._acts, strict=True)]
        return goods.Acts(*columns)

    def build(
        self,
        variant: str,
        owner: int,
        trader: int,
        split: bool,
        fen: int = _SOME,
        kind: str = SCHEME,
        buys: bool = True,
        purpose: int = SPECULATES,
        passes: bool = False,
        apart: bool = False,
        variety: int = -1,
    ) -> None:
        """Goods come to one firm, and futures on them are traded by one, over some weeks.

        Args:
            variant: of the label.
            owner: party row of who gets the receipts.
            trader: party row of who trades the futures, at home.
            split: the warehouse lies in another region than the broker, else in the same.
            fen: what each side comes to at least.
            kind: scheme or innocent.
            buys: the futures are bought, else sold.
            purpose: of the orders, as brokers say it.
            passes: each receipt is passed on the next day.
            apart: the futures come after thirty days and more.
            variety: row of `goods.VARIETIES`; -1: any.
        """
        rng = self.plan.rng
        number = self.plan.begin(RULE, variant, kind, split)
        variety = int(rng.integers(len(goods.VARIETIES))) if variety < 0 else variety
        here = self._place == self.region[trader]
        warehouse = int(rng.choice(np.flatnonzero(~here & (self._place >= 0) if split else here)))
        self.plan.plans[number].regions.add(int(self._place[warehouse]))
        days = self.run_of(_RUN_DAYS) if not apart else [int(day) for day in self.days[1:9]]
        later = [int(day) for day in self.days[-9:-2]] if apart else days
        self._store(number, owner, variety, warehouse, days, fen, passes)
        self._trade(number, trader, variety, later, fen, buys, purpose)

    def _store(
        self, number: int, owner: int, variety: int, warehouse: int, days: Sequence[int], fen: int,
        passes: bool,
    ) -> None:  # fmt: skip
        rng = self.plan.rng
        price, copper = goods.VARIETIES[variety][3], goods.VARIETIES[0][3]
        came = 0
        while came < fen * 1.1:
            tonnes = int(rng.integers(*_TONNES)) * copper // price
            came += tonnes * price
            self._receipt += 1
            day = int(rng.choice(days))
            issued = int(self.plan.when.midnight(np.array([day]))[0] + BEIJING) // DAY
            lot = (variety, warehouse, False, tonnes * 1000, issued, self._receipt, 0, 1, 0, number)
            self._act(number, day, (goods.ISSUE, self._receipt, -1, owner, -1, -1), lot)
            if passes:
                other = self.plan.party(False, claim=False)
                after = (goods.TRANSFER, self._receipt, -1, owner, other, -1)
                self._act(number, day + 1, after, lot)

    def _act(self, number: int, day: int, said: tuple[int, ...], lot: tuple[int, ...]) -> None:
        instant = self.plan.at(day, float(self.plan.rng.uniform(9.1, 15.8)))
        instant = instant // 1_000_000 * 1_000_000  # the register says no fractions
        self._acts.append((instant, *said, *lot))
        self.plan.plans[number].instants.append(instant)

    def _trade(
        self, number: int, trader: int, variety: int, days: Sequence[int], fen: int, buys: bool,
        purpose: int,
    ) -> None:  # fmt: skip
        rng = self.plan.rng
        code = goods.VARIETIES[variety][0]
        fits = [at for at, (name, _) in enumerate(exchanges.contracts()) if name.startswith(code)]
        instrument = int(rng.choice(fits))
        worth, copper = exchanges.lot_fen(instrument), exchanges.lot_fen(self.future(0))
        dealt = 0
        while dealt < fen * 1.1:
            lots = int(rng.integers(*_LOTS)) * copper // worth // 2 * 2
            dealt += lots * worth
            moment = self.moments(int(rng.choice(days)), 1)[0]
            self.order(number, moment, trader, instrument, buys, lots, purpose, HOME)
