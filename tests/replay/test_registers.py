"""Off-site reports, complaints and register entries of a simulated span."""

from collections import Counter
from decimal import Decimal

import numpy as np
import pyarrow.compute as pc
import pytest

from connectors.engine.engine import Decoded
from connectors.feeds.registry import load_feeds
from replay.market.batches import Submission
from replay.market.days import DEFAULT_START, Span, span
from replay.market.population import Population, populate
from replay.market.registers import submissions
from tests.connectors.support import run

FEEDS = ("reserve_report", "complaints", "entity_register")


@pytest.fixture(scope="module")
def market() -> tuple[Population, Span]:
    when = span(DEFAULT_START, 42)
    return populate(np.random.default_rng(5), 8_000, when.first), when


@pytest.fixture(scope="module")
def made(market: tuple[Population, Span]) -> list[Submission]:
    return list(submissions(5, *market))


@pytest.fixture(scope="module")
def decoded(made: list[Submission]) -> dict[str, Decoded]:
    return {
        feed: run(load_feeds()[feed], *(one.body for one in made if one.feed == feed))
        for feed in FEEDS
    }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(
    made: list[Submission], market: tuple[Population, Span]
) -> None:
    assert list(submissions(5, *market)) == made
    assert list(submissions(6, *market)) != made
    received = [one.received_at for one in made]
    assert received == sorted(received)


def test_every_record_is_read_and_counted_as_the_submitter_means_it(
    made: list[Submission], decoded: dict[str, Decoded]
) -> None:
    meant = Counter[str]()
    for one in made:
        meant[one.feed] += one.records
    for feed in FEEDS:
        assert decoded[feed].findings.num_rows == 0
        assert decoded[feed].batch.num_rows == meant[feed] > 50


def test_the_parts_of_a_balance_add_up_and_businesses_to_the_whole(
    decoded: dict[str, Decoded],
) -> None:
    figures = {
        (row["institution_id"], row["period_end"], row["breakdown"], row["measure"]): row[
            "measure_value"
        ]
        for row in decoded["reserve_report"].batch.to_pylist()
    }
    assert len({key[0] for key in figures}) == 4
    for (who, end, business, measure), value in figures.items():
        if measure == "RSV_BAL":
            parts = ("RSV_CENTRAL", "RSV_BANK", "RSV_TRANSIT")
            assert sum(figures[who, end, business, part] for part in parts) == value
            assert figures[who, end, business, "RSV_CLIENT"] <= value
        if business is None:
            own = [v for k, v in figures.items() if k[:2] == (who, end) and k[3] == measure]
            assert sum(own, Decimal(0)) == 2 * value


def test_an_account_has_the_token_its_payments_have_and_a_group_shares_a_phone(
    decoded: dict[str, Decoded],
) -> None:
    rows = decoded["entity_register"].batch.to_pylist()
    kinds = Counter(row["register_type"] for row in rows)
    assert min(kinds["ENTITY"], kinds["ACCOUNT"], kinds["EDGE"]) > 20
    firms = [row for row in rows if row["register_type"] == "ENTITY"]
    assert set(Counter(row["phone_token"] for row in firms).values()) == {4}
    accounts = [row for row in rows if row["register_type"] == "ACCOUNT"]
    assert all(row["entity_account_token"] and row["account_agent_id"] for row in accounts)
    controllers = [row for row in rows if row["edge_role"] == "CONTROLLER"]
    assert {row["related_nature"] for row in controllers} == {"I"}
    assert {row["related_name"] for row in controllers} == {None}


def test_the_clocks_of_a_complaint_rise(decoded: dict[str, Decoded]) -> None:
    batch = decoded["complaints"].batch
    for first, then in (
        ("complaint_received_at", "complaint_accepted_at"),
        ("complaint_accepted_at", "complaint_answered_at"),
        ("complaint_received_at", "event_timestamp"),
    ):
        rises = pc.less_equal(batch[first], batch[then]).drop_null()
        assert len(rises) > 10
        assert pc.all(rises).as_py()
