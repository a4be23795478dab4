"""Gatherers: one person collects from new payers, then pays new payees within days.

No text gives a number; the shape is that of the published generators of such data. The hub's own
region holds every transfer, so none of these is split.
"""

from replay.schemes.cycle import closing_days
from replay.schemes.pass_through import total
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "gather_scatter"


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    _hub(plan, "parties_of_many_regions", 4, 4, regions=4)
    _hub(plan, "one_region", 3, 4, regions=1)
    # Expected miss: two payees are too few.
    _hub(plan, "two_payees", 4, 2, regions=4)
    _hub(plan, "treasurer", 4, 1, regions=1, kind=INNOCENT)


def _hub(
    plan: Planner, variant: str, payers: int, payees: int, regions: int, kind: str = SCHEME
) -> None:
    order = [int(region) for region in plan.rng.permutation(4)]
    hub = plan.calm(order[0])
    sides = [plan.newcomer(order[at % regions]) for at in range(payers + payees)]
    number = plan.begin(RULE, variant, kind, split=False)
    for at, day in enumerate(closing_days(plan, payers + payees)):
        sides_of = (sides[at], hub) if at < payers else (hub, sides[at])
        plan.pay(number, plan.at(day, plan.hour()), *sides_of, total(plan, 5_000, 40_000))
