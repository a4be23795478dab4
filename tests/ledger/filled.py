"""What a small ledger is filled with."""

from datetime import UTC, datetime

import pyarrow as pa

from ledger.ddl import TABLES
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
                    debtor_agent_id=HANGZHOU,
                    creditor_agent_id=SHANGHAI,
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


def receipts() -> pa.Table:
    """A receipt, one issued by mistake, and a pledge whose amount was put right."""
    said = (
        (0, "ISSU", "NEWT", None),
        (1, "ISSU", "EROR", None),
        (2, "PLDG", "NEWT", "600.00"),
        (2, "PLDG", "CORR", "500.00"),
    )
    rows = [
        report(
            120 + number, HEFEI, reference=f"WD{act}", transaction_key=f"WD{act}",
            market_segment="WRCT", event_type=kind, action_type=action, secured_amount=secured,
            asset_reference_id="WR1", asset_region="340000", receipt_class="NONSTD",
            source_instrument_id="cu", goods_brand="B", goods_lot="L1", goods_bay="A-1",
            warehouse_id="W", notional_quantity="1.500", quantity_unit_of_measure="TNE",
        )
        for number, (act, kind, action, secured) in enumerate(said)
    ]  # fmt: skip
    return wide(rows)


def stocks() -> pa.Table:
    """What lay in a warehouse on one day."""
    row = report(
        130, HEFEI, kind="position", market_segment="WRCT", event_type="UPDT",
        asset_reference_id="cu/W", source_instrument_id="cu", warehouse_id="W",
        receipt_class="STD", notional_quantity="500", quantity_unit_of_measure="KGM",
    )  # fmt: skip
    return wide([row], "position")


def entries() -> pa.Table:
    """A firm, its account, and who stands behind it; one phone for all."""
    shared = {
        "kind": "register",
        "market_segment": "ENTR",
        "entity_id": "firm",
        "entity_id_scheme": "USCC",
        "entity_id_basis": "DOC",
        "entity_party_key": short("firm"),
        "entity_region": "340000",
        "event_type": "REGI",
        "valid_from": 16_000,
        "phone_token": "ab" * 32,
    }
    behind = {"related_party_key": short("owner"), "related_id_basis": "DOC"}
    more = (
        ("ENTITY", {"address_token": "cd" * 32}),
        ("ACCOUNT", {"entity_account_token": "ef" * 32}),
        ("EDGE", behind | {"edge_role": "SHAREHOLDER", "edge_share": "0.6"}),
        ("PAYLIC", {}),
    )
    rows = [
        report(70 + number, HEFEI, register_type=kind, **shared, **own)
        for number, (kind, own) in enumerate(more)
    ]
    return wide(rows, "register")


def figures() -> pa.Table:
    """One figure of one institution."""
    own = {
        "institution_id": "PI-AH", "institution_id_scheme": "OWN", "institution_region": "340000",
        "period_start": 20_000, "period_end": 20_030, "period_frequency": "M",
        "measure": "RSV_BAL", "measure_nature": "STOCK", "measure_unit": "CNY",
        "measure_value": "12.00",
    }  # fmt: skip
    return wide([report(80, HEFEI, kind="indicator", **own)], "indicator")


def complaints() -> pa.Table:
    """Two states of one complaint, a day apart."""
    rows = [
        report(
            90 + number, HEFEI, kind="complaint", reference="C1", institution_id="381290000019",
            institution_id_scheme="CNAPS12", complaint_state=state, complaint_category="CARD",
            complaint_region="340000", complaint_received_at=START, at=START + number * DAY,
        )
        for number, state in enumerate(("RECEIVED", "CLOSED"))
    ]  # fmt: skip
    return wide(rows, "complaint")


