"""Loan positions: each lender's register at month end, sent one to two weeks later."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from connectors.feeds.loan_register import write
from replay.market import breakage
from replay.market.batches import MINUTE, Submission, money
from replay.market.bills import contracts, invoices
from replay.market.columns import Columns
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.population import Ints, Population, Texts

FEED = "loan_register"
_MOST = 400  # rows in one file
_RECENT = 0.88  # share of loans granted this year
_PERSONS = 0.10
GRADES = ("正常", "关注", "次级", "可疑", "损失")
_GRADED = (9_550, 9_850, 9_940, 9_980)  # of 10,000 borrowers, where the next worse class begins
_BAD_MARK = breakage.BAD_BYTE.encode(write.FORM.encoding)


@dataclass(frozen=True, slots=True)
class Loans(Columns):
    """Columns of loans, one row a loan; days are counted since 1970."""

    lender: Ints  # bank row
    borrower: Ints
    start: Ints
    end: Ints
    amount_fen: Ints
    rate: Ints  # thousandths of a percent
    invoice: Texts
    contract: Texts
    plan: Ints

    def take(self, rows: Ints) -> "Loans":
        """The loans at these rows."""
        return Loans(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Shared(Columns):
    """Loans of several lenders under one loan contract; told apart by all of these together."""

    lender: Ints  # bank row
    borrower: Ints
    start: Ints  # days since 1970
    amount_fen: Ints
    agreement: Ints  # any number of its own
    plan: Ints


def joined(parts: list[Loans]) -> Loans:
    """Put loans one after another."""
    return Loans(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Loans)}
    )


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - date(1970, 1, 1)).days


def balances(loans: Loans, day: Ints) -> Ints:
    """What is owed at the end of a day (days since 1970), in fen.

    Paid back in equal parts: the balance falls with the share of the term that has passed. A third
    of the loans revolves and stays as it is.
    """
    passed = (day - loans.start) * 1000 // np.maximum(loans.end - loans.start, 1)
    revolving = loans.amount_fen % 3 == 0
    share = np.where(revolving, 1000, 1000 - np.clip(passed, 0, 1000) * 7 // 10)
    return np.asarray(loans.amount_fen * share // 1000)


def rate_text(rate: Ints) -> Texts:
    """Thousandths of a percent as percent with five decimals."""
    whole, rest = (rate // 1000).astype(str), (rate % 1000 * 100).astype(str)
    return np.char.add(np.char.add(whole, "."), np.char.zfill(rest, 5))


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int) -> Loans:
    """Make n everyday loans; most were granted this year, most of those finance an invoice."""
    firms = np.flatnonzero(~who.person & who.inside)
    persons = np.flatnonzero(who.person & who.inside)
    human = rng.random(n) < _PERSONS
    last = day_number(when.last)
    year = day_number(date(when.first.year, 1, 1))
    start = np.where(
        rng.random(n) < _RECENT, rng.integers(year, last, n), rng.integers(year - 900, year, n)
    )
    tenor = np.where(human, rng.integers(400, 3600, n), rng.integers(150, 1000, n))
    trade = ~human & (rng.random(n) < 0.92)
    amount = np.exp(rng.normal(np.log(120_000_000), 1.2, n))
    return Loans(
        lender=rng.choice(who.banks.lenders, n),
        borrower=np.where(human, rng.choice(persons, n), rng.choice(firms, n)),
        start=start,
        end=np.maximum(start + tenor, last + rng.integers(1, 300, n)),
        amount_fen=np.maximum(amount.astype(np.int64) // 100_000, 1) * 100_000,
        rate=rng.integers(2_900, 7_200, n),
        invoice=np.where(trade, invoices(rng.choice(10**9, n, replace=False) + 10**9), ""),
        contract=np.where(
            trade & (rng.random(n) < 0.75),
            contracts(rng.choice(10**7, n, replace=False) + 10**7),
            "",
        ),
        plan=np.full(n, -1),
    )


def grades(loans: Loans, planted: Mapping[tuple[int, int], int]) -> Ints:
    """The class of each loan, a position in `GRADES`.

    Everybody classes a borrower the same, by its number and not by chance: no draw of another
    market moves. `planted` says otherwise, by (lender, borrower).
    """
    of = np.searchsorted(np.array(_GRADED), loans.borrower * 2_654_435_761 % 10_000, "right")
    for row in np.flatnonzero(np.isin(loans.borrower, [key[1] for key in planted])):
        own = int(loans.lender[row]), int(loans.borrower[row])
        of[row] = planted.get(own, int(of[row]))
    return np.asarray(of, np.int64)


@dataclass(frozen=True, slots=True)
class LoanFeed:
    """Everything the tape needs of the loans: positions, files, faults."""

    who: Population
    loans: Loans
    grade: Ints  # of each loan, a position in `GRADES`
    number: Texts  # 贷款借据编码
    agreement: Texts  # 贷款合同编码
    position_loan: Ints
    position_day: Ints
    files: list[tuple[int, Ints]]  # (received_at, positions), ascending
    broken: dict[int, str]  # position -> kind of fault

    def counts(self) -> Counter[str]:
        """What was planted, by kind of fault."""
        return Counter(self.broken.values())

    def reference(self, loan: int) -> str:
        """The source reference of a loan, as labels name it."""
        return f"{FEED}:{self.who.banks.ids[self.loans.lender[loan]]}:{self.number[loan]}"

    def records(self, positions: Ints) -> pa.Table:
        """The records of these positions, columns of the feed's writer."""
        who, at = self.who, self.position_loan[positions]
        loans = self.loans.take(at)
        day = self.position_day[positions]
        balance = balances(loans, day)
        person = who.person[loans.borrower]
        columns = {
            "as_of": np.char.replace(day.astype("datetime64[D]").astype(str), "-", ""),
            "lender": who.banks.fin14[loans.lender],
            "lender_area": who.banks.areas[loans.lender],
            "borrower_scheme": np.where(person, "B01", "A01"),
            "borrower_id": np.where(
                person, who.identifier[loans.borrower], who.uscc[loans.borrower]
            ),
            "borrower_name": who.name[loans.borrower],
            "borrower_area": who.county[loans.borrower],
            "industry": who.industry[loans.borrower],
            "loan": self.number[at],
            "loan_contract": self.agreement[at],
            "start": loans.start.astype("datetime64[D]").astype(str),
            "end": loans.end.astype("datetime64[D]").astype(str),
            "currency": np.full(len(at), "CNY"),
            "balance": money(balance),
            "balance_cny": money(balance),
            "rate": rate_text(loans.rate),
            "grade": np.array(GRADES)[self.grade[at]],
            "invoice": loans.invoice,
            "trade_contract": loans.contract,
        }
        arrays = [pa.array(columns[name]) for name in write.RECORD.names]
        return pa.table(arrays, schema=write.RECORD)

    def submissions(self) -> Iterator[Submission]:
        """The files in order of arrival."""
        for serial, (received, positions) in enumerate(self.files):
            texts = write.render(self.records(positions)).to_pylist()
            for at, position in enumerate(positions.tolist()):
                if kind := self.broken.get(position):
                    fault = breakage.LOAN_REGISTER[kind]
                    texts[at] = breakage.break_text(kind, fault, texts[at])
            body = write.frame(texts, {}).replace(_BAD_MARK, b"\xff")
            lender = str(self.who.banks.ids[self.loans.lender[self.position_loan[positions[0]]]])
            name = f"{lender}-loans-{serial:03d}.csv"
            yield Submission(received, FEED, lender, body, name, len(positions))


