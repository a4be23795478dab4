"""Which business day an exchange trade belongs to: shares and futures keep different hours."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest

from connectors.engine.spec import parse
from connectors.feeds.exchange_orders import write as orders
from connectors.feeds.registry import FOLDER, load_feeds
from pipelines.intake.enrich import enrich
from schemas.errors import ConfigurationError
from tests.connectors.support import run, submission

ORDERS = load_feeds()["exchange_orders"]
SPEC = FOLDER / "exchange_orders/spec.toml"


def trade(security: str, venue: str, beijing: str) -> dict[str, str]:
    """One execution at a Beijing moment."""
    moment = datetime.fromisoformat(beijing) - timedelta(hours=8)
    at = f"{moment:%Y%m%d-%H:%M:%S}.000"
    return {
        "message": "8", "execution_type": "F", "order_status": "2", "client_order": "C1",
        "execution": "X1", "order": "E1", "broker": "91310000MF0000013K", "account": "A1",
        "instrument": "cu2606", "security_type": security, "venue": venue, "side": "1",
        "last_quantity": "1", "last_price": "70000", "exchange_trade": "T1",
        "sent_at": at, "happened_at": at,
    }  # fmt: skip


def written(rows: list[dict[str, str]]) -> bytes:
    return orders.write(pa.Table.from_pylist(rows, schema=orders.RECORD), {})


def enriched(rows: list[dict[str, str]]) -> pa.RecordBatch:
    body = written(rows)
    on = date(2026, 6, 15)
    done = enrich(run(ORDERS, body).batch, [submission(body)], ORDERS, "SIMULATED", on)
    assert "ENR-CALENDAR" not in [doubt.rule_id for doubt in done.doubts]
    return done.batch


def day_of(security: str, venue: str, beijing: str) -> tuple[str, str]:
    """Calendar and business day of a trade."""
    (row,) = enriched([trade(security, venue, beijing)]).to_pylist()
    return row["business_calendar"], row["business_date"].isoformat()


@pytest.mark.parametrize(
    ("beijing", "day"),
    [
        ("2026-06-12 14:59:59", "2026-06-12"),  # Friday, by day
        ("2026-06-12 21:05:00", "2026-06-15"),  # Friday night belongs to Monday
        ("2026-06-12 23:59:59", "2026-06-15"),
        ("2026-06-13 00:00:00", "2026-06-15"),  # the same session on Saturday
        ("2026-06-13 02:30:00", "2026-06-15"),
        ("2026-06-15 21:05:00", "2026-06-16"),
        ("2026-06-16 02:30:00", "2026-06-16"),
        ("2026-09-30 14:30:00", "2026-09-30"),
        # on the eve of a holiday no session opens at night: what says so belongs to the day after
        ("2026-09-30 21:05:00", "2026-10-08"),
    ],
)
def test_a_futures_night_session_belongs_to_the_next_trading_day(beijing: str, day: str) -> None:
    assert day_of("FUT", "XSGE", beijing) == ("SHFE", day)


def test_shares_have_no_night_session() -> None:
    assert day_of("CS", "XSHG", "2026-06-12 21:05:00") == ("SSE", "2026-06-12")
    assert day_of("CS", "XSHG", "2026-06-13 00:30:00") == ("SSE", "2026-06-15")


def test_shares_and_futures_of_one_submission_have_each_their_own_calendar() -> None:
    rows = [trade("FUT", "XSGE", "2026-06-12 21:05:00"), trade("CS", "XSHG", "2026-06-12 14:05:00")]
    days = enriched(rows).select(["market_segment", "business_calendar", "business_date"])
    assert [tuple(row.values()) for row in days.to_pylist()] == [
        ("FUTR", "SHFE", date(2026, 6, 15)),
        ("EQTY", "SSE", date(2026, 6, 12)),
    ]


def test_both_sides_of_a_trade_have_the_number_of_the_exchange() -> None:
    assert run(ORDERS, written([trade("FUT", "XSGE", "2026-06-12 21:05:00")])).batch[
        "venue_trade_id"
    ].to_pylist() == ["T1"]


@pytest.mark.parametrize(
    ("calendars", "said"),
    [
        ('{ EQTY = "SSE" }', "one calendar for each of EQTY, FUTR"),
        ('{ EQTY = "SSE", FUTR = "SFHE" }', "did you mean 'SHFE'"),
        ('"NYSE"', "one of NATURAL, BANK"),
    ],
)
def test_a_mistake_in_the_calendars_is_named(calendars: str, said: str) -> None:
    text = SPEC.read_text(encoding="utf-8")
    own = '{ EQTY = "SSE", FUTR = "SHFE" }'
    assert own in text
    with pytest.raises(ConfigurationError, match=said):
        parse(SPEC, text.replace(own, calendars, 1))
