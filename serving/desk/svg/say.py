"""Numbers and instants in the words of a picture: 万元, Beijing time, zh with en beside it."""

from datetime import UTC, datetime, timedelta, timezone

from serving.answers import words

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAYS = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)


def beijing(microseconds: int) -> datetime:
    """An instant as Beijing time.

    Example:
        >>> beijing(0).isoformat()
        '1970-01-01T08:00:00+08:00'
    """
    return (_EPOCH + timedelta(microseconds=microseconds)).astimezone(BEIJING)


def when(microseconds: int) -> str:
    """An instant as month, day, hour and minute in Beijing.

    Example:
        >>> when(0)
        '01-01 08:00'
    """
    return beijing(microseconds).strftime("%m-%d %H:%M")


def weekday(microseconds: int) -> tuple[str, str]:
    """The weekday in Beijing, in both languages."""
    return _WEEKDAYS[beijing(microseconds).weekday()]


def wan(fen: int | None) -> str:
    """Fen as a number of 万元 as the sentences say it, without idle noughts; "—" where unknown.

    Cut off and never rounded up: a number just below a line must not read as one on it.

    Example:
        >>> wan(46_200_000), wan(4_999_900), wan(123_456_789_00), wan(99), wan(None)
        ('46.2', '4.99', '12,345.67', '0', '—')
    """
    if fen is None:
        return "—"
    text = words.wan(fen).rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def amount(value: int, unit: str) -> str:
    """A measure as a number, in the unit `words.counted` names.

    Example:
        >>> amount(50_000_000, "fen"), amount(12, "count"), amount(925, "basis points of volume")
        ('50', '12', '9.25')
    """
    if unit in ("fen", "CNY fen"):
        return wan(value)
    if words.is_share(unit):
        return f"{value // 100:,}.{value % 100:02d}"
    return f"{value:,}"


def brief(value: int, unit: str) -> str:
    """`amount` without decimals from 1,000 on, for places where there is little room.

    Example:
        >>> brief(49_999_00, "fen"), brief(123_456_789_00, "fen")
        ('4.99', '12,345')
    """
    text = amount(value, unit)
    return text.split(".")[0] if "," in text else text


def lead(microseconds: int) -> tuple[str, str]:
    """How much earlier or later than the joint vantage, in both languages.

    Example:
        >>> lead(0), lead(7_200_000_000), lead(-172_800_000_000)
        (('同时', 'same time'), ('晚 2 小时', '2 h later'), ('早 2 天', '2 d earlier'))
    """
    if microseconds == 0:
        return "同时", "same time"
    minutes = max(1, abs(microseconds) // 60_000_000)
    if minutes < 120:
        span = (f"{minutes} 分钟", f"{minutes} min")
    elif minutes < 2880:
        span = (f"{minutes // 60} 小时", f"{minutes // 60} h")
    else:
        span = (f"{minutes // 1440} 天", f"{minutes // 1440} d")
    later = microseconds > 0
    return f"{'晚' if later else '早'} {span[0]}", f"{span[1]} {'later' if later else 'earlier'}"
