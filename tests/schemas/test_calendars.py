"""Which business day an instant belongs to."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigurationError
from schemas.reference_data import calendars

BEIJING = timezone(timedelta(hours=8))
CODES = ("NATURAL", "BANK", "HVPS", "CIPS", "SHFE", "SSE", "CFFEX", "SHCPE")


def day_of(code: str, *moment: int) -> date:
    """The business day of one Beijing moment."""
    instant = pa.array([datetime(*moment, tzinfo=BEIJING)], pa.timestamp("us", "UTC"))
    found: date = calendars().business_date(instant, code)[0].to_pylist()[0]
    return found


def ordinal_of(code: str, *moment: int) -> int:
    instant = pa.array([datetime(*moment, tzinfo=BEIJING)], pa.timestamp("us", "UTC"))
    found: int = calendars().business_date(instant, code)[1].to_pylist()[0]
    return found


def test_days_are_beijing_days() -> None:
    assert day_of("BANK", 2026, 3, 3, 23, 59, 59) == date(2026, 3, 3)
    assert day_of("BANK", 2026, 3, 4, 0, 0, 0) == date(2026, 3, 4)
    assert day_of("BANK", 2026, 3, 4, 7, 59) == date(2026, 3, 4)  # 3 March, 23:59 in UTC
    assert day_of("NATURAL", 2026, 3, 4, 7, 59) == date(2026, 3, 4)


def test_an_adjusted_working_sunday_is_a_bank_day_and_no_trading_day() -> None:
    assert date(2026, 1, 4).isoweekday() == 7
    assert day_of("BANK", 2026, 1, 4, 10) == date(2026, 1, 4)
    assert day_of("HVPS", 2026, 1, 4, 10) == date(2026, 1, 4)
    assert day_of("SSE", 2026, 1, 4, 10) == date(2026, 1, 5)
    assert day_of("BANK", 2026, 1, 11, 10) == date(2026, 1, 12)  # any other Sunday


def test_a_friday_night_futures_trade_belongs_to_monday() -> None:
    assert day_of("SHFE", 2026, 3, 6, 21, 5) == date(2026, 3, 9)
    assert day_of("SHFE", 2026, 3, 7, 1, 30) == date(2026, 3, 9)  # the same session after midnight
    assert day_of("SHFE", 2026, 3, 6, 14, 59) == date(2026, 3, 6)
    assert day_of("SHFE", 2026, 3, 9, 21, 5) == date(2026, 3, 10)
    assert day_of("CFFEX", 2026, 3, 6, 21, 5) == date(2026, 3, 6)  # no night session there


def test_a_night_session_does_not_open_on_an_adjusted_working_day() -> None:
    assert date(2026, 2, 28).isoweekday() == 6
    assert day_of("SHFE", 2026, 2, 27, 21, 5) == date(2026, 3, 2)


def test_a_holiday_rolls_to_the_next_working_day() -> None:
    assert day_of("BANK", 2026, 2, 15, 12) == date(2026, 2, 24)
    assert day_of("BANK", 2026, 2, 14, 12) == date(2026, 2, 14)  # adjusted Saturday before it
    assert day_of("BANK", 2026, 10, 1, 12) == date(2026, 10, 8)
    assert ordinal_of("BANK", 2026, 2, 24, 12) - ordinal_of("BANK", 2026, 2, 14, 12) == 1


def test_the_large_value_day_opens_the_evening_before() -> None:
    assert day_of("HVPS", 2026, 3, 4, 20, 29, 59) == date(2026, 3, 4)
    assert day_of("HVPS", 2026, 3, 4, 20, 30) == date(2026, 3, 5)
    assert day_of("HVPS", 2026, 3, 6, 20, 30) == date(2026, 3, 9)


def test_the_cross_border_night_session_closes_the_day_before() -> None:
    assert day_of("CIPS", 2026, 3, 4, 7, 59) == date(2026, 3, 3)
    assert day_of("CIPS", 2026, 3, 4, 8, 30) == date(2026, 3, 4)
    assert day_of("CIPS", 2026, 3, 7, 3, 0) == date(2026, 3, 6)
    assert day_of("CIPS", 2026, 3, 9, 5, 0) == date(2026, 3, 9)


@pytest.mark.parametrize("code", CODES)
def test_consecutive_open_days_have_consecutive_ordinals(code: str) -> None:
    opened = calendars().open_days(code, date(2025, 1, 2), date(2026, 12, 30))
    days, ordinals = calendars().business_day(pa.array(opened, pa.date32()), code)
    assert days.to_pylist() == opened
    assert set(np.diff(ordinals.to_numpy()).tolist()) == {1}


def test_2026_has_as_many_days_as_the_notice_gives() -> None:
    """365 days, 104 weekend days, 13 holidays on weekdays net of 7 adjusted days."""
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    weekdays = sum((first + timedelta(days=n)).isoweekday() < 6 for n in range(365))
    opened = calendars().open_days("BANK", first, last)
    weekend = [day for day in opened if day.isoweekday() > 5]
    assert [d.isoformat() for d in weekend] == [
        "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10",
    ]  # fmt: skip
    shut = weekdays - (len(opened) - len(weekend))
    assert len(calendars().open_days("SSE", first, last)) == weekdays - shut
    assert shut == 2 + 6 + 1 + 3 + 1 + 1 + 5


@pytest.mark.parametrize("code", [code for code in CODES if code != "NATURAL"])
def test_outside_its_cover_a_calendar_says_nothing(code: str) -> None:
    instants = pa.array(
        [datetime(2024, 12, 31, 1, tzinfo=UTC), datetime(2027, 1, 4, 4, tzinfo=UTC), None],
        pa.timestamp("us", "UTC"),
    )
    days, ordinals = calendars().business_date(instants, code)
    assert days.to_pylist() == ordinals.to_pylist() == [None, None, None]
    with pytest.raises(ConfigurationError, match="covers 2025-01-01 to 2026-12-31"):
        calendars().open_days(code, date(2026, 12, 1), date(2027, 1, 31))


def test_an_unknown_calendar_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="expected one of NATURAL"):
        calendars().get("LUNAR")


@given(
    st.timedeltas(timedelta(0), timedelta(days=720)),
    st.sampled_from(CODES[1:]),
)
def test_the_column_equals_the_plain_definition(since: timedelta, code: str) -> None:
    moment = datetime(2025, 1, 2, tzinfo=BEIJING) + since
    calendar = calendars().get(code)
    shifted = moment + timedelta(days=1) - timedelta(microseconds=calendar.next_day_at)
    opened = set(calendars().open_days(code, calendar.first_day, calendar.last_day))
    day = shifted.date()
    while day not in opened:
        day += timedelta(days=1)
    column = pa.array([moment], pa.timestamp("us", "UTC"))
    assert calendars().business_date(column, code)[0].to_pylist() == [day]
