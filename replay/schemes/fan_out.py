"""Fans out: one person begins to pay parties with hardly any business, one each on a day or two.

No text gives a number; the shape is that of the published generators of such data. The payer's own
region holds every transfer, so no fan of these is split: what sharing adds comes from elsewhere.
"""

from replay.schemes.cycle import closing_days
from replay.schemes.pass_through import total
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "fan_out"
_QUIETEST = 6  # one in so many persons of a region has hardly any business


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    _fan(plan, "payees_of_many_regions", 8, regions=4)
    _fan(plan, "one_region", 6, regions=1)
    # Expected misses: payees with business of their own; three payees are too few.
    _fan(plan, "payees_in_business", 8, regions=4, quiet=False)
    _fan(plan, "three_payees", 3, regions=3)
    _fan(plan, "relatives", 3, regions=1, kind=INNOCENT)


def _fan(
    plan: Planner, variant: str, payees: int, regions: int, kind: str = SCHEME, quiet: bool = True
) -> None:
    order = [int(region) for region in plan.rng.permutation(4)]
    hub = plan.calm(order[0])
    places = [order[at % regions] for at in range(payees)]
    spokes = [plan.calm(at, _QUIETEST) if quiet else plan.newcomer(at) for at in places]
    number = plan.begin(RULE, variant, kind, split=False)
    for spoke, day in zip(spokes, closing_days(plan, payees), strict=True):
        plan.pay(number, plan.at(day, plan.hour()), hub, spoke, total(plan, 5_000, 40_000))
