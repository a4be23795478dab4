"""What the exchanges publish of each trading day: how much of every contract was traded.

Each trade counts once. The orders of the simulated clients are one part of it, the rest of the
exchange the larger one.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.market_totals import write
from replay.market import breakage, exchanges
from replay.market.batches import MINUTE
from replay.market.days import DAY, HOUR, Span
from replay.market.population import Flags, Ints
from replay.market.sending import Sent, sent, table_of
from schemas.reference_data import calendars

FEED = "market_totals"
_EXCHANGES = ("OP-STOCKS", "OP-FUTURES")
_VENUES = ("XSHG", "XSGE")
_CALENDARS = ("SSE", "SHFE")
_ITEM = "成交量"
_UNITS = ("股", "手")
_ELSEWHERE = ((300_000, 360_000), (1_400, 1_800))  # what everybody else trades of one a day
_SPREAD = 0.15
_AGAIN = 2 * HOUR  # until a line that was refused is sent right


@dataclass(frozen=True, slots=True)
class _Contract:
    code: str
    future: bool


def feed(
    rng: np.random.Generator, when: Span, orders: exchanges.Orders, broken_share: float
) -> Sent:
    """One file an exchange and trading day, an hour after the close, one line a contract.

    Args:
        rng: source of what is traded elsewhere.
        when: the simulated span.
        orders: of all simulated clients, planted ones included.
        broken_share: share of lines that carry a fault.
    """
    contracts = [_Contract(*one) for one in exchanges.contracts()]
    days = [_open(when, calendar) for calendar in _CALENDARS]
    future = np.array([one.future for one in contracts])
    ours = _filled(when, orders, future)
    parts: dict[str, list[Ints]] = {"contract": [], "day": [], "quantity": []}
    for number, contract in enumerate(contracts):
        mine = days[contract.future]
        level = rng.integers(*_ELSEWHERE[contract.future])
        traded = level * np.exp(rng.normal(0, _SPREAD, len(mine)))
        parts["contract"].append(np.full(len(mine), number))
        parts["day"].append(mine)
        parts["quantity"].append(traded.astype(np.int64) + ours[number, mine])
    at, day, quantity = (np.concatenate(part) for part in parts.values())
    wrong = _wrong(rng, len(at), broken_share)
    row = np.r_[np.arange(len(at)), wrong]  # whoever sent a wrong line sends it again
    at, day, quantity = at[row], day[row], quantity[row]
    again = np.arange(len(row)) >= len(row) - len(wrong)
    side = future[at].astype(np.int64)
    close = when.midnight(day) + 16 * HOUR + (5 + 5 * (1 - side)) * MINUTE
    close += np.where(again, _AGAIN, 0)
    wall = (close + 8 * HOUR).astype("datetime64[us]").astype("datetime64[s]").astype(str)
    columns = {
        "day": np.array([f"{when.day(one):%Y%m%d}" for one in day.tolist()]),
        "venue": np.array(_VENUES)[side],
        "contract": np.array([one.code for one in contracts])[at],
        "item": np.full(len(at), _ITEM),
        "value": np.array([f"{one:,}" for one in quantity.tolist()]),
        "unit": np.array(_UNITS)[side],
        "published": np.char.replace(wall, "T", " "),
    }
    return sent(
        rng, FEED, write, table_of(columns, write.RECORD), np.array(_EXCHANGES)[side],
        close + 30 * MINUTE, reference="contract", suffix="csv", broken_share=broken_share,
        sound=~np.isin(np.arange(len(row)), wrong),
    )  # fmt: skip


def _wrong(rng: np.random.Generator, lines: int, share: float) -> Ints:
    """The lines that carry a fault the first time: a share of them, or one of each kind."""
    count = max(round(share * lines), len(breakage.VALUES[FEED])) if share else 0
    return np.sort(rng.permutation(lines)[:count])


def _open(when: Span, calendar: str) -> Ints:
    opened = calendars().open_days(calendar, when.first, when.last)
    return np.array([(day - when.first).days for day in opened])


def _filled(when: Span, orders: exchanges.Orders, future: Flags) -> Ints:
    """What the orders traded, by contract and day of the span; both sides of a trade are one."""
    traded = exchanges.filled(orders)
    _, first = np.unique(orders.trade, return_index=True)
    once = orders.trade == 0
    once[first] = True
    total = np.zeros((len(future), when.length), np.int64)
    instants = pa.array(orders.instant, pa.timestamp("us", "UTC"))
    start = (int(when.midnight(np.zeros(1, np.int64))[0]) + 8 * HOUR) // DAY
    for side, calendar in enumerate(_CALENDARS):
        date, _ = calendars().business_date(instants, calendar)
        day = np.asarray(date.cast(pa.int32())).astype(np.int64) - start
        mine = once & (future[orders.instrument] == bool(side)) & (day < when.length)
        np.add.at(total, (orders.instrument[mine], day[mine]), traded[mine])
    return total
