"""What a small ledger is filled with."""

import pyarrow as pa

from ledger.ids import row_ids
from ledger.loader import Loader
from schemas.records import ALERT, CROSSING
from tests.ledger.made import (
    DAY,
    HANGZHOU,
    HEFEI,
    NANJING,
    SHANGHAI,
    START,
    acknowledged,
    report,
    short,
    submitted,
    wide,
)

HOUR = 3_600_000_000


def structured_payments() -> pa.Table:
    """Nine transfers of 450,000 over three days from one payer through three regions' banks."""
    rows = []
    for number in range(9):
        bank = (SHANGHAI, NANJING, HEFEI)[number % 3]
        rows.append(
            report(
                number,
                bank,
                at=START + (number // 3) * DAY + (number % 3) * HOUR,
                business_ordinal=280 + number // 3,
                amount_cny="450000.00",
                counterparty_1_nature="I",
                transaction_key=f"S{number}",
                payer=f"acct {bank}",
                counterparty_1_party_key=short("the payer"),
                payee=f"payee {number}",
            )
        )
    return wide(rows)


def plain_payments() -> pa.Table:
    """Both sides' copies of five transfers Hangzhou to Shanghai, one of them told twice."""
    rows = []
    for number in range(20, 25):
        for bank in (HANGZHOU, SHANGHAI):
            rows.append(
                report(
                    number,
                    bank,
                    transaction_key=f"P{number}",
                    counterparty_1_region="330000",
                    counterparty_2_region="310000",
                )
            )
    again = {name: rows[1][name] for name in ("transaction_key", "content_hash")}
    rows.append(
        report(
            40,
            SHANGHAI,
            reference="T20",
            at=rows[1]["event_timestamp"],
            received_at=rows[1]["received_at"] + HOUR,
            counterparty_1_region="330000",
            counterparty_2_region="310000",
            **again,
        )
    )
    return wide(rows)


def loans() -> pa.Table:
    """Two month-end statements of one loan."""
    rows = [
        report(
            number,
            HEFEI,
            kind="position",
            reference="L1",
            at=START + number * DAY,
            amount_cny="2000000.00",
            asset_reference_id="L1",
            asset_reference_type="LOAN",
            market_segment="LOAN",
            event_type="LOAN",
            asset_class="LOAN",
            invoice_hash=short("invoice"),
        )
        for number in (0, 30)
    ]
    return wide(rows, "position")


def alert(payments: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The alert of `structured_payments`, as episodes make it, and the crossing behind it."""
    ids = sorted(row_ids(payments)["transaction_id"].tolist())
    at = payments["event_timestamp"].cast(pa.int64()).to_pylist()
    none = ["none"] * 4
    row = {
        "alert_id": "SIM-1",
        "rule": "structuring",
        "variant": "same_customer",
        "subject_kind": "party",
        "subject": 1,
        "parameter_set": "2026.1",
        "legal_status": "extended; numbers: L, L-, I",
        "first_crossing": at[6],
        "last_crossing": at[8],
        "peak_measure": 9 * 45_000_000,
        "peak_band": 3,
        "unit": "CNY fen",
        "solo_status": none,
        "solo_first": [None] * 4,
        "solo_peak": [0, 0, 0, 0],
        "solo_coverage": [1 / 3, 1 / 3, 0.0, 1 / 3],
        "joint_first": at[6],
        "hidden_by_split": True,
        "not_raised_jointly": False,
        "operator_sees": None,
        "evidence": ids,
        "data_origin": "SIMULATED",
        "superseded_by": None,
        "withdrawn": False,
        "known_from": at[8] + HOUR,
    }
    crossing = {
        "rule": "structuring",
        "variant": "same_customer",
        "vantage": 4,
        "subject": 1,
        "instant": at[8],
        "measure": 9 * 45_000_000,
        "band": 3,
        "evidence": ids,
    }
    return pa.Table.from_pylist([row], ALERT), pa.Table.from_pylist([crossing], CROSSING)


def fill(loader: Loader) -> None:
    """Load everything above as three positions of one source and the job's results."""
    payments = structured_payments()
    for position, reports in enumerate((payments, plain_payments())):
        loader.load_segment(
            "tape:test",
            position,
            {
                "event": reports,
                "feedback": acknowledged(reports),
                "submission": submitted(reports),
            },
        )
    loader.load_segment("tape:test", 2, {"position": loans()})
    alerts, crossings = alert(payments)
    size = crossings.num_rows
    loader.load_segment(
        "job:test",
        0,
        {
            "alert": alerts,
            "crossing": crossings.append_column("lane", [["stream"] * size]).append_column(
                "known_from", alerts["known_from"]
            ),
        },
    )
    loader.flush()
