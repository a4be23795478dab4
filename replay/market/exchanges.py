"""Orders and executions at the exchanges (FIX): STAR shares and metal futures.

An order is taken by the exchange, filled in parts, changed, or cancelled. Brokers' branches send a
session's messages after its close. The night session of the futures belongs to the next trading
day, and there is none before a holiday.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pyarrow as pa

from connectors.feeds.exchange_orders import write
from replay.market.batches import MINUTE, SECOND, money
from replay.market.columns import Columns, take
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.population import Flags, Ints, Population, Texts
from replay.market.sending import Messages, Sent, sent, some, table_of
from replay.market.traders import traders
from schemas.reference_data import calendars, institutions
from schemas.regions import region_of_area

FEED = "exchange_orders"
MESSAGES_PER_ORDER = 4.4  # measured
BRANCHES = np.array(["BR-SH", "BR-JS", "BR-ZJ", "BR-AH"])  # of the brokers, one a region
_HOMES = ("310000", "320000", "330000", "340000")
# Code, base price in fen, tick in fen, lots in hundreds or tonnes a contract, venue.
_SHARES = (
    ("688901", 4_512, 1), ("688902", 8_530, 1), ("688903", 2_375, 1), ("688904", 15_620, 1),
    ("688905", 6_044, 1), ("688906", 980, 1),
)  # fmt: skip
_FUTURES = (
    ("cu2607", 7_932_000, 1000, 5), ("cu2608", 7_941_000, 1000, 5), ("al2607", 2_074_500, 500, 5),
    ("al2608", 2_079_000, 500, 5), ("zn2607", 2_246_000, 500, 5), ("ni2607", 12_184_000, 1000, 1),
)  # fmt: skip
_FUTURE_SHARE = 0.45
_NIGHT = 0.25  # of the futures orders
_DEALT, _CANCELLED, _CHANGED = 0.72, 0.16, 0.12  # what becomes of an order
FILLED, _GONE, _AMENDED, WITHDRAWN, KILLED = range(5)  # of `Orders.fate`
_LATE = 0.002
DAY_SESSION, NIGHT_SESSION = 0, 1


def _not_said() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Orders(Columns):
    """Orders, one row each; instruments are rows of both lists, shares first."""

    instant: Ints
    client: Ints  # party row
    instrument: Ints
    buy: Flags
    lots: Ints
    limit_fen: Ints
    # 0 filled, 1 cancelled after a part, 2 changed and filled; of planted ones also 3 cancelled
    # before anything was filled, 4 immediate or cancel, and nothing was there
    fate: Ints
    opens: Flags
    purpose: Ints
    night: Flags
    plan: Ints
    # Of planted orders; everyday ones leave them out. `trade`: two orders with one number are each
    # other's other side; 0: the other side is nobody's here. `broker`: a row of BRANCHES; -1: that
    # of the client's home. `named`: labels name its fills only (1),
    # the end of it that is a cancel only (2), or all that is said of it (0).
    trade: Ints = field(default_factory=_not_said)
    broker: Ints = field(default_factory=_not_said)
    named: Ints = field(default_factory=_not_said)

    def __post_init__(self) -> None:
        """What is not said of the orders, said."""
        for name, value in (("trade", 0), ("broker", -1), ("named", 0)):
            if not len(self[name]):
                object.__setattr__(self, name, np.full(len(self), value))


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int) -> Orders:
    """Make n orders: persons and firms in shares, firms that trade metals in futures."""
    future = rng.random(n) < _FUTURE_SHARE
    night = future & (rng.random(n) < _NIGHT)
    inside = np.flatnonzero(who.inside)
    weight = who.weight[inside] / who.weight[inside].sum()
    metal = traders(who)
    client = np.where(
        future,
        metal[rng.choice(len(metal), n, p=who.weight[metal] / who.weight[metal].sum())],
        inside[rng.choice(len(inside), n, p=weight)],
    )
    instrument = np.where(
        future,
        len(_SHARES) + rng.integers(0, len(_FUTURES), n),
        rng.integers(0, len(_SHARES), n),
    )
    base, tick = _prices()
    days = trading_days(when)
    evenings = days[_has_night(days, when)]
    day = np.where(night, rng.choice(evenings, n), rng.choice(days, n))
    hour = np.where(rng.random(n) < 0.55, rng.uniform(9.5, 11.4, n), rng.uniform(13.0, 14.9, n))
    hour = np.where(night, rng.uniform(21.0, 23.9, n), hour)
    drift = np.cumsum(rng.normal(0, 0.006, (len(base), when.length)), axis=1)
    level = base[instrument] * (1 + drift[instrument, day] + rng.normal(0, 0.0015, n))
    lots = np.where(future, rng.integers(1, 40, n), rng.integers(2, 60, n) * 100)
    return Orders(
        instant=when.midnight(day) + (hour * HOUR).astype(np.int64),
        client=client,
        instrument=instrument,
        buy=rng.random(n) < 0.5,
        lots=lots,
        limit_fen=level.astype(np.int64) // tick[instrument] * tick[instrument],
        fate=rng.choice(3, n, p=(_DEALT, _CANCELLED, _CHANGED)),
        opens=rng.random(n) < 0.6,
        purpose=np.where(future & (rng.random(n) < 0.6), 3, 1),
        night=night,
        plan=np.full(n, -1),
    )


def contracts() -> list[tuple[str, bool]]:
    """(code, whether it is a future) of everything traded, in the order of `Orders.instrument`."""
    return [*((one[0], False) for one in _SHARES), *((one[0], True) for one in _FUTURES)]


def lot_fen(instrument: int) -> int:
    """What a lot of a future is worth at its usual price, in fen."""
    _, price, _, size = _FUTURES[instrument - len(_SHARES)]
    return price * size


def filled(orders: Orders) -> Ints:
    """How much of each order is traded in the end."""
    part = _part(orders)
    traded = np.where(orders.fate == _GONE, part * (part < orders.lots), orders.lots)
    return np.where(orders.fate >= WITHDRAWN, 0, traded)


def _part(orders: Orders) -> Ints:
    """What is traded first of an order that is filled in two parts, or cancelled after one."""
    shares = np.maximum(orders.lots // 200 * 100, 100)
    return np.where(orders.instrument < len(_SHARES), shares, orders.lots // 2)


def _sums(group: Ints, values: Ints) -> Ints:
    """The sum of the values of each group, by its number."""
    sums = np.zeros(int(group.max(initial=-1)) + 1, np.int64)
    np.add.at(sums, group, values)
    return sums


def _prices() -> tuple[Ints, Ints]:
    every = [*(one[:3] for one in _SHARES), *(one[:3] for one in _FUTURES)]
    return np.array([one[1] for one in every]), np.array([one[2] for one in every])


def limit(rng: np.random.Generator, instrument: int) -> int:
    """A limit near an instrument's usual price, in fen, whole ticks."""
    base, tick = (int(one[instrument]) for one in _prices())
    return int(base * (1 + rng.normal(0, 0.012))) // tick * tick


