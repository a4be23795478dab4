"""Goods in warehouses: the register of receipts, and the exchange's daily stock.

The stock of a warehouse and variety changes from one trading day to the next by exactly the
standard receipts that the register issued and delivered out of it. Owners are the firms that trade
metals at the exchange.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.warehouse_receipts import write as receipt_form
from connectors.feeds.warehouse_stock import write as stock_form
from replay.market.batches import MINUTE, money
from replay.market.columns import Columns, joined, take
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.population import Flags, Ints, Population, Texts
from replay.market.receivables import wall
from replay.market.sending import Sent, gathered, sent, some, table_of
from replay.market.traders import traders
from schemas.reference_data import calendars

RECEIPTS, STOCK = "warehouse_receipts", "warehouse_stock"
REGISTRY, EXCHANGE = "OP-RECEIPTS", "OP-FUTURES"
ACTS_PER_RECEIPT = 2.1  # measured, within a span of two months
KINDS = ("出具", "质押", "解押", "转让", "提货", "拆分")
ISSUE, _PLEDGE, _RELEASE, TRANSFER, _DELIVER, _SPLIT = range(6)
# Name, English name, region as the exchange writes it, GB/T 2260 code of the place.
WAREHOUSES = (
    ("沪东模拟库", "Hudong", "上海$$Shanghai", "310115"),
    ("甬港模拟库", "Yonggang", "宁波$$Ningbo", "330211"),
    ("苏沿模拟库", "Suyan", "江苏$$Jiangsu", "320582"),
    ("皖江模拟库", "Wanjiang", "安徽$$Anhui", "340202"),
    ("沪宝模拟库", "Hubao", "上海$$Shanghai", "310113"),
    ("浙北模拟库", "Zhebei", "浙江$$Zhejiang", "330402"),
    ("锡北模拟库", "Xibei", "江苏$$Jiangsu", "320205"),
    ("粤埔模拟库", "Yuepu", "广东$$Guangdong", "440112"),
)
# Warehouses where only planted receipts lie: nobody's everyday stock covers for theirs.
QUIET = (
    ("通港模拟库", "Tonggang", "江苏$$Jiangsu", "320602"),
    ("嘉西模拟库", "Jiaxi", "浙江$$Zhejiang", "330421"),
)
_EVERY = WAREHOUSES + QUIET
# Code, name, tonnes a standard receipt, fen a tonne, grade.
VARIETIES = (
    ("cu", "铜$$COPPER", 25, 7_932_000, "Cu-CATH-1"),
    ("al", "铝$$ALUMINIUM", 25, 2_074_500, "AL99.70"),
    ("zn", "锌$$ZINC", 25, 2_246_000, "ZN99.995"),
    ("ni", "镍$$NICKEL", 6, 12_184_000, "NI9996"),
)
_STANDARD = 0.7
_PLEDGED, _RELEASED, _MOVED, _DELIVERED, _PARTED = 0.42, 0.5, 0.2, 0.3, 0.08
_LATE = 0.003


@dataclass(frozen=True, slots=True)
class Acts(Columns):
    """Acts on receipts, one row a line of the register."""

    instant: Ints
    kind: Ints  # position in KINDS
    receipt: Ints
    parent: Ints  # -1: none
    owner: Ints  # party row before the act
    transferee: Ints  # party row, -1: none
    pledgee: Ints  # bank row, -1: none
    variety: Ints
    warehouse: Ints
    standard: Flags
    kilograms: Ints
    issued: Ints  # days since 1970
    lot: Ints  # the receipt with which the goods were told first; a part keeps that of the whole
    turn: Ints  # 0, 1, ...: acts of one kind on one receipt
    rank: Ints  # of a pledge
    secured_fen: Ints  # by a pledge
    plan: Ints


@dataclass(frozen=True, slots=True)
class Emptied(Columns):
    """Goods that are gone from a warehouse although their receipts stand, from a day on."""

    day: Ints  # position in the span, a trading day
    variety: Ints
    warehouse: Ints
    tonnes: Ints
    plan: Ints


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int, places: int) -> Acts:
    """Make about n acts on receipts in the first `places` pairs of warehouse and variety."""
    count = max(round(n / ACTS_PER_RECEIPT), 4)
    owners, days = traders(who), np.array(calendar_positions(when))
    spot = rng.integers(0, places, count)
    variety, warehouse = spot % len(VARIETIES), spot // len(VARIETIES)
    standard = rng.random(count) < _STANDARD
    lot = np.array([one[2] for one in VARIETIES])[variety] * 1000
    kilograms = np.where(
        standard, lot * rng.integers(1, 40, count), rng.integers(3_000, 900_000, count)
    )
    place = rng.integers(0, len(days), count)
    value = _value(variety, kilograms)
    issue = Acts(
        instant=_at(rng, when, days, place, 9.0),
        kind=np.full(count, ISSUE),
        receipt=np.arange(count),
        parent=np.full(count, -1),
        owner=owners[rng.integers(0, len(owners), count)],
        transferee=np.full(count, -1),
        pledgee=np.full(count, -1),
        variety=variety,
        warehouse=warehouse,
        standard=standard,
        kilograms=kilograms,
        issued=(when.midnight(days[place]) + BEIJING) // DAY,
        lot=np.arange(count),
        turn=np.zeros(count, np.int64),
        rank=np.ones(count, np.int64),
        secured_fen=value * 65 // 100,
        plan=np.full(count, -1),
    )
    draw = rng.random(count)
    edges = np.cumsum([_PLEDGED, _MOVED, _DELIVERED, _PARTED])
    pledged, moved = (
        np.flatnonzero(draw < edges[0]),
        np.flatnonzero((draw >= edges[0]) & (draw < edges[1])),
    )
    out = np.flatnonzero((draw >= edges[1]) & (draw < edges[2]))
    parted = np.flatnonzero((draw >= edges[2]) & (draw < edges[3]))
    later = place + rng.integers(1, 10, count)
    bank = rng.integers(0, who.banks.branches, count)
    other = owners[
        (np.searchsorted(owners, issue.owner) + 1 + rng.integers(0, 9, count)) % len(owners)
    ]
    parts = [issue]

    def act(rows: Ints, kind: int, at: Ints, **more: Ints) -> None:
        """An act on some receipts, where it falls into the span."""
        inside = at < len(days)
        chosen = take(issue, rows[inside])
        columns = {name: chosen[name] for name in Acts.__dataclass_fields__}
        columns |= {"kind": np.full(int(inside.sum()), kind)}
        columns |= {"instant": _at(rng, when, days, at[inside], 9.0)}
        parts.append(Acts(**columns | {name: values[inside] for name, values in more.items()}))

    act(pledged, _PLEDGE, later[pledged], pledgee=bank[pledged])
    freed = pledged[rng.random(len(pledged)) < _RELEASED]
    act(freed, _RELEASE, later[freed] + rng.integers(2, 12, len(freed)), pledgee=bank[freed])
    act(moved, TRANSFER, later[moved], transferee=other[moved])
    act(out, _DELIVER, later[out])
    half = kilograms // 2
    moments = later[parted]
    for turn, weight in enumerate((half, kilograms - half)):
        act(
            parted, _SPLIT, moments, parent=parted, kilograms=weight[parted],
            receipt=count + 2 * np.arange(len(parted)) + turn,
        )  # fmt: skip
    return joined(parts)


def _value(variety: Ints, kilograms: Ints) -> Ints:
    """What goods are worth, in fen."""
    return np.asarray(kilograms * np.array([one[3] for one in VARIETIES])[variety] // 1000)


def places_for(n: int, when: Span) -> int:
    """How many pairs of warehouse and variety make about n lines of stock in a span."""
    most = len(WAREHOUSES) * len(VARIETIES)
    return int(min(max(round(n / len(calendar_positions(when))), len(VARIETIES)), most))


def calendar_positions(when: Span) -> list[int]:
    """The exchange's trading days as positions in the span."""
    opened = calendars().open_days("SHFE", when.first, when.last)
    return [(day - when.first).days for day in opened]


