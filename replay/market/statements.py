"""Statements of accounts (camt.053): what was there, what came and went, what is left.

A panel of accounts is under supervision; each has a statement for each business day. Its turnover
is that of the payments booked on that day, returns included and refused payments left out, so that
one day's closing balance is the next one's opening balance.
"""

import numpy as np
import pyarrow as pa

from connectors.feeds.camt053 import write
from replay.market.batches import MINUTE, money
from replay.market.days import BEIJING, DAY, HOUR, Ints, Span, stamp
from replay.market.outcomes import Returns, States, refused
from replay.market.payments import PaymentFeed
from replay.market.population import Texts
from replay.market.sending import Sent, sent, table_of
from schemas.reference_data import calendars

FEED = "camt053"
_CREATED = 1 * HOUR  # after midnight
_OVERDRAWN = 0.03  # share of firms' accounts that may owe


def feed(
    rng: np.random.Generator,
    paid: PaymentFeed,
    states: States,
    returns: Returns,
    when: Span,
    n: int,
    broken_share: float,
) -> Sent:
    """Statements of the panel for every business day of the span but the last.

    Args:
        rng: source of the panel and of opening balances.
        paid: every payment of the market.
        states: which of them were refused.
        returns: money that went back.
        when: the simulated span.
        n: about so many statements.
        broken_share: share of statements that carry a fault.
    """
    who, days = paid.who, np.array(when.business[:-1])
    inside = np.flatnonzero(who.account_bank < who.banks.branches)
    busy = who.weight[who.account_party[inside]]
    panel = rng.choice(inside, max(n // len(days), 1), replace=False, p=busy / busy.sum())
    came, went = _turnover(paid, states, returns, when, np.sort(panel))
    panel = np.sort(panel)
    came, went = came[:, : len(days)], went[:, : len(days)]
    flow = np.cumsum(came - went, axis=1)
    person = who.person[who.account_party[panel]]
    held = np.exp(rng.normal(np.log(np.where(person, 3_000_000, 40_000_000)), 1.0)).astype(np.int64)
    owes = ~person & (rng.random(len(panel)) < _OVERDRAWN)
    # An account that may not owe began with enough.
    first = held + np.where(owes, 0, np.maximum(-flow.min(axis=1, initial=0), 0))
    closing = first[:, None] + flow
    opening = closing - came + went
    account = np.repeat(panel, len(days))
    day = np.tile(days, len(panel))
    number = np.char.zfill((rng.permutation(len(account)) + 1).astype(str), 9)
    party, bank = who.account_party[account], who.account_bank[account]
    habit = rng.integers(0, 240, who.banks.banks) * MINUTE
    created = when.midnight(day + 1) + _CREATED
    main = account == who.account_start[party]
    firm = np.where(main, "BASIC", "GENERAL")
    columns: dict[str, Texts | pa.Array] = {
        "statement_id": np.char.add("AS", number),
        "created_at": stamp(created, "s"),
        "day": stamp(when.midnight(day), "D"),
        "servicer": who.banks.ids[bank],
        "account": who.account_number[account],
        "account_type": np.where(who.person[party], "PERSON1", firm),
        "currency": np.full(len(account), "CNY"),
        "owner_name": who.name[party],
        "owner_scheme": np.where(who.person[party], "NIDN", "USCC"),
        "owner_id": np.where(who.person[party], who.identifier[party], who.uscc[party]),
        "opening": _signed(opening.ravel()),
        "closing": _signed(closing.ravel()),
        "credits": money(came.ravel()),
        "debits": money(went.ravel()),
    }
    message = np.char.add("B", np.char.replace(stamp(when.midnight(day), "D"), "-", ""))
    return sent(
        rng, FEED, write, table_of(columns, write.RECORD), who.banks.ids[bank],
        created + 5 * MINUTE + habit[bank], reference="statement_id", suffix="xml",
        broken_share=broken_share, message=message, created=stamp(created, "s"),
    )  # fmt: skip


def _signed(fen: Ints) -> Texts:
    return np.char.add(np.where(fen < 0, "-", ""), money(np.abs(fen)))


def _turnover(
    paid: PaymentFeed, states: States, returns: Returns, when: Span, panel: Ints
) -> tuple[Ints, Ints]:
    """Fen that came and went by account of the panel and business day of the span."""
    payments = paid.payments
    moved = np.ones(len(payments), bool)
    moved[refused(states)] = False
    booked = np.flatnonzero(moved)
    back = returns.payment
    source = np.r_[payments.payer[booked], payments.payee[back]]
    target = np.r_[payments.payee[booked], payments.payer[back]]
    fen = np.r_[payments.amount_fen[booked], returns.amount_fen]
    instants = pa.array(np.r_[payments.instant[booked], returns.instant], pa.timestamp("us", "UTC"))
    date, _ = calendars().business_date(instants, "BANK")
    first = (when.midnight(np.zeros(1, np.int64))[0] + BEIJING) // DAY
    position = np.asarray(date.cast(pa.int32())).astype(np.int64) - first
    column = np.searchsorted(np.array(when.business), position)
    shape = (len(panel), len(when.business))
    sums = (np.zeros(shape, np.int64), np.zeros(shape, np.int64))
    for side, into in ((target, sums[0]), (source, sums[1])):
        row = np.searchsorted(panel, side)
        mine = (panel[np.minimum(row, len(panel) - 1)] == side) & (column < shape[1])
        np.add.at(into, (row[mine], column[mine]), fen[mine])
    return sums
