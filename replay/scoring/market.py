"""Labelled transfers as the rules meet them: narrow rows, and the truth about them.

A table goes to narrow rows directly, without feeds, so that a score takes seconds. What the whole
path would make of it is the same (tests hold both against each other): every account is a person
with one account, a transfer is held by the regions of both sides, and the time of day comes from a
hash of the row, because the order of rows tells in these tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from replay.market.days import BEIJING, DAY
from replay.market.population import Banks, banks
from replay.scoring.tables import NOBODY, Ints, Texts, Transfers
from schemas.agents import REGION_BITS, agent_numbers
from schemas.errors import InputError
from schemas.narrow import EVENT_CODES, FLAG_PAYEE_PERSON, FLAG_PAYER_PERSON, NARROW
from schemas.reference_data import calendars
from schemas.regions import REGIONS

START = date(2026, 1, 5)  # the tables count days from an arbitrary first one
_EARLY = date(2025, 1, 6)  # for longer ones
_CALENDAR = "BANK"
_STEP = 0x9E3779B97F4A7C15
_MIXING = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


@dataclass(frozen=True, slots=True)
class Truth:
    """What is labelled: patterns, and the transactions that belong to them.

    `ids` are ascending and may be several for one reference (a loan stands in several registers).
    """

    ids: Ints
    reference: Ints  # beside the ids: number of the labelled reference
    pattern: Ints  # by reference: number of the pattern
    kinds: tuple[str, ...]  # by pattern: its type
    names: tuple[str, ...]  # by pattern
    sizes: Ints  # by pattern: its references
    last_us: Ints  # by pattern: its last event

    def patterns_of(self, kinds: Sequence[str]) -> Ints:
        """Numbers of the patterns of these types."""
        return np.flatnonzero(np.isin(np.array(self.kinds, dtype=str), np.array(list(kinds))))

    def kinds_count(self, kind: str, among: Ints) -> int:
        """How many of some patterns are of a type."""
        return len(np.intersect1d(self.patterns_of((kind,)), among))

    def references_of(self, ids: Ints) -> Ints:
        """The labelled reference each transaction is, -1 for none."""
        if not len(self.ids):
            return np.full(len(ids), NOBODY)
        at = np.searchsorted(self.ids, ids)
        at[at == len(self.ids)] = 0
        return np.where(self.ids[at] == ids, self.reference[at], NOBODY)


@dataclass(frozen=True, slots=True)
class Movements:
    """Every transaction once, for baselines and links: parallel columns."""

    ids: Ints
    event_us: Ints
    payer: Ints
    payee: Ints
    payer_region: Ints  # position in REGIONS, -1 outside
    payee_region: Ints


@dataclass(frozen=True, slots=True)
class Market:
    """What a score is made from."""

    narrow: np.ndarray[tuple[int], np.dtype[np.void]]
    movements: Movements
    truth: Truth
    accounts: int
    first_us: int  # midnight of the first day
    last_us: int


def time_of_day(columns: Sequence[Ints], seed: int) -> Ints:
    """Microseconds since midnight, whole milliseconds, from a hash of the row and the seed."""
    milliseconds = _mixed(columns, seed) % np.uint64(24 * 3_600_000)
    return np.asarray(milliseconds.astype(np.int64) * 1000)


def _mixed(columns: Sequence[Ints], seed: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    mixed = np.full(len(columns[0]), seed * 2 + 1, np.uint64)
    with np.errstate(over="ignore"):
        for column in columns:  # splitmix64 steps
            mixed = mixed + column.astype(np.uint64) + np.uint64(_STEP)
            for shift, factor in _MIXING:
                mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
            mixed = mixed ^ (mixed >> np.uint64(31))
    return mixed


def instants(transfers: Transfers, seed: int) -> Ints:
    """When each transfer happens, us UTC.

    Raises:
        InputError: the table spans more days than there are calendars for.
    """
    span = int(transfers.day.max()) + 1
    first = START if _covered(START, span) else _EARLY
    if not _covered(first, span):
        raise InputError(
            f"time: expected at most {(calendars().get(_CALENDAR).last_day - _EARLY).days} days "
            "from the first transfer to the last; cut the table"
        )
    days = transfers.day + (first - date(1970, 1, 1)).days
    row = (transfers.payer, transfers.payee, transfers.fen, transfers.day)
    return np.asarray(days * DAY - BEIJING + time_of_day(row, seed))


def _covered(first: date, days: int) -> bool:
    return (calendars().get(_CALENDAR).last_day - first).days > days


def market_of(transfers: Transfers, region: Ints, seed: int = 1) -> Market:
    """Turn a table into narrow rows and truth.

    Args:
        transfers: the table; transfers of less than a fen are left out, as no format can say them.
        region: of every account, a position in `REGIONS`.
        seed: decides times of day and ids.

    Raises:
        InputError: as `instants`, or nothing is left.
    """
    transfers = transfers.take(np.flatnonzero(transfers.fen > 0))
    if not len(transfers.fen):
        raise InputError("amount: expected at least one transfer of a fen or more; correct it")
    event = instants(transfers, seed)
    # Equal rows are told apart by how many went before; ids say nothing of the table's order.
    row = (transfers.payer, transfers.payee, transfers.fen, transfers.day)
    order = np.lexsort(row)
    same = np.ones(len(order), bool)
    for column in row:
        same[1:] &= column[order][1:] == column[order][:-1]
    same[0] = False
    starts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    repeat = np.empty(len(order), np.int64)
    repeat[order] = np.arange(len(order)) - starts
    ids = _ids((*row, repeat), seed)
    accounts = np.arange(transfers.accounts)
    parties, numbers = _ids((accounts,), seed + 1), _ids((accounts,), seed + 2)
    narrow = np.zeros(len(ids), NARROW)
    narrow["key"] = narrow["report"] = ids
    narrow["event_time"] = event
    narrow["amount_fen"] = transfers.fen
    sides = {"payer": transfers.payer, "payee": transfers.payee}
    for side, account in sides.items():
        narrow[f"{side}_party"] = parties[account]
        narrow[f"{side}_account"] = numbers[account]
    _, ordinals = calendars().business_date(pa.array(event, pa.timestamp("us", "UTC")), _CALENDAR)
    narrow["business_ordinal"] = ordinals.to_numpy()
    narrow["event_code"] = EVENT_CODES["PAYM"]
    of_payer, of_payee = region[transfers.payer], region[transfers.payee]
    legal = _legal_persons(transfers)
    for side, account in sides.items():
        of = legal[account]
        narrow[f"{side}_agent"] = np.where(of > 0, of << REGION_BITS | region[account] + 1, 0)
    narrow["mask"] = (1 << of_payer) | (1 << of_payee)
    narrow["regions"] = (of_payer + 1) | (of_payee + 1) << 4
    narrow["flags"] = FLAG_PAYER_PERSON | FLAG_PAYEE_PERSON
    first = int(event.min())
    return Market(
        narrow=narrow,
        movements=Movements(
            ids, event, narrow["payer_party"], narrow["payee_party"], of_payer, of_payee
        ),
        truth=truth_of(ids, event, transfers.pattern, transfers.kind),
        accounts=len(np.unique(np.r_[transfers.payer, transfers.payee])),
        first_us=(first + BEIJING) // DAY * DAY - BEIJING,
        last_us=int(event.max()),
    )


def branch_of(table: Banks, name: str) -> int:
    """The row of the branch a bank name stands for: 320000_B03 is the third one of that area.

    -1 where the name is of another form.
    """
    area, mark, number = name.partition("_B")
    if area not in REGIONS or not mark or not number.isdigit():
        return NOBODY
    branches = table.in_region(REGIONS.index(area))
    return int(branches[(int(number) - 1) % len(branches)])


def _legal_persons(transfers: Transfers) -> Ints:
    """The number of the legal person that keeps each account, 0 where no branch is named."""
    register = banks(START)
    rows = [branch_of(register, name) for name in transfers.banks]
    ids = pa.array([str(register.ids[row]) if row >= 0 else None for row in rows], pa.string())
    numbers = agent_numbers(ids, pa.array([REGIONS[0]] * len(rows), pa.string())) >> REGION_BITS
    return np.asarray(np.append(numbers, 0).astype(np.int64)[transfers.account_bank])


def _ids(columns: Sequence[Ints], seed: int) -> Ints:
    """63-bit ids above 0 that differ."""
    ids = (_mixed(columns, seed) >> np.uint64(1)).astype(np.int64)
    ids[ids == 0] = 1
    return np.asarray(ids)


def truth_of(ids: Ints, event_us: Ints, pattern: Ints, kind: Texts) -> Truth:
    """The truth of a table: each labelled row is a reference of its own.

    Args:
        ids: of transactions.
        event_us: beside them.
        pattern: beside them, -1 for none.
        kind: of the pattern.
    """
    rows = np.flatnonzero(pattern >= 0)
    rows = rows[np.argsort(ids[rows])]
    names, first, number = np.unique(pattern[rows], return_index=True, return_inverse=True)
    last = np.full(len(names), np.iinfo(np.int64).min)
    np.maximum.at(last, number, event_us[rows])
    return Truth(
        ids=ids[rows],
        reference=np.arange(len(rows)),
        pattern=number.astype(np.int64),
        kinds=tuple(str(each) for each in kind[rows][first]),
        names=tuple(str(each) for each in names),
        sizes=np.bincount(number, minlength=len(names)),
        last_us=last,
    )
