"""What decoding costs per feed: us of CPU a record and MB a CPU-second, whole engine with tokens.

Beside each stands an ordinary library in the same run, which reads the same fields and does less:
see `benchmarks.ordinary`.

Each feed is measured twice: as the tape has it (many submissions of 60 records, fresh parties all
the time) and as submissions of 20,000 records. Process CPU time, best of several runs after one
that compiles.
"""

import hashlib
import random
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from benchmarks import ordinary
from benchmarks.fix import deals, executions
from benchmarks.sizes import Bench
from connectors.engine.engine import Decoder, Submission
from connectors.engine.tokens import Tokeniser
from connectors.feeds.bill_exchange import write as bills
from connectors.feeds.bill_exchange_json import write as bills_json
from connectors.feeds.cfets_imix import write as imix
from connectors.feeds.derivative_trade import write as derivatives
from connectors.feeds.exchange_orders import write as orders
from connectors.feeds.loan_register import write as loans
from connectors.feeds.pacs008 import write as payments
from connectors.feeds.registry import load_feeds
from schemas.reference_data import read_table

RECEIVED = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
RECORDS = 40_000
MANY_FIELDS, FEW = 100, 1_000  # from so many fields on the ordinary reader gets few records


def _identifiers(scheme: str) -> list[str]:
    rows = read_table("cross_reference.csv").to_pylist()
    return [row["identifier"] for row in rows if row["scheme"] == scheme]


def _banks(column: str) -> list[str]:
    return [row[column] for row in read_table("institutions.csv").to_pylist() if row[column]]


def payment_rows(rng: random.Random, size: int) -> pa.Table:
    """Payments of 20,000 accounts, rows of `payments.RECORD`."""
    banks, firms = _banks("cnaps12"), _identifiers("uscc")
    accounts = [(rng.choice(banks), str(rng.randrange(10**18, 10**19))) for _ in range(20_000)]
    rows = []
    for number in range(size):
        payer, payee = rng.choice(accounts), rng.choice(accounts)
        rows.append(
            {
                "end_to_end_id": "NOTPROVIDED",
                "tx_id": f"TX{number:012d}",
                "uetr": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "currency": "CNY",
                "amount": f"{rng.randrange(10**9) / 100:.2f}",
                "settlement_date": "2026-06-15",
                "accepted_at": f"2026-06-15T10:{rng.randrange(60):02d}:{rng.randrange(60):02d}.120",
                "debtor_agent": payer[0],
                "debtor_name": "模拟贸易有限公司",
                "debtor_scheme": "USCC",
                "debtor_id": rng.choice(firms),
                "debtor_account": payer[1],
                "creditor_agent": payee[0],
                "creditor_name": "模拟科技 & 服务",
                "creditor_scheme": "USCC",
                "creditor_id": rng.choice(firms),
                "creditor_account": payee[1],
                "purpose": "GDDS",
            }
        )
    return pa.Table.from_pylist(rows, schema=payments.RECORD)


def loan_rows(rng: random.Random, size: int) -> pa.Table:
    """Loans, rows of `loans.RECORD`."""
    lenders, firms = _banks("fin14"), _identifiers("uscc")
    rows = []
    for number in range(size):
        balance = f"{rng.randrange(10**11) / 100:.2f}"
        rows.append(
            dict.fromkeys(loans.RECORD.names, "")
            | {
                "as_of": "20260615",
                "lender": rng.choice(lenders),
                "lender_area": "310115",
                "borrower_scheme": "A01",
                "borrower_id": rng.choice(firms),
                "borrower_name": f"模拟机械有限公司{number % 500}",
                "borrower_area": rng.choice(["310115", "320102", "330106", "340104"]),
                "industry": "C34",
                "loan": f"{number:012d}",
                "loan_contract": f"HT{number // 3:010d}",
                "start": "2026-03-02",
                "end": "2027-03-02",
                "currency": "CNY",
                "balance": balance,
                "balance_cny": balance,
                "rate": f"{rng.randrange(200, 700) / 100:.5f}",
                "invoice": f"24312{number:015d}" if number % 5 == 0 else "",
            }
        )
    return pa.Table.from_pylist(rows, schema=loans.RECORD)


def _bills(rng: random.Random, size: int) -> pa.Table:
    banks, firms = _banks("cnaps12"), _identifiers("uscc")
    rows = []
    for number in range(size):
        money = rng.randrange(10**6, 10**9)
        rows.append(
            {
                "reported_at": "20260615180000",
                "kind": rng.choice(["TX01", "ZT01", "BS01", "ZY02"]),
                "deal": f"TX20260615{number:09d}",
                "day": "20260615",
                "time": f"10{rng.randrange(60):02d}{rng.randrange(60):02d}",
                "package": f"5{rng.randrange(10**12):012d}20260601{number:09d}",
                "range_start": 1,
                "range_end": money,
                "money": f"{money / 100:.2f}",
                "rate": "1.85",
                "settlement": f"{money / 101:.2f}",
                "seller": rng.choice(firms),
                "seller_name": "模拟贸易有限公司",
                "buyer": rng.choice(banks),
                "buyer_name": "模拟银行",
                "due": "20261201",
                "invoice": f"24312{number:015d}" if number % 5 == 0 else None,
                "contract": None,
            }
        )
    return pa.Table.from_pylist(rows, schema=bills.RECORD)


