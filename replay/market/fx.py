"""Persons buy and sell foreign currency at their banks, within their yearly quota."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.fx_settlement import write
from replay.market.batches import MINUTE, money
from replay.market.columns import Columns
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.flows import time_of_day
from replay.market.population import Flags, Floats, Ints, Population, Texts
from replay.market.sending import Sent, gathered, sent, some, table_of
from schemas.reference_data import rates

FEED = "fx_settlement"
CURRENCIES = ("USD", "HKD", "EUR", "JPY")
_LEVELS = (7_000.0, 900.0, 8_000.0, 47.0)  # CNY for 1000 units, outside the rate table
_SHARES = (0.62, 0.16, 0.12, 0.10)
_UNIT = (100, 1000, 100, 10_000)  # amounts are multiples of this
_TYPICAL_CNY = 38_000
_BUYS = 0.72
_QUOTA_FEN = 33_000_000  # about 47,000 dollars: larger deals show papers and use no quota
_REMITTED = 0.25
_REPRESENTED = 0.06
_PURPOSES = ("223010", "223021", "223022", "225000", "229010")
_ABROAD = (("US", "SIMBUS30"), ("HK", "SIMBHKH0"), ("GB", "SIMBGB20"), ("JP", "SIMBJPJ0"))
_CHANNELS = ("手机银行", "网上银行", "柜台", "自助终端")
_LATE = 0.002


@dataclass(frozen=True, slots=True)
class Deals(Columns):
    """Deals, one row each."""

    instant: Ints
    account: Ints  # account row of the person, at the branch of the deal
    buys: Flags
    currency: Ints  # row of CURRENCIES
    units: Ints  # of the currency
    remitted: Flags  # paid on abroad
    agent: Ints  # party row of who acted for the person, -1: nobody
    payee: Ints  # number of the account abroad, -1: the person's usual one
    plan: Ints


def everyday(rng: np.random.Generator, who: Population, when: Span, n: int) -> Deals:
    """Make n deals of persons with an account in the Delta."""
    inside = who.account_bank < who.banks.branches
    choice = np.flatnonzero(inside & who.person[who.account_party])
    day = rng.choice(when.length, n, p=_weights(when))
    currency = rng.choice(len(CURRENCIES), n, p=_SHARES)
    cny = np.exp(rng.normal(np.log(_TYPICAL_CNY), 0.8, n))
    instant = when.midnight(day) + time_of_day(rng, n) // 1_000_000 * 1_000_000
    unit = np.array(_UNIT)[currency]
    units = cny / tens_fen(currency, instant)[0] * 1000 // unit
    persons = np.flatnonzero(who.person & who.inside)
    represented = rng.random(n) < _REPRESENTED
    return Deals(
        instant=instant,
        account=rng.choice(choice, n),
        buys=rng.random(n) < _BUYS,
        currency=currency,
        units=np.maximum(units.astype(np.int64), 1) * unit,
        remitted=rng.random(n) < _REMITTED,
        agent=np.where(represented, rng.choice(persons, n), -1),
        payee=np.full(n, -1),
        plan=np.full(n, -1),
    )


def _weights(when: Span) -> Floats:
    weight = np.full(when.length, 0.3)
    weight[np.array(when.business)] = 1.0
    return np.asarray(weight / weight.sum())


def tens_fen(currency: Ints, instant: Ints) -> tuple[Floats, Flags]:
    """Fen for ten units of currencies (rows of `CURRENCIES`) at the rates of their days.

    Returns:
        (values, mask of those that the rate table knows); the others are a plausible level.
    """
    day = pa.array((instant + BEIJING) // DAY, pa.int64()).cast(pa.int32()).cast(pa.date32())
    thousand = pa.array(np.full(len(currency), 1000)).cast(pa.decimal128(38, 2))
    cny, unknown = rates().amount_cny(thousand, pa.array(np.array(CURRENCIES)[currency]), day)
    filled = np.array([float(value or 0) for value in cny.to_pylist()])
    level = np.array(_LEVELS)[currency]
    return np.where(unknown, level, filled), ~np.asarray(unknown)


def feed(rng: np.random.Generator, who: Population, deals: Deals, broken_share: float) -> Sent:
    """Each branch's deals."""
    n = len(deals)
    party, bank = who.account_party[deals.account], who.account_bank[deals.account]
    # Quoted for 100 units, in ten-thousandths; a spread of a few parts in ten thousand.
    level, _ = tens_fen(deals.currency, deals.instant)
    middle = np.rint(level * 1000).astype(np.int64)
    quote = middle + np.where(deals.buys, 1, -1) * (middle // 2500)
    fen = deals.units * quote // 10_000
    day = (deals.instant + BEIJING) // DAY
    agent = np.maximum(deals.agent, 0)
    acted, remitted = deals.agent >= 0, deals.remitted & deals.buys
    usual = deals.account * 7919 % 10**9
    payee = np.where(deals.payee < 0, usual, deals.payee)
    abroad = np.where(deals.payee < 0, deals.account, deals.payee) % len(_ABROAD)
    text = np.datetime_as_string((deals.instant + BEIJING).astype("datetime64[us]"), unit="s")
    said = np.datetime_as_string(
        (deals.instant + BEIJING + 2 * MINUTE).astype("datetime64[us]"), unit="s"
    )
    columns: dict[str, Texts | pa.Array] = {
        "deal": np.char.add("FX", np.char.zfill((rng.permutation(n) + 1).astype(str), 10)),
        "kind": np.where(deals.buys, "购汇", "结汇"),
        "action": np.full(n, "新增"),
        "at": np.char.replace(text, "T", " "),
        "reported_at": np.char.replace(said, "T", " "),
        "scheme": np.full(n, "B01"),
        "person": who.identifier[party],
        "name": who.name[party],
        "nationality": np.full(n, "CN"),
        "residence": np.full(n, "CN"),
        "purpose": np.array(_PURPOSES)[deals.account % len(_PURPOSES)],
        "currency": np.array(CURRENCIES)[deals.currency],
        "amount": np.char.add(deals.units.astype(str), ".00"),
        "rate": np.char.add(
            np.char.add((quote // 10_000).astype(str), "."),
            np.char.zfill((quote % 10_000).astype(str), 4),
        ),
        "cny": money(fen),
        "settled": day.astype("datetime64[D]").astype(str),
        "quota": np.where((deals.units % 7 == 0) | (fen > _QUOTA_FEN), "否", "是"),
        "agent_scheme": some(np.full(n, "B01"), acted),
        "agent": some(who.identifier[agent], acted),
        "payee_name": some(np.char.add("Simulated payee ", (payee % 900).astype(str)), remitted),
        "payee_account": some(
            np.char.add("SIM", np.char.zfill(payee.astype(str), 12)),
            remitted,
        ),
        "payee_bank": some(np.array([bic for _, bic in _ABROAD])[abroad], remitted),
        "payee_country": some(np.array([land for land, _ in _ABROAD])[abroad], remitted),
        "branch": who.banks.ids[bank],
        "branch_area": who.banks.areas[bank],
        "account": who.account_number[deals.account],
        "channel": np.where(acted, "柜台", np.array(_CHANNELS)[rng.integers(0, 4, n)]),
    }
    received, late = gathered(rng, deals.instant, bank, _LATE, 4 * HOUR)
    return sent(
        rng, FEED, write, table_of(columns, write.RECORD), who.banks.ids[bank], received,
        reference="deal", suffix="csv", broken_share=broken_share, plan=deals.plan,
        late=late,
    )  # fmt: skip
