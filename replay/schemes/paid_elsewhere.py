"""What one region takes for pass-through and all four do not: the firm is paid elsewhere too.

A firm with customers in two regions is paid by both of them on one day and pays its supplier from
the account in the first. There in and out are nearly the same; what came in at the other region's
bank stays. Lawful, and planted so that a tape has what joining explains and not only what it finds.
It draws by itself and comes last, so it moves nobody else's schemes.
"""

from replay.schemes.pass_through import RULE, YUAN, money_in, money_out, stranger, total
from replay.schemes.plans import INNOCENT, Planner

NAME = "paid_elsewhere"  # of its random numbers


def plant(plan: Planner) -> None:
    """Plant every innocent of this kind."""
    for _ in range(4):
        _paid_in_two_regions(plan)


def _paid_in_two_regions(plan: Planner) -> None:
    firm = plan.party(False, spread=2)
    here, there = plan.regions_of(firm)[:2]
    number = plan.begin(RULE, "paid_elsewhere_too", INNOCENT, split=False)
    day = plan.days(1)[0]
    fen = total(plan, 700_000, 2_500_000)
    stays = int(fen * float(plan.rng.uniform(0.8, 1.8))) // YUAN * YUAN
    money_in(plan, number, [plan.account(firm, there)], stays, day)
    account = plan.account(firm, here)
    hour = money_in(plan, number, [account], fen, day)
    left = int(fen * float(plan.rng.uniform(0.94, 0.985))) // YUAN * YUAN
    suppliers = [stranger(plan, here, False) for _ in range(int(plan.rng.integers(1, 3)))]
    leaves = hour + float(plan.rng.uniform(0.4, 1.5))
    money_out(plan, number, account, left, day, leaves, suppliers)
