"""Reporting gaps: a bank that withholds reports of its payments, sends them late or differs.

Split variants withhold reports of payments with banks of other regions only, or differ in them: the
bank's own supervisor receives nothing of it, and only the other side's region holds a report.
Innocents: an outage whose reports come the next morning, a few reports that got lost.
"""

from dataclasses import fields

import numpy as np

from replay.market import gaps, payments
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "reporting_gap"
_FEWEST = 4  # reports that are touched
_NAMED = 20  # others name a silent bank in so many payments of the day
_SETTLED = 8  # business days at the end: what is missing then is only not there yet


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule, each at a bank of its own."""
    desk = _Desk(plan)
    for _ in range(4):
        desk.gap("withheld_split", gaps.WITHHELD, gaps.ACROSS, days=6, share_bp=6_000)
    desk.gap("withheld_one_region", gaps.WITHHELD, gaps.WITHIN, 7, share_bp=8_000, split=False)
    for _ in range(2):
        desk.silence()
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
    """Collects what banks do, no bank twice."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._rows: list[tuple[int, ...]] = []
        self._free = plan.rng.permutation(plan.who.banks.branches).tolist()
        self._sides = [plan.who.account_bank[a] for a in (plan.base.payer, plan.base.payee)]

    def all(self) -> gaps.Gaps:
        """Everything planned so far."""
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(fields(gaps.Gaps))
        return gaps.Gaps(*(np.array(column, np.int64) for column in columns))

    def gap(
        self, variant: str, what: int, where: int, days: int, share_bp: int, split: bool = True,
        kind: str = SCHEME,
    ) -> None:  # fmt: skip
        """Let the next bank with enough reports do something for some business days.

        A market may be too small for that: then nothing is planted.
        """
        plan, rng = self.plan, self.plan.rng
        business = plan.when.business
        first = int(rng.integers(3, max(len(business) - days - _SETTLED, 4)))
        since, until = plan.when.midnight(np.array([business[first], business[first + days]]))
        draw = int(rng.integers(1 << 62))
        for bank in self._free:
            if self._reports(bank, int(since), int(until), where) * share_bp >= _FEWEST * 10_000:
                self._free.remove(bank)
                number = plan.begin(RULE, variant, kind, split)
                row = (bank, int(since), int(until), what, where, share_bp, draw, number)
                self._rows.append(row)
                return
        plan.leave_out()

    def silence(self) -> None:
        """Let a bank report nothing of a business day on which it has no part in any scheme.

        The other schemes' payments must stay as they are, and one report would break the silence.
        """
        plan, business = self.plan, self.plan.when.business
        who, planted = plan.who, plan.payments()
        sides = np.r_[who.account_bank[planted.payer], who.account_bank[planted.payee]]
        instants = np.tile(planted.instant, 2)
        days = plan.rng.permutation(np.arange(3, max(len(business) - _SETTLED, 4))).tolist()
        for bank in list(self._free):
            for day in days:
                since, until = plan.when.midnight(np.array([business[day], business[day] + 1]))
                used = (sides == bank) & (instants >= since) & (instants < until)
                reports = self._reports(bank, int(since), int(until), gaps.ANY)
                after_a_break = business[day] - business[day - 1] > 1  # then days are judged as one
                if used.any() or reports < _NAMED or after_a_break:
                    continue
                self._free.remove(bank)
                number = plan.begin(RULE, "silent", SCHEME, split=False)
                draw = int(plan.rng.integers(1 << 62))
                what, where = gaps.SILENT, gaps.ANY
                row = (bank, int(since), int(until), what, where, 10_000, draw, number)
                self._rows.append(row)
                return
        plan.leave_out()

    def _reports(self, bank: int, since: int, until: int, where: int) -> int:
        """How many everyday payments of a bank in a span of time another one reports, too."""
        banks, instant = self.plan.who.banks, self.plan.base.instant
        within = (instant >= since) & (instant < until)
        count = 0
        for own, other in (self._sides, self._sides[::-1]):
            fits = within & (own == bank) & (other != bank) & (other < banks.branches)
            if where != gaps.ANY:
                across = banks.region[other] != banks.region[bank]
                fits &= across == (where == gaps.ACROSS)
            count += int(fits.sum())
        return count
