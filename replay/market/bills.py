"""Bill acts, reported by the bill exchange for its members.

A bill lives: it is accepted, discounted or pledged at a bank, perhaps rediscounted to another,
released or redeemed. Discounts and pledges carry the invoice and the trade contract behind them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.feeds.bill_exchange import write
from connectors.feeds.bill_exchange_json import write as write_document
from replay.market import breakage
from replay.market.batches import SECOND, Batches, Submission, batch, money
from replay.market.days import DAY, HOUR, Span, stamp
from replay.market.flows import milliseconds, time_of_day
from replay.market.population import Ints, Population, Texts

FEED, DOCUMENT = "bill_exchange", "bill_exchange_json"
OPERATOR = "OP-BILL"
KINDS = ("TX01", "ZY02", "ZT01", "ZY01", "BS01", "CD01", "TF01", "JZ01")
_SHARES = (0.56, 0.19, 0.09, 0.03, 0.05, 0.04, 0.02, 0.02)
_FINANCING = ("TX01", "ZY02")
_BLOCK = 20_000
_LATE = 0.002
_DOCUMENTS = 0.12  # share of submissions in the one-document form
_REPEAT = 0.001


@dataclass(frozen=True, slots=True)
class Acts:
    """Columns of bill acts. A side is a party row, or a bank row where `*_bank` says so."""

    instant: Ints
    kind: Ints  # position in KINDS
    bill: Ints  # number of the bill; acts of one bill share it
    acceptor: Ints  # bank row
    money_fen: Ints
    seller: Ints
    seller_bank: npt.NDArray[np.bool_]
    buyer: Ints
    buyer_bank: npt.NDArray[np.bool_]
    invoice: Texts  # "" where there is none
    contract: Texts
    plan: Ints  # -1: everyday

    def __len__(self) -> int:
        return len(self.instant)

    def take(self, rows: Ints) -> "Acts":
        """The acts at these rows."""
        return Acts(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def joined(parts: list[Acts]) -> Acts:
    """Put acts one after another."""
    return Acts(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Acts)}
    )


def invoices(numbers: Ints) -> Texts:
    """Invoice numbers: 20 digits, the first two the year of a fully digital invoice."""
    return np.char.add("26990000", np.char.zfill(numbers.astype(str), 12))


def contracts(numbers: Ints) -> Texts:
    """Trade contract numbers."""
    return np.char.add("MY-2026-", np.char.zfill(numbers.astype(str), 8))


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int) -> Acts:
    """Make n everyday acts of distinct bills; each financing has its own invoice."""
    kind = rng.choice(len(KINDS), n, p=_SHARES)
    code = np.array(KINDS)[kind]
    firms = np.flatnonzero(~who.person & who.inside)
    branches = np.arange(who.banks.branches)
    every = np.arange(who.banks.banks)
    weight = who.weight[firms] / who.weight[firms].sum()
    firm, other = rng.choice(firms, n, p=weight), rng.choice(firms, n, p=weight)
    other = np.where(other == firm, firms[0] + (firm == firms[0]), other)
    bank = rng.choice(branches, n)
    far = np.where(rng.random(n) < 0.3, rng.choice(every, n), rng.choice(branches, n))
    far = np.where(far == bank, (far + 1) % who.banks.branches, far)
    between_banks = np.isin(code, ("ZT01", "ZY01"))
    from_bank = between_banks | (code == "JZ01")
    to_bank = np.isin(code, ("TX01", "ZY02", "CD01", "TF01")) | between_banks
    carries = np.isin(code, _FINANCING)
    invoice = invoices(rng.choice(10**9, n, replace=False))
    contract = contracts(rng.choice(10**7 - 1, n, replace=False))
    days = rng.choice(np.array(when.business), n)
    amount = np.exp(rng.normal(np.log(68_000_000), 1.1, n))
    invoiced = rng.random(n) < 0.94
    time = time_of_day(rng, n)
    shut = (time < 9 * HOUR) | (time > 18 * HOUR)
    time = np.where(shut, milliseconds(rng.uniform(9.0, 18.0, n) * HOUR), time)
    return Acts(
        instant=when.midnight(days) + time,
        kind=kind,
        bill=np.arange(n),
        acceptor=rng.choice(branches, n),
        money_fen=np.maximum(amount.astype(np.int64) // 10_000, 1) * 10_000,
        seller=np.where(from_bank, bank, firm),
        seller_bank=from_bank,
        buyer=np.where(to_bank, np.where(between_banks, far, bank), other),
        buyer_bank=to_bank,
        invoice=np.where(carries & invoiced, invoice, ""),
        # A financing shows one of the two at least.
        contract=np.where(carries & (~invoiced | (rng.random(n) < 0.85)), contract, ""),
        plan=np.full(n, -1),
    )


@dataclass(frozen=True, slots=True)
class BillFeed:
    """Everything the tape needs of the bills."""

    who: Population
    acts: Acts
    batches: Batches
    deal: Texts
    package: Texts
    rate: Ints  # hundredths of a percent
    due: Ints  # days after the act
    document: npt.NDArray[np.bool_]  # by submission
    broken: dict[int, str]
    repeats: int

    def counts(self) -> Counter[str]:
        """What was planted, by kind of fault."""
        return Counter(self.broken.values())

    def _side(self, rows: Ints, is_bank: npt.NDArray[np.bool_]) -> tuple[pa.Array, pa.Array]:
        banks, who = self.who.banks, self.who
        as_bank, as_firm = np.where(is_bank, rows, 0), np.where(is_bank, 0, rows)
        code = np.where(is_bank, banks.ids[as_bank], who.uscc[as_firm])
        return pa.array(code), pa.array(np.where(is_bank, banks.names[as_bank], who.name[as_firm]))

    def records(self, rows: Ints, reported: Texts) -> pa.Table:
        """The records of these acts, columns of the feed's writer."""
        acts = self.acts.take(rows)
        when = stamp(acts.instant, "s").astype("U19")
        compact = np.char.replace(np.char.replace(np.char.replace(when, "-", ""), ":", ""), "T", "")
        due = (acts.instant // DAY + self.due[rows]).astype("datetime64[D]").astype(str)
        splittable = acts.bill % 5 < 3
        rate = self.rate[rows]
        financed = np.isin(acts.kind, [KINDS.index(k) for k in ("TX01", "ZT01", "ZY01")])
        discount = acts.money_fen * rate // 10_000 * self.due[rows] // 360
        seller, seller_name = self._side(acts.seller, acts.seller_bank)
        buyer, buyer_name = self._side(acts.buyer, acts.buyer_bank)
        columns = {
            "reported_at": pa.array(reported, mask=reported == ""),
            "kind": pa.array(np.array(KINDS)[acts.kind]),
            "deal": pa.array(self.deal[rows]),
            "day": pa.array(compact.astype("U8")),
            "time": pa.array(np.array([text[8:14] for text in compact.tolist()])),
            "package": pa.array(self.package[rows]),
            "range_start": pa.array(np.where(splittable, 1, 0)),
            "range_end": pa.array(np.where(splittable, acts.money_fen, 0)),
            "money": pa.array(money(acts.money_fen)),
            "rate": pa.array(money(rate), mask=~financed),
            "settlement": pa.array(money(acts.money_fen - discount), mask=~financed),
            "seller": seller,
            "seller_name": seller_name,
            "buyer": buyer,
            "buyer_name": buyer_name,
            "due": pa.array(np.char.replace(due, "-", "")),
            "invoice": pa.array(acts.invoice, mask=acts.invoice == ""),
            "contract": pa.array(acts.contract, mask=acts.contract == ""),
        }
        return pa.table([columns[name] for name in write.RECORD.names], schema=write.RECORD)

    def submissions(self) -> Iterator[Submission]:
        """The submissions in order of arrival."""
        batches = self.batches
        for first, last in batches.blocks(_BLOCK):
            offset = int(batches.start[first])
            rows = batches.order[offset : batches.start[last]]
            created = stamp(batches.received_at[first:last] - 25 * SECOND, "s")
            for mark in "-:T":
                created = np.char.replace(created, mark, "")
            sizes = batches.sizes()[first:last]
            plain = np.where(self.document[first:last], "", created)
            texts = write.render(self.records(rows, np.repeat(plain, sizes))).to_pylist()
            for at, act in enumerate(rows.tolist()):
                if kind := self.broken.get(act):
                    fault = breakage.BILL_EXCHANGE[kind]
                    texts[at] = breakage.break_text(kind, fault, texts[at])
            totals = np.r_[0, np.cumsum(self.acts.money_fen[rows])]
            for at in range(first, last):
                a, b = int(batches.start[at]) - offset, int(batches.start[at + 1]) - offset
                fen = int(totals[b] - totals[a])
                header = {
                    "created_at": str(created[at - first]),
                    "count": str(b - a),
                    "total": f"{fen // 100}.{fen % 100:02d}",
                }
                one = bool(self.document[at])
                body = (write_document if one else write).frame(texts[a:b], header)
                name = f"{OPERATOR}-{header['created_at']}-{at:05d}.{'json' if one else 'ndjson'}"
                yield Submission(
                    int(batches.received_at[at]),
                    DOCUMENT if one else FEED,
                    OPERATOR,
                    body,
                    name,
                    b - a,
                )


def feed(rng: np.random.Generator, who: Population, acts: Acts, broken_share: float) -> BillFeed:
    """Plan every submission of these acts; their order does not matter."""
    acts = acts.take(np.lexsort((rng.random(len(acts)), acts.instant)))
    again = np.flatnonzero((acts.plan < 0) & (rng.random(len(acts)) < _REPEAT))
    n = len(acts)
    code = np.array([kind[:2] for kind in KINDS])[acts.kind]
    day = np.char.replace(stamp(acts.instant, "D"), "-", "")
    serial = np.char.zfill((rng.permutation(n) + 1).astype(str), 8)
    _, bill = np.unique(acts.bill, return_inverse=True)
    number = rng.permutation(int(bill.max()) + 1 if n else 0)[bill]
    issued = (acts.instant.min() // DAY - 20 - number % 40).astype("datetime64[D]").astype(str)
    package = np.char.add("6", who.banks.ids[acts.acceptor])
    package = np.char.add(package, np.char.replace(issued, "-", ""))
    package = np.char.add(package, np.char.zfill((number + 1).astype(str), 8))
    package = np.char.add(package, ((number * 7 + 3) % 10).astype(str))
    repeat = np.r_[np.zeros(n, bool), np.ones(len(again), bool)]
    rows = np.r_[np.arange(n), again]
    batches = batch(rng, acts.instant[rows], np.zeros(len(rows), np.int64), _LATE, repeat)
    # Batches speak of rows with the repeats; what they hold is acts.
    batches = Batches(
        rows[batches.order], batches.start, batches.submitter, batches.received_at, batches.late
    )
    document = rng.random(len(batches)) < _DOCUMENTS
    in_document = np.zeros(n, bool)
    in_document[batches.order[np.repeat(document, batches.sizes())]] = True
    eligible = (acts.plan < 0) & ~in_document
    eligible[again] = False
    return BillFeed(
        who=who,
        acts=acts,
        batches=batches,
        deal=np.char.add(np.char.add(code, day), serial),
        package=package,
        rate=rng.integers(110, 330, n),
        due=rng.integers(40, 178, n),
        document=document,
        broken=breakage.choose(rng, breakage.BILL_EXCHANGE, eligible, broken_share),
        repeats=len(again),
    )