def _derivatives(rng: random.Random, size: int) -> pa.Table:
    leis = _identifiers("lei")
    rows = []
    for number in range(size):
        reporter, other = rng.choice(leis), rng.choice(leis)
        amount = str(rng.randrange(10**6, 10**9))
        rows.append(
            {
                "action": rng.choice(["New", "New", "New", "Mod", "Termntn"]),
                "uti": f"{reporter}T{number:012d}",
                "reporter": reporter,
                "other": other,
                "submitter": reporter,
                "direction": rng.choice(["MAKE", "TAKE"]),
                "reported_at": "2026-06-16T09:00:00+08:00",
                "executed_at": f"2026-06-15T10:{rng.randrange(60):02d}:00+08:00",
                "event": "TRAD",
                "event_day": "2026-06-15",
                "contract": "SWAP",
                "asset_class": "INTR",
                "classification": "SRCCSP",
                "venue": "XXXX",
                "currency_1": "CNY",
                "amount_1": amount,
                "currency_2": "CNY",
                "amount_2": amount,
                "effective": "2026-06-16",
                "end": "2031-06-16",
                "rate": f"{rng.randrange(100, 400) / 100:.2f}",
                "benchmark": "FR007",
                "package": None,
            }
        )
    return pa.Table.from_pylist(rows, schema=derivatives.RECORD)


Writer = Callable[[pa.Table, Mapping[str, str]], bytes]
_FEEDS: Mapping[str, tuple[Callable[[random.Random, int], pa.Table], Writer]] = {
    "pacs008": (payment_rows, payments.write),
    "loan_register": (loan_rows, loans.write),
    "bill_exchange": (_bills, bills.write),
    "bill_exchange_json": (_bills, bills_json.write),
    "derivative_trade": (_derivatives, derivatives.write),
    "cfets_imix": (deals, imix.write),
    "exchange_orders": (executions, orders.write),
}


def submissions(feed: str, each: int, size: int = RECORDS) -> list[Submission]:
    """Submissions of `each` records of one feed, `size` records together."""
    make, write = _FEEDS[feed]
    table = make(random.Random(7), size)
    moment = "20260615180000" if feed == "bill_exchange_json" else "2026-06-15T10:30:00"
    out = []
    for start in range(0, size, each):
        part = table.slice(start, each)
        header = {"message_id": "M1", "created_at": moment}
        if "money" in part.column_names:
            header["total"] = str(sum(Decimal(text) for text in part["money"].to_pylist()))
        if feed == "bill_exchange_json":
            part = part.set_column(0, "reported_at", pa.nulls(part.num_rows, pa.string()))
        body = write(part, header)
        out.append(Submission(hashlib.sha256(body).digest(), "381290000019", RECEIVED, body))
    return out


def measure(feed: str, each: int, size: int = RECORDS, runs: int = 3) -> dict[str, Any]:
    """CPU of decoding one feed, 64 submissions a call as intake does.

    First with no party and account known, then again with all of them remembered.
    """
    spec = load_feeds()[feed]
    sent = submissions(feed, each, size)
    length = sum(len(one.body) for one in sent)
    cold = warm = float("inf")
    accepted = 0
    for _ in range(runs + 1):
        decoder = Decoder(spec, Tokeniser(b"benchmark key 16 bytes"))
        for again in (False, True):
            start = time.process_time()
            accepted = sum(
                count.accepted
                for at in range(0, len(sent), 64)
                for count in decoder.decode(sent[at : at + 64]).counts
            )
            took = time.process_time() - start
            cold, warm = (cold, min(warm, took)) if again else (min(cold, took), warm)
    if len(spec.columns) > MANY_FIELDS or spec.format == "fix":  # takes it up to milliseconds each
        size_of_other = min(FEW, size)
        sent = submissions(feed, min(each, size_of_other), size_of_other)
    else:
        size_of_other = size
    library, other = ordinary.measure(spec, [bytes(one.body) for one in sent], size_of_other)
    return {
        "accepted": accepted,
        "us a record": round(cold / size * 1e6, 2),
        "us a record, parties known": round(warm / size * 1e6, 2),
        "MB a CPU-s": round(length / cold / 1e6, 1),
        f"us a record, {library} alone": round(other, 2),
        f"times as fast as {library}": round(other / (cold / size * 1e6), 1),
    }


def decode(bench: Bench) -> dict[str, Any]:
    """Every feed, as the tape sends it (60 records a submission) and in one long submission."""
    out: dict[str, Any] = {}
    for feed in _FEEDS:
        for each in (60, 20_000):
            found = measure(feed, min(each, bench.records), bench.records)
            out |= {f"{feed}, {each:,} a submission: {key}": v for key, v in found.items()}
    return out
