"""Public to private: a firm's money goes to a few natural persons within three days.

The shape (3 days, 30 or 40 % and more of what came in) is that of a bank's published rule code; no
statute gives a number. Split variants receive through agents of one region and pay through agents
of another, so that one sees an inflow, the other payments to persons, and neither both.
"""

from replay.schemes.pass_through import parts, stranger, total
from replay.schemes.plans import INNOCENT, SCHEME, Planner

RULE = "public_to_private"
YUAN = 100


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    for _ in range(7):
        _scheme(plan, "in_one_out_other")
    for _ in range(3):
        _scheme(plan, "in_two_out_other", doors=2)
    for _ in range(4):
        _scheme(plan, "one_region", doors=0)
    # Expected misses: it rests for a week, or goes out in amounts like wages.
    for _ in range(2):
        _scheme(plan, "rests_for_a_week", rest=6)
    _scheme(plan, "wage_sized", persons=(24, 30), ratio=(0.35, 0.45), between=(800_000, 1_200_000))
    _innocents(plan)


def _innocents(plan: Planner) -> None:
    for _ in range(4):
        _scheme(
            plan, "payroll", kind=INNOCENT, purpose="SALA", persons=(24, 40), ratio=(0.3, 0.45),
            between=(700_000, 1_200_000),
        )  # fmt: skip
    for _ in range(4):
        _scheme(
            plan, "harvest", kind=INNOCENT, persons=(14, 18), ratio=(0.75, 0.95),
            between=(1_600_000, 2_400_000),
        )  # fmt: skip
    for _ in range(3):
        _scheme(plan, "dividends", kind=INNOCENT, ratio=(1.3, 2.5), between=(600_000, 1_200_000))
    for _ in range(3):
        _scheme(plan, "contractor", kind=INNOCENT, persons=(1, 1), ratio=(0.1, 0.22))


def _days(plan: Planner, rest: int) -> list[int]:
    """The day money comes in and the day it leaves: soon after, or after so many business days."""
    while True:
        days = plan.days(rest + 1 if rest else int(plan.rng.integers(1, 3)))
        if rest or days[-1] - days[0] <= 2:
            return [days[0], days[-1]]


def _scheme(
    plan: Planner,
    variant: str,
    doors: int = 1,
    rest: int = 0,
    persons: tuple[int, int] = (1, 4),
    ratio: tuple[float, float] = (0.36, 0.85),
    between: tuple[int, int] = (620_000, 3_000_000),
    kind: str = SCHEME,
    purpose: str = "",
) -> None:
    """In through `doors` regions and out through another one; no doors: all through one region."""
    firm = plan.party(False, spread=doors + 1)
    regions = plan.regions_of(firm)
    way_out = regions[doors]
    number = plan.begin(RULE, variant, kind, split=doors > 0)
    first, last = _days(plan, rest)
    fen = total(plan, *between)
    incoming = parts(plan, fen, max(doors, int(plan.rng.integers(1, 4))))
    hours = plan.hours(len(incoming))
    for at, (part, hour) in enumerate(zip(incoming, hours, strict=True)):
        region = regions[at % max(doors, 1)]
        sender = stranger(plan, region, bool(plan.rng.random() < 0.2))
        plan.pay(number, plan.at(first, hour), sender, plan.account(firm, region), part)
    payees = [
        stranger(plan, way_out, True)
        for _ in range(int(plan.rng.integers(persons[0], persons[1] + 1)))
    ]
    left = int(fen * float(plan.rng.uniform(*ratio))) // YUAN * YUAN
    account = plan.account(firm, way_out)
    after = plan.hours(len(payees))
    if first == last:  # out after the last of it came in
        span = 17.9 - hours[-1]
        after = [hours[-1] + span * (at + 1) / (len(payees) + 2) for at in range(len(payees))]
    for part, payee, hour in zip(_even(plan, left, len(payees)), payees, after, strict=True):
        plan.pay(number, plan.at(last, hour), account, payee, part, purpose)


def _even(plan: Planner, fen: int, count: int) -> list[int]:
    """Parts that differ by a fifth at most: wages, purchases, shares of the owners."""
    shares = plan.rng.uniform(0.9, 1.1, count)
    cut = [int(fen * share / shares.sum()) // YUAN * YUAN for share in shares[:-1]]
    return [*cut, fen - sum(cut)]
