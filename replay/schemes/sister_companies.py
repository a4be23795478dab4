"""Sister companies: what one controller spreads over firms, each of which stays below notice.

Structuring, pass-through, money to persons and large sums as the rules of payments know them, cut
so that no firm shows enough by itself. Who stands behind the firms is in the registers before the
first payment, in most schemes only in those of two regions together. Innocents: sisters' everyday
treasury, firms that share no more than a phone or an address, firms whose tie had ended, began or
became known only afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass

from replay.market import ties
from replay.market.population import Flags
from replay.schemes import large_value, pass_through, public_to_private, structuring
from replay.schemes.pass_through import parts, total
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from replay.schemes.sisters import (
    BEGUN_AFTER,
    CONTROLLED,
    ENDED,
    FILED_AFTER,
    ONE_GROUP,
    ONE_HAND,
    OWNED,
    PHONE,
    RECEPTION,
    Registry,
    Sisters,
)

NAME = "sister_companies"
YUAN = 100
_LINE_FEN = large_value.LINE_FEN[False]
_BETWEEN = (900_000, 1_700_000)  # yuan that pass through or go to persons: below a day's line

Act = Callable[["_Case"], None]


def plant(plan: Planner, shut: Flags) -> None:
    """Plant every scheme and innocent that this market has room for.

    Args:
        plan: keeps its payments apart from those of other plans.
        shut: accounts that take no part.
    """
    registry = Registry(plan, shut)
    for rule, act, variant, kind, split, tie, firms, days in _CASES:
        mine = plan.of(rule)
        with mine.room():
            sisters = registry.sisters(tie, firms, split, days)
            number = mine.begin(rule, variant, kind, split)
            act(_Case(mine, registry, sisters, number))
    plan.place(ties.FEED, registry.entries())


@dataclass(frozen=True, slots=True)
class _Case:
    """Firms that act, and the plan their payments belong to."""

    plan: Planner
    registry: Registry
    sisters: Sisters
    number: int

    def gets(self, firm: int, day: int, hour: float, fen: int, person: bool = False) -> None:
        """Somebody pays a firm."""
        other = self._other(firm, person)
        self._pay(day, hour, other, self.sisters.accounts[firm], fen)

    def pays(
        self, firm: int, day: int, hour: float, fen: int, person: bool = False, purpose: str = ""
    ) -> None:
        """A firm pays somebody."""
        other = self._other(firm, person)
        self._pay(day, hour, self.sisters.accounts[firm], other, fen, purpose)

    def moves(self, source: int, target: int, day: int, fen: int) -> None:
        """One sister pays another."""
        accounts = self.sisters.accounts
        self._pay(day, self.plan.hour(), accounts[source], accounts[target], fen, "INTC")

    def _other(self, firm: int, person: bool) -> int:
        return self.registry.other(self.sisters.regions[firm], person, self.sisters.quiet)

    def _pay(
        self, day: int, hour: float, payer: int, payee: int, fen: int, purpose: str = ""
    ) -> None:
        self.plan.pay(self.number, self.plan.at(day, hour), payer, payee, fen, purpose)

    def sum(self, low: float, high: float, fen: int) -> int:
        """A share of an amount, in whole yuan."""
        return int(fen * float(self.plan.rng.uniform(low, high))) // YUAN * YUAN


# -- structuring ----------------------------------------------------------------------------


def _in_turn(case: _Case) -> None:
    """Each day another sister pays just under the line."""
    for at, day in enumerate(case.sisters.days):
        firm = at % len(case.sisters.firms)
        case.pays(firm, day, case.plan.hour(), structuring.near_line(case.plan, False, 0.86, 0.97))


def _all_on_one_day(case: _Case) -> None:
    """Each sister pays once just under the line, on one day."""
    hours = case.plan.hours(len(case.sisters.firms))
    for firm, hour in enumerate(hours):
        fen = structuring.near_line(case.plan, False, 0.86, 0.97)
        case.pays(firm, case.sisters.days[0], hour, fen)


# -- pass-through ---------------------------------------------------------------------------


def _comes(case: _Case, firm: int, fen: int, hour: float) -> float:
    """Money comes in at a firm on the first day, in one to three parts; the hour of the last."""
    for part in parts(case.plan, fen, int(case.plan.rng.integers(1, 4))):
        case.gets(firm, case.sisters.days[0], hour, part)
        hour += float(case.plan.rng.uniform(0.05, 0.8))
    return hour


def _in_here_out_there(case: _Case) -> None:
    """In at the first sister, out of what another has; they settle days later, if at all."""
    fen = total(case.plan, *_BETWEEN)
    hour = _comes(case, 0, fen, float(case.plan.rng.uniform(9.0, 11.0)))
    left, day = case.sum(0.945, 0.975, fen), case.sisters.days[0]
    last = len(case.sisters.firms) - 1
    for at, part in enumerate(parts(case.plan, left, int(case.plan.rng.integers(2, 4)))):
        hour += float(case.plan.rng.uniform(0.2, 1.2))
        case.pays(1 if at % 2 else last, day, min(hour, 17.9), part)
    if len(case.sisters.days) > 1:
        case.moves(0, last, case.sisters.days[-1], left)


def _each_a_part(case: _Case) -> None:
    """Through each sister goes less than anybody looks at."""
    for firm in range(len(case.sisters.firms)):
        fen = total(case.plan, 270_000, 430_000)
        hour = float(case.plan.rng.uniform(9.0, 13.0))
        case.gets(firm, case.sisters.days[0], hour, fen)
        hour += float(case.plan.rng.uniform(0.6, 4.0))
        case.pays(firm, case.sisters.days[0], hour, case.sum(0.945, 0.975, fen))


def _treasury(case: _Case) -> None:
    """Customers pay one sister, the treasury takes half of it and pays suppliers some days on."""
    fen, days = total(case.plan, *_BETWEEN), case.sisters.days
    _comes(case, 0, fen, float(case.plan.rng.uniform(9.0, 11.0)))
    case.moves(0, 1, days[0], case.sum(0.4, 0.6, fen))
    for part in parts(case.plan, case.sum(0.3, 0.5, fen), 2):
        case.pays(1, days[-1], case.plan.hour(), part, purpose="SUPP")


# -- money to persons -----------------------------------------------------------------------


def _to_persons(case: _Case) -> None:
    """In at the first sister, to a few persons from the others the next day."""
    fen = total(case.plan, *_BETWEEN)
    _comes(case, 0, fen, float(case.plan.rng.uniform(9.0, 14.0)))
    count = int(case.plan.rng.integers(2, 5))
    # Parts that differ by a half at most: each is more than a wage.
    cut = parts(case.plan, case.sum(0.5, 0.8, fen), count)
    even = [(part + sum(cut) // count) // 2 // YUAN * YUAN for part in cut]
    others = range(1, len(case.sisters.firms))
    for at, (part, hour) in enumerate(zip(even, case.plan.hours(count), strict=True)):
        case.pays(others[at % len(others)], case.sisters.days[1], hour, part, person=True)


def _wages(case: _Case) -> None:
    """One sister is paid, another pays both firms' wages."""
    fen = total(case.plan, *_BETWEEN)
    _comes(case, 0, fen, float(case.plan.rng.uniform(9.0, 14.0)))
    for hour in case.plan.hours(24):
        wage = int(case.plan.rng.uniform(14_000, 24_000)) * YUAN
        case.pays(1, case.sisters.days[1], hour, wage, person=True, purpose="SALA")


