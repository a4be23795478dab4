"""Everyday payments: retail, suppliers, salaries, friends, within groups.

Amounts are log-normal per kind of flow, times are business hours with a little at night, month
ends and the days after a holiday are busy, and about a quarter of the payments has one side
outside the Delta.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from replay.market.days import HOUR, Span
from replay.market.population import Ints, Population

PURPOSES = ("GDDS", "SUPP", "SALA", "SCVE", "OTHR", "INTC", "RENT", "TAXS")


@dataclass(frozen=True, slots=True)
class Payments:
    """Columns of payments, one row a payment (not a report).

    `plan` names the labelled scheme a payment belongs to, -1 for everyday payments; it never
    leaves the simulator.
    """

    instant: Ints  # acceptance, UTC microseconds
    payer: Ints  # account rows
    payee: Ints
    amount_fen: Ints
    purpose: Ints
    plan: Ints

    def __len__(self) -> int:
        return len(self.instant)

    def take(self, rows: Ints) -> "Payments":
        """The payments at these rows."""
        return Payments(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def joined(parts: list[Payments]) -> Payments:
    """Put payments one after another."""
    return Payments(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Payments)}
    )


@dataclass(frozen=True, slots=True)
class _Flow:
    share: float
    payer: str  # person | firm
    payee: str
    median_yuan: float
    sigma: float
    purposes: tuple[tuple[str, float], ...]
    weekend: float  # volume of a closed day against an open one
    round_to: int  # fen; amounts are multiples of this


_FLOWS = {
    "retail": _Flow(
        0.40, "person", "firm", 260, 1.3, (("GDDS", 0.6), ("SCVE", 0.3), ("OTHR", 0.1)), 0.5, 1
    ),
    "supplier": _Flow(
        0.24, "firm", "firm", 38_000, 1.5, (("SUPP", 0.5), ("GDDS", 0.35), ("SCVE", 0.15)), 0.02, 1
    ),
    "salary": _Flow(0.17, "firm", "person", 9_500, 0.6, (("SALA", 0.85), ("OTHR", 0.15)), 0.0, 100),
    "friends": _Flow(
        0.13,
        "person",
        "person",
        1_100,
        1.7,
        (("OTHR", 0.7), ("RENT", 0.2), ("GDDS", 0.1)),
        0.9,
        100,
    ),
    "group": _Flow(
        0.03, "firm", "firm", 210_000, 1.0, (("INTC", 0.8), ("SUPP", 0.2)), 0.0, 100_000
    ),
    "tax": _Flow(0.03, "firm", "firm", 21_000, 1.2, (("TAXS", 0.8), ("OTHR", 0.2)), 0.0, 1),
}
_OUTSIDE = 0.25
_PAYDAYS = (10, 15, 25)
_NIGHT = 0.03


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int) -> Payments:
    """Make n everyday payments, in no particular order."""
    parts = []
    left = n
    for name, flow in _FLOWS.items():
        count = left if name == "tax" else round(n * flow.share)
        left -= count
        parts.append(_flow(rng, who, when, name, flow, count))
    return joined(parts)


def again(rng: np.random.Generator, when: Span, payments: Payments, n: int) -> Payments:
    """So many of the payments once more, one to three weeks later: nobody meets anybody new."""
    weeks = rng.integers(1, 4, len(payments)) * (7 * 24 * HOUR)
    later = payments.instant + weeks + rng.integers(-60, 60, len(payments)) * (HOUR // 60)
    fits = np.flatnonzero(later < when.midnight(np.array([when.length]))[0])
    rows = rng.choice(fits, min(n, len(fits)), replace=False)
    return replace(payments.take(rows), instant=later[rows], plan=np.full(len(rows), -1))


def _flow(
    rng: np.random.Generator, who: Population, when: Span, name: str, flow: _Flow, n: int
) -> Payments:
    payer = _parties(rng, who, flow.payer, n)
    payee = _mates(rng, who, payer) if name == "group" else _parties(rng, who, flow.payee, n)
    payee = np.where(payee == payer, (payer + 1) % len(who.person), payee)
    if name != "group":
        payer, payee = _reach_outside(rng, who, flow, payer, payee)
    amount = np.exp(rng.normal(np.log(flow.median_yuan * 100), flow.sigma, n))
    fen = np.maximum(np.minimum(amount, 2e9).astype(np.int64) // flow.round_to, 1) * flow.round_to
    instant = when.midnight(_days(rng, when, name, flow, n)) + time_of_day(rng, n)
    return Payments(
        instant=instant,
        payer=pick_account(rng, who, payer),
        payee=pick_account(rng, who, payee),
        amount_fen=fen,
        purpose=purposes(rng, flow.purposes, n),
        plan=np.full(n, -1),
    )


def purposes(rng: np.random.Generator, table: tuple[tuple[str, float], ...], n: int) -> Ints:
    """Draw purpose codes (positions in `PURPOSES`) with these shares."""
    codes = np.array([PURPOSES.index(code) for code, _ in table])
    return np.asarray(codes[rng.choice(len(codes), n, p=[share for _, share in table])])


def _parties(rng: np.random.Generator, who: Population, nature: str, n: int) -> Ints:
    choice = np.flatnonzero((who.person == (nature == "person")) & who.inside)
    weight = who.weight[choice]
    return np.asarray(choice[rng.choice(len(choice), n, p=weight / weight.sum())])


def _mates(rng: np.random.Generator, who: Population, payer: Ints) -> Ints:
    """A firm of the payer's group; payers without one pay any firm that has a group."""
    member = np.flatnonzero(who.group >= 0)
    by_group = member[np.argsort(who.group[member], kind="stable")].reshape(-1, 4)
    group = np.where(who.group[payer] >= 0, who.group[payer], rng.integers(0, len(by_group)))
    return np.asarray(by_group[group, rng.integers(0, 4, len(payer))])


