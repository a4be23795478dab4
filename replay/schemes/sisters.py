"""Firms of one controller, and firms that only look like it: who they are, what registers say."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from replay.market.population import Flags
from replay.market.ties import (
    CONTROLLER,
    LEGALREP,
    NOBODY,
    SAMEGROUP,
    SHAREHOLDER,
    Ties,
    region_of,
)
from replay.schemes.plans import Planner
from schemas.regions import NAMES, REGIONS

# What the registers say of the firms of a plan. The first four make them one controller's.
CONTROLLED = "controlled"  # one person is each firm's actual controller
ONE_GROUP = "one_group"  # the first firm's entry names the others as of its group
OWNED = "owned"  # the first firm holds most of the others
ONE_HAND = "one_hand"  # one representative, whose phone, as one authority knows it, is the firms'
PHONE = "phone"
RECEPTION = "reception"  # one phone and one address: of an office building, say
ENDED = "ended"  # controlled by one person until days before
BEGUN_AFTER = "begun_after"  # ... from days after
FILED_AFTER = "filed_after"  # ... for years, as the register says days after

_FIRST = 3  # business days after which the first day's entries stand behind payments
_BEFORE = 8  # business days before the first payment, where a tie ends before it
_AFTER = 2  # business days after the last payment, where the register speaks only then
_QUIET_FEN = 1_500_000  # what a firm may move in the days around, beside what is planted
_ROADS = ("模拟路", "样例街", "示范大道")
_SINCE = "2019-03-01"
_OUTSIDE = 0.4  # share of others who are at home outside the Delta
_NUMBERS = 4  # columns of `Ties` that are numbers come first


@dataclass(frozen=True, slots=True)
class Sisters:
    """Firms, an account of each, and the days on which they act."""

    firms: list[int]
    accounts: list[int]
    regions: list[int]  # of the accounts
    days: list[int]  # positions in the span, ascending
    quiet: Flags  # who moves hardly anything on these days: parties


class Registry:
    """Draws firms and keeps what the registers say of them.

    Args:
        plan: draws.
        shut: accounts that take no part.
    """

    def __init__(self, plan: Planner, shut: Flags) -> None:
        who = plan.who
        self._plan, self._open = plan, ~shut & (who.account_bank < who.banks.branches)
        self._region = who.account_regions()
        homes = [region_of(who, party) for party in range(len(who.person))]
        self._home = np.array(homes)
        self._met = np.zeros(len(homes), bool)  # stood on the other side of somebody's payments
        self._rows: list[tuple[int, int, int, int, str, str, str, str, str, str]] = []

    def entries(self) -> Ties:
        """Everything said so far."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(fields(Ties))
        made: list[Any] = [
            np.array(column, np.int64 if at < _NUMBERS else np.str_)
            for at, column in enumerate(columns)
        ]
        return Ties(*made)

    # -- who --------------------------------------------------------------------------------

    def sisters(self, tie: str, count: int, split: bool, days: int) -> Sisters:
        """Draw firms without a group and without much business on the days, and tie them.

        Args:
            tie: what registers say.
            count: of firms.
            split: each at home, and with an account, in another region; else all in one.
            days: consecutive business days.

        Raises:
            TooSmall: there are not enough such firms.
        """
        plan = self._plan
        on = self._days(days, tie)
        regions = [int(region) for region in plan.rng.permutation(len(REGIONS))]
        regions = regions[:count] if split else regions[:1] * count
        quiet = self._quiet(on) & ~self._met
        firms: list[int] = []
        for region in regions:
            fits = quiet & (plan.who.group < 0) & (self._home == region) & self._has(region)
            firms.append(plan.party(False, among=fits))
        self._tie(tie, firms, quiet, on)
        accounts = [self.account(*both) for both in zip(firms, regions, strict=True)]
        return Sisters(firms, accounts, regions, on, quiet)

    def other(self, region: int, person: bool, quiet: Flags) -> int:
        """The main account of somebody of no group: outside the Delta, or in this region.

        Args:
            region: where it is, if it is inside.
            person: of a natural person, else of a firm.
            quiet: who may be drawn; much business of his own would make him a story of his own.
        """
        plan, who = self._plan, self._plan.who
        main = who.account_start[:-1]
        if plan.rng.random() < _OUTSIDE:
            return int(main[plan.party(person, spread=0, among=quiet, claim=False)])
        here = self._open[main] & (self._region[main] == region)
        party = plan.party(person, among=quiet & (who.group < 0) & here, claim=False)
        self._met[party] = True
        return int(main[party])

    def account(self, party: int, region: int) -> int:
        """One of a party's accounts in a region that may take part."""
        mine = self._plan.who.accounts_of(party)
        mine = mine[self._open[mine] & (self._region[mine] == region)]
        return int(self._plan.rng.choice(mine))

    def _has(self, region: int) -> Flags:
        """Who has an account in a region that may take part."""
        has = np.zeros(len(self._home), bool)
        has[self._plan.who.account_party[self._open & (self._region == region)]] = True
        return has

    def _quiet(self, days: list[int]) -> Flags:
        """Who moves hardly anything from three days before to the day after."""
        base, who = self._plan.base, self._plan.who
        first, last = self._plan.when.midnight(np.array([days[0] - 3, days[-1] + 2]))
        near = (base.instant >= first) & (base.instant < last)
        moved = np.zeros(len(who.person), np.int64)
        for side in (base.payer, base.payee):
            np.add.at(moved, who.account_party[side[near]], base.amount_fen[near])
        return np.asarray(moved < _QUIET_FEN)

    def _days(self, count: int, tie: str) -> list[int]:
        business = self._plan.when.business
        first = _BEFORE if tie == ENDED else _FIRST
        last = len(business) - count - _AFTER - 1
        while True:
            at = int(self._plan.rng.integers(first, last))
            days = list(business[at : at + count])
            # Days in a row without a weekend: what is paid on lies within three days.
            if count > 3 or days[-1] - days[0] == count - 1:
                return days

    # -- what registers say -----------------------------------------------------------------

    def _tie(self, tie: str, firms: list[int], quiet: Flags, days: list[int]) -> None:
        plan, business = self._plan, list(self._plan.when.business)
        one_phone = tie in (PHONE, RECEPTION, ONE_HAND)
        phone, address = self._phone(), self._address(firms[0])
        for firm in firms:
            self._say(
                0, firm,
                phone=phone if one_phone else self._phone(),
                address=address if tie == RECEPTION else self._address(firm),
            )  # fmt: skip
        if tie in (ONE_GROUP, OWNED):
            role = SAMEGROUP if tie == ONE_GROUP else SHAREHOLDER
            for firm in firms[1:]:
                share = str(int(plan.rng.integers(55, 100))) if tie == OWNED else ""
                self._say(0, firm, related=firms[0], role=role, share=share)
        elif tie not in (PHONE, RECEPTION):
            # From elsewhere: whoever is behind a group of the everyday register lives in the Delta.
            behind = plan.party(True, spread=0, among=quiet)
            position, start, end = 0, _SINCE, ""
            if tie == ENDED:
                end = plan.when.day(business[business.index(days[0]) - _BEFORE // 2]).isoformat()
            elif tie in (BEGUN_AFTER, FILED_AFTER):
                position = business[business.index(days[-1]) + _AFTER]
                start = plan.when.day(position).isoformat() if tie == BEGUN_AFTER else _SINCE
            role = LEGALREP if tie == ONE_HAND else CONTROLLER
            for firm in firms:
                self._say(position, firm, related=behind, role=role, start=start, end=end)
            if tie == ONE_HAND:
                self._say(0, behind, phone=phone, region=int(self._home[firms[0]]))

    def _say(
        self, position: int, party: int, related: int = NOBODY, role: str = "", share: str = "",
        phone: str = "", address: str = "", start: str = _SINCE, end: str = "",
        region: int = NOBODY,
    ) -> None:  # fmt: skip
        """An entry, of the authority of the party's own region where no other is named."""
        region = int(self._home[party]) if region == NOBODY else region
        row = (position, region, party, related, role, share, phone, address, start, end)
        self._rows.append(row)

    def _phone(self) -> str:
        return f"136{int(self._plan.rng.integers(10**8)):08d}"

    def _address(self, firm: int) -> str:
        rng, area = self._plan.rng, str(self._plan.who.home[firm])
        house = int(rng.integers(400, 100_000))  # a house of its own
        return f"{NAMES[area][0]}{rng.choice(_ROADS)}{house}号"
