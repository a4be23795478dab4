"""The interbank market (IMIX): bonds, repo, lending and quotes, reported by its platform.

Members are the institutions of the register that have a member number. The platform reports every
quarter of an hour; a few trades are cancelled later the same day, and the trade stays visible.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.cfets_imix import write
from replay.market import identifiers
from replay.market.batches import MINUTE, money
from replay.market.columns import Columns, take
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.population import Flags, Ints, Texts
from replay.market.sending import Messages, Sent, gathered, sent, some, table_of
from schemas.reference_data import calendars, institutions
from schemas.regions import OUT, region_of_area

FEED = "cfets_imix"
OPERATOR = "OP-INTERBANK"
REPO, LENDING, BOND = 0, 1, 2
_SHARES = (0.5, 0.27, 0.23)
_MARKET = ("10", "1", "4")
_TENORS = (1, 7, 14)
_QUOTES = 0.06
_CANCELLED = 0.012
_WINDOW = 15 * MINUTE
_LATE = 0.002
# Code, name, clean price in ten-thousandths, coupon in hundredths of a percent, yield likewise.
_BONDS = (
    ("269001", "26模拟国债01", 1_004_210, 168, 161),
    ("269002", "26模拟国债02", 998_350, 183, 190),
    ("259017", "25模拟国债17", 1_012_600, 201, 174),
    ("260901", "26模拟国开01", 1_001_150, 176, 172),
    ("250905", "25模拟国开05", 989_400, 165, 188),
    ("260911", "26模拟农发01", 1_003_300, 179, 170),
    ("112690", "26模拟存单90", 993_870, 155, 166),
    ("102691", "26模拟中票91", 1_008_420, 235, 214),
)
_SURNAMES, _GIVEN = ("赵", "钱", "孙", "李"), ("拟甲", "拟乙", "拟丙", "拟丁")
_DAYS = 365


@dataclass(frozen=True, slots=True)
class Deals(Columns):
    """Deals and quotes, one row each; sides are rows of the members."""

    instant: Ints
    kind: Ints  # REPO LENDING BOND
    first: Ints
    second: Ints
    bond: Ints  # row of _BONDS; of a repo the underlying
    face_fen: Ints  # face value, or the amount lent
    rate: Ints  # hundredths of a percent
    tenor: Ints  # days
    quote: Flags
    plan: Ints


@dataclass(frozen=True, slots=True)
class Members:
    """Institutions with a member number, those of the Delta first."""

    number: Texts
    name: Texts
    bank: Texts  # number of the bank of the cash account
    bank_name: Texts
    inside: int

    def __len__(self) -> int:
        return len(self.number)


def members(when: Span) -> Members:
    """The members in the register on the first day."""
    rows = [row for row in institutions().slice_on(when.first).to_pylist() if row["cfets6"]]
    home = [row for row in rows if region_of_area(row["area"]) != OUT]
    every = [*home, *(row for row in rows if region_of_area(row["area"]) == OUT)]
    house = next(row for row in home if row["cnaps12"])
    keeps = [row if row["cnaps12"] else house for row in every]
    return Members(
        number=np.array([row["cfets6"] for row in every]),
        name=np.array([row["name_zh"] for row in every]),
        bank=np.array([row["cnaps12"] for row in keeps]),
        bank_name=np.array([row["name_zh"] for row in keeps]),
        inside=len(home),
    )


def everyday(rng: np.random.Generator, who: Members, when: Span, n: int) -> Deals:
    """Make n deals and quotes; at least one side of each is a member of the Delta."""
    kind = rng.choice(len(_SHARES), n, p=_SHARES)
    first, second = rng.integers(0, who.inside, n), rng.integers(0, len(who), n)
    turned = rng.random(n) < 0.5
    first, second = np.where(turned, second, first), np.where(turned, first, second)
    second = np.where(first == second, (second + 1) % who.inside, second)
    second = np.where(first == second, (second + 1) % who.inside, second)
    size = np.exp(rng.normal(np.log(12), 0.8, n)).astype(np.int64) + 1  # of ten million yuan
    day = rng.choice(np.array(when.business), n)
    tenor = np.array(_TENORS)[rng.choice(3, n, p=(0.6, 0.3, 0.1))]
    hour = np.where(rng.random(n) < 0.6, rng.uniform(9.0, 12.0, n), rng.uniform(13.5, 16.9, n))
    return Deals(
        instant=when.midnight(day) + (hour * HOUR).astype(np.int64) // 1000 * 1000,
        kind=kind,
        first=first,
        second=second,
        bond=rng.integers(0, len(_BONDS), n),
        face_fen=size * 1_000_000_000,
        rate=150 + tenor + rng.integers(-12, 28, n),
        tenor=tenor,
        quote=rng.random(n) < _QUOTES,
        plan=np.full(n, -1),
    )


def feed(
    rng: np.random.Generator, who: Members, when: Span, deals: Deals, broken_share: float
) -> Sent:
    """The platform's messages: every deal and quote, and the cancels of some deals."""
    n = len(deals)
    serial = rng.permutation(n) + 1
    cancelled = np.flatnonzero(~deals.quote & (deals.plan < 0) & (rng.random(n) < _CANCELLED))
    row = np.r_[np.arange(n), cancelled]
    cancel = np.r_[np.zeros(n, bool), np.ones(len(cancelled), bool)]
    rows = take(deals, row)
    wait = np.where(cancel, rng.integers(5, 30, len(row)) * MINUTE, 0)
    happened = rows.instant + wait
    columns = _columns(rng, who, rows, serial[row], happened, cancel)
    table = table_of(columns, write.RECORD)
    # One sender: the windows of the platform decide what goes together.
    received, late = gathered(
        rng, happened, np.zeros(len(row), np.int64), _LATE, 30 * MINUTE, _WINDOW
    )
    return sent(
        rng, FEED, Messages(write.write), table, np.full(len(row), OPERATOR), received,
        reference="quote", suffix="imix", broken_share=broken_share,
        plan=rows.plan, late=late,
    )  # fmt: skip


