"""Build a simulated tape: market, planted schemes, broken input, submissions in order.

The same seed and sizes give the same bytes on every run. Labels lie in `labels.parquet` beside the
tape and nowhere else; the manifest says what was planted, in counts only.
"""

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from connectors.ends.tape import MANIFEST, TapeWriter
from replay.market import (
    bills,
    complaints,
    fx,
    gaps,
    lenders,
    licensed,
    loans,
    payments,
    registers,
    remittances,
    reserves,
    statements,
    ties,
)
from replay.market.batches import Submission
from replay.market.columns import joined as joined_rows
from replay.market.days import DEFAULT_START, span
from replay.market.extras import Extras, arrival
from replay.market.flows import again, everyday, joined
from replay.market.others import dealers, others
from replay.market.population import populate
from replay.market.sending import Sent
from replay.schemes import (
    bipartite,
    cancel_ratio,
    complaint_surge,
    cycle,
    dormant_wake,
    double_financing,
    exposure_concentration,
    fan_in,
    fan_out,
    fundraising,
    gather_scatter,
    large_value,
    loan_round_trip,
    multi_lender,
    paid_elsewhere,
    pass_through,
    provision_shortfall,
    public_to_private,
    quota_splitting,
    quota_splitting_proxy,
    receipt_double_pledge,
    reporting_gap,
    reserve_gap,
    scatter_gather,
    second_clearing,
    self_matched_trade,
    shared_identity,
    sister_companies,
    spot_futures,
    structuring,
    volume_share,
)
from replay.schemes.plans import INNOCENT, SCHEME, Plan, Planner, labels
from schemas.errors import InputError

LABELS_FILE = "labels.parquet"
FEWEST_REPORTS = 1_000  # below, some markets have nothing to report
MOST_REPORTS = 2_000_000  # above, the made-up residents of a county run out of birthdays
FEWEST_DAYS = 25
_PAYMENT_SHARE, _BILL_SHARE, _LOAN_SHARE = 0.685, 0.09, 0.065  # the rest: others.SHARES
_POSITIONS_PER_LOAN = 2.4  # measured, over three month ends
_LEGS_PER_PAYMENT = 1.711  # measured: one leg where a side is outside or the bank is the same
_BROKEN_SHARE = 0.005
_BESIDE_SHARE = 0.001  # everyday payments among which those of sister companies lie
_BESIDE_FEN = 2_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a market to make."""

    reports: int = 200_000
    days: int = 42
    start: date = DEFAULT_START


def simulate(
    folder: Path,
    seed: int = 1,
    sizes: Sizes | None = None,
    on_submission: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Write a simulated market as a tape with labels.

    Args:
        folder: empty or absent; becomes the tape.
        seed: same seed and sizes, same bytes.
        sizes: reports, business days and start.
        on_submission: called with the records of each submission written, for progress.

    Returns:
        What was made, in counts: the part of the manifest under `simulation`.

    Raises:
        InputError: sizes too small for the schemes, days beyond the calendar, folder not empty.
    """
    sizes = sizes or Sizes()
    _possible(sizes)
    when = span(sizes.start, sizes.days)
    rng = np.random.default_rng(seed)
    who = populate(rng, sizes.reports, when.first)
    base = everyday(rng, who, when, round(sizes.reports * _PAYMENT_SHARE / _LEGS_PER_PAYMENT))
    base = payments.within_hours(rng, who, when, base)
    plan = Planner(rng, who, when, base)
    structuring.plant(plan)
    pass_through.plant(plan)
    acts, lent = double_financing.plant(plan)
    _plant(plan, seed)
    kept = reserve_gap.plant(plan.drawing(seed, reserve_gap.RULE))
    lending = plan.drawing(seed, provision_shortfall.RULE)
    graded: Mapping[tuple[int, int], int] = {}
    with lending.room():
        graded = provision_shortfall.plant(lending)
    withheld = [one for one in plan.planted(payments.FEED) if isinstance(one, gaps.Gaps)]
    whole = joined([base, plan.payments()])
    paid = payments.feed(rng, who, whole, _BROKEN_SHARE, when, withheld)
    usual = bills.everyday(rng, who, when, round(sizes.reports * _BILL_SHARE))
    billed = bills.feed(rng, who, bills.joined([usual, acts]), _BROKEN_SHARE)
    # A loan stands in most of the registers of the span: so many loans give the wanted positions.
    number = round(sizes.reports * _LOAN_SHARE / _POSITIONS_PER_LOAN)
    more = [one for one in plan.planted(loans.FEED) if isinstance(one, loans.Loans)]
    granted = loans.joined([loans.everyday(rng, who, when, number), lent, *more])
    shared = [one for one in plan.planted(loans.FEED) if isinstance(one, loans.Shared)]
    owed = loans.feed(rng, who, when, granted, _BROKEN_SHARE, graded, shared)
    stated = provision_shortfall.state(lending, owed)
    rest = others(seed, paid, owed, when, sizes.reports, _BROKEN_SHARE, plan.planted)
    abroad = _abroad(plan, seed, sizes.reports)
    more_paid = _sisters(plan, seed, paid, rest, sizes.reports)
    _refer(plan.plans, [paid, more_paid], billed, owed, [*rest, abroad])
    made = [one for one in plan.plans if one.instants]
    plan.left_out.update(one.rule for one in plan.plans if not one.instants)
    extra = Extras(rng, when)
    streams = (
        paid.submissions(),
        billed.submissions(),
        owed.submissions(),
        *(each.submissions() for each in rest),
    )
    markets = extra.around(heapq.merge(*streams, key=arrival))
    beside = registers.merged(more_paid.submissions(), abroad.submissions())
    beside = registers.merged(beside, _registered(plan, seed))
    beside = registers.merged(reserves.submissions(who.banks, when, kept), beside)
    beside = registers.merged(lenders.submissions(who.banks, when, stated), beside)
    counts = write_tape(folder, seed, registers.merged(beside, markets), on_submission)
    planted = {
        payments.FEED: paid.counts(),
        bills.FEED: billed.counts(),
        loans.FEED: owed.counts(),
        **{each.feed: each.faults for each in rest},
        "whole_submissions": extra.broken,
    }
    broken = {feed: dict(sorted(kinds.items())) for feed, kinds in planted.items()}
    simulation = {
        "seed": seed,
        "first_day": when.first.isoformat(),
        "last_day": when.last.isoformat(),
        "business_days": len(when.business),
        "holidays": [day.isoformat() for day in when.holidays()],
        "adjusted_working_days": [day.isoformat() for day in when.adjusted_days()],
        "records": dict(sorted(counts.items())),
        "payments": len(paid.payments) + len(more_paid.payments),
        "remittances": len(abroad.records),
        "late": paid.batches.late
        + billed.batches.late
        + more_paid.batches.late
        + sum(each.late for each in [*rest, abroad]),
        "repeated_records": sum(int(each.legs.repeat.sum()) for each in (paid, more_paid))
        + billed.repeats,
        "files_sent_twice": extra.twice,
        "mismatched_legs": paid.legs.mismatched + more_paid.legs.mismatched,
        "planted": _planted(made),
        "not_planted": dict(sorted((+plan.left_out).items())),
    }
    pq.write_table(labels(made), folder / LABELS_FILE)
    describe(folder, {"simulation": simulation, "planted_broken": broken})
    return simulation | {"planted_broken": broken}


