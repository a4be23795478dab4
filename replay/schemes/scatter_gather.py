"""Scatter-gather: one pays several, who soon pay one other nearly all of it.

No text gives a number; the shapes are those of the published generators of such data. Split schemes
scatter in one region and gather in another: each sees half of the transfers.
"""

from replay.schemes.cycle import closing_days
from replay.schemes.pass_through import parts, total
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "scatter_gather"
YUAN = 100


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    for middles in (4, 4):
        _scatter(plan, "through_another_region", middles, regions=2)
    _scatter(plan, "one_region", 3, regions=1)
    # Expected miss: two middle parties are too few.
    _scatter(plan, "two_middles", 2, regions=2)
    _scatter(plan, "each_to_its_own", 3, regions=2, kind=INNOCENT, gathers=False)
    _scatter(plan, "paid_on_before", 3, regions=1, kind=INNOCENT, backwards=True)


def _scatter(
    plan: Planner,
    variant: str,
    middles: int,
    regions: int,
    kind: str = SCHEME,
    gathers: bool = True,
    backwards: bool = False,
) -> None:
    here, there = (int(region) for region in plan.rng.permutation(4)[:2])
    away = there if regions > 1 else here
    source, sink = plan.calm(here), plan.calm(away)
    # A middle party's payee banks where it does not; the middle party's own bank sees both legs,
    # so half of the middle parties bank with the source and half with the sink.
    mids = [plan.calm(here if at % 2 else away) for at in range(middles)]
    number = plan.begin(RULE, variant, kind, split=regions > 1)
    days = closing_days(plan, 4)
    amounts = parts(plan, total(plan, 150_000, 900_000), middles)
    first, second = (days[2:], days[:2]) if backwards else (days[:2], days[2:])
    for at, (middle, fen) in enumerate(zip(mids, amounts, strict=True)):
        plan.pay(number, plan.at(first[at % 2], plan.hour()), source, middle, fen)
    for at, (middle, fen) in enumerate(zip(mids, amounts, strict=True)):
        left = int(fen * float(plan.rng.uniform(0.85, 0.97))) // YUAN * YUAN
        payee = sink if gathers else plan.calm(away)
        plan.pay(number, plan.at(second[at % 2], plan.hour()), middle, payee, left)
