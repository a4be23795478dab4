"""Structuring: payments kept just under the large-value line, often.

The line is that of PBC Order 2016-3 (a natural person's domestic transfers 500,000 yuan, others
2,000,000). Frequent and short-term are the words of PBC Order 2006-2 Art. 20: three a business day,
or three business days in a row, within ten business days. The text speaks of the same payer and
payee; one customer over several banks is its extension.

Split variants give every region less than it needs: each payment runs through agents of one
region, or of one region and the outside, and no region has three a day or three days in a row.
"""

import numpy as np

from replay.schemes.plans import INNOCENT, OUTSIDE, SCHEME, Planner

RULE = "structuring"
LINE_FEN = {True: 50_000_000, False: 200_000_000}  # by: the payer is a natural person


def near_line(plan: Planner, person: bool, low: float = 0.905, high: float = 0.995) -> int:
    """An amount close to the payer's line, in whole hundreds of yuan."""
    share = float(plan.rng.uniform(low, high))
    return int(LINE_FEN[person] * share) // 10_000 * 10_000


def plant(plan: Planner) -> None:
    """Plant every scheme and innocent of this rule."""
    for _ in range(6):
        _split_pair(plan, "pair_days_split", days=int(plan.rng.integers(3, 6)), per_day=1)
    for _ in range(5):
        _split_pair(plan, "pair_day_split", days=1, per_day=int(plan.rng.integers(3, 5)))
    for _ in range(3):
        _customer(plan, "customer_day_split", days=1, per_day=4, split=True)
    for _ in range(3):
        _customer(plan, "customer_days_split", days=4, per_day=1, split=True)
    for _ in range(2):
        _solo_pair(plan, days=1, per_day=4)
    for _ in range(2):
        _solo_pair(plan, days=4, per_day=1)
    for _ in range(2):
        _customer(plan, "customer_solo", days=1, per_day=4, split=False)
    # Expected misses: well under the line, or never three days in a row.
    for _ in range(2):
        _split_pair(plan, "far_below_line", days=4, per_day=1, low=0.5, high=0.7)
    for _ in range(2):
        _broken_run(plan, SCHEME, "skipping_days", repeat=3)
    _innocents(plan)


def _innocents(plan: Planner) -> None:
    for _ in range(4):
        _broken_run(plan, INNOCENT, "two_days_running", repeat=1)
    for _ in range(3):
        _weekly_rent(plan)
    for _ in range(3):
        _split_pair(plan, "twice_a_day", days=1, per_day=2, kind=INNOCENT)
    for _ in range(3):
        _payroll_pool(plan)
    for _ in range(3):
        _split_pair(plan, "staged_contract", days=3, per_day=1, kind=INNOCENT)
    for _ in range(2):
        _split_pair(plan, "above_line", days=3, per_day=1, low=1.02, high=1.3, kind=INNOCENT)


def _nature(plan: Planner) -> tuple[bool, bool]:
    """Payer and payee: a person or not. Never a firm paying a person: two lines would meet."""
    table = ((True, False), (True, True), (False, False))
    return table[int(plan.rng.choice(3, p=(0.4, 0.25, 0.35)))]


def _ends(plan: Planner, payer_person: bool, payee_person: bool, spread: int) -> tuple[int, int]:
    """A payer and a payee; at least one of them banks in `spread` regions, both in the same."""
    style = int(plan.rng.choice(3, p=(0.45, 0.25, 0.3)))
    if style == 0:  # the payee is outside: only the payer's banks in the Delta see it
        return plan.party(payer_person, spread=spread), plan.party(payee_person, spread=0)
    if style == 1:
        return plan.party(payer_person, spread=0), plan.party(payee_person, spread=spread)
    payer = plan.party(payer_person, spread=spread)
    held = plan.regions_of(payer)[:spread]
    return payer, plan.party(payee_person, regions=held, spread=spread)


def _common(plan: Planner, payer: int, payee: int) -> list[int]:
    """Regions through which this pair can pay without touching another region."""
    who = plan.who
    one = set(plan.regions_of(payer)) if who.inside[payer] else None
    two = set(plan.regions_of(payee)) if who.inside[payee] else None
    both = sorted((one or two or set()) if one is None or two is None else one & two)
    return [int(region) for region in plan.rng.permutation(np.array(both))]


