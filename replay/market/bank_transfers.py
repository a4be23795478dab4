"""Transfers between institutions (pacs.009): liquidity, and covers of large customer payments.

Transfers go out in two rounds a business day; a round has one time for all, as a clearing system
gives it. Each agent inside the four regions reports its copy.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.pacs009 import write
from replay.market import identifiers
from replay.market.batches import MINUTE, SECOND, money
from replay.market.columns import Columns, take
from replay.market.days import BEIJING, DAY, HOUR, Span, stamp
from replay.market.payments import PaymentFeed
from replay.market.population import Ints, Texts
from replay.market.sending import Sent, sent, some, table_of
from schemas.reference_data import calendars

FEED = "pacs009"
_ROUNDS = (11.0, 16.5)
_COVERS = 0.15  # share that covers a customer payment
_LATE = 0.003


@dataclass(frozen=True, slots=True)
class Transfers(Columns):
    """Transfers, one row a transfer; sides are bank rows."""

    instant: Ints
    payer: Ints
    payee: Ints
    amount_fen: Ints
    covers: Ints  # row of the customer payment, -1: none
    plan: Ints


def everyday(rng: np.random.Generator, paid: PaymentFeed, when: Span, n: int) -> Transfers:
    """Make n transfers; at least one side of each is a branch of the Delta."""
    banks, payments = paid.who.banks, paid.payments
    day = rng.choice(np.array(when.business), n)
    turn = (np.array(_ROUNDS) * HOUR).astype(np.int64)[rng.integers(0, len(_ROUNDS), n)]
    payer, payee = rng.integers(0, banks.branches, n), rng.integers(0, banks.banks, n)
    turned = rng.random(n) < 0.5
    payer, payee = np.where(turned, payee, payer), np.where(turned, payer, payee)
    payee = np.where(payer == payee, (payee + 1) % banks.branches, payee)
    fen = np.exp(rng.normal(np.log(3_000_000_000), 1.2, n)).astype(np.int64)
    fen = np.maximum(fen // 10_000_000, 1) * 10_000_000
    covers = np.full(n, -1)
    ends = [paid.who.account_bank[side] for side in (payments.payer, payments.payee)]
    large = (payments.plan < 0) & (payments.amount_fen > 30_000_000) & (ends[0] != ends[1])
    pick = rng.permutation(np.flatnonzero(large))[: round(n * _COVERS)]
    rows = rng.choice(n, len(pick), replace=False)
    covers[rows], fen[rows] = pick, payments.amount_fen[pick]
    payer[rows], payee[rows] = ends[0][pick], ends[1][pick]
    # A cover goes out in the round after its payment, on the next business day at the latest.
    position = (payments.instant[pick] - when.midnight(np.zeros(1, np.int64))) // DAY
    business = np.array(when.business)
    day[rows] = business[np.minimum(np.searchsorted(business, position), len(business) - 1)]
    turn[rows] = int(_ROUNDS[-1] * HOUR)
    return Transfers(
        instant=when.midnight(day) + turn,
        payer=payer,
        payee=payee,
        amount_fen=fen,
        covers=covers,
        plan=np.full(n, -1),
    )


def feed(
    rng: np.random.Generator, paid: PaymentFeed, transfers: Transfers, broken_share: float
) -> Sent:
    """Both agents' copies of each transfer."""
    banks, n = paid.who.banks, len(transfers)
    own = identifiers.accounts(rng, np.zeros(len(banks.ids), bool))  # of each institution
    covered = transfers.covers >= 0
    at = np.where(covered, transfers.covers, 0)
    uetr = np.where(covered, paid.uetr[at], identifiers.uuid4(rng, n))
    number = np.char.add("FI", np.char.zfill((rng.permutation(n) + 1).astype(str), 10))
    inside = banks.branches
    fact = np.r_[np.flatnonzero(transfers.payer < inside), np.flatnonzero(transfers.payee < inside)]
    submitter = np.r_[
        transfers.payer[transfers.payer < inside], transfers.payee[transfers.payee < inside]
    ]
    rows = take(transfers, fact)
    group = np.unique(rows.instant * 100 + submitter, return_inverse=True)[1]
    groups = int(group.max()) + 1 if n else 0
    late = rng.random(groups) < _LATE
    wait = rng.integers(2, 9, groups) * MINUTE + rng.integers(0, 60, groups) * SECOND
    wait = wait + np.where(late, rng.integers(6, 40, groups) * HOUR, 0)
    instants = pa.array(rows.instant, pa.timestamp("us", "UTC"))
    settled, _ = calendars().business_date(instants, "BANK")
    columns: dict[str, Texts | pa.Array] = {
        "tx_id": number[fact],
        "uetr": uetr[fact],
        "currency": np.full(len(fact), "CNY"),
        "amount": money(rows.amount_fen),
        "settlement_date": settled.cast(pa.string()),
        "debtor": banks.ids[rows.payer],
        "debtor_account": own[rows.payer],
        "creditor": banks.ids[rows.payee],
        "creditor_account": own[rows.payee],
        "covers": some(paid.end_to_end[at][fact], covered[fact]),
    }
    day = np.char.replace(stamp(rows.instant, "D"), "-", "")
    minute = ((rows.instant + BEIJING) % DAY // MINUTE).astype(str)
    message = np.char.add(np.char.add("L", day), np.char.zfill(minute, 4))
    return sent(
        rng, FEED, write, table_of(columns, write.RECORD), banks.ids[submitter],
        rows.instant + wait[group], reference="tx_id", suffix="xml", broken_share=broken_share,
        plan=rows.plan, message=message, created=stamp(rows.instant, "s"),
        late=int(late[group].sum()),
    )  # fmt: skip
