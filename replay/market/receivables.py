"""Receivables on a financing platform: registered, assigned, pledged or financed, and settled.

Each receivable has an invoice of its own; creditor and debtor are firms of the economy that pays,
borrows and discounts bills, the financier a bank branch.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.receivables import write
from replay.market.batches import money
from replay.market.bills import contracts, invoices
from replay.market.columns import Columns, take
from replay.market.days import BEIJING, DAY, Span
from replay.market.population import Ints, Population, Texts
from replay.market.sending import Sent, gathered, sent, some, table_of

FEED = "receivables"
OPERATOR = "OP-RECEIVABLES"
ACTS_PER_RECEIVABLE = 2.0  # measured, within a span of two months
KINDS = ("登记", "转让", "质押", "融资", "解除", "结清")
_SECOND = (0.3, 0.2, 0.5)  # 转让 质押 融资
_TAKEN = 0.72  # share of registered receivables that somebody takes
_ENDED = 0.4
_LATE = 0.003


@dataclass(frozen=True, slots=True)
class Acts(Columns):
    """Acts, one row each; acts of one receivable share its number."""

    instant: Ints
    kind: Ints  # position in KINDS
    receivable: Ints
    creditor: Ints
    debtor: Ints
    financier: Ints  # bank row, -1: none
    amount_fen: Ints
    financed_fen: Ints  # 0: nothing is paid in this act
    rate: Ints  # hundredths of a percent
    due: Ints  # days since 1970
    invoice: Texts
    contract: Texts
    plan: Ints


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int) -> Acts:
    """Make about n acts; every receivable has its own invoice, most their own contract."""
    count = max(round(n / ACTS_PER_RECEIVABLE), 2)
    firms = np.flatnonzero(~who.person & who.inside)
    weight = who.weight[firms] / who.weight[firms].sum()
    creditor, debtor = (rng.choice(firms, count, p=weight) for _ in range(2))
    debtor = np.where(debtor == creditor, firms[0] + (creditor == firms[0]), debtor)
    business = np.array(when.business)
    place = rng.integers(0, len(business), count)
    fen = np.exp(rng.normal(np.log(90_000_000), 0.9, count)).astype(np.int64)
    fen = np.maximum(fen // 10_000, 1) * 10_000
    first = Acts(
        instant=np.zeros(count, np.int64),
        kind=np.zeros(count, np.int64),
        receivable=np.arange(count),
        creditor=creditor,
        debtor=debtor,
        financier=np.full(count, -1),
        amount_fen=fen,
        financed_fen=np.zeros(count, np.int64),
        rate=rng.integers(280, 560, count),
        due=(when.midnight(business[place]) + BEIJING) // DAY + rng.integers(40, 180, count),
        invoice=invoices(rng.choice(10**9, count, replace=False) + 2 * 10**9),
        contract=np.where(
            rng.random(count) < 0.8,
            contracts(rng.choice(10**7, count, replace=False) + 2 * 10**7),
            "",
        ),
        plan=np.full(count, -1),
    )
    taken = np.flatnonzero(rng.random(count) < _TAKEN)
    ended = taken[rng.random(len(taken)) < _ENDED]
    second = place[taken] + rng.integers(0, 6, len(taken))
    at_end = np.zeros(count, np.int64)
    at_end[taken] = second
    last = at_end[ended] + rng.integers(5, 25, len(ended))
    row = np.r_[np.arange(count), taken, ended]
    place = np.r_[place, second, last]
    kind = np.r_[np.zeros(count, np.int64), 1 + rng.choice(3, len(taken), p=_SECOND)]
    middle = np.zeros(count, np.int64)
    middle[taken] = kind[count:]
    kind = np.r_[kind, np.where(middle[ended] == KINDS.index("质押"), 4, 5)]
    # The three acts of one receivable keep their order within a day.
    step = np.repeat([9.0, 12.0, 15.0], [count, len(taken), len(ended)])
    instant = (step + rng.uniform(0, 2.8, len(row))) * 3600
    inside = place < len(business)
    bank = rng.integers(0, who.banks.branches, count)
    acts = take(first, row)
    financed = np.isin(kind, (KINDS.index("转让"), KINDS.index("融资")))
    columns = {name: acts[name] for name in Acts.__dataclass_fields__} | {
        "instant": when.midnight(business[np.minimum(place, len(business) - 1)])
        + instant.astype(np.int64) * 1_000_000,
        "kind": kind,
        "financier": np.where(kind > 0, bank[row], -1),
        "financed_fen": np.where(financed, acts.amount_fen * 8 // 10, 0),
    }
    return take(Acts(**columns), np.flatnonzero(inside))


def feed(rng: np.random.Generator, who: Population, acts: Acts, broken_share: float) -> Sent:
    """The platform's reports of all acts."""
    n = len(acts)
    bank, taken = np.maximum(acts.financier, 0), acts.financier >= 0
    paid = acts.financed_fen > 0
    number = rng.permutation(int(acts.receivable.max()) + 1)[acts.receivable] + 1
    days = ((acts.instant + BEIJING) // DAY).astype("datetime64[D]").astype(str)
    received, late = gathered(rng, acts.instant, np.zeros(n, np.int64), _LATE, DAY)
    columns: dict[str, Texts | pa.Array] = {
        "deal": np.char.add("RZ", np.char.zfill((rng.permutation(n) + 1).astype(str), 10)),
        "kind": np.array(KINDS)[acts.kind],
        "at": wall(acts.instant),
        "reported_at": wall(received - 60_000_000),
        "receivable": np.char.zfill(number.astype(str), 12),
        "creditor": who.uscc[acts.creditor],
        "creditor_name": who.name[acts.creditor],
        "creditor_area": who.county[acts.creditor],
        "debtor": who.uscc[acts.debtor],
        "debtor_name": who.name[acts.debtor],
        "debtor_area": who.county[acts.debtor],
        "financier": some(who.banks.ids[bank], taken),
        "financier_name": some(who.banks.names[bank], taken),
        "financier_area": some(who.banks.areas[bank], taken),
        "currency": np.full(n, "CNY"),
        "amount": money(acts.amount_fen),
        "financed": some(money(acts.financed_fen), paid),
        "financed_on": some(days, paid),
        "rate": some(money(acts.rate), paid),
        "due": acts.due.astype("datetime64[D]").astype(str),
        "invoice": acts.invoice,
        "contract": some(acts.contract, acts.contract != ""),
    }
    return sent(
        rng, FEED, write, table_of(columns, write.RECORD), np.full(n, OPERATOR), received,
        reference="deal", suffix="csv", broken_share=broken_share, plan=acts.plan,
        late=late,
    )  # fmt: skip


def wall(instants: Ints) -> Texts:
    """Beijing wall time as forms say it: 2026-06-15 10:15:00."""
    text = np.datetime_as_string((instants + BEIJING).astype("datetime64[us]"), unit="s")
    return np.char.replace(text, "T", " ")
