"""What a small ledger is filled with."""

from datetime import UTC, datetime

import pyarrow as pa

from ledger.loader import Loader
from pipelines.episodes.episodes import episodes
from pipelines.lanes.ledger import evaluate
from pipelines.rules.registry import load_rules
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
_BANKS = (SHANGHAI, NANJING, HANGZHOU, SHANGHAI, NANJING, HEFEI, HANGZHOU, HEFEI, HEFEI)


def structured_payments() -> pa.Table:
    """Nine transfers of 450,000 over three days from one payer, never three days in one region."""
    rows = []
    for number in range(9):
        bank = _BANKS[number]
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


def results(loader: Loader) -> tuple[pa.Table, pa.Table]:
    """Crossings of every rule over what was loaded, and the alerts they make."""
    evaluated = [evaluate(loader.connection, rule) for rule in load_rules().values()]
    crossings = pa.concat_tables([one.crossings for one in evaluated])
    known = datetime(2026, 4, 10, tzinfo=UTC)
    return crossings, episodes(crossings, load_rules(), "SIMULATED", known)


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
    loader.flush()
    crossings, alerts = results(loader)
    size = crossings.num_rows
    known = pa.array([datetime(2026, 4, 10, tzinfo=UTC)] * size, pa.timestamp("us", "UTC"))
    loader.load_segment(
        "job:test",
        0,
        {
            "alert": alerts,
            "crossing": crossings.append_column("lane", pa.array(["stream"] * size)).append_column(
                "known_from", known
            ),
        },
    )
    loader.flush()