# -- large sums -----------------------------------------------------------------------------


def _large(case: _Case, low: float = 1.08, outgoing: bool = True) -> None:
    """A day's sum of all reaches the line, each sister's own does not."""
    count = len(case.sisters.firms)
    fen = case.sum(low, low + 0.3, _LINE_FEN)
    cut = parts(case.plan, fen, count)
    # Halfway to equal parts: nobody comes near the line.
    shares = [(part + fen // count) // 2 // YUAN * YUAN for part in cut]
    act = case.pays if outgoing else case.gets
    for firm, share in enumerate(shares):
        pieces = parts(case.plan, share, int(case.plan.rng.integers(1, 4)))
        for piece, hour in zip(pieces, case.plan.hours(len(pieces)), strict=True):
            act(firm, case.sisters.days[0], hour, piece)


def _large_received(case: _Case) -> None:
    _large(case, outgoing=False)


def _below_together(case: _Case) -> None:
    _large(case, low=0.5)


_S, _P = structuring.RULE, pass_through.RULE
_T, _L = public_to_private.RULE, large_value.RULE
# Rule, what is done, variant, kind, split over regions, tie, firms, business days.
_CASES: tuple[tuple[str, Act, str, str, bool, str, int, int], ...] = (
    (_S, _in_turn, "sisters_in_turn", SCHEME, True, CONTROLLED, 3, 4),
    (_S, _in_turn, "sisters_in_turn", SCHEME, True, ONE_HAND, 2, 4),
    (_S, _all_on_one_day, "sisters_one_day", SCHEME, True, CONTROLLED, 3, 1),
    (_S, _in_turn, "sisters_one_region", SCHEME, False, OWNED, 2, 4),
    (_S, _in_turn, "sisters_two_days_running", INNOCENT, True, CONTROLLED, 2, 2),
    (_S, _in_turn, "strangers_one_phone", INNOCENT, True, PHONE, 2, 4),
    (_S, _in_turn, "sisters_no_more", INNOCENT, True, ENDED, 2, 4),
    (_P, _in_here_out_there, "sisters_in_one_out_other", SCHEME, True, ONE_HAND, 2, 1),
    (_P, _in_here_out_there, "sisters_settle_later", SCHEME, True, ONE_GROUP, 3, 6),
    (_P, _each_a_part, "sisters_each_a_part", SCHEME, True, CONTROLLED, 3, 1),
    (_P, _in_here_out_there, "sisters_one_region", SCHEME, False, CONTROLLED, 2, 1),
    (_P, _treasury, "sisters_treasury", INNOCENT, True, CONTROLLED, 2, 4),
    (_P, _in_here_out_there, "strangers_one_reception", INNOCENT, False, RECEPTION, 2, 1),
    (_P, _in_here_out_there, "sisters_only_later", INNOCENT, True, BEGUN_AFTER, 2, 1),
    (_T, _to_persons, "sisters_to_persons", SCHEME, True, CONTROLLED, 3, 2),
    (_T, _to_persons, "sisters_to_persons", SCHEME, True, ONE_HAND, 2, 2),
    (_T, _to_persons, "sisters_one_region", SCHEME, False, OWNED, 2, 2),
    (_T, _wages, "sisters_wages", INNOCENT, True, CONTROLLED, 2, 2),
    (_T, _to_persons, "strangers_one_phone", INNOCENT, True, PHONE, 2, 2),
    (_T, _to_persons, "sisters_known_later", INNOCENT, True, FILED_AFTER, 2, 2),
    (_L, _large, "sisters_paid", SCHEME, True, CONTROLLED, 2, 1),
    (_L, _large, "sisters_paid", SCHEME, True, ONE_GROUP, 4, 1),
    (_L, _large_received, "sisters_received", SCHEME, True, ONE_HAND, 2, 1),
    (_L, _large, "sisters_one_region", SCHEME, False, CONTROLLED, 2, 1),
    (_L, _below_together, "sisters_below_together", INNOCENT, True, CONTROLLED, 2, 1),
    (_L, _large, "strangers_one_phone", INNOCENT, True, PHONE, 2, 1),
    (_L, _large, "sisters_no_more", INNOCENT, True, ENDED, 2, 1),
)
