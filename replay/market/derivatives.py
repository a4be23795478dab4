"""Derivative trades (auth.030): interest swaps and currency forwards of banks and firms.

Both sides report one trade under one identifier. A bank reports through the branch that trades,
a firm through its house bank; sides outside the four regions report elsewhere. Some trades are
changed, corrected or ended later.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.derivative_trade import write
from replay.market.batches import MINUTE, money
from replay.market.columns import Columns, take
from replay.market.days import DAY, HOUR, Span, stamp
from replay.market.fx import tens_fen
from replay.market.population import Flags, Ints, Population, Texts
from replay.market.sending import Sent, sent, some, table_of

FEED = "derivative_trade"
REPORTS_PER_TRADE = 2.25  # measured: two sides, some of them outside, some acts later
_ACTIONS = ("New", "Mod", "Crrctn", "Termntn")
_EVENTS = ("TRAD", "UPDT", "NONE", "ETRM")
_LATER = (0.07, 0.04, 0.06)  # share of trades with each later act
_SWAPS = 0.62
_BENCHMARKS = ("FR007", "SHI3M", "LPR1Y")
_TENORS = (92, 183, 365, 730, 1096, 1826)
_PACKAGES = 0.06
_LATE = 0.005


@dataclass(frozen=True, slots=True)
class Trades(Columns):
    """Trades, one row a trade; a side is a bank row, or a party row where `*_firm` says so."""

    instant: Ints
    maker: Ints  # pays the first leg; always a bank
    taker: Ints
    taker_firm: Flags
    swap: Flags
    amount_fen: Ints  # of the first leg
    rate: Ints  # swaps: hundredths of a percent
    tenor: Ints  # days
    plan: Ints


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int) -> Trades:
    """Make n trades; seven in ten are of a bank with a firm."""
    banks = who.banks
    firms = np.flatnonzero(~who.person & who.inside & (who.scheme == "LEI"))
    busy = who.weight[firms] / who.weight[firms].sum()
    maker = rng.integers(0, banks.branches, n)
    other = rng.integers(0, banks.banks, n)
    for _ in range(4):  # a bank does not trade with itself
        other = np.where(banks.legal[other] == banks.legal[maker], (other + 5) % banks.banks, other)
    firm = rng.random(n) < 0.7
    swap = rng.random(n) < _SWAPS
    fen = np.exp(rng.normal(np.log(np.where(firm, 1_500_000_000, 9_000_000_000)), 0.9))
    day = rng.choice(np.array(when.business), n)
    hour = rng.uniform(9.2, 17.3, n) * HOUR
    instant = when.midnight(day) + hour.astype(np.int64) // 1000 * 1000
    # Where nobody knows a rate there are no forwards: their amounts could not be compared.
    _, rated = tens_fen(np.zeros(n, np.int64), instant)
    return Trades(
        instant=instant,
        maker=maker,
        taker=np.where(firm, firms[rng.choice(len(firms), n, p=busy)], other),
        taker_firm=firm,
        swap=swap | ~rated,
        amount_fen=np.maximum(fen.astype(np.int64) // 100_000_000, 1) * 100_000_000,
        rate=rng.integers(140, 290, n),
        tenor=np.array(_TENORS)[rng.integers(0, len(_TENORS), n)],
        plan=np.full(n, -1),
    )


def feed(
    rng: np.random.Generator, who: Population, when: Span, trades: Trades, broken_share: float
) -> Sent:
    """Every act on the trades, as each side reports it on the evening of its day."""
    banks, n = who.banks, len(trades)
    number = np.char.zfill((rng.permutation(n) + 1).astype(str), 8)
    uti = np.char.add(np.char.add(banks.lei[trades.maker], "T"), number)
    trade, action, instant = _acts(rng, when, trades)
    rows = take(trades, trade)
    # Two sides of each act: the maker's branch, and the taker's branch or house bank.
    house = who.account_bank[who.account_start[np.where(rows.taker_firm, rows.taker, 0)]]
    second = np.where(rows.taker_firm, house, np.where(rows.taker_firm, 0, rows.taker))
    bank_lei = banks.lei[np.where(rows.taker_firm, 0, rows.taker)]
    party_lei = who.identifier[np.where(rows.taker_firm, rows.taker, 0)]
    leis = (banks.lei[rows.maker], np.where(rows.taker_firm, party_lei, bank_lei))
    branch = np.r_[rows.maker, second]
    reporter, other = np.r_[leis[0], leis[1]], np.r_[leis[1], leis[0]]
    direction = np.repeat(["MAKE", "TAKE"], len(rows))
    kept = np.flatnonzero(branch < banks.branches)
    act = np.tile(np.arange(len(rows)), 2)[kept]
    rows, action, instant, branch = take(rows, act), action[act], instant[act], branch[kept]
    day_start = (instant + 8 * HOUR) // DAY * DAY - 8 * HOUR
    late = rng.random(len(branch)) < _LATE
    reported = day_start + 19 * HOUR + branch % 12 * 10 * MINUTE + np.where(late, 3 * DAY, 0)
    start = rows.instant // DAY + 1
    swap = rows.swap
    dollars = _dollars(rows.amount_fen, rows.instant)
    package = np.char.add(
        "PKG", np.char.zfill((number[trade].astype(np.int64) // 2).astype(str), 8)
    )
    grouped = (rng.random(n) < _PACKAGES)[trade][act]
    wanted = action == _ACTIONS.index("Crrctn")
    rate = money(rows.rate + np.where(wanted, 1, 0))
    fen = rows.amount_fen // np.where(action == _ACTIONS.index("Mod"), 2, 1)
    columns: dict[str, Texts | pa.Array] = {
        "action": np.array(_ACTIONS)[action],
        "uti": uti[trade][act],
        "reporter": reporter[kept],
        "other": other[kept],
        "submitter": banks.lei[branch],
        "direction": direction[kept],
        "reported_at": np.char.add(stamp(reported, "s"), "+08:00"),
        "executed_at": np.char.add(stamp(rows.instant, "ms"), "+08:00"),
        "event": np.array(_EVENTS)[action],
        "event_day": stamp(instant, "D"),
        "contract": np.where(swap, "SWAP", "FORW"),
        "asset_class": np.where(swap, "INTR", "CURR"),
        "classification": np.where(swap, "SRCCSP", "JFTXFP"),
        "venue": np.where(rows.taker_firm, "XXXX", "XCFE"),
        "currency_1": np.where(swap, "CNY", "USD"),
        "amount_1": money(np.where(swap, fen, dollars)),
        "currency_2": np.full(len(rows), "CNY"),
        "amount_2": money(fen),
        "effective": (start).astype("datetime64[D]").astype(str),
        "end": (start + rows.tenor).astype("datetime64[D]").astype(str),
        "rate": some(rate, swap),
        "benchmark": some(np.array(_BENCHMARKS)[rows.rate % len(_BENCHMARKS)], swap),
        "package": some(package[act], grouped),
    }
    return sent(
        rng, FEED, write, table_of(columns, write.RECORD), banks.ids[branch],
        reported + rng.integers(2, 9) * MINUTE, reference="uti", suffix="xml",
        broken_share=broken_share, plan=rows.plan, late=int(late.sum()),
    )  # fmt: skip


def _acts(rng: np.random.Generator, when: Span, trades: Trades) -> tuple[Ints, Ints, Ints]:
    """Trade, action and instant of every act: the conclusion, then what some trades see later."""
    n = len(trades)
    trade, action, instant = [np.arange(n)], [np.zeros(n, np.int64)], [trades.instant]
    business = np.array([*when.business, when.length + 60])
    position = (trades.instant - when.midnight(np.zeros(1, np.int64))) // DAY
    for kind, share in enumerate(_LATER, start=1):
        chosen = np.flatnonzero(rng.random(n) < share)
        at = np.searchsorted(business, position[chosen], side="right") + 3 * (kind - 1)
        day = business[np.minimum(at + rng.integers(0, 3, len(chosen)), len(business) - 1)]
        inside = day < when.length
        trade.append(chosen[inside])
        action.append(np.full(int(inside.sum()), kind))
        hour = rng.uniform(9.2, 17.3, int(inside.sum())) * HOUR
        instant.append(when.midnight(day[inside]) + hour.astype(np.int64) // 1000 * 1000)
    return np.concatenate(trade), np.concatenate(action), np.concatenate(instant)


def _dollars(fen: Ints, instant: Ints) -> Ints:
    """Cents of USD worth so many fen, to whole thousands of dollars."""
    level, _ = tens_fen(np.zeros(len(fen), np.int64), instant)
    return np.maximum((fen / level * 1000).astype(np.int64) // 100_000, 1) * 100_000
