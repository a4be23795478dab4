"""What becomes of payments: states that agents tell each other (pacs.002) and returns (pacs.004).

Both speak of payments of the market, by their ids. A refused payment moves no money; a returned
one moves it back one to three business days later. Each agent inside the four regions reports its
copy of a message, under the message's own id and time.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.pacs002 import write as status_form
from connectors.feeds.pacs004 import write as return_form
from replay.market.batches import MINUTE, SECOND, money
from replay.market.columns import Columns, take
from replay.market.days import BEIJING, DAY, HOUR, Span, stamp
from replay.market.payments import PaymentFeed
from replay.market.population import Flags, Ints, Population, Texts
from replay.market.sending import Sent, sent, some, table_of
from schemas.reference_data import calendars

STATUS, RETURN = "pacs002", "pacs004"
_ROUND = 3 * HOUR  # agents gather states of so long into one message
_STATES = ("ACSC", "PDNG", "RJCT")
_SHARES = (0.52, 0.08, 0.40)
_REFUSED = ("AC04", "AC01", "AC06", "BE01", "AG01")
_RETURNED = ("AC04", "AC06", "MS03", "NARR", "CUST")
_LATE = 0.004
_PARTIAL = 0.1  # share of returns that keep a part


@dataclass(frozen=True, slots=True)
class States(Columns):
    """States of payments, one row a state."""

    payment: Ints  # row of the payments
    instant: Ints
    state: Ints  # position in _STATES
    reason: Ints
    plan: Ints


@dataclass(frozen=True, slots=True)
class Returns(Columns):
    """Returns of payments, one row a return."""

    payment: Ints
    instant: Ints
    amount_fen: Ints
    reason: Ints
    plan: Ints


def everyday(
    rng: np.random.Generator, paid: PaymentFeed, when: Span, states: int, returns: int
) -> tuple[States, Returns]:
    """Choose payments that were settled, wait, were refused, or come back.

    Args:
        rng: source of the choice.
        paid: the payments with their references.
        when: the simulated span.
        states: how many payments get a state.
        returns: how many firms' payments come back.
    """
    who, payments = paid.who, paid.payments
    banks = (who.account_bank[payments.payer], who.account_bank[payments.payee])
    free = (payments.plan < 0) & (banks[0] != banks[1])
    party = (who.account_party[payments.payer], who.account_party[payments.payee])
    firms = free & ~who.person[party[0]] & ~who.person[party[1]]
    firms &= (who.scheme[party[0]] == "USCC") & (who.scheme[party[1]] == "USCC")
    back = _choose(rng, firms, returns)
    free[back] = False
    told = _choose(rng, free, states)
    state = rng.choice(len(_STATES), len(told), p=_SHARES)
    first = States(
        payment=told,
        instant=payments.instant[told] + rng.integers(1, 40, len(told)) * MINUTE,
        state=state,
        reason=rng.integers(0, len(_REFUSED), len(told)),
        plan=np.full(len(told), -1),
    )
    fen = payments.amount_fen[back]
    part = rng.random(len(back)) < _PARTIAL
    returned = Returns(
        payment=back,
        instant=_later(rng, when, payments.instant[back]),
        amount_fen=np.where(part, fen * rng.integers(30, 95, len(back)) // 100, fen),
        reason=rng.integers(0, len(_RETURNED), len(back)),
        plan=np.full(len(back), -1),
    )
    end = int(when.midnight(np.array([when.length]))[0])
    inside = (returned.instant < end) & (returned.amount_fen > 0)
    return first, take(returned, np.flatnonzero(inside))


def refused(states: States) -> Ints:
    """The payments that were refused: their money never moved."""
    return np.asarray(states.payment[states.state == _STATES.index("RJCT")])


def _choose(rng: np.random.Generator, free: Flags, n: int) -> Ints:
    rows = np.flatnonzero(free)
    return np.sort(rng.choice(rows, min(n, len(rows)), replace=False))


def _later(rng: np.random.Generator, when: Span, instant: Ints) -> Ints:
    """A business hour one to three business days later; beyond the span where there is none."""
    business = np.array([*when.business, when.length + 1, when.length + 2, when.length + 3])
    position = (instant - when.midnight(np.zeros(1, np.int64))) // DAY
    at = np.searchsorted(business, position, side="right") + rng.integers(0, 3, len(instant))
    hour = rng.uniform(9.0, 16.5, len(instant)) * HOUR
    return np.asarray(when.midnight(business[np.minimum(at, len(business) - 1)]) + hour.astype(int))


@dataclass(frozen=True, slots=True)
class _Copies:
    """One row a report: which fact, who reports it, in which message."""

    fact: Ints
    submitter: Texts
    received_at: Ints
    message: Texts
    created_at: Ints
    late: int


def _copies(
    rng: np.random.Generator, who: Population, instant: Ints, teller: Ints, told: Ints
) -> _Copies:
    """Gather facts of one teller into messages; both agents inside the Delta report their copy."""
    slot = (instant + BEIJING) // _ROUND + 1
    created = slot * _ROUND - BEIJING + (teller % 50) * SECOND
    day = np.char.replace(stamp(created, "D"), "-", "")
    minute = ((created + BEIJING) % DAY // MINUTE).astype(str)
    message = np.char.add(np.char.add("S", day), np.char.zfill(minute, 4))
    message = np.char.add(np.char.add(message, "-"), teller.astype(str))
    inside = who.banks.branches
    fact = np.r_[np.flatnonzero(teller < inside), np.flatnonzero(told < inside)]
    submitter = np.r_[teller[teller < inside], told[told < inside]]
    group = np.unique(created[fact] * 100 + submitter, return_inverse=True)[1]
    groups = int(group.max()) + 1 if len(group) else 0
    late = rng.random(groups) < _LATE
    wait = rng.integers(60, 400, groups) * SECOND
    wait = wait + np.where(late, rng.integers(6, 48, groups) * HOUR, 0)
    return _Copies(
        fact=fact,
        submitter=who.banks.ids[submitter],
        received_at=created[fact] + wait[group],
        message=message[fact],
        created_at=created[fact],
        late=int(late[group].sum()),
    )


def states_feed(
    rng: np.random.Generator, paid: PaymentFeed, states: States, broken_share: float
) -> Sent:
    """The payees' agents tell the payers' agents."""
    who, payments = paid.who, paid.payments
    teller = who.account_bank[payments.payee[states.payment]]
    told = who.account_bank[payments.payer[states.payment]]
    copies = _copies(rng, who, states.instant, teller, told)
    number = np.char.add("ST", np.char.zfill((rng.permutation(len(states)) + 1).astype(str), 9))
    rows = take(states, copies.fact)
    reason = np.array(_REFUSED)[rows.reason]
    original = np.char.add("P", paid.tx_id[rows.payment])
    columns: dict[str, Texts | pa.Array] = {
        "status_id": number[copies.fact],
        "original_message_id": original,
        "original_tx_id": paid.tx_id[rows.payment],
        "original_uetr": paid.uetr[rows.payment],
        "status": np.array(_STATES)[rows.state],
        "reason": some(reason, rows.state == _STATES.index("RJCT")),
        "instructing": who.banks.ids[teller[copies.fact]],
        "instructed": who.banks.ids[told[copies.fact]],
    }
    return sent(
        rng, STATUS, status_form, table_of(columns, status_form.RECORD), copies.submitter,
        copies.received_at, reference="status_id", suffix="xml", broken_share=broken_share,
        plan=rows.plan, message=copies.message, created=stamp(copies.created_at, "s"),
        late=copies.late,
    )  # fmt: skip


def returns_feed(
    rng: np.random.Generator, paid: PaymentFeed, returns: Returns, broken_share: float
) -> Sent:
    """The payees' agents send money back to the payers' agents."""
    who, payments = paid.who, paid.payments
    payee, payer = payments.payee[returns.payment], payments.payer[returns.payment]
    teller, told = who.account_bank[payee], who.account_bank[payer]
    copies = _copies(rng, who, returns.instant, teller, told)
    number = np.char.add("RT", np.char.zfill((rng.permutation(len(returns)) + 1).astype(str), 9))
    rows = take(returns, copies.fact)
    instants = pa.array(copies.created_at, pa.timestamp("us", "UTC"))
    settled, _ = calendars().business_date(instants, "BANK")
    columns: dict[str, Texts | pa.Array] = {
        "return_id": number[copies.fact],
        "original_tx_id": paid.tx_id[rows.payment],
        "original_uetr": paid.uetr[rows.payment],
        "currency": np.full(len(rows), "CNY"),
        "amount": money(rows.amount_fen),
        "settlement_date": settled.cast(pa.string()),
        "reason": np.array(_RETURNED)[rows.reason],
    }
    for side, account in (("debtor", payer), ("creditor", payee)):
        mine = account[copies.fact]
        party = who.account_party[mine]
        columns |= {
            f"original_{side}_agent": who.banks.ids[who.account_bank[mine]],
            f"original_{side}_name": who.name[party],
            f"original_{side}_id": who.uscc[party],
            f"original_{side}_account": who.account_number[mine],
        }
    return sent(
        rng, RETURN, return_form, table_of(columns, return_form.RECORD), copies.submitter,
        copies.received_at, reference="return_id", suffix="xml", broken_share=broken_share,
        plan=rows.plan, message=copies.message, created=stamp(copies.created_at, "s"),
        late=copies.late,
    )  # fmt: skip
