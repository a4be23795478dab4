"""A feed whose records name their market: each is judged, shown and streamed by that market."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from connectors.engine.tokens import Tokeniser
from connectors.feeds.cfets_imix import write as imix
from connectors.feeds.exchange_orders import write as fix
from connectors.feeds.registry import FOLDER, load_feeds
from ledger.loader import Loader
from pipelines.intake.intake import Intake
from pipelines.intake.markets import by_market, entitling, vantage_masks
from quality.evaluate import EVALUATION
from quality.evaluate.standard import standard
from schemas.errors import ConfigurationError
from schemas.narrow import (
    CLASS_SHIFT,
    FLAG_HEDGE,
    FLAG_IMMEDIATE,
    FLAG_MARKET_MAKER,
    RULE_COLUMNS,
)
from schemas.records import RAW
from schemas.visibility import vantage_mask

FEEDS = load_feeds()
WHEN = dt.datetime(2026, 6, 15, 3, 20, tzinfo=dt.UTC)
KEY = Tokeniser(b"example key: 16+ bytes")


def raw(*sent: tuple[str, str, bytes]) -> pa.Table:
    rows = [
        {
            "feed": feed,
            "submitter": submitter,
            "received_at": WHEN,
            "data_origin": "SIMULATED",
            "sha256": hashlib.sha256(body).digest(),
            "size": len(body),
            "file_name": "sent",
            "body": body,
        }
        for feed, submitter, body in sent
    ]
    return pa.Table.from_pylist(rows, RAW)


def plain(feed: str, name: str) -> bytes:
    return (FOLDER / feed / "examples" / name).read_bytes()


def test_deals_and_orders_go_through_intake_with_the_vantages_of_their_markets() -> None:
    intake = Intake(FEEDS, KEY, standard, "SIMULATED")
    taken = intake.process(
        raw(
            ("cfets_imix", "OP-INTERBANK", plain("cfets_imix", "plain.imix")),
            ("exchange_orders", "BR-AH", plain("exchange_orders", "plain.fix")),
            ("pacs008", "381290000019", plain("pacs008", "plain.xml")),
        ),
        np.zeros(3, np.bool_),
        0,
    )
    counts = taken.submissions.select(["submitted", "accepted"]).to_pylist()
    assert [row["submitted"] for row in counts] == [row["accepted"] for row in counts] == [3, 8, 2]
    rows = taken.reports["event"].to_pylist()
    seen = {
        market: {row["vantage_mask"] for row in rows if row["market_segment"] == market}
        for market in ("BOND", "MM", "EQTY", "FUTR", "PYMT")
    }
    # both members' branches (Shanghai, Jiangsu) see a deal; the broker's own region an order
    assert seen == {"BOND": {19}, "MM": {19}, "EQTY": {24}, "FUTR": {24}, "PYMT": {17}}
    assert len(taken.narrow) == 2  # the stream job reads payments only
    legs = [row for row in rows if row["market_segment"] == "BOND"]
    assert legs[0]["counterparty_1_party_key"] != legs[0]["counterparty_2_party_key"]
    assert {row["business_date"] for row in rows if row["market_segment"] == "MM"} == {
        dt.date(2026, 6, 15)
    }


class Recorder:
    """Notes which rows were judged as which market, and objects to every second one."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []

    def evaluate(self, batch: pa.RecordBatch, kind: str, market: str) -> pa.Table:
        assert kind == "event"
        assert set(batch["market_segment"].to_pylist()) == {market}
        self.asked.append((market, batch["source_trade_id"].to_pylist()))
        rows = np.arange(0, batch.num_rows, 2)
        size = len(rows)
        columns: Sequence[Any] = [
            pa.array(rows),
            pa.repeat(f"TST-{market}", size),
            pa.repeat("rejected", size),
            pa.repeat("price", size),
            pa.repeat("another price", size),
        ]
        return pa.Table.from_arrays(columns, schema=EVALUATION)


def test_each_record_is_judged_by_the_rules_of_its_own_market() -> None:
    base: dict[str, str | None] = {field.name: None for field in imix.RECORD}
    base |= {"message": "8", "execution": "F", "sent_at": "20260615-03:00:00.000"}
    base |= {"happened_at": "20260615-10:59:00.000", "quote": "1", "order": "1"}
    base |= {"instrument": "A", "quantity": "100", "price": "2"}
    base |= {"member_1": "910001", "member_2": "910038"}
    kinds = ["4", "1", "11", "1", "4", "10", "4"]
    rows = [base | {"market": kind, "trade": f"T{n}"} for n, kind in enumerate(kinds)]
    body = imix.write(pa.Table.from_pylist(rows, schema=imix.RECORD), {})
    recorder = Recorder()
    intake = Intake(FEEDS, KEY, lambda _: recorder, "SIMULATED")  # type: ignore[arg-type, return-value]
    taken = intake.process(raw(("cfets_imix", "OP-INTERBANK", body)), np.zeros(1, np.bool_), 0)
    assert recorder.asked == [
        ("BOND", ["T0", "T4", "T6"]),
        ("MM", ["T1", "T3", "T5"]),
        ("FX", ["T2"]),
    ]
    rejected = {
        row["locator"]: row["rule_id"]
        for row in taken.feedback.to_pylist()
        if row["verdict"] == "NACK"
    }
    assert rejected == {
        "record[1]": "TST-BOND",
        "record[2]": "TST-MM",
        "record[3]": "TST-FX",
        "record[6]": "TST-MM",
        "record[7]": "TST-BOND",
    }
    assert taken.reports["event"]["source_trade_id"].to_pylist() == ["T3", "T4"]


