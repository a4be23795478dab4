"""Double pledges: goods that secure more money than there are goods.

Nobody defines it by numbers; the shapes are those of cases in the press: one receipt pledged twice,
two receipts for one pile, one lot pledged from two warehouses, goods taken away under a pledge, a
warehouse with less than is pledged in it. A receipt is seen where its warehouse lies, so only the
lot in two regions is split. Innocents: shares of one rank up to the value, a second rank, halves,
releases first, goods that move, lots packed in whole tonnes, renewals, a stock that just suffices.
"""

from collections.abc import Callable

import numpy as np

from replay.market import goods
from replay.market.days import BEIJING, DAY
from replay.market.goods import KINDS, QUIET, VARIETIES, WAREHOUSES, Acts, Emptied
from replay.market.traders import traders
from replay.schemes.plans import INNOCENT, SCHEME, UNLABELLED, Planner
from schemas.regions import REGIONS, region_of_area

RULE = "receipt_double_pledge"
_FIRST = 10**6  # receipts are numbered apart from everyday ones, and again before they are sent
_VALUES = np.array([fen for _, _, _, fen, _ in VARIETIES])
_LOTS = [tonnes for _, _, tonnes, _, _ in VARIETIES]
_HOUSES = [*WAREHOUSES, *QUIET]
_PLACES = [region_of_area(f"{code[:2]}0000") for _, _, _, code in _HOUSES]


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    desk = _Desk(plan)
    made: tuple[tuple[int, Callable[[int], None]], ...] = (
        (9, lambda _: desk.one_lot("lot_in_two_regions", split=True)),
        (2, lambda _: desk.one_lot("lot_in_one_region", split=False)),
        # Expected misses: the second time it weighs a kilogram more.
        (2, lambda _: desk.one_lot("weighed_again", split=True, more=1)),
        (2, lambda _: desk.one_receipt("equal_rank", (1, 1))),
        (1, lambda _: desk.one_receipt("second_rank_over_value", (1, 2))),
        (2, lambda _: desk.one_pile()),
        (1, lambda _: desk.delivered("delivered_under_pledge", pledged_first=True)),
        (1, lambda _: desk.delivered("pledged_after_delivery", pledged_first=False)),
        (2, lambda turn: desk.stock("stock_short", turn, left=0.3)),
        (3, lambda _: desk.one_receipt("shares_of_one_rank", (1, 1), (0.5, 0.45), INNOCENT)),
        (2, lambda _: desk.one_receipt("second_rank_in_value", (1, 2), (0.6, 0.3), INNOCENT)),
        (2, lambda _: desk.halves()),
        (2, lambda _: desk.released("released_first", at_once=False)),
        (2, lambda _: desk.released("taken_over_in_a_day", at_once=True)),
        (2, lambda _: desk.moved()),
        (2, lambda _: desk.one_lot("whole_tonnes", split=True, kind=INNOCENT, whole=True)),
        (2, lambda _: desk.renewed()),
        (2, lambda turn: desk.stock("stock_suffices", turn + 2, left=1.0, kind=INNOCENT)),
    )
    for count, one in made:
        for turn in plan.turns(count):
            one(turn)
    plan.place(goods.RECEIPTS, desk.acts())
    plan.place(goods.STOCK, desk.emptied())


