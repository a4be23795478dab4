"""Shared payees: several payers begin to pay the same few parties within days.

No text gives a number; the shape is that of the published generators of such data. In split schemes
each payer banks in another region than the next, and the payees in none of theirs but their own.
"""

from replay.schemes.cycle import closing_days
from replay.schemes.pass_through import total
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "bipartite"


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    for payers, payees in ((2, 3), (3, 3)):
        _shared(plan, "payers_of_many_regions", payers, payees, regions=4)
    _shared(plan, "one_region", 2, 3, regions=1)
    # Expected miss: two shared payees are too few.
    _shared(plan, "two_payees", 3, 2, regions=4)
    _shared(plan, "neighbours", 2, 2, regions=1, kind=INNOCENT)


def _shared(
    plan: Planner, variant: str, payers: int, payees: int, regions: int, kind: str = SCHEME
) -> None:
    order = [int(region) for region in plan.rng.permutation(4)]
    sources = [plan.calm(order[at % max(regions - 1, 1)]) for at in range(payers)]
    sinks = [plan.calm(order[-1] if regions > 1 else order[0]) for _ in range(payees)]
    # The payees' region holds every transfer: it sees the whole, the payers' regions a part.
    number = plan.begin(RULE, variant, kind, split=False)
    days = closing_days(plan, payers)
    for at, payer in enumerate(sources):
        for payee in sinks:
            fen = total(plan, 20_000, 60_000)
            plan.pay(number, plan.at(days[at], plan.hour()), payer, payee, fen)