def _through(plan: Planner, party: int, region: int) -> int:
    return plan.account(party, region if plan.who.inside[party] else OUTSIDE)


def _split_pair(
    plan: Planner,
    variant: str,
    days: int,
    per_day: int,
    low: float = 0.905,
    high: float = 0.995,
    kind: str = SCHEME,
) -> None:
    payer_person, payee_person = _nature(plan)
    payer, payee = _ends(plan, payer_person, payee_person, spread=3)
    regions = _common(plan, payer, payee)
    number = plan.begin(RULE, variant, kind, split=True)
    turn = 0
    for day in plan.days(days):
        for hour in plan.hours(per_day):
            region = regions[turn % len(regions)]
            turn += 1
            plan.pay(
                number,
                plan.at(day, hour),
                _through(plan, payer, region),
                _through(plan, payee, region),
                near_line(plan, payer_person, low, high),
            )


def _solo_pair(plan: Planner, days: int, per_day: int) -> None:
    payer_person, payee_person = _nature(plan)
    payer = plan.party(payer_person)
    region = plan.regions_of(payer)[0]
    payee = plan.party(payee_person, regions=[region])
    number = plan.begin(RULE, "pair_solo", SCHEME, split=False)
    for day in plan.days(days):
        for hour in plan.hours(per_day):
            plan.pay(
                number,
                plan.at(day, hour),
                plan.account(payer, region),
                plan.account(payee, region),
                near_line(plan, payer_person),
            )


def _customer(plan: Planner, variant: str, days: int, per_day: int, split: bool) -> None:
    """One payer, another payee each time; split over regions, or all in one."""
    person = bool(plan.rng.random() < 0.55)
    payer = plan.party(person, spread=3 if split else 1)
    held = plan.regions_of(payer)
    regions = held if split else held[:1]
    number = plan.begin(RULE, variant, SCHEME, split=split)
    turn = 0
    for day in plan.days(days):
        for hour in plan.hours(per_day):
            region = regions[turn % len(regions)]
            turn += 1
            to_person = person and bool(plan.rng.random() < 0.4)
            if plan.rng.random() < 0.3:
                payee = plan.account(plan.party(to_person, spread=0, claim=False))
            else:
                payee = plan.account(plan.party(to_person, regions=[region], claim=False), region)
            plan.pay(
                number,
                plan.at(day, hour),
                plan.account(payer, region),
                payee,
                near_line(plan, person),
            )


def _broken_run(plan: Planner, kind: str, variant: str, repeat: int) -> None:
    """Two days of payments, a free business day, and so on: never three in a row."""
    payer_person, payee_person = _nature(plan)
    payer, payee = _ends(plan, payer_person, payee_person, spread=2)
    regions = _common(plan, payer, payee)
    number = plan.begin(RULE, variant, kind, split=True)
    days = plan.days(3 * repeat)
    for at, day in enumerate(days):
        if at % 3 == 2:
            continue
        region = regions[at % len(regions)]
        plan.pay(
            number,
            plan.at(day, plan.hour()),
            _through(plan, payer, region),
            _through(plan, payee, region),
            near_line(plan, payer_person),
        )


def _weekly_rent(plan: Planner) -> None:
    """The same amount just under the line every fifth business day."""
    payer, payee = plan.party(False, spread=2), plan.party(False)
    number = plan.begin(RULE, "weekly_rent", INNOCENT, split=True)
    amount = near_line(plan, False)
    for day in plan.days(16)[::5]:
        plan.pay(
            number,
            plan.at(day, plan.hour()),
            plan.account(payer),
            plan.account(payee),
            amount,
            "RENT",
        )


def _payroll_pool(plan: Planner) -> None:
    """A head office fills the payroll accounts of its plants, each just under the line."""
    who = plan.who
    head = plan.party(False, spread=2, among=who.group >= 0)
    mates = np.flatnonzero((who.group == who.group[head]) & (np.arange(len(who.group)) != head))
    number = plan.begin(RULE, "payroll_pool", INNOCENT, split=True)
    day = plan.days(1)[0]
    for mate, hour in zip(mates, plan.hours(len(mates)), strict=True):
        plan.pay(
            number,
            plan.at(day, hour),
            plan.account(head),
            plan.account(int(mate)),
            near_line(plan, False),
            "SALA",
        )