def _registered(plan: Planner, seed: int) -> Iterator[Submission]:
    """Off-site reports, complaints and everything the entity register says."""
    who, when, entries = plan.who, plan.when, plan.planted(registers.FEED)
    openings = [one for one in entries if isinstance(one, registers.Openings)]
    made = registers.submissions(seed, who, when, openings, plan.planted(complaints.FEED))
    made = registers.merged(licensed.submissions(who, when, entries), made)
    return registers.merged(ties.submissions(who, when, entries), made)


def _possible(sizes: Sizes) -> None:
    """Refuse a market that cannot be made."""
    if not FEWEST_REPORTS <= sizes.reports <= MOST_REPORTS:
        raise InputError(
            f"reports: expected at least {FEWEST_REPORTS}, so that every market reports something, "
            f"and at most {MOST_REPORTS}"
        )
    if sizes.days < FEWEST_DAYS:
        raise InputError(f"days: expected at least {FEWEST_DAYS} business days, such as 42")


def _plant(plan: Planner, seed: int) -> None:
    """Plant the rules that draw from generators of their own and need nothing made later."""
    for each_rule in (
        large_value,
        public_to_private,
        dormant_wake,
        quota_splitting,
        shared_identity,
        fundraising,
        cycle,
        scatter_gather,
        bipartite,
        fan_in,
        fan_out,
        gather_scatter,
    ):
        _planted_by(each_rule.plant, plan.drawing(seed, each_rule.RULE))
    _planted_by(paid_elsewhere.plant, plan.drawing(seed, paid_elsewhere.NAME))
    for each_rule in (
        second_clearing,
        reporting_gap,
        exposure_concentration,
        loan_round_trip,
        self_matched_trade,
        volume_share,
        spot_futures,
        cancel_ratio,
        receipt_double_pledge,
        multi_lender,
        complaint_surge,
    ):
        _planted_by(each_rule.plant, plan.drawing(seed, each_rule.RULE))