def feed(
    rng: np.random.Generator,
    who: Population,
    when: Span,
    loans: Loans,
    broken_share: float,
    graded: Mapping[tuple[int, int], int] = MappingProxyType({}),
    shared: Sequence[Shared] = (),
) -> LoanFeed:
    """Plan the registers at the month ends of the span; the loans' order does not matter.

    Args:
        rng: source of numbers, of arrivals and of faults.
        who: the population the rows belong to.
        when: the simulated span.
        loans: everyday and labelled ones.
        broken_share: share of records that carry a fault.
        graded: classes that are planted, as `grades`.
        shared: which of the loans are under one contract.
    """
    loans = loans.take(rng.permutation(len(loans)))
    number = np.char.zfill((rng.choice(10**9, len(loans), replace=False)).astype(str), 12)
    parts_loan: list[Ints] = []
    parts_day: list[Ints] = []
    files: list[tuple[int, Ints]] = []
    total = 0
    slowest = int(who.banks.lenders[-1])
    for month_end in when.month_ends():
        day = day_number(month_end)
        open_then = np.flatnonzero((loans.start <= day) & (loans.end > day))
        order = open_then[np.lexsort((rng.random(len(open_then)), loans.lender[open_then]))]
        lender = loans.lender[order]
        for each in np.unique(lender):
            mine = np.flatnonzero(lender == each) + total
            wait = int(rng.integers(8, 14))
            if each == slowest and not parts_loan:
                wait = 24  # one lender's first register comes beyond the declared lateness
            noon = (day + wait) * DAY - BEIJING + 9 * HOUR + int(rng.integers(0, 480)) * MINUTE
            for cut in range(0, len(mine), _MOST):
                files.append((noon + cut // _MOST * MINUTE, mine[cut : cut + _MOST]))
        parts_loan.append(order)
        parts_day.append(np.full(len(order), day))
        total += len(order)
    files.sort(key=lambda file: file[0])
    position_loan = np.concatenate(parts_loan)
    return LoanFeed(
        who=who,
        loans=loans,
        grade=grades(loans, graded),
        number=number,
        agreement=_agreements(loans, number, shared),
        position_loan=position_loan,
        position_day=np.concatenate(parts_day),
        files=files,
        broken=breakage.choose(
            rng, breakage.LOAN_REGISTER, loans.plan[position_loan] < 0, broken_share
        ),
    )


def _agreements(loans: Loans, number: Texts, shared: Sequence[Shared]) -> Texts:
    """The contract of each loan: of its own, or that of the first loan it shares one with."""
    of = np.arange(len(loans))
    names = ("lender", "borrower", "start", "amount_fen")
    for part in shared:
        at = {key: n for n, key in enumerate(zip(*(loans[n].tolist() for n in names), strict=True))}
        rows = np.array([at[key] for key in zip(*(part[n].tolist() for n in names), strict=True)])
        _, first, which = np.unique(part.agreement, return_index=True, return_inverse=True)
        of[rows] = rows[first][which]
    return np.asarray(np.char.add("HT", number[of]))
