"""Reserve gaps: a payment institution's clients hold more than what is kept for them.

Its own figures cover; what its custodian banks state does not. Split schemes keep the money with
banks of several regions, so that the seat's supervisor has the figures and not the balances. Others
keep it with banks of the seat's region, or say themselves that it does not cover. Innocents: money
in several regions that covers all together, a bank whose statements never come, figures that come
late and cover.
"""

from replay.market.days import DAY
from replay.market.reserves import (
    STATEMENTS,
    UNIT_FEN,
    Reserve,
    figure_reference,
)
from replay.schemes.plans import INNOCENT, SCHEME, Planner
from schemas.reference_data import institutions
from schemas.regions import REGIONS, region_of_area

RULE = "reserve_gap"
_AROUND = 8  # natural days around a month's end on which banks state balances
_FIRST_OWN = 4  # the first so many institutions of the register file everyday figures


def plant(plan: Planner) -> list[Reserve]:
    """Plant every scheme and innocent of this rule; returns the institutions it is about."""
    desk = _Desk(plan)
    for _ in range(5):
        desk.keep("custodians_split", spread=3, short=True)
    for _ in range(2):
        desk.keep("custodians_one_region", spread=1, short=True)
    desk.keep("own_figures", spread=0, short=True)
    for _ in range(2):
        desk.keep("covered_together", spread=3, short=False, kind=INNOCENT)
    desk.keep("statement_missing", spread=3, short=False, kind=INNOCENT, missing=True)
    desk.keep("late_figures", spread=2, short=False, kind=INNOCENT, filed=24)
    return desk.reserves


class _Desk:
    """Draws institutions one after another, each once."""

    def __init__(self, plan: Planner) -> None:
        self.plan = plan
        self.reserves: list[Reserve] = []
        rows = institutions().slice_on(plan.when.first).to_pylist()
        licensed = [row for row in rows if row["kind"] == "payment_institution"][_FIRST_OWN:]
        order = plan.rng.permutation(len(licensed))
        self._free = [licensed[at] for at in order]
        self._statements = 0

    def keep(
        self,
        variant: str,
        spread: int,
        short: bool,
        kind: str = SCHEME,
        missing: bool = False,
        filed: int = 0,
    ) -> None:
        """One institution, its figures of every month and the statements around its ends.

        Args:
            variant: of the label.
            spread: over banks of how many regions the money is kept; 1: of the seat's, 0: nowhere.
            short: what is kept is less than what clients hold.
            kind: scheme or innocent.
            missing: one bank's statements never come.
            filed: days after the month on which the figures come; 0: five to nine.
        """
        plan, rng = self.plan, self.plan.rng
        number = plan.begin(RULE, variant, kind, split=spread > 1)
        row = self._free.pop()
        seat = REGIONS.index(region_of_area(row["area"]))
        usual = int(rng.integers(5, 10))
        one = Reserve(
            row["institution_id"], row["name_zh"], row["uscc"], row["area"], filed or usual
        )
        self.reserves.append(one)
        mine = plan.plans[number]
        mine.regions.add(seat)
        elsewhere = [region for region in range(len(REGIONS)) if region != seat]
        chosen = [seat] * 2 if spread == 1 else [*rng.permutation(elsewhere)][:spread]
        for at, region in enumerate(chosen):
            bank = int(rng.choice(plan.who.banks.in_region(int(region))[:2]))
            serial = f"62998{int(rng.integers(10**11)):011d}{at}"
            one.accounts.append((bank, serial))
            mine.regions.add(int(region))
        mine.instants.append(plan.at(0, 0.0))  # the first day's register names the accounts
        for end in plan.when.month_ends():
            clients = int(rng.integers(4_000_000, 60_000_000))
            central, transit = clients * 8 // 10, clients // 100
            due = clients - central - transit
            cushion = due * int(rng.integers(3, 12)) // 100
            gap = due * int(rng.integers(8, 35)) // 100
            held = due - gap if short and not spread else due + cushion
            one.figures[end] = {
                "B01": central + transit + held, "B02": central, "B03": held, "B05": transit,
                "B04": clients,
            }  # fmt: skip
            instant = plan.at((end - plan.when.first).days, 0.0)
            if instant + one.filed * DAY >= plan.at(plan.when.length, 0.0):
                continue  # the figures come after the span
            if not spread:
                mine.refs += [
                    figure_reference(one.institution, end, item) for item in ("B01", "B04")
                ]
                mine.instants.append(instant)
                continue
            if end < plan.when.first:
                continue  # the banks' statements lie before the span
            items = ("B02", "B04", "B05")
            mine.refs += [figure_reference(one.institution, end, item) for item in items]
            mine.instants.append(instant)
            there = (due - gap if short else due + cushion) * UNIT_FEN
            self._state(one, number, (end - plan.when.first).days, there, missing)

    def _state(self, one: Reserve, number: int, middle: int, there: int, missing: bool) -> None:
        """Statements of all accounts on the business days around a month's end."""
        plan, rng = self.plan, self.plan.rng
        shares = rng.dirichlet([6.0] * len(one.accounts))
        last = plan.when.length - 1
        for day in plan.when.business:
            if abs(day - middle) > _AROUND or day >= last:
                continue
            for account, share in enumerate(shares.tolist()):
                if missing and account == 0:
                    continue
                self._statements += 1
                fen = int(there * share * rng.uniform(0.995, 1.005))
                one.stated[account, day] = fen
                serial = f"AR{self._statements:09d}"
                one.numbers[account, day] = serial
                plan.plans[number].refs.append(f"{STATEMENTS}:{serial}")
                plan.plans[number].instants.append(plan.at(day, 0.0))