def _planted_by(plant: Callable[[Planner], None], plan: Planner) -> None:
    """Plant a rule's schemes; a market too small for one of them has none of the rule."""
    with plan.room():
        plant(plan)


def _abroad(plan: Planner, seed: int, reports: int) -> Sent:
    """Remittances, planted ones included; drawn last and apart, so that they move nobody else's."""
    mine = plan.drawing(seed, quota_splitting_proxy.RULE)
    deals = dealers(seed, plan.who, plan.when, reports, plan.planted(fx.FEED))
    quota_splitting_proxy.plant(mine, deals)
    n = max(round(reports * remittances.SHARE), 30)
    usual = remittances.everyday(mine.rng, plan.who, plan.when, n, plan.unclaimed())
    planted = [part for part in plan.planted(remittances.FEED) if isinstance(part, type(usual))]
    return remittances.feed(mine.rng, plan.who, joined_rows([usual, *planted]))


def _sisters(
    plan: Planner, seed: int, paid: payments.PaymentFeed, rest: Sequence[Sent], reports: int
) -> payments.PaymentFeed:
    """Payments of sister companies among everyday ones, in submissions of their own.

    They are drawn last and apart, and touch neither an account that has a statement nor a bank
    that is silent for a day: all that was made before stays as it is.
    """
    who, mine = plan.who, plan.apart(seed, sister_companies.NAME, paid.payments)
    stated = [one.records["account"] for one in rest if one.feed == statements.FEED]
    silent = [
        bank
        for part in plan.planted(payments.FEED)
        if isinstance(part, gaps.Gaps)
        for bank in part.bank[part.what == gaps.SILENT].tolist()
    ]
    shut = np.isin(who.account_number, np.concatenate(stated))
    shut |= np.isin(who.account_bank, silent)
    sister_companies.plant(mine, shut)
    free = mine.unclaimed()[who.account_party] & ~shut
    small = plan.base.amount_fen < _BESIDE_FEN
    usual = plan.base.take(np.flatnonzero(free[plan.base.payer] & free[plan.base.payee] & small))
    usual = again(mine.rng, plan.when, usual, max(round(reports * _BESIDE_SHARE), 30))
    usual = payments.within_hours(mine.rng, who, plan.when, usual)
    return payments.beside(mine.rng, who, joined([usual, mine.payments()]), paid)


def _refer(
    plans: Sequence[Plan],
    paid: Sequence[payments.PaymentFeed],
    billed: bills.BillFeed,
    owed: loans.LoanFeed,
    rest: Sequence[Sent],
) -> None:
    """Give each plan the references its reports carry in the feeds."""
    for each in paid:
        for row in np.flatnonzero(each.payments.plan >= 0):
            plans[each.payments.plan[row]].refs.append(f"{payments.FEED}:{each.uetr[row]}")
        for number, row in each.touched.named(each.legs.payment):
            plans[number].refs.append(f"{payments.FEED}:{each.uetr[row]}")
            plans[number].instants.append(int(each.payments.instant[row]))
            plans[number].regions |= each.regions(row)
    for row in np.flatnonzero(billed.acts.plan >= 0):
        plans[billed.acts.plan[row]].refs.append(f"{bills.FEED}:{billed.deal[row]}")
    for row in np.flatnonzero(owed.loans.plan >= 0):
        plans[owed.loans.plan[row]].refs.append(owed.reference(int(row)))
    for market in rest:
        for number, reference in market.labelled():
            plans[number].refs.append(reference)


def _planted(plans: Sequence[Plan]) -> dict[str, dict[str, int]]:
    """Counts by rule: schemes, split ones, innocents."""
    rules = sorted({plan.rule for plan in plans})
    return {
        rule: {
            "schemes": sum(p.rule == rule and p.kind == SCHEME for p in plans),
            "split": sum(p.rule == rule and p.kind == SCHEME and p.split for p in plans),
            "innocents": sum(p.rule == rule and p.kind == INNOCENT for p in plans),
        }
        for rule in rules
    }


def write_tape(
    folder: Path,
    seed: int,
    submissions: Iterator[Submission],
    on_submission: Callable[[int], None] | None,
) -> Counter[str]:
    """Write submissions, already in order, as a tape; returns records by feed."""
    counts: Counter[str] = Counter()
    with TapeWriter(folder, "SIMULATED", seed) as tape:
        for each in submissions:
            received = _EPOCH + timedelta(microseconds=each.received_at)
            tape.add(each.feed, each.submitter, received, each.body, each.file_name)
            counts[each.feed] += each.records
            if on_submission:
                on_submission(each.records)
    return counts


def describe(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add what was planted, in counts, to a tape's manifest."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8")) | facts
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