def test_a_mixed_batch_is_masked_market_by_market() -> None:
    feed = FEEDS["exchange_orders"]
    segments = pa.array(["FUTR", "EQTY", "FUTR"]).dictionary_encode()
    assert {m: rows.tolist() for m, rows in by_market(segments, feed)} == {
        "EQTY": [1],
        "FUTR": [0, 2],
    }
    areas = pa.RecordBatch.from_pydict({"reporting_region": ["310000", "330200", "OUT"]})
    assert entitling(feed) == ("reporting_region",)
    assert vantage_masks(areas, segments, feed).to_pylist() == [17, 20, 16]
    bills = FEEDS["bill_exchange"]
    with pytest.raises(Exception, match="counterparty_1_region"):
        vantage_mask(areas, bills.markets[0])


def orders(*rows: dict[str, str]) -> bytes:
    base: dict[str, str | None] = {one.name: None for one in fix.RECORD}
    base |= {"message": "8", "sender": "BR-SH", "sent_at": "20260615-03:00:00.000"}
    base |= {"happened_at": "20260615-02:59:00.000", "security_type": "FUT", "venue": "XSGE"}
    base |= {"instrument": "cu2607", "side": "1", "quantity": "400", "execution_type": "4"}
    base |= {"order_status": "4", "cumulative": "150", "leaves": "0", "original_order": "C1"}
    base |= {"order_type": "2", "limit_price": "79320", "currency": "CNY", "average_price": "0"}
    base |= {"account": "8000001", "broker": "91310000MFB0000018", "branch": "BR-SH"}
    many = [
        {**base, "execution": f"X{n}", "client_order": f"F{n}", "order": f"E{n}", **row}
        for n, row in enumerate(rows)
    ]
    return fix.write(pa.Table.from_pylist(many, schema=fix.RECORD), {})


def test_withdrawn_orders_of_futures_go_to_the_stream_as_the_ledger_has_them(
    tmp_path: Path,
) -> None:
    """Only those; what they are exempt for, how large they are and what they may be at most."""
    body = orders(
        {"purpose": "1", "trade_date": "20260615"},
        {"purpose": "3"},
        {"purpose": "5", "time_in_force": "0"},
        {"time_in_force": "3"},
        {"time_in_force": "4"},
        {"original_order": ""},  # nobody asked for it
        {"instrument": "688901", "security_type": "CS", "venue": "XSHG"},
        {"instrument": "IF2607", "venue": "CCFX", "quantity": "18", "cumulative": "0"},
        {"instrument": "zz2607"},  # not in the register of contracts
        {"execution_type": "0", "order_status": "0", "leaves": "250"},
    )
    intake = Intake(FEEDS, KEY, standard, "SIMULATED")
    taken = intake.process(raw(("exchange_orders", "BR-SH", body)), np.zeros(1, np.bool_), 0)
    assert taken.reports["event"].num_rows == 10, taken.feedback.to_pylist()
    narrow = {int(row["report"]): row for row in taken.narrow}
    with Loader(tmp_path / "orders.duckdb", "SIMULATED") as loader:
        loader.load_segment("test", 0, {"event": taken.reports["event"]})
        loader.flush()
        legs = loader.connection.sql("SELECT * FROM leg WHERE flags & 64 <> 0").to_pylist()
    assert len(legs) == len(narrow) == 7
    for leg in legs:
        for name in RULE_COLUMNS:
            assert int(narrow[leg["report"]][name]) == leg[name], name
    found = Counter(
        (leg["flags"] >> CLASS_SHIFT, leg["flags"] & 896, *divmod(leg["range_start"], 1 << 32))
        for leg in legs
    )
    assert found == {
        (1, 0, 500, 250): 1,
        (1, FLAG_HEDGE, 500, 250): 1,
        (1, FLAG_MARKET_MAKER, 500, 250): 1,
        (1, FLAG_IMMEDIATE, 500, 250): 3,
        (6, 0, 20, 18): 1,
    }
    assert {leg["payer_region"] for leg in legs} == {"310000"}  # the branch that took the order


def test_a_feed_of_orders_may_not_come_later_than_the_stream_waits_for_orders() -> None:
    feed = FEEDS["exchange_orders"]
    slow = {**FEEDS, feed.name: replace(feed, lateness=dt.timedelta(days=1, hours=5))}
    intake = Intake(slow, KEY, standard, "SIMULATED")
    with pytest.raises(ConfigurationError, match="exchange_orders: lateness: expected at most"):
        intake.process(
            raw(("pacs008", "381290000019", plain("pacs008", "plain.xml"))),
            np.zeros(1, np.bool_),
            0,
        )
