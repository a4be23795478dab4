"""What is planted and how it is remembered: plans, the planner, the labels.

A scheme is a run of payments (or financings) that breaks a rule on purpose; an innocent looks like
one and is lawful business. Both are drawn from the same population, in proportion to how busy a
party is anyway, at everyday hours and with everyday purposes, so that nothing but the pattern
tells them apart. Lines and frequencies follow the published texts; no rule of this project is
read.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from replay.market.columns import Columns
from replay.market.days import HOUR, Ints, Span
from replay.market.flows import PURPOSES, Payments
from replay.market.population import Population
from schemas.regions import REGIONS, region_of_area

SCHEME, INNOCENT = "scheme", "innocent"
OUTSIDE = -1
UNLABELLED = -1  # as a plan: everyday business that a plan needs and that is no part of it
_SMALL = 3_000  # parties of a market too small for more than a few schemes

LABELS = pa.schema(
    [
        pa.field("scheme_id", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # scheme | innocent
        pa.field("planned_regions", pa.list_(pa.string()), nullable=False),
        pa.field("split", pa.bool_(), nullable=False),  # no single region sees enough of it
        pa.field("refs", pa.list_(pa.string()), nullable=False),  # feed:reference
        pa.field("first_event", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("last_event", pa.timestamp("us", "UTC"), nullable=False),
    ]
)


class TooSmall(ValueError):
    """A market has not the parties a scheme needs; `Planner.room` leaves the scheme out."""

    def __init__(self) -> None:
        super().__init__("the population is too small for the planned schemes")


@dataclass(slots=True)
class Plan:
    """One planted scheme or innocent; references and times are filled in when they exist."""

    rule: str
    variant: str
    kind: str
    split: bool
    regions: set[int] = field(default_factory=set)
    refs: list[str] = field(default_factory=list)
    instants: list[int] = field(default_factory=list)


def labels(plans: Sequence[Plan]) -> pa.Table:
    """The labels of a tape, schema `LABELS`, numbered per rule in order of first event."""
    order = sorted(range(len(plans)), key=lambda at: (plans[at].rule, min(plans[at].instants), at))
    counter: dict[str, int] = {}
    rows = []
    for at in order:
        plan = plans[at]
        counter[plan.rule] = counter.get(plan.rule, 0) + 1
        rows.append(
            {
                "scheme_id": f"{plan.rule}-{counter[plan.rule]:03d}",
                "rule": plan.rule,
                "variant": plan.variant,
                "kind": plan.kind,
                "planned_regions": [REGIONS[r] for r in sorted(plan.regions) if r >= 0],
                "split": plan.split,
                "refs": sorted(plan.refs),
                "first_event": min(plan.instants),
                "last_event": max(plan.instants),
            }
        )
    return pa.Table.from_pylist(rows, schema=LABELS)


class Planner:
    """Draws parties and accounts for plans and collects the payments they make."""

    def __init__(
        self, rng: np.random.Generator, who: Population, when: Span, base: Payments
    ) -> None:
        self.rng, self.who, self.when, self.base = rng, who, when, base
        self.plans: list[Plan] = []
        self.left_out: Counter[str] = Counter()  # schemes and innocents that did not fit, by rule
        self._rule = ""
        self._placed: dict[str, list[Columns]] = {}
        self._rows: list[tuple[int, int, int, int, int, int]] = []
        regions = who.account_regions()
        n = len(who.person)
        self._account_region = regions
        self._holds = np.zeros((n, len(REGIONS)), np.int64)  # accounts by party and region
        inside = regions >= 0
        np.add.at(self._holds, (who.account_party[inside], regions[inside]), 1)
        used = np.bincount(who.account_party[base.payer], minlength=n)
        used += np.bincount(who.account_party[base.payee], minlength=n)
        self._used = used
        touched = np.zeros(len(who.account_party), bool)
        touched[base.payer] = touched[base.payee] = True
        self._unused = ~touched  # accounts without everyday business
        # Very busy parties are left out: their own traffic would drown or imitate any pattern.
        self._busy = np.where(used > np.quantile(used[used > 0], 0.97), 0, used)
        self._taken = np.zeros(n, bool)

    def drawing(self, seed: int, rule: str) -> "Planner":
        """The same plans and parties, with random numbers of the rule's own.

        So one rule's schemes draw the same whatever others plant, and move none of them.
        """
        own = copy(self)
        own.rng = np.random.default_rng([seed, *rule.encode()])
        own._rule = rule
        return own

    def apart(self, seed: int, name: str, made: Payments) -> "Planner":
        """As `drawing`, beside all that was made; its payments are not among the others'."""
        own = self.drawing(seed, name)
        own.base, own._rows = made, []
        return own

    def of(self, rule: str) -> "Planner":
        """The same planner, planting for another rule: what does not fit is counted as its."""
        own = copy(self)
        own._rule = rule
        return own

    def turns(self, most: int, least: int = 1) -> range:
        """How often to plant something: `most` times, `least` in a market too small for that."""
        if len(self.who.person) >= _SMALL:
            return range(most)
        self.leave_out(most - least)
        return range(least)

    def leave_out(self, count: int = 1) -> None:
        """Remember that so many schemes or innocents of the rule did not fit into this market."""
        self.left_out[self._rule] += count

    @contextmanager
    def room(self, count: int = 1) -> Iterator[None]:
        """Plant what is inside as a whole, or leave it out where the market is too small for it.

        Args:
            count: schemes and innocents that are left out then.
        """
        plans, rows, taken = len(self.plans), len(self._rows), self._taken.copy()
        placed = {feed: len(parts) for feed, parts in self._placed.items()}
        left_out = self.left_out[self._rule]
        try:
            yield
        except TooSmall:
            begun = len(self.plans) - plans + self.left_out[self._rule] - left_out
            del self.plans[plans:], self._rows[rows:]
            for feed, parts in self._placed.items():
                del parts[placed.get(feed, 0) :]
            self._taken[:] = taken
            self.left_out[self._rule] = left_out + max(count, begun)

    def begin(self, rule: str, variant: str, kind: str, split: bool) -> int:
        """Open a plan; the number goes with each of its payments."""
        self.plans.append(Plan(rule, variant, kind, split))
        return len(self.plans) - 1

    def place(self, feed: str, rows: Columns) -> None:
        """Plant rows of a market's own columns, their `plan` filled in, beside the payments."""
        self._placed.setdefault(feed, []).append(rows)

    def planted(self, feed: str) -> Sequence[Columns]:
        """What was planted into a feed by `place`."""
        return self._placed.get(feed, ())

    # -- who --------------------------------------------------------------------------------

    def party(
        self,
        person: bool,
        regions: Sequence[int] = (),
        spread: int = 1,
        among: npt.NDArray[np.bool_] | None = None,
        claim: bool = True,
    ) -> int:
        """Draw a party that no plan uses yet.

        Args:
            person: a natural person, else a firm.
            regions: it banks in each of these.
            spread: it banks in at least so many regions of the Delta; 0: it is at home outside.
            among: further restriction.
            claim: no later plan may draw it; False for one who only stands by.
        """
        who = self.who
        fits = (who.person == person) & ~self._taken
        fits &= who.inside if spread else ~who.inside
        if spread:
            fits &= (self._holds > 0).sum(axis=1) >= spread
            for region in regions:
                fits &= self._holds[:, region] > 0
        if among is not None:
            fits &= among
        weight = np.where(fits, self._busy, 0).astype(float)
        if not weight.any():
            weight = fits.astype(float)
        if not weight.any():
            raise TooSmall
        chosen = int(self.rng.choice(len(weight), p=weight / weight.sum()))
        self._taken[chosen] |= claim
        return chosen

    def free(self, among: npt.NDArray[np.bool_]) -> int:
        """How many of these parties no plan uses yet."""
        return int((among & ~self._taken).sum())

    def unclaimed(self) -> npt.NDArray[np.bool_]:
        """Which parties no plan uses yet."""
        return np.asarray(~self._taken)

    def crowd(self, count: int, region: int) -> list[int]:
        """So many natural persons who bank in a region; they only stand by and are not claimed."""
        fits = self.who.person & self.who.inside & ~self._taken & (self._holds[:, region] > 0)
        rows = np.flatnonzero(fits)
        if len(rows) < count:
            raise TooSmall
        return [int(row) for row in self.rng.choice(rows, count, replace=False)]

    def calm(self, region: int, one_in: int = 3) -> int:
        """An account in a region, of one of the natural persons there who trade least."""
        fits = self.who.person & self.who.inside & ~self._taken & (self._holds[:, region] > 0)
        rows = np.flatnonzero(fits)
        if not len(rows):
            raise TooSmall
        least = rows[np.argsort(self._used[rows], kind="stable")][: max(len(rows) // one_in, 1)]
        party = int(self.rng.choice(least))
        self._taken[party] = True
        return self.account(party, region)

    def newcomer(self, region: int) -> int:
        """An account without everyday business, of a natural person at home in its region.

        A small market runs out of them: then that of a person there who trades little.
        """
        regions = self._account_region == region
        free = np.flatnonzero(self._unused & regions & self.who.person[self.who.account_party])
        home = np.zeros(len(self.who.person), bool)
        home[self.who.account_party[free]] = True
        home &= np.array([region_of_area(a) == REGIONS[region] for a in self.who.home.tolist()])
        if not (home & ~self._taken).any():
            return self.calm(region)
        party = self.party(True, among=home)
        return next(a for a in free.tolist() if self.who.account_party[a] == party)

    def regions_of(self, party: int) -> list[int]:
        """The regions a party banks in, in random order."""
        held = np.flatnonzero(self._holds[party])
        return [int(region) for region in self.rng.permutation(held)]

    def account(self, party: int, region: int | None = None, bank_not: int = -1) -> int:
        """One of a party's accounts, in a region and at another bank where asked for."""
        mine = self.who.accounts_of(party)
        if region is not None and region != OUTSIDE:
            mine = mine[self._account_region[mine] == region]
        other = mine[self.who.account_bank[mine] != bank_not]
        return int(self.rng.choice(other if len(other) else mine))

    # -- when -------------------------------------------------------------------------------

    def days(self, count: int, last: int = 3) -> list[int]:
        """`count` consecutive business days, as positions in the span.

        Args:
            count: how many.
            last: so many business days at the end of the span stay free.
        """
        first = int(self.rng.integers(1, len(self.when.business) - count - last))
        return list(self.when.business[first : first + count])

    def at(self, day: int, hour: float) -> int:
        """An instant on a day of the span, to the millisecond."""
        start = int(self.when.midnight(np.array([day]))[0])
        return start + int(hour * HOUR) // 1000 * 1000

    def hour(self) -> float:
        """An everyday hour of payment."""
        hour = float(self.rng.normal(*((10.6, 1.1) if self.rng.random() < 0.56 else (15.0, 1.2))))
        # Beyond opening hours any hour will do; a clipped one would be the same to the second.
        return hour if 9.0 <= hour <= 17.9 else float(self.rng.uniform(9.0, 17.9))

    def hours(self, count: int) -> list[float]:
        """Everyday hours of several payments of one day, ascending, minutes apart."""
        hours = sorted(self.hour() for _ in range(count))
        return [hour + 0.02 * at for at, hour in enumerate(hours)]

    # -- what -------------------------------------------------------------------------------

    def pay(
        self, plan: int, instant: int, payer: int, payee: int, fen: int, purpose: str = ""
    ) -> None:
        """Make one payment between two accounts; without a purpose, an everyday one."""
        who = self.who
        if not purpose:
            payer_person = bool(who.person[who.account_party[payer]])
            payee_person = bool(who.person[who.account_party[payee]])
            purpose = self._purpose(payer_person, payee_person)
        self._rows.append((instant, payer, payee, fen, PURPOSES.index(purpose), plan))
        if plan == UNLABELLED:
            return
        self.plans[plan].instants.append(instant)
        self.plans[plan].regions |= {
            int(self._account_region[account])
            for account in (payer, payee)
            if self._account_region[account] >= 0
        }

    def _purpose(self, payer_person: bool, payee_person: bool) -> str:
        choice = {
            (True, False): ("GDDS", "GDDS", "GDDS", "SCVE", "OTHR"),
            (True, True): ("OTHR", "OTHR", "OTHR", "RENT", "GDDS"),
            (False, False): ("SUPP", "SUPP", "GDDS", "SCVE", "OTHR"),
            (False, True): ("SALA", "SALA", "SALA", "OTHR", "SCVE"),
        }[payer_person, payee_person]
        return str(self.rng.choice(choice))

    def payments(self) -> Payments:
        """Everything paid so far, as columns."""
        columns: list[Ints] = [np.asarray(c, np.int64) for c in zip(*self._rows, strict=True)]
        instant, payer, payee, fen, purpose, plan = columns or [np.zeros(0, np.int64)] * 6
        return Payments(
            instant=instant,
            payer=payer,
            payee=payee,
            amount_fen=fen,
            purpose=purpose,
            plan=plan,
        )