def _at(rng: np.random.Generator, when: Span, days: Ints, place: Ints, hour: float) -> Ints:
    seconds = (hour * 3600 + rng.uniform(0, 7 * 3600, len(place))).astype(np.int64)
    return np.asarray(when.midnight(days[place]) + seconds * 1_000_000)


def receipts_feed(
    rng: np.random.Generator, who: Population, acts: Acts, broken_share: float
) -> Sent:
    """The register's lines, sent every hour."""
    n = len(acts)
    known = np.unique(np.r_[acts.receipt, acts.parent, acts.lot])
    receipt, parent, lot = (
        np.searchsorted(known, x) for x in (acts.receipt, acts.parent, acts.lot)
    )
    number = rng.permutation(len(known)) + 1
    # Both lines of a split are one deal.
    subject = np.where(acts.kind == _SPLIT, parent, receipt)
    _, deals = np.unique((subject * len(KINDS) + acts.kind) * n + acts.turn, return_inverse=True)
    deal = rng.permutation(len(known) * len(KINDS))
    value = _value(acts.variety, acts.kilograms)
    pledge, named = acts.kind == _PLEDGE, np.isin(acts.kind, (_PLEDGE, _RELEASE))
    moved, split = acts.kind == TRANSFER, acts.kind == _SPLIT
    status = np.array(["未质押", "已质押", "未质押", "未质押", "已注销", "未质押"])[acts.kind]
    bank, other = np.maximum(acts.pledgee, 0), np.maximum(acts.transferee, 0)
    received, late = gathered(rng, acts.instant, np.zeros(n, np.int64), _LATE, 4 * HOUR, HOUR)
    columns: dict[str, Texts | pa.Array] = {
        "deal": np.char.add("WD", np.char.zfill(deal[deals].astype(str), 10)),
        "kind": np.array(KINDS)[acts.kind],
        "at": wall(acts.instant),
        "reported_at": wall(received - MINUTE),
        "receipt": np.char.zfill(number[receipt].astype(str), 18),
        "class": np.where(acts.standard, "标准", "非标准"),
        "status": status,
        "parents": some(np.char.zfill(number[parent].astype(str), 18), split),
        "owner": who.uscc[acts.owner],
        "owner_name": who.name[acts.owner],
        "owner_area": who.county[acts.owner],
        "transferee": some(who.uscc[other], moved),
        "pledgee": some(who.banks.ids[bank], named),
        "pledgee_name": some(who.banks.names[bank], named),
        "rank": some(acts.rank.astype(str), named),
        "secured": some(money(acts.secured_fen), pledge),
        "variety": np.array([one[0] for one in VARIETIES])[acts.variety],
        "grade": np.array([one[4] for one in VARIETIES])[acts.variety],
        "brand": np.char.add("模拟牌", (lot % 7).astype(str)),
        "lot": np.char.add("L", np.char.zfill((lot * 37 + 11).astype(str), 8)),
        "warehouse": np.array([one[0] for one in _EVERY])[acts.warehouse],
        "warehouse_area": np.array([one[3] for one in _EVERY])[acts.warehouse],
        "bay": np.char.add("A-", (lot * 13 % 997).astype(str)),
        "quantity": _tonnes(acts.kilograms),
        "unit": np.full(n, "吨"),
        "value": money(value),
        "issued": acts.issued.astype("datetime64[D]").astype(str),
        "valid_to": (acts.issued + 365).astype("datetime64[D]").astype(str),
    }
    return sent(
        rng, RECEIPTS, receipt_form, table_of(columns, receipt_form.RECORD),
        np.full(n, REGISTRY), received, reference="deal", suffix="csv", broken_share=broken_share,
        plan=acts.plan, late=late,
    )  # fmt: skip


