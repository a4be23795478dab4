"""Fans in: parties without other business begin to pay one person, one each on a day or two.

No text gives a number; the shape is that of the published generators of such data. The payee's own
region holds every transfer, so no fan of these is split: what sharing adds comes from elsewhere.
"""

from replay.schemes.cycle import closing_days
from replay.schemes.pass_through import total
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "fan_in"


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    _fan(plan, "payers_of_many_regions", 7, regions=4)
    _fan(plan, "one_region", 5, regions=1)
    # Expected miss: two payers are too few.
    _fan(plan, "two_payers", 2, regions=2)
    _fan(plan, "relatives", 2, regions=1, kind=INNOCENT)


def _fan(plan: Planner, variant: str, payers: int, regions: int, kind: str = SCHEME) -> None:
    order = [int(region) for region in plan.rng.permutation(4)]
    hub = plan.calm(order[0])
    spokes = [plan.newcomer(order[at % regions]) for at in range(payers)]
    number = plan.begin(RULE, variant, kind, split=False)
    for spoke, day in zip(spokes, closing_days(plan, payers), strict=True):
        plan.pay(number, plan.at(day, plan.hour()), spoke, hub, total(plan, 5_000, 40_000))