def deals() -> pa.Table:
    """A purchase of dollars that was corrected, and one that was cancelled."""
    said = (
        (0, "NEWT", "9000.00"),
        (0, "CORR", "7000.00"),
        (1, "NEWT", "1.00"),
        (1, "EROR", "1.00"),
    )
    rows = [
        report(
            100 + number, HEFEI, reference=f"FX{deal}", transaction_key=f"FX{deal}",
            market_segment="FX", event_type="PURC", action_type=action, amount_cny=amount,
            at=START + number, notional_currency_1="USD", notional_amount_leg_1="1000.00",
            counterparty_1_nature="I", representative_token="ab" * 32,
        )
        for number, (deal, action, amount) in enumerate(said)
    ]  # fmt: skip
    return wide(rows)


def trades() -> pa.Table:
    """A trade whose sides two brokers report, one that was cancelled, and a bond between banks."""
    said = (
        (SHANGHAI, "FUTR", "TRAD", "BUYI", "V1"),
        (HEFEI, "FUTR", "TRAD", "SELL", "V1"),
        (HEFEI, "FUTR", "TRAD", "BUYI", "V2"),
        (HEFEI, "FUTR", "CNCL", "BUYI", "V2"),
        (HEFEI, "BOND", "TRAD", None, None),
    )
    rows = [
        report(
            150 + number, broker, reference=f"X{number}", market_segment=market, event_type=kind,
            side=side, venue_trade_id=trade, venue_of_execution="XSGE" if trade else None,
            source_instrument_id="cu2607", notional_quantity="4", notional_amount_leg_1="500.00",
            payer=f"client {number}", payee=f"other {number}",
        )
        for number, (broker, market, kind, side, trade) in enumerate(said)
    ]  # fmt: skip
    return wide(rows)


def totals() -> pa.Table:
    """What an exchange says was traded of a contract on a day: everybody's to see."""
    own = {
        "institution_id": "OP-FUTURES", "institution_id_scheme": "LICENCE",
        "institution_region": "310000", "period_start": 20_514, "period_end": 20_514,
        "period_frequency": "D", "measure": "TRADE_QTY", "measure_nature": "FLOW",
        "measure_unit": "COUNT", "measure_value": "12345.00", "breakdown": "cu2607",
        "market_segment": "FUTR", "vantage_mask": 31,
    }  # fmt: skip
    return wide([report(160, SHANGHAI, kind="indicator", **own)], "indicator")


def results(loader: Loader) -> tuple[pa.Table, pa.Table]:
    """Crossings of every rule over what was loaded, and the alerts they make."""
    evaluated = [evaluate(loader.connection, rule) for rule in load_rules().values()]
    crossings = pa.concat_tables([one.crossings for one in evaluated])
    known = datetime(2026, 4, 10, tzinfo=UTC)
    return crossings, episodes(crossings, load_rules(), "SIMULATED", known)


def groups() -> pa.Table:
    """Two parties under one controller, one of them only until two days later."""
    first, later = (datetime(2026, 4, day, 16, tzinfo=UTC) for day in (8, 10))
    rows = [(11, 11, first), (12, 11, first), (12, 0, later)]
    names = ("party", "group_id", "valid_from", "known_from")
    return pa.Table.from_pylist(
        [dict(zip(names, (*row, row[2]), strict=True)) for row in rows], TABLES["controller_group"]
    )


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
    others = {"register": entries(), "indicator": figures(), "complaint": complaints()}
    loader.load_segment("tape:test", 3, {"event": deals(), **others})
    loader.load_segment("tape:test", 4, {"event": receipts(), "position": stocks()})
    loader.load_segment("tape:test", 5, {"event": trades(), "indicator": totals()})
    loader.flush()
    crossings, alerts = results(loader)
    size = crossings.num_rows
    known = pa.array([datetime(2026, 4, 10, tzinfo=UTC)] * size, pa.timestamp("us", "UTC"))
    loader.load_segment(
        "job:test",
        0,
        {
            "alert": alerts,
            "controller_group": groups(),
            "crossing": crossings.append_column("lane", pa.array(["stream"] * size)).append_column(
                "known_from", known
            ),
        },
    )
    loader.flush()