def _tonnes(kilograms: Ints) -> Texts:
    """Kilograms as tonnes with three decimals and groups of three: 1,234.567."""
    return np.array([f"{weight // 1000:,}.{weight % 1000:03d}" for weight in kilograms.tolist()])


def stock_feed(
    rng: np.random.Generator,
    when: Span,
    acts: Acts,
    places: int,
    broken_share: float,
    emptied: Sequence[Emptied] = (),
) -> Sent:
    """One file a trading day, in the evening: places, subtotals of regions, totals of varieties.

    Beside the everyday places stand those of planted standard receipts, with nothing else in them.
    """
    days = np.array(calendar_positions(when))
    day = (acts.instant - when.midnight(np.zeros(1, np.int64))) // DAY
    spot = acts.warehouse * len(VARIETIES) + acts.variety
    spots = np.union1d(np.arange(places), spot[acts.standard])
    change = np.zeros((len(spots), len(days)), np.int64)
    for kind, sign in ((ISSUE, 1), (_DELIVER, -1)):
        mine = acts.standard & (acts.kind == kind)
        at = (np.searchsorted(spots, spot[mine]), np.searchsorted(days, day[mine]))
        np.add.at(change, at, sign * acts.kilograms[mine] // 1000)
    for gone in emptied:
        where = np.searchsorted(spots, gone.warehouse * len(VARIETIES) + gone.variety)
        np.add.at(change, (where, np.searchsorted(days, gone.day)), -gone.tonnes)
    before = np.r_[rng.integers(80, 900, places) * 25, np.zeros(len(spots) - places, np.int64)]
    held = before[:, None] + np.cumsum(change, axis=1)
    rows: list[dict[str, str]] = []
    for column, position in enumerate(days.tolist()):
        rows += _lines(f"{when.day(position):%Y%m%d}", spots, held[:, column], change[:, column])
    table = pa.Table.from_pylist(rows, schema=stock_form.RECORD)
    stated = np.array([row["day"] for row in rows])
    evening = (
        when.midnight(days) + 15 * HOUR + 50 * MINUTE + rng.integers(0, 20, len(days)) * MINUTE
    )
    received = evening[np.unique(stated, return_inverse=True)[1]]
    return sent(
        rng, STOCK, stock_form, table, np.full(len(rows), EXCHANGE), received,
        reference="warehouse", suffix="csv", broken_share=broken_share,
        counted=np.array([row["row"] == "0" for row in rows]), shuffled=False,
    )  # fmt: skip


def _lines(day: str, spots: Ints, held: Ints, change: Ints) -> list[dict[str, str]]:
    """A day's lines by variety and region, with what they add up to.

    Args:
        day: as written.
        spots: warehouse x number of varieties + variety, of each line.
        held: tonnes there.
        change: tonnes since the day before.
    """
    out: list[dict[str, str]] = []

    def line(variety: int, region: str, name: str, rows: Ints, kind: str) -> None:
        code, title = VARIETIES[variety][:2]
        weight, moved = int(held[rows].sum()), int(change[rows].sum())
        out.append(
            {"day": day, "variety": code, "variety_name": title, "region": region}
            | {"warehouse": name, "weight": f"{weight:,}", "change": f"{moved:,}"}
            | {"unit": "2", "row": kind}
        )

    for variety in range(len(VARIETIES)):
        mine = np.flatnonzero(spots % len(VARIETIES) == variety)
        house = [_EVERY[at // len(VARIETIES)] for at in spots.tolist()]
        for region in dict.fromkeys(house[at][2] for at in mine.tolist()):
            here = [at for at in mine.tolist() if house[at][2] == region]
            for at in here:
                line(variety, region, f"{house[at][0]}$${house[at][1]}", np.array([at]), "0")
            line(variety, region, "合计$$Subtotal", np.array(here), "1")
        line(variety, "", "总计$$Total", mine, "2")
    return out
