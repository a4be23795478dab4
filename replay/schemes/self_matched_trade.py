"""Self-matched trade: buyer and seller are one account, one firm or firms of one controller.

Five self-trades a day in a contract are the futures exchanges' line, a fifth of ten trading days'
volume that of the criminal law. Split variants stand on the two sides at brokers of two regions,
each of which sees one side. Innocents: a market maker, a trade with oneself now and then, two
strangers who meet all day.
"""

from dataclasses import replace

from replay.schemes import volume_share
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from replay.schemes.trading import HOME, MAKES_MARKET, SPECULATES, Desk
from schemas.regions import REGIONS

RULE = "self_matched_trade"
_RUN_DAYS = 10
_Sides = tuple[tuple[int, int], tuple[int, int]]


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule; few in a small market."""
    desk = _Matching(plan)
    for _ in desk.times(4):
        desk.daily("group_split", desk.group(split=True), split=True)
    for _ in desk.times(2):
        desk.daily("group_one_region", desk.group(split=False), split=False)
    for _ in desk.times(2):
        desk.daily("brokers_split", desk.brokers(), split=True)
    for _ in desk.times(2):
        desk.daily("one_account", desk.account(), split=False)
    for _ in desk.times(2):
        desk.daily("shares_split", desk.group(split=True), split=True, share=True)
    for _ in desk.times(2):
        desk.volume("volume_split", desk.group(split=True))
    for _ in desk.times(2):  # expected misses: four a day
        desk.daily("few_a_day", desk.group(split=True), split=True, pairs=2)
    for _ in desk.times(2):
        desk.daily("market_maker", desk.account(), split=False, kind=INNOCENT, purpose=MAKES_MARKET)
    for _ in desk.times(2):
        desk.daily("now_and_then", desk.account(), split=False, pairs=1, kind=INNOCENT)
    for _ in desk.times(2):
        strangers = ((desk.firm(), HOME), (desk.firm(), HOME))
        desk.daily("strangers", strangers, split=False, kind=INNOCENT)
    desk.place()


class _Matching(Desk):
    """Two orders at a time, each the other's other side."""

    def group(self, split: bool) -> _Sides:
        """Two firms of one group at their own brokers."""
        first, second = self.together(split)
        return (first, HOME), (second, HOME)

    def brokers(self) -> _Sides:
        """One firm at its own broker and at one of another region."""
        firm = self.firm()
        other = [region for region in range(len(REGIONS)) if region != self.region[firm]]
        return (firm, HOME), (firm, int(self.plan.rng.choice(other)))

    def account(self) -> _Sides:
        """One firm, one account."""
        firm = self.firm()
        return (firm, HOME), (firm, HOME)

    def daily(
        self,
        variant: str,
        sides: _Sides,
        split: bool,
        pairs: int = 4,
        share: bool = False,
        kind: str = SCHEME,
        purpose: int = SPECULATES,
    ) -> None:
        """On two or three days some pairs of orders in one contract, two trades a pair."""
        rng = self.plan.rng
        number = self.plan.begin(RULE, variant, kind, split)
        at = int(rng.integers(6))
        instrument = self.share(at) if share else self.future(at)
        for day in self.run_of(int(rng.integers(2, 4))):
            for moment in self.moments(day, pairs):
                turned = sides if rng.random() < 0.5 else (sides[1], sides[0])
                lots = int(rng.integers(2, 18)) * (200 if share else 2)
                self.cross(number, moment, turned, instrument, lots, purpose)

    def volume(self, variant: str, sides: _Sides) -> None:
        """For ten trading days a quarter of a contract's volume, four trades a day."""
        rng = self.plan.rng
        number = self.plan.begin(RULE, variant, SCHEME, split=True)
        # Whoever trades so much with itself takes part in so much of the volume, and each region
        # sees one side of every trade.
        mine = self.plan.plans[number]
        taking_part = replace(mine, rule=volume_share.RULE, variant="with_oneself", split=False)
        self.plan.plans.append(taking_part)  # it shares references and instants
        instrument = self.future(int(rng.integers(6)))
        for day in self.run_of(_RUN_DAYS):
            for moment in self.moments(day, 2):
                turned = sides if rng.random() < 0.5 else (sides[1], sides[0])
                self.cross(number, moment, turned, instrument, int(rng.integers(170, 190)) * 2)
