"""A made payment market, day by day: narrow rows of any number of accounts in bounded memory.

Nothing of it is drawn from data. Every account pays `CONTACTS` others again and again and somebody
new now and then; a few are paid by very many. Amounts are log-uniform from 100 yuan to 10 million,
half of the payers are natural persons. A party's region, bank and account follow from its number,
so a day is made from its own seed and no day needs another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.pairing.pairing import DAY
from schemas.narrow import FLAG_PAYEE_PERSON, FLAG_PAYER_PERSON, NARROW

START = 1_767_225_600_000_000 - 8 * 3_600_000_000  # 2026-01-01 00:00 in Beijing
CONTACTS = 5
FAMILIAR = 0.8  # of the payments that go to one of them
OF_BUSY = 0.2  # of the payments that go to busy accounts
EACH_BUSY = 500  # accounts for one busy one
BOTH = 0.5  # of the transactions both sides report
BANKS = 60
_MASK = np.int64((1 << 62) - 1)
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MadeMarket:
    """A market of so many accounts, each of a party of its own.

    Args:
        accounts: how many there are.
        a_day: transactions of all of them together.
        seed: two markets of one seed are the same.
    """

    accounts: int
    a_day: int
    seed: int = 1

    def days(self, first: int, last: int) -> Iterator[npt.NDArray[Any]]:
        """NARROW rows of the days `first` to `last` - 1, a batch a day, in order of event time."""
        for day in range(first, last):
            yield self.day(day)

    def day(self, day: int) -> npt.NDArray[Any]:
        """The reports of a day: one of each transaction, a second of some."""
        rng = np.random.default_rng((self.seed, day))
        rows = np.zeros(self.a_day, NARROW)
        rows["key"], rows["report"] = rng.integers(1, 1 << 62, (2, len(rows)))
        rows["event_time"] = START + day * DAY + np.sort(rng.integers(0, DAY, len(rows)))
        rows["business_ordinal"] = day
        payer = rng.integers(0, self.accounts, len(rows))
        payee = self._payees(rng, payer)
        for side, number in (("payer", payer), ("payee", payee)):
            party = _mixed(number, 1)
            rows[f"{side}_party"], rows[f"{side}_account"] = party, _mixed(number, 2)
            rows[f"{side}_agent"] = (1 + party % BANKS) << 3 | 1 + _region(number)
        rows["amount_fen"] = (10 ** rng.uniform(4, 9, len(rows))).astype(np.int64)
        rows["event_code"] = 1
        rows["flags"] = np.where(payer % 2 == 0, FLAG_PAYER_PERSON, 0)
        rows["flags"] |= np.where(payee % 2 == 0, FLAG_PAYEE_PERSON, 0).astype(np.uint32)
        rows["mask"] = 1 << _region(payer)
        twice = rng.random(len(rows)) < BOTH
        second = rows[twice]
        second["report"] = rng.integers(1, 1 << 62, len(second))
        second["mask"] = 1 << _region(payee[twice])
        second["amount_fen"][::100] += 1  # the sides disagree now and then
        both = np.concatenate([rows, second])
        return both[np.argsort(both["event_time"], kind="stable")]

    def _payees(self, rng: np.random.Generator, payer: Ids) -> Ids:
        """One of the payer's contacts, or somebody; busy ones are drawn far more often."""
        contact = _mixed(payer * CONTACTS + rng.integers(0, CONTACTS, len(payer)), self.seed + 3)
        familiar = rng.random(len(payer)) < FAMILIAR
        share = np.where(familiar, contact / float(1 << 62), rng.random(len(payer)))
        busy = share / OF_BUSY * max(self.accounts // EACH_BUSY, 1)
        found: Ids = np.where(share < OF_BUSY, busy, share * self.accounts).astype(np.int64)
        return np.where(found == payer, (found + 1) % self.accounts, found)


def _region(number: Ids) -> Ids:
    """0 to 3."""
    return number // 2 % 4


def _mixed(number: Ids, salt: int) -> Ids:
    """Numbers as ids: of 62 bits, never 0, no two alike in practice."""
    state = (number.astype(np.uint64) + np.uint64(salt * 1_000_003)) * np.uint64(0x9E3779B97F4A7C15)
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    return np.maximum(state.astype(np.int64) & _MASK, 1)
