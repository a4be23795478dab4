"""Drawdowns and repayments: the movements between the balances of the loan register.

Some lenders report movements too. A loan granted within the span is drawn on its first day; a loan
that is paid back moves once between two month ends, by what its balance falls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from connectors.feeds.loan_drawdowns import write
from replay.market.batches import money
from replay.market.columns import Columns, joined, take
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.loans import LoanFeed, balances, day_number, rate_text
from replay.market.population import Ints, Texts
from replay.market.sending import Sent, gathered, sent, some, table_of

FEED = "loan_drawdowns"
_LATE = 0.003


@dataclass(frozen=True, slots=True)
class Movements(Columns):
    """Movements, one row each; a drawdown has no principal paid back."""

    loan: Ints  # row of the loans
    day: Ints  # days since 1970
    principal_fen: Ints  # paid back; 0: drawn
    balance_fen: Ints  # after the movement
    plan: Ints


@dataclass(frozen=True, slots=True)
class Promised(Columns):
    """Loans whose drawdown is reported whoever lends; told apart by all of these together."""

    lender: Ints  # bank row
    borrower: Ints
    start: Ints  # days since 1970
    amount_fen: Ints
    plan: Ints


def everyday(rng: np.random.Generator, owed: LoanFeed, when: Span, n: int) -> Movements:
    """The movements of as many lenders' loans as make about n records."""
    loans = owed.loans
    first, last = day_number(when.first), day_number(when.last)
    drawn = np.flatnonzero((loans.start >= first) & (loans.start <= last))
    parts: list[tuple[Ints, Ints, Ints, Ints]] = [
        (drawn, loans.start[drawn], np.zeros(len(drawn), np.int64), loans.amount_fen[drawn])
    ]
    ends = [day_number(day) for day in when.month_ends()]
    for begin, end in pairwise(ends):
        rows = np.flatnonzero((loans.start < end) & (loans.end > end) & (end <= last))
        some_loans = loans.take(rows)
        before = np.where(
            some_loans.start > begin,
            some_loans.amount_fen,
            balances(some_loans, np.full(len(rows), begin)),
        )
        after = balances(some_loans, np.full(len(rows), end))
        early = np.maximum(np.maximum(some_loans.start, begin) + 1, first)
        day = early + (rng.random(len(rows)) * (end - early + 1)).astype(np.int64)
        paid = before > after
        parts.append((rows[paid], day[paid], (before - after)[paid], after[paid]))
    loan, day, principal, balance = (np.concatenate(column) for column in zip(*parts, strict=True))
    lender = loans.lender[loan]
    who, counts = np.unique(lender, return_counts=True)
    order = rng.permutation(len(who))
    chosen = who[order[np.cumsum(counts[order]) <= max(n, counts[order[0]])]]
    mine = np.isin(lender, chosen)
    size = int(mine.sum())
    return Movements(loan[mine], day[mine], principal[mine], balance[mine], np.full(size, -1))


def promised(moves: Movements, owed: LoanFeed, wanted: Sequence[Promised]) -> Movements:
    """The movements, with one drawdown of every promised loan."""
    if not wanted:
        return moves
    names = ("lender", "borrower", "start", "amount_fen")
    loans = owed.loans
    at = {key: row for row, key in enumerate(zip(*(loans[n].tolist() for n in names), strict=True))}
    rows = joined(list(wanted))
    loan = np.array([at[key] for key in zip(*(rows[n].tolist() for n in names), strict=True)])
    day, fen = loans.start[loan], loans.amount_fen[loan]
    drawn = Movements(loan, day, np.zeros(len(loan), np.int64), fen, rows.plan)
    told = (moves.principal_fen == 0) & np.isin(moves.loan, loan)
    return joined([take(moves, np.flatnonzero(~told)), drawn])


def feed(rng: np.random.Generator, owed: LoanFeed, moves: Movements, broken_share: float) -> Sent:
    """Each lender's movements, in the afternoon of their day."""
    who, loans = owed.who, owed.loans.take(moves.loan)
    n = len(moves)
    second = rng.integers(9 * 3600, 17 * 3600, n)
    instant = moves.day * DAY - BEIJING + second * 1_000_000
    paid = moves.principal_fen > 0
    interest = (moves.balance_fen + moves.principal_fen) // 1_000_000 * loans.rate * 30 // 36
    amount = np.where(paid, moves.principal_fen + interest, loans.amount_fen)
    person = who.person[loans.borrower]
    account = who.account_start[loans.borrower]
    clock = np.char.add(
        np.char.zfill((second // 3600).astype(str), 2),
        np.char.zfill((second // 60 % 60 * 100 + second % 60).astype(str), 4),
    )
    days = moves.day.astype("datetime64[D]").astype(str)
    number = owed.number[moves.loan]
    columns: dict[str, Texts | pa.Array] = {
        "movement": np.char.add("LM", np.char.zfill((rng.permutation(n) + 1).astype(str), 10)),
        "kind": np.where(paid, "归还", "发放"),
        "day": np.char.replace(days, "-", ""),
        "time": clock,
        "lender": who.banks.fin14[loans.lender],
        "lender_area": who.banks.areas[loans.lender],
        "borrower_scheme": np.where(person, "B01", "A01"),
        "borrower_id": np.where(person, who.identifier[loans.borrower], who.uscc[loans.borrower]),
        "borrower_name": who.name[loans.borrower],
        "borrower_area": who.county[loans.borrower],
        "loan": number,
        "loan_contract": owed.agreement[moves.loan],
        "start": loans.start.astype("datetime64[D]").astype(str),
        "end": loans.end.astype("datetime64[D]").astype(str),
        "currency": np.full(n, "CNY"),
        "amount": money(amount),
        "amount_cny": money(amount),
        "principal": some(money(moves.principal_fen), paid),
        "interest": some(money(interest), paid),
        "balance": money(moves.balance_fen),
        "rate": rate_text(loans.rate),
        "account_bank": who.banks.ids[who.account_bank[account]],
        "account": who.account_number[account],
        "invoice": some(loans.invoice, loans.invoice != ""),
        "trade_contract": some(loans.contract, loans.contract != ""),
    }
    received, late = gathered(rng, instant, loans.lender, _LATE, DAY, 12 * HOUR)
    return sent(
        rng, FEED, write, table_of(columns, write.RECORD), who.banks.ids[loans.lender],
        received, reference="movement", suffix="csv", broken_share=broken_share, plan=moves.plan,
        late=late,
    )  # fmt: skip
