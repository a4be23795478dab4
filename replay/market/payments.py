"""Payments become pacs.008 submissions: one leg for each agent inside the four regions."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from connectors.feeds.pacs008 import write
from replay.market import breakage, gaps, identifiers
from replay.market.batches import SECOND, Batches, Submission, batch, money
from replay.market.days import HOUR, Span, local_hour, stamp
from replay.market.flows import PURPOSES, Payments
from replay.market.population import Flags, Ints, Population, Texts
from schemas.reference_data import calendars

FEED = "pacs008"
_BLOCK = 20_000  # rows rendered at once
_LATE = 0.003
_MISMATCH = 0.001
_REPEAT = 0.001
_OPEN, _SHUT = 9.0, 18.0
_ROUND_THE_CLOCK = 5  # branches that settle instant payments at any hour


@dataclass(frozen=True, slots=True)
class PaymentLegs:
    """Legs (reports) of payments: parallel columns, one row a report as it is sent."""

    payment: Ints  # row of the payments
    submitter: Ints  # bank row
    amount_fen: Ints
    repeat: Flags  # sent before by the same submitter
    mismatched: int


def within_hours(
    rng: np.random.Generator, who: Population, when: Span, payments: Payments
) -> Payments:
    """Move payments that no bank would take at that hour into business hours.

    Only the largest branches settle round the clock; a payment between others that falls
    into the evening is made in the day, on a closed day at the next open one.
    """
    accounts = np.bincount(who.account_bank, minlength=who.banks.banks)
    always = np.ones(who.banks.banks, bool)
    always[: who.banks.branches] = False
    always[np.argsort(-accounts[: who.banks.branches], kind="stable")[:_ROUND_THE_CLOCK]] = True
    served = always[who.account_bank[payments.payer]] & always[who.account_bank[payments.payee]]
    position = (payments.instant - when.midnight(np.zeros(1, np.int64))) // (24 * HOUR)
    business = np.array(when.business)
    opened = business[np.minimum(np.searchsorted(business, position), len(business) - 1)]
    hour = local_hour(payments.instant)
    moved = ~served & ((opened != position) | (hour < _OPEN) | (hour >= _SHUT))
    time = rng.uniform(_OPEN, _SHUT, len(payments)) * HOUR
    instant = when.midnight(opened) + (time // 1000).astype(np.int64) * 1000
    columns = {name: getattr(payments, name) for name in Payments.__dataclass_fields__}
    return Payments(**columns | {"instant": np.where(moved, instant, payments.instant)})


def legs(rng: np.random.Generator, who: Population, payments: Payments) -> PaymentLegs:
    """Make the reports: each agent in the Delta reports, an agent on both sides once.

    A few of the payees' banks report another amount, a few reports are sent twice; neither
    touches labelled payments.
    """
    payer_bank = who.account_bank[payments.payer]
    payee_bank = who.account_bank[payments.payee]
    inside = who.banks.branches
    first = np.flatnonzero(payer_bank < inside)
    second = np.flatnonzero((payee_bank < inside) & (payee_bank != payer_bank))
    payment = np.r_[first, second]
    submitter = np.r_[payer_bank[first], payee_bank[second]]
    amount = payments.amount_fen[payment]
    plain = payments.plan[payment] < 0
    two_legged = np.r_[np.zeros(len(first), bool), (payer_bank < inside)[second]]
    mismatch = two_legged & plain & (rng.random(len(payment)) < _MISMATCH)
    amount = amount + np.where(mismatch, rng.integers(1, 100, len(payment)) * 100, 0)
    again = np.flatnonzero(plain & (rng.random(len(payment)) < _REPEAT))
    return PaymentLegs(
        payment=np.r_[payment, payment[again]],
        submitter=np.r_[submitter, submitter[again]],
        amount_fen=np.r_[amount, amount[again]],
        repeat=np.r_[np.zeros(len(payment), bool), np.ones(len(again), bool)],
        mismatched=int(mismatch.sum()),
    )


@dataclass(frozen=True, slots=True)
class PaymentFeed:
    """Everything the tape needs of the payments: order, references, faults, counts."""

    who: Population
    payments: Payments
    legs: PaymentLegs
    batches: Batches
    uetr: Texts
    tx_id: Texts
    end_to_end: Texts
    broken: dict[int, str]  # leg -> kind of fault
    touched: gaps.Touched
    messages_from: int = 0  # number of the first submission's message

    def counts(self) -> Counter[str]:
        """What was planted, by kind of fault."""
        return Counter(self.broken.values())

    def regions(self, payment: int) -> set[int]:
        """The regions the two banks of a payment are in."""
        banks = self.who.account_bank[[self.payments.payer[payment], self.payments.payee[payment]]]
        return {int(region) for region in self.who.banks.region[banks] if region >= 0}

    def records(self, rows: Ints) -> pa.Table:
        """The records of these legs, columns of the feed's writer."""
        who, payment = self.who, self.legs.payment[rows]
        instant = self.payments.instant[payment]
        settle, _ = calendars().business_date(pa.array(instant, pa.timestamp("us", "UTC")), "BANK")
        columns: dict[str, pa.Array] = {
            "end_to_end_id": pa.array(self.end_to_end[payment]),
            "tx_id": pa.array(self.tx_id[payment]),
            "uetr": pa.array(self.uetr[payment]),
            "currency": pa.array(np.full(len(rows), "CNY")),
            "amount": pa.array(money(self.legs.amount_fen[rows])),
            "settlement_date": settle.cast(pa.string()),
            "accepted_at": pa.array(stamp(instant)),
            "purpose": pa.array(np.array(PURPOSES)[self.payments.purpose[payment]]),
        }
        for side, account in (("debtor", self.payments.payer), ("creditor", self.payments.payee)):
            mine = account[payment]
            party = who.account_party[mine]
            columns |= {
                f"{side}_agent": pa.array(who.banks.ids[who.account_bank[mine]]),
                f"{side}_name": pa.array(who.name[party]),
                f"{side}_scheme": pa.array(who.scheme[party]),
                f"{side}_id": pa.array(who.identifier[party]),
                f"{side}_account": pa.array(who.account_number[mine]),
            }
        return pa.table([columns[name] for name in write.RECORD.names], schema=write.RECORD)

    def submissions(self) -> Iterator[Submission]:
        """The submissions in order of arrival."""
        ids, batches = self.who.banks.ids, self.batches
        for first, last in batches.blocks(_BLOCK):
            offset = int(batches.start[first])
            rows = batches.order[offset : batches.start[last]]
            texts = write.render(self.records(rows))
            hurt = {
                at: self.broken[leg] for at, leg in enumerate(rows.tolist()) if leg in self.broken
            }
            if hurt:
                listed = texts.to_pylist()
                for at, kind in hurt.items():
                    listed[at] = breakage.break_text(kind, breakage.PACS008[kind], listed[at])
                texts = pa.array(listed)
            positions = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :]
            data = memoryview(texts.buffers()[2])
            broken_rows = np.zeros(len(rows) + 1, np.int64)
            broken_rows[[at + 1 for at in hurt]] = 1
            broken_rows = np.cumsum(broken_rows)
            totals = np.r_[0, np.cumsum(self.legs.amount_fen[rows])]
            created = stamp(batches.received_at[first:last] - 20 * SECOND, "s").tolist()
            for at in range(first, last):
                a, b = int(batches.start[at]) - offset, int(batches.start[at + 1]) - offset
                bank = str(ids[batches.submitter[at]])
                number = self.messages_from + at
                message = f"M{created[at - first][:10].replace('-', '')}-{number:06d}"
                header = {
                    "message_id": message,
                    "created_at": created[at - first],
                    "count": str(b - a),
                }
                if broken_rows[a] == broken_rows[b]:  # a broken amount has no sum
                    fen = int(totals[b] - totals[a])
                    header["total"] = f"{fen // 100}.{fen % 100:02d}"
                body = write.frame(bytes(data[positions[a] : positions[b]]), header)
                yield Submission(
                    int(batches.received_at[at]), FEED, bank, body, f"{bank}-{message}.xml", b - a
                )