def _reach_outside(
    rng: np.random.Generator, who: Population, flow: _Flow, payer: Ints, payee: Ints
) -> tuple[Ints, Ints]:
    """Replace one side of a quarter of the payments by a party outside the Delta."""
    n = len(payer)
    out = rng.random(n) < _OUTSIDE / (1 - _FLOWS["group"].share)
    side = rng.random(n) < 0.5
    persons = np.flatnonzero(who.person & ~who.inside)
    firms = np.flatnonzero(~who.person & ~who.inside)
    for at, nature in ((0, flow.payer), (1, flow.payee)):
        choice = persons if nature == "person" else firms
        other = rng.choice(choice, n)
        if at == 0:
            payer = np.where(out & side, other, payer)
        else:
            payee = np.where(out & ~side, other, payee)
    return payer, payee


def pick_account(rng: np.random.Generator, who: Population, party: Ints) -> Ints:
    """The main account six times in ten, else any of the party's."""
    start = who.account_start[party]
    count = who.account_start[party + 1] - start
    other = (rng.random(len(party)) * count).astype(np.int64)
    return np.asarray(start + np.where(rng.random(len(party)) < 0.6, 0, other))


def _days(rng: np.random.Generator, when: Span, name: str, flow: _Flow, n: int) -> Ints:
    weight = np.full(when.length, flow.weekend)
    business = np.array(when.business)
    weight[business] = 1.0
    ends = np.array([when.day(at).day for at in business])
    month_end = np.r_[ends[1:] < ends[:-1], False]  # the last business day of its month
    weight[business[month_end]] *= 1.9
    weight[business[np.r_[False, month_end[:-1]]]] *= 1.2
    after_break = np.r_[False, np.diff(business) > 3]
    weight[business[after_break]] *= 1.4
    if name == "salary":
        weight *= 0.02
        for day in _PAYDAYS:  # on the day, else the business day before it
            hits = [at for at in business if when.day(at).day <= day]
            months = {when.day(at).month for at in business}
            for month in months:
                same = [at for at in hits if when.day(at).month == month]
                if same:
                    weight[max(same)] = 3.0
    return np.asarray(rng.choice(when.length, n, p=weight / weight.sum()), np.int64)


def time_of_day(rng: np.random.Generator, n: int) -> Ints:
    """Microseconds since midnight: two humps in business hours, a little at night."""
    hump = rng.random(n)
    hours = np.where(
        hump < 0.52, rng.normal(10.6, 1.1, n), np.where(hump < 0.93, rng.normal(15.0, 1.2, n), 19.5)
    )
    hours = np.where(hump >= 0.93, rng.normal(19.5, 1.3, n), hours)
    hours = np.where((hours < 8.5) | (hours > 22.9), rng.uniform(8.5, 18.0, n), hours)
    hours = np.where(rng.random(n) < _NIGHT, rng.uniform(0, 24, n), hours)
    return milliseconds(np.asarray(hours * HOUR, np.float64))


def milliseconds(micros: npt.NDArray[np.float64]) -> Ints:
    """Whole milliseconds, in microseconds: what the format's time can say."""
    return np.asarray((micros // 1000).astype(np.int64) * 1000)
