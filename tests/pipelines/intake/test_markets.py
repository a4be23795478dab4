"""A feed whose records name their market: each is judged, shown and streamed by that market."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from connectors.engine.tokens import Tokeniser
from connectors.feeds.cfets_imix import write as imix
from connectors.feeds.registry import FOLDER, load_feeds
from pipelines.intake.intake import Intake
from pipelines.intake.markets import by_market, entitling, vantage_masks
from quality.evaluate import EVALUATION
from quality.evaluate.standard import standard
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