class _Desk:
    """Collects acts on receipts; weights are odd unless they are meant to be whole tonnes."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self.owners = traders(plan.who)
        self.days = goods.calendar_positions(plan.when)
        self._rows: list[dict[str, int]] = []
        self._gone: list[dict[str, int]] = []
        self._receipt = _FIRST

    def acts(self) -> Acts:
        """Every act so far."""
        names = Acts.__dataclass_fields__
        columns = {name: np.array([row[name] for row in self._rows]) for name in names}
        return Acts(**columns | {"standard": columns["standard"].astype(bool)})

    def emptied(self) -> Emptied:
        """Everything that was taken away without a word."""
        names = Emptied.__dataclass_fields__
        return Emptied(**{name: np.array([row[name] for row in self._gone]) for name in names})

    # -- pieces -----------------------------------------------------------------------------

    def _days(self, count: int) -> list[int]:
        """Trading days in a row, the last of them a week before the end."""
        first = int(self.plan.rng.integers(1, len(self.days) - count - 5))
        return self.days[first : first + count]

    def _weight(self, whole: bool = False) -> int:
        """Kilograms."""
        rng = self.plan.rng
        if whole:
            return int(rng.integers(4, 40)) * 25_000
        return int(rng.integers(80, 900)) * 1000 + int(rng.integers(1, 1000))

    def _houses(self, count: int, split: bool) -> list[int]:
        """Warehouses inside the four regions: each in a region of its own, or all in one."""
        inside = [at for at in range(len(WAREHOUSES)) if _PLACES[at] in REGIONS]
        order = [int(at) for at in self.plan.rng.permutation(inside)]
        if split:
            return list({_PLACES[at]: at for at in order}.values())[:count]
        shared = next(r for r in map(_PLACES.__getitem__, order) if _PLACES.count(r) >= count)
        return [at for at in order if _PLACES[at] == shared][:count]

    def _banks(self, count: int) -> list[int]:
        """Branches of different legal persons."""
        banks = self.plan.who.banks
        order = self.plan.rng.permutation(banks.branches).tolist()
        return list({banks.legal[at]: at for at in order}.values())[:count]

    def issue(
        self, house: int, kilograms: int, day: int, *, standard: bool = False, variety: int = -1
    ) -> dict[str, int]:
        """A receipt is issued; what comes back is its row, for the acts on it."""
        rng = self.plan.rng
        self._receipt += 1
        variety = int(rng.integers(0, len(VARIETIES))) if variety < 0 else variety
        start = int(self.plan.when.midnight(np.array([day]))[0])
        row = {
            "instant": 0, "kind": 0, "receipt": self._receipt, "parent": -1,
            "owner": int(rng.choice(self.owners)), "transferee": -1, "pledgee": -1,
            "variety": variety, "warehouse": house, "standard": int(standard),
            "kilograms": kilograms, "issued": (start + BEIJING) // DAY, "lot": self._receipt,
            "turn": 0, "rank": 1, "secured_fen": 0, "plan": UNLABELLED,
        }  # fmt: skip
        self._act(row, "出具", day, 9.0)
        return row

    def again(self, first: dict[str, int], house: int, day: int, more: int = 0) -> dict[str, int]:
        """Another receipt for the same lot of the same owner, perhaps some kilograms heavier."""
        self._receipt += 1
        row = first | {"receipt": self._receipt, "warehouse": house}
        row["kilograms"] += more
        self._act(row, "出具", day, 9.0)
        return row

    def _act(
        self,
        of: dict[str, int],
        kind: str,
        day: int,
        hour: float,
        plan: int = UNLABELLED,
        **more: int,
    ) -> None:
        seconds = int(hour * 3600) + int(self.plan.rng.integers(0, 3000))
        at = (
            self.plan.at(day, seconds / 3600) // 1_000_000 * 1_000_000
        )  # the feed says no fractions
        row = of | {"instant": at, "kind": KINDS.index(kind), "plan": plan} | more
        taken = [
            r for r in self._rows if (r["receipt"], r["kind"]) == (row["receipt"], row["kind"])
        ]
        self._rows.append(row | {"turn": len(taken)})
        if plan != UNLABELLED:
            mine = self.plan.plans[plan]
            mine.instants.append(at)
            if _PLACES[of["warehouse"]] in REGIONS:
                mine.regions.add(REGIONS.index(_PLACES[of["warehouse"]]))

    def pledge(
        self, of: dict[str, int], bank: int, day: int, plan: int, share: float, rank: int = 1,
        hour: float = 10.0,
    ) -> None:  # fmt: skip
        """A pledge that secures a share of the value, in thousands of yuan."""
        value = int(of["kilograms"] * _VALUES[of["variety"]] // 1000)
        fen = int(value * share) // 100_000 * 100_000
        self._act(of, "质押", day, hour, plan, pledgee=bank, rank=rank, secured_fen=fen)

    def release(self, of: dict[str, int], bank: int, day: int, plan: int, hour: float) -> None:
        """The pledgee releases it."""
        self._act(of, "解押", day, hour, plan, pledgee=bank)

    # -- schemes ----------------------------------------------------------------------------

    def one_lot(
        self, variant: str, split: bool, more: int = 0, kind: str = SCHEME, whole: bool = False
    ) -> None:
        """One lot, issued and pledged from two warehouses."""
        number = self.plan.begin(RULE, variant, kind, split)
        (here, there), (one, other) = self._houses(2, split), self._banks(2)
        days = self._days(6)
        first = self.issue(here, self._weight(whole), days[0])
        second = self.again(first, there, days[2], more)
        self.pledge(first, one, days[1], number, 0.65)
        self.pledge(second, other, days[3], number, 0.62)

    def one_receipt(
        self, variant: str, ranks: tuple[int, int], shares: tuple[float, float] = (0.65, 0.6),
        kind: str = SCHEME,
    ) -> None:  # fmt: skip
        """One receipt pledged to two banks."""
        number = self.plan.begin(RULE, variant, kind, split=False)
        days, banks = self._days(5), self._banks(2)
        receipt = self.issue(self._houses(1, split=True)[0], self._weight(), days[0])
        for bank, day, share, rank in zip(banks, (days[1], days[3]), shares, ranks, strict=True):
            self.pledge(receipt, bank, day, number, share, rank)

    def one_pile(self) -> None:
        """Two receipts for the same goods in the same bay."""
        number = self.plan.begin(RULE, "two_receipts_one_pile", SCHEME, split=False)
        days, (one, other) = self._days(6), self._banks(2)
        house = self._houses(1, split=True)[0]
        first = self.issue(house, self._weight(), days[0])
        second = self.again(first, house, days[2])
        self.pledge(first, one, days[1], number, 0.65)
        self.pledge(second, other, days[4], number, 0.65)

    def delivered(self, variant: str, pledged_first: bool) -> None:
        """Goods are taken away under a pledge, or pledged when they are gone."""
        number = self.plan.begin(RULE, variant, SCHEME, split=False)
        days, (bank,) = self._days(6), self._banks(1)
        receipt = self.issue(self._houses(1, split=True)[0], self._weight(), days[0])
        early, late = (days[1], days[4]) if pledged_first else (days[4], days[1])
        self.pledge(receipt, bank, early, number, 0.65)
        self._act(receipt, "提货", late, 14.0, number)

    def stock(self, variant: str, spot: int, left: float, kind: str = SCHEME) -> None:
        """Three pledged receipts of a quiet place; of the goods only a part is left one day.

        Args:
            variant: of the label.
            spot: which of the quiet places, no two plans the same.
            left: which part of what was issued remains.
            kind: scheme or innocent.
        """
        number = self.plan.begin(RULE, variant, kind, split=False)
        house, variety = len(WAREHOUSES) + spot % len(QUIET), spot // len(QUIET)
        days, banks = self._days(7), self._banks(3)
        heavy = [int(self.plan.rng.integers(8, 30)) * _LOTS[variety] for _ in range(4)]
        for at, tonnes in enumerate(heavy):
            receipt = self.issue(house, tonnes * 1000, days[0], standard=True, variety=variety)
            if at < len(banks):  # the fourth is free
                self.pledge(receipt, banks[at], days[1 + at], number, 0.65)
        keeps = int(sum(heavy[:3]) * left) if left < 1 else sum(heavy[:3])
        gone = sum(heavy) - keeps
        self._gone.append(
            {"day": days[5], "variety": variety, "warehouse": house, "tonnes": gone, "plan": number}
        )

    # -- innocents --------------------------------------------------------------------------

    def released(self, variant: str, at_once: bool) -> None:
        """Another bank takes the receipt over: after the release, or hours before it."""
        number = self.plan.begin(RULE, variant, INNOCENT, split=False)
        days, (one, other) = self._days(6), self._banks(2)
        receipt = self.issue(self._houses(1, split=True)[0], self._weight(), days[0])
        self.pledge(receipt, one, days[1], number, 0.65)
        self.release(receipt, one, days[3], number, hour=15.0)
        self.pledge(receipt, other, days[3 if at_once else 4], number, 0.65)

    def renewed(self) -> None:
        """One bank, twice: the second pledge takes the place of the first."""
        number = self.plan.begin(RULE, "renewed", INNOCENT, split=False)
        days, (bank,) = self._days(6), self._banks(1)
        receipt = self.issue(self._houses(1, split=True)[0], self._weight(), days[0])
        for day, share in ((days[1], 0.6), (days[4], 0.7)):
            self.pledge(receipt, bank, day, number, share)

    def moved(self) -> None:
        """Goods are released and taken out, and stored and pledged again in another region."""
        number = self.plan.begin(RULE, "goods_moved", INNOCENT, split=True)
        (here, there), (one, other) = self._houses(2, split=True), self._banks(2)
        days = self._days(8)
        first = self.issue(here, self._weight(), days[0])
        self.pledge(first, one, days[1], number, 0.65)
        self.release(first, one, days[3], number, hour=10.0)
        self._act(first, "提货", days[3], 14.0, number)
        second = self.again(first, there, days[5])
        self.pledge(second, other, days[6], number, 0.65)

    def halves(self) -> None:
        """A receipt split into two equal parts, each pledged to a bank of its own."""
        number = self.plan.begin(RULE, "halves", INNOCENT, split=False)
        days, banks = self._days(6), self._banks(2)
        house = self._houses(1, split=True)[0]
        whole = self.issue(house, self._weight() // 2 * 2, days[0])
        half = whole["kilograms"] // 2
        for turn, bank in enumerate(banks):
            self._receipt += 1
            part = whole | {"receipt": self._receipt, "parent": whole["receipt"], "kilograms": half}
            self._act(part, "拆分", days[1], 11.0)
            self.pledge(part, bank, days[2 + turn], number, 0.8)