def feed(
    rng: np.random.Generator,
    who: Population,
    payments: Payments,
    broken_share: float,
    when: Span | None = None,
    planted: Sequence[gaps.Gaps] = (),
) -> PaymentFeed:
    """Plan every submission of these payments.

    Args:
        rng: source of references, jitter, faults.
        who: the population the account rows belong to.
        payments: everyday and labelled ones; their order does not matter.
        broken_share: share of reports that carry a fault.
        when: the simulated span; needed where banks are planted that report late.
        planted: what banks do to their reports.
    """
    # One shuffle before references are given: neither order nor reference tells what was planted.
    payments = payments.take(np.lexsort((rng.random(len(payments)), payments.instant)))
    made = legs(rng, who, payments)
    n = len(payments)
    number = rng.permutation(n)
    tx_id = np.char.add("TX", np.char.zfill((number + 10_000_000).astype(str), 12))
    given = np.char.add("E2E", np.char.zfill((rng.permutation(n) + 40_000_000).astype(str), 10))
    eligible = (payments.plan[made.payment] < 0) & ~made.repeat
    instant = payments.instant[made.payment]
    batches = batch(rng, instant, made.submitter, _LATE, made.repeat)
    uetr, no_id = identifiers.uuid4(rng, n), rng.random(n) < 0.4
    broken = breakage.choose(rng, breakage.PACS008, eligible, broken_share)
    free = eligible & (made.amount_fen == payments.amount_fen[made.payment])
    free &= ~np.isin(made.payment, made.payment[made.repeat])
    free[list(broken)] = False
    touched = gaps.choose(who, payments, made.payment, made.submitter, free, planted)
    if planted and when:
        batches = gaps.rearranged(batches, touched, instant, when)
    broken = {leg: kind for leg, kind in broken.items() if not touched.withheld[leg]}
    differ = int((touched.more_fen > 0).sum())
    made = replace(
        made, amount_fen=made.amount_fen + touched.more_fen, mismatched=made.mismatched + differ
    )
    return PaymentFeed(
        who=who,
        payments=payments,
        legs=made,
        batches=batches,
        uetr=uetr,
        tx_id=tx_id,
        end_to_end=np.where(no_id, "NOTPROVIDED", given),
        broken=broken,
        touched=touched,
    )


def beside(
    rng: np.random.Generator, who: Population, payments: Payments, main: PaymentFeed
) -> PaymentFeed:
    """Plan submissions of more payments, which leave those of the main feed as they are.

    Banks number on, and half of the references lie below the main feed's: none tells which feed
    a payment came with.

    Args:
        rng: as of `feed`.
        who: the population the account rows belong to.
        payments: everyday and labelled ones.
        main: what the same banks send anyway.
    """
    made, n, taken = feed(rng, who, payments, 0.0), len(payments), len(main.payments)
    number = rng.permutation(n)
    number = np.where(number % 2 == 0, -1 - number, taken + number)
    given = np.char.add("E2E", np.char.zfill((number + 40_000_000).astype(str), 10))
    return replace(
        made,
        tx_id=np.char.add("TX", np.char.zfill((number + 10_000_000).astype(str), 12)),
        end_to_end=np.where(made.end_to_end == "NOTPROVIDED", made.end_to_end, given),
        messages_from=len(main.batches),
    )
