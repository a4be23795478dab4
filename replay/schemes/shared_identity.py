"""Shared identity: accounts of several persons on one phone, tried with a few yuan.

More than three and fewer than ten customers on one phone is one bank's published choice. Split
variants open the accounts at banks of several regions, three in each at most. Innocents: a family
of three, the phone of an agency with more than ten customers. (Firms of one group share a phone
in the everyday register; they have one controller.)
"""

import numpy as np

from replay.market import registers
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from schemas.regions import REGIONS

RULE = "shared_identity"
_YUAN = 100


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    desk = _Desk(plan)
    for _ in range(4):
        desk.share("phone_split", (5, 8), split=True, probers=3)
    for _ in range(2):
        desk.share("phone_split_quiet", (5, 8), split=True)
    for _ in range(3):
        desk.share("phone_one_region", (5, 7), split=False, probers=3)
    for _ in range(3):
        desk.share("family", (3, 4), split=False, kind=INNOCENT)
    for _ in range(2):
        desk.share("agency", (12, 15), split=False, kind=INNOCENT)
    plan.place(registers.FEED, desk.openings())


class _Desk:
    """Collects the accounts that are opened."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self._rows: list[tuple[int, int, str, int, int]] = []

    def openings(self) -> registers.Openings:
        """Everything opened so far."""
        columns = [np.array(column) for column in zip(*self._rows, strict=True)]
        return registers.Openings(*columns)

    def share(
        self, variant: str, customers: tuple[int, int], split: bool, probers: int = 0,
        kind: str = SCHEME,
    ) -> None:  # fmt: skip
        """Open accounts on one phone within two weeks; some are tried soon after.

        Args:
            variant: of the label.
            customers: from, to (not included).
            split: over three regions in turn, else in one.
            probers: how many try their account.
            kind: scheme or innocent.
        """
        plan, rng = self.plan, self.plan.rng
        number = plan.begin(RULE, variant, kind, split)
        phone = f"137{int(rng.integers(10**8)):08d}"
        regions = [int(region) for region in rng.permutation(len(REGIONS))]
        count = int(rng.integers(*customers))
        # An agency brings all its clients on one day: nobody ever sees fewer than all.
        days = plan.days(10, last=8)
        opened = sorted(int(rng.choice(days[:6])) for _ in range(count))
        if count >= 10:
            opened = [days[0]] * count
        for at, day in enumerate(opened):
            account = plan.newcomer(regions[at % 3 if split else 0])
            entry = len(self._rows) + 1
            self._rows.append((day, account, phone, number, entry))
            who = plan.who
            bank = str(who.banks.ids[who.account_bank[account]])
            mine = plan.plans[number]
            mine.refs.append(f"{registers.FEED}:{registers.opening_entry(bank, entry)}")
            mine.instants.append(plan.at(day, 0.0))
            mine.regions.add(int(who.account_regions()[account]))
            if at < probers:
                shop = plan.account(plan.party(False, claim=False))
                tried = plan.at(days[7] + at % 2, plan.hour())
                fen = int(rng.integers(1, 11)) * _YUAN
                plan.pay(number, tried, account, shop, fen)