def trading_days(when: Span) -> Ints:
    """Positions of the trading days of the span; adjusted weekend days are none."""
    opened = calendars().open_days("SSE", when.first, when.last)
    return np.array([(day - when.first).days for day in opened])


def _has_night(days: Ints, when: Span) -> Flags:
    """Whether a trading day is followed by a night session: the next one comes without holiday."""
    after = calendars().open_days("SHFE", when.first, when.last + timedelta(days=14))
    following = np.array([(day - when.first).days for day in after])
    gap = following[np.searchsorted(following, days, side="right")] - days
    weekend = np.array([when.day(at).weekday() == 4 for at in days])
    return np.asarray((gap == 1) | (weekend & (gap == 3)))


def feed(
    rng: np.random.Generator, who: Population, when: Span, orders: Orders, broken_share: float
) -> Sent:
    """Every message about the orders, from the branch that took them."""
    orders = take(orders, np.argsort(orders.instant, kind="stable"))
    n = len(orders)
    desk = _Desk(who, when, orders, rng.permutation(n) + 1)
    half = _part(orders)
    every = np.arange(n)
    dealt = (orders.fate == FILLED) | (orders.fate == _AMENDED)
    in_two = every[(half < orders.lots) & (half > 0) & dealt]
    whole = np.setdiff1d(every[dealt], in_two)
    part = every[(orders.fate == _GONE) & (half > 0) & (half < orders.lots)]
    gone = every[(orders.fate == _GONE) | (orders.fate == WITHDRAWN)]
    changed, killed = every[orders.fate == _AMENDED], every[orders.fate == KILLED]
    none = np.zeros(n, np.int64)
    first = np.where(half < orders.lots, half, 0)
    said = [
        desk.message(every, "D", 0),
        desk.message(every, "8", 1, execution="0", status="0", done=none),
        desk.message(changed, "G", 4 * SECOND, original=True),
        desk.message(changed, "8", 5 * SECOND, execution="5", status="0", done=none, original=True),
        desk.message(in_two, "8", 8 * SECOND, execution="F", status="1", done=first, last=first),
        desk.message(
            in_two, "8", 15 * SECOND, execution="F", status="2", done=orders.lots,
            last=orders.lots - first,
        ),
        desk.message(
            whole, "8", 9 * SECOND, execution="F", status="2", done=orders.lots, last=orders.lots
        ),
        desk.message(part, "8", 8 * SECOND, execution="F", status="1", done=first, last=first),
        desk.message(killed, "8", 2, execution="4", status="4", done=none, closed=True),
        desk.message(gone, "F", 40 * SECOND, original=True),
        desk.message(
            gone, "8", 41 * SECOND, execution="4", status="4",
            done=np.where(np.isin(every, part), first, 0), original=True, closed=True,
        ),
    ]  # fmt: skip
    row = np.concatenate([rows for rows, _ in said])
    table = pa.concat_tables([table for _, table in said])
    order = np.lexsort((np.arange(len(row)), row))  # all of an order together, in their order
    row, table = row[order], table.take(pa.array(order))
    return _sent(rng, desk, row, table, broken_share)


