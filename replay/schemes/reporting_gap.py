"""Reporting gaps: a bank that withholds reports of its payments, sends them late or differs.

Split variants withhold reports of payments with banks of other regions only, or differ in them: the
bank's own supervisor receives nothing of it, and only the other side's region holds a report.
Innocents: an outage whose reports come the next morning, a few reports that got lost.
"""

import numpy as np

from replay.market import gaps, payments
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "reporting_gap"
_SETTLED = 8  # business days at the end: what is missing then is only not there yet


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule, each at a bank of its own."""
    desk = _Desk(plan)
    for _ in range(4):
        desk.gap("withheld_split", gaps.WITHHELD, gaps.ACROSS, days=6, share_bp=6_000)
    desk.gap("withheld_one_region", gaps.WITHHELD, gaps.WITHIN, 7, share_bp=8_000, split=False)
    for _ in range(2):
        desk.gap("silent", gaps.WITHHELD, gaps.ANY, days=2, share_bp=10_000, split=False)
    for _ in range(2):
        desk.gap("late_habit", gaps.LATE, gaps.ANY, days=6, share_bp=5_000, split=False)
    for _ in range(2):
        desk.gap("differs_split", gaps.DIFFERS, gaps.ACROSS, days=8, share_bp=3_000)
    for _ in range(2):
        desk.gap("outage", gaps.NEXT_DAY, gaps.ANY, 1, 10_000, split=False, kind=INNOCENT)
    for _ in range(2):
        desk.gap("few_lost", gaps.WITHHELD, gaps.ANY, 10, 200, split=False, kind=INNOCENT)
    plan.place(payments.FEED, desk.all())


class _Desk:
    """Collects what banks do; the busier half of them takes part."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._rows: list[tuple[int, ...]] = []
        banks = plan.who.banks
        kept = np.bincount(plan.who.account_bank, minlength=banks.banks)[: banks.branches]
        busy = np.argsort(-kept, kind="stable")[: max(banks.branches * 2 // 3, 15)]
        self._banks = iter(plan.rng.permutation(busy).tolist())

    def all(self) -> gaps.Gaps:
        """Everything planned so far."""
        return gaps.Gaps(*(np.array(column) for column in zip(*self._rows, strict=True)))

    def gap(
        self, variant: str, what: int, where: int, days: int, share_bp: int, split: bool = True,
        kind: str = SCHEME,
    ) -> None:  # fmt: skip
        """Let the next bank do something for some business days."""
        plan, rng = self.plan, self.plan.rng
        number = plan.begin(RULE, variant, kind, split)
        business = plan.when.business
        first = int(rng.integers(3, max(len(business) - days - _SETTLED, 4)))
        since = plan.when.midnight(np.array([business[first], business[first + days]]))
        draw = int(rng.integers(1 << 62))
        self._rows.append(
            (next(self._banks), int(since[0]), int(since[1]), what, where, share_bp, draw, number)
        )
