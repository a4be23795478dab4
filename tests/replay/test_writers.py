"""What the writers write, the feeds' engine reads: the same values come back."""

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from connectors.engine.engine import Decoded
from connectors.feeds.bill_exchange import write as bills
from connectors.feeds.bill_exchange_json import write as bills_document
from connectors.feeds.loan_register import write as loans
from connectors.feeds.pacs008 import write as payments
from connectors.feeds.registry import load_feeds
from tests.connectors.support import reconciles, run

FIRM = "91330106MX5996724P"
PAYMENT = {
    "end_to_end_id": "NOTPROVIDED",
    "tx_id": "TX000001",
    "uetr": "86d7da8e-6e41-4466-b9bb-9b41d5814d5a",
    "currency": "CNY",
    "amount": "490000.05",
    "settlement_date": "2026-06-15",
    "accepted_at": "2026-06-15T10:29:41.120",
    "debtor_agent": "381290000019",
    "debtor_name": 'A & B <"trade">',
    "debtor_scheme": "USCC",
    "debtor_id": FIRM,
    "debtor_account": "6222021001112223334",
    "creditor_agent": "381301000013",
    "creditor_name": "某人",
    "creditor_scheme": "NIDN",
    "creditor_id": "11010519491231002X",
    "creditor_account": "6222021001112223335",
    "purpose": "GDDS",
}
BILL: dict[str, Any] = {
    "reported_at": "20260615180000",
    "kind": "TX01",
    "deal": "TX20260615000017",
    "day": "20260615",
    "time": "103000",
    "package": "510529007100820260601000000017",
    "range_start": 1,
    "range_end": 500_000_000,
    "money": "5000000.00",
    "rate": "1.85",
    "settlement": None,
    "seller": FIRM,
    "seller_name": 'a "quoted" \\ name',
    "buyer": "381290000019",
    "buyer_name": "某某银行上海分行",
    "due": "20261201",
    "invoice": "24312000000123456789",
    "contract": None,
}
LOAN = {
    "as_of": "20260531",
    "lender": "C1038131000011",
    "lender_area": "310000",
    "borrower_scheme": "A01",
    "borrower_id": FIRM,
    "borrower_name": '甲,乙"丙"公司',
    "borrower_area": "310115",
    "industry": "F51",
    "loan": "000000000017",
    "loan_contract": "HT0000000009",
    "start": "2026-03-02",
    "end": "2026-09-02",
    "currency": "CNY",
    "balance": "5000000.10",
    "balance_cny": "5000000.10",
    "rate": "3.85000",
    "invoice": "24312000000123456789",
    "trade_contract": "",
}


def decoded(feed: str, body: bytes) -> Decoded:
    result = run(load_feeds()[feed], body)
    assert reconciles(result)
    assert result.held == (None,)
    assert result.findings.num_rows == 0, result.findings.to_pylist()
    return result


def one(result: Decoded) -> dict[str, Any]:
    assert result.batch.num_rows == 1
    row: dict[str, Any] = result.batch.to_pylist()[0]
    return row


def test_a_payment_is_read_back_with_its_names_escaped() -> None:
    table = pa.Table.from_pylist([PAYMENT], schema=payments.RECORD)
    header = {"message_id": "M1", "created_at": "2026-06-15T10:30:00", "total": "490000.05"}
    row = one(decoded("pacs008", payments.write(table, header)))
    assert row["settlement_amount"] == Decimal("490000.05")
    assert row["counterparty_1_name"] == 'A & B <"trade">'
    assert (row["uetr"], row["source_trade_id"]) == (PAYMENT["uetr"], "TX000001")
    assert row["event_timestamp"].isoformat() == "2026-06-15T02:29:41.120000+00:00"
    assert (row["debtor_agent_id"], row["creditor_agent_id"]) == ("381290000019", "381301000013")


def test_bill_acts_are_read_back_in_both_forms_without_their_empty_fields() -> None:
    table = pa.Table.from_pylist([BILL], schema=bills.RECORD)
    body = bills.write(table, {})
    assert b"sttlAmt" not in body
    lines = one(decoded("bill_exchange", body))
    plain = pa.Table.from_pylist([BILL | {"reported_at": None}], schema=bills.RECORD)
    header = {"created_at": "20260615180000", "total": "5000000.00"}
    document = one(decoded("bill_exchange_json", bills_document.write(plain, header)))
    for row in (lines, document):
        assert row["notional_amount_leg_1"] == Decimal("5000000.00")
        assert row["counterparty_1_name"] == 'a "quoted" \\ name'
        assert row["source_trade_id"] == "TX20260615000017"
        assert row["event_timestamp"].isoformat() == "2026-06-15T02:30:00+00:00"
    assert lines["invoice_hash"] == document["invoice_hash"] is not None


def test_loans_are_read_back_from_gb18030_with_commas_and_quotes() -> None:
    table = pa.Table.from_pylist([LOAN, LOAN | {"loan": "000000000018"}], schema=loans.RECORD)
    result = decoded("loan_register", loans.write(table, {}))
    rows = result.batch.to_pylist()
    assert [row["source_trade_id"] for row in rows] == ["000000000017", "000000000018"]
    assert rows[0]["counterparty_2_name"] == '甲,乙"丙"公司'
    assert rows[0]["outstanding_amount"] == Decimal("5000000.10")
    assert rows[0]["contract_hash"] is None


@pytest.mark.parametrize(
    "module", ["replay.market.build", "replay.transfers", "replay.schemes.plans"]
)
def test_the_simulator_loads_nothing_of_the_pipelines(module: str) -> None:
    code = (
        f"import sys, {module}; "
        "print([m for m in sys.modules if m.split('.')[0] in ('pipelines', 'quality', 'ledger')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