def _sent(
    rng: np.random.Generator, desk: "_Desk", row: Ints, table: pa.Table, broken_share: float
) -> Sent:
    """A session's messages an hour after its close; executions have numbers of their own."""
    number = np.char.zfill(np.arange(1, len(row) + 1).astype(str), 9)
    report = np.asarray(table["message"].to_pylist()) == "8"
    at = table.schema.get_field_index("execution")
    executions = some(np.char.add("X", number), report)
    table = table.set_column(at, table.schema.field(at), executions)
    night, instant = desk.orders.night[row], desk.orders.instant[row]
    midnight = (instant + BEIJING) // DAY * DAY - BEIJING
    branch = desk.branch[row]
    lateness = rng.random(4 * (int(midnight.max() - midnight.min()) // DAY + 1) * 2)
    group = ((midnight - midnight.min()) // DAY * 4 + branch) * 2 + night
    late = lateness[group] < _LATE * 3
    close = midnight + np.where(night, 26 * HOUR + 40 * MINUTE, 15 * HOUR + 40 * MINUTE)
    received = close + branch * 7 * MINUTE + np.where(late, 2 * DAY, 0)
    # Labels name a message as the repository does: by its execution, else by the order's own id.
    known = np.where(
        report, np.char.add("X", number), np.asarray(table["client_order"].to_pylist())
    )
    named = desk.orders.named[row]
    execution = np.asarray(table["execution_type"].fill_null("").to_pylist())
    wanted = np.where(named == 2, "4", "F")
    told = (report & (execution == wanted)) | (named == 0)
    table = table.append_column("reference", pa.array(np.where(told, known, "")))
    return sent(
        rng, FEED, Messages(_write), table, BRANCHES[branch],
        received, reference="reference", suffix="fix", broken_share=broken_share,
        plan=desk.orders.plan[row], late=int(late.sum()),
    )  # fmt: skip


def _write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    return write.write(records.select(write.RECORD.names), header)


class _Desk:
    """Writes messages about orders as whole columns."""

    def __init__(self, who: Population, when: Span, orders: Orders, serial: Ints) -> None:
        self.who, self.orders = who, orders
        register = institutions()
        ids = pa.array(BRANCHES)
        self._uscc = np.array(register.attribute("uscc", ids, when.first).to_pylist())
        home = [region_of_area(area) for area in who.home[orders.client].tolist()]
        # A client from outside the four regions has an account in Shanghai.
        own = np.array([_HOMES.index(one) if one in _HOMES else 0 for one in home])
        self.branch = np.where(orders.broker < 0, own, orders.broker)
        self._serial = np.char.zfill(serial.astype(str), 8)
        # Both orders of a planted trade fill under the number of one of them.
        _, first, mine = np.unique(orders.trade, return_index=True, return_inverse=True)
        self._trade = np.where(orders.trade > 0, self._serial[first[mine]], self._serial)
        every = np.arange(len(orders))
        mate = np.where(orders.trade > 0, _sums(mine, every)[mine] - every, every)
        self._contra = (self.branch[mate] + np.where(orders.trade > 0, 0, 1 + every % 3)) % 4
        venue = np.where(orders.instrument < len(_SHARES), "XSHG", "XSGE")
        self._future = venue == "XSGE"
        codes = np.array([one[0] for one in (*_SHARES, *_FUTURES)])
        instants = pa.array(orders.instant, pa.timestamp("us", "UTC"))
        day, _ = calendars().business_date(instants, "SHFE")
        compact = np.char.replace(np.array(day.cast(pa.string()).to_pylist()), "-", "")
        firm = ~who.person[orders.client]
        identifier = np.where(firm, who.uscc[orders.client], "")
        # A client has one account at home, and one at each other broker.
        away = np.where(self.branch == own, 0, self.branch + 1) * len(who.person)
        account = np.char.add(
            np.where(self._future, "8", "A"), np.char.zfill((orders.client + away).astype(str), 9)
        )
        self._same = {
            "branch": BRANCHES[self.branch],
            "broker": self._uscc[self.branch],
            "client": identifier,
            "account": account,
            "instrument": codes[orders.instrument],
            "security_type": np.where(self._future, "FUT", "CS"),
            "venue": venue,
            "side": np.where(orders.buy, "1", "2"),
            "currency": np.full(len(orders), "CNY"),
            "trade_date": compact,
            "purpose": orders.purpose.astype(str),
        }
        sizes = np.array([1] * len(_SHARES) + [one[3] for one in _FUTURES])
        self._units = sizes[orders.instrument]

    def message(
        self,
        rows: Ints,
        kind: str,
        after: int,
        execution: str = "",
        status: str = "",
        done: Ints | None = None,
        last: Ints | None = None,
        original: bool = False,
        closed: bool = False,
    ) -> tuple[Ints, pa.Table]:
        """One message about each of some orders.

        Args:
            rows: the orders.
            kind: MsgType.
            after: microseconds after the order; below a second they say its place only.
            execution: ExecType of an execution report.
            status: OrdStatus.
            done: quantity done so far, of every order.
            last: quantity of this fill.
            original: it speaks of the order before, under an id of its own.
            closed: nothing is left open.
        """
        if not len(rows):
            return rows, write.RECORD.empty_table()
        orders = take(self.orders, rows)
        text = {name: values[rows] for name, values in self._same.items()}
        happened = orders.instant + (after if after >= SECOND else after * 120_000)
        there = np.ones(len(rows), bool)
        future, serial = self._future[rows], self._serial[rows]
        report = kind == "8"
        own = {"G": "G", "F": "F", "5": "G", "4": "F"}.get(execution or kind, "C")
        if last is not None:  # a changed order is filled under its new id
            own = "C"
        letter = np.where((orders.fate == _AMENDED) & (last is not None), "G", own)
        letter = np.where(orders.fate == KILLED, "C", letter)
        immediate = np.where(orders.fate == KILLED, "3", "0")
        columns: dict[str, Texts | pa.Array] = {
            "message": np.full(len(rows), kind),
            "sender": text["branch"],
            "sent_at": _moment(happened + 180_000, "ms"),
            "happened_at": _moment(happened, "us"),
            "client_order": np.char.add(letter, serial),
            "client": some(text["client"], text["client"] != ""),
            "quantity": orders.lots.astype(str),
            "position_effect": some(np.where(orders.opens, "O", "C"), future),
            "time_in_force": some(immediate, (orders.lots % 2 == 0) | (orders.fate == KILLED)),
        } | {name: text[name] for name in text if name != "client"}
        price = money(orders.limit_fen)
        if kind != "F":
            columns |= {"order_type": np.full(len(rows), "2"), "limit_price": price}
        if kind != "D":
            columns["order"] = np.char.add("E", serial)
        if original:
            columns["original_order"] = np.char.add("C", serial)
        if report and done is not None:
            mine = done[rows]
            columns |= {
                "execution_type": np.full(len(rows), execution),
                "order_status": np.full(len(rows), status),
                "cumulative": mine.astype(str),
                "leaves": np.where(closed, 0, orders.lots - mine).astype(str),
                "average_price": np.where(mine > 0, price, "0"),
            }
        if last is not None:
            fill = last[rows]
            other = self._uscc[self._contra[rows]]
            columns |= {
                "last_quantity": fill.astype(str),
                "last_price": price,
                "gross_amount": money(orders.limit_fen * fill * self._units[rows]),
                "contra_broker": some(other, rows % 2 == 0),
                "exchange_trade": some(
                    np.char.add(f"T{after // SECOND:02d}", self._trade[rows]), there
                ),
            }
        return rows, table_of(columns, write.RECORD)


def _moment(instants: Ints, unit: str) -> Texts:
    """UTC as FIX says it: 20260615-02:30:00.120 with three or six digits."""
    stamps = instants.astype("datetime64[us]")
    text = np.datetime_as_string(stamps, unit="us" if unit == "us" else "ms")
    return np.char.replace(np.char.replace(text, "-", ""), "T", "-")
