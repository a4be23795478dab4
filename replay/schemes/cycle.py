"""Rings: money goes round several parties and comes back to the first.

No text gives a number; the shapes are those of the published generators of such data (rings of four
to ten accounts within weeks, in order of time or in none). Split rings run through four regions, so
that each sees two transfers of the ring's at most.
"""

from replay.schemes.pass_through import total
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "cycle"
YUAN = 100
LAST_DAYS = 9  # business days at the end of the span in which rings close: views have learned then


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    for members in (4, 4, 5):
        _ring(plan, "four_regions_in_order", members, regions=4)
    _ring(plan, "four_regions_any_order", 4, regions=4, shuffled=True)
    _ring(plan, "one_region", 4, regions=1)
    # Expected misses: the members are partners of old.
    _ring(plan, "old_partners", 4, regions=4, met=True)
    _ring(plan, "does_not_close", 5, regions=4, kind=INNOCENT, closes=False)
    _ring(plan, "triangle", 3, regions=1, kind=INNOCENT)


def _ring(
    plan: Planner,
    variant: str,
    members: int,
    regions: int,
    shuffled: bool = False,
    met: bool = False,
    closes: bool = True,
    kind: str = SCHEME,
) -> None:
    """One payment from each member to the next, a business day or two apart."""
    order = [int(region) for region in plan.rng.permutation(4)]
    accounts = [plan.calm(order[at % regions]) for at in range(members)]
    number = plan.begin(RULE, variant, kind, split=regions > 1)
    days = closing_days(plan, members)
    pairs = [(accounts[at], accounts[(at + 1) % members]) for at in range(members)]
    if met:
        for payer, payee in pairs:
            day = plan.days(1, last=LAST_DAYS + members)[0]
            plan.pay(number, plan.at(day, plan.hour()), payer, payee, total(plan, 800, 5_000))
    if shuffled:
        pairs = [pairs[int(at)] for at in plan.rng.permutation(members)]
    fen = total(plan, 60_000, 400_000)
    if not closes:
        pairs[-1] = (pairs[-1][0], plan.calm(order[0]))
    for at, (payer, payee) in enumerate(pairs):
        plan.pay(number, plan.at(days[at], plan.hour()), payer, payee, fen)
        fen = int(fen * float(plan.rng.uniform(0.9, 0.99))) // YUAN * YUAN


def closing_days(plan: Planner, count: int) -> list[int]:
    """Business days for so many payments, ascending, the last of them near the span's end."""
    business = plan.when.business
    last = len(business) - 1 - int(plan.rng.integers(1, LAST_DAYS))
    steps = plan.rng.integers(1, 3, count - 1)
    places = [last - int(steps[at:].sum()) for at in range(count)]
    return [int(business[max(place, 0)]) for place in places]