def _columns(
    rng: np.random.Generator,
    who: Members,
    rows: Deals,
    serial: Ints,
    happened: Ints,
    cancel: Flags,
) -> dict[str, Texts | pa.Array]:
    day = (rows.instant + BEIJING) // DAY
    repo, lending, bond = (rows.kind == kind for kind in (REPO, LENDING, BOND))
    code, name = (np.array([one[at] for one in _BONDS])[rows.bond] for at in (0, 1))
    table = np.array([one[2:] for one in _BONDS])[rows.bond]
    clean, coupon, gain = table.T
    clean = clean + serial % 60 * 10 - 300
    # Of a bond: interest since the last coupon; of money: interest until it is paid back.
    accrued = coupon * (20 + rows.bond * 17) * 100 // _DAYS  # ten-thousandths of 100 of face
    net = rows.face_fen // 1_000_000 * clean
    cash = np.where(bond, net + rows.face_fen // 1_000_000 * accrued, rows.face_fen)
    cash = np.where(repo, rows.face_fen // 1000 * 892, cash)
    settle = _open(day + np.where(bond, rows.bond % 2, 0))
    second = _open(settle + rows.tenor)
    interest = np.where(bond, cash - net, cash // 10_000 * rows.rate * (second - settle) // _DAYS)
    trade_day = _compact(day)
    tenor = np.char.zfill(rows.tenor.astype(str), 3)
    instrument = np.where(bond, code, np.char.add(np.where(repo, "R", "IBO"), tenor))
    prefix = np.array(["OR", "IBO", "CBT"])[rows.kind]
    number = np.char.zfill(serial.astype(str), 6)
    there = np.ones(len(rows), bool)
    columns: dict[str, Texts | pa.Array] = {
        "message": np.where(rows.quote, "S", "8"),
        "execution": some(np.where(cancel, "4", "F"), ~rows.quote),
        "market": np.array(_MARKET)[rows.kind],
        "sent_at": _moment(happened - BEIJING + 700_000),
        "happened_at": _moment(happened),
        "trade": some(np.char.add(np.char.add(prefix, trade_day), number), ~rows.quote),
        "quote": np.char.add(trade_day, np.char.zfill(serial.astype(str), 10)),
        "order": np.char.add("41", np.char.zfill(serial.astype(str), 16)),
        "instrument": instrument,
        "instrument_name": some(np.where(bond, name, instrument), bond | repo),
        "quantity": money(rows.face_fen),
        "price": np.where(bond, _decimal(clean, 4), _decimal(rows.rate * 100, 4)),
        "settlement": some(money(cash), bond | repo),
        "currency": some(np.full(len(rows), "CNY"), bond | repo),
        "settlement_date": some(_compact(settle), there),
        "second_date": some(_compact(second), repo | lending),
        "trade_date": trade_day,
        "interest": some(money(interest), bond | lending),
        "maturity": some(money(cash + interest), repo | lending),
        "net_amount": some(money(net), bond),
        "dirty_price": some(_decimal(clean + accrued, 4), bond),
        "yield": some(_decimal(gain * 100, 4), bond),
        "underlying": some(code, repo),
    }
    cash_accounts = identifiers.accounts(rng, np.zeros(len(who), bool))
    trader = np.char.add(
        np.array(_SURNAMES)[np.arange(len(who)) % 4], np.array(_GIVEN)[np.arange(len(who)) // 4 % 4]
    )
    own = np.arange(len(who)).astype(str)
    for side, member in ((1, rows.first), (2, rows.second)):
        columns |= {
            f"member_{side}": who.number[member],
            f"name_{side}": who.name[member],
            f"short_name_{side}": who.name[member].astype("U4"),
            f"trader_{side}": trader[member],
            f"phone_{side}": np.char.add("021-6123", np.char.zfill(own, 4))[member],
            f"bank_{side}": who.bank_name[member],
            f"bank_number_{side}": who.bank[member],
            f"cash_account_{side}": cash_accounts[member],
            f"custodian_{side}": np.full(len(rows), "模拟登记结算公司"),
            f"bond_account_{side}": np.char.add("A", np.char.zfill(own, 10))[member],
        }
    return columns


def _moment(instants: Ints) -> Texts:
    """Beijing wall time as IMIX says it: 20260615-10:29:58.120."""
    text = np.datetime_as_string((instants + BEIJING).astype("datetime64[us]"), unit="ms")
    return np.char.replace(np.char.replace(text, "-", ""), "T", "-")


def _compact(days: Ints) -> Texts:
    return np.char.replace(days.astype("datetime64[D]").astype(str), "-", "")


def _open(days: Ints) -> Ints:
    """Each day, or the next one on which banks work."""
    instants = pa.array(days * DAY - BEIJING, pa.timestamp("us", "UTC"))
    opened, _ = calendars().business_date(instants, "BANK")
    return np.asarray(opened.cast(pa.int32())).astype(np.int64)


def _decimal(numbers: Ints, places: int) -> Texts:
    """Whole units of the last place as a plain decimal."""
    scale = 10**places
    whole, rest = (numbers // scale).astype(str), (numbers % scale).astype(str)
    return np.char.add(np.char.add(whole, "."), np.char.zfill(rest, places))
