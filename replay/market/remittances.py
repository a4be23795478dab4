"""Persons remit dollars abroad: pacs.008 with the payee's bank in another country.

Only the payer's branch reports. The dollars are the person's own, so neither a purchase nor a
statement in yuan shows them. The one system over the border that the platform knows stands for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.pacs008 import write
from replay.market import identifiers
from replay.market.batches import SECOND
from replay.market.columns import Columns
from replay.market.days import BEIJING, HOUR, Span, stamp
from replay.market.flows import time_of_day
from replay.market.population import Flags, Ints, Population, Texts
from replay.market.sending import Sent, gathered, sent, table_of

FEED = "pacs008"
PURPOSES = ("EDUC", "OTHR", "GIFT", "SCVE")
SHARE = 0.003  # of all reports
SCHOOLS_FROM = 500_000_000  # payees from here on have many payers
_BANKS_ABROAD = ("SIMBUS30", "SIMBHKH0", "SIMBGB20", "SIMBJPJ0", "SIMBAU20")
_TO_A_SCHOOL = 0.3
_TYPICAL_DOLLARS = 3_200
_PAYERS_OF_A_SCHOOL = 15
_LATE = 0.002
_ALLOWED = 4 * HOUR  # the feed's lateness


@dataclass(frozen=True, slots=True)
class Remittances(Columns):
    """Remittances, one row each."""

    instant: Ints
    account: Ints  # account row of the person
    payee: Ints  # number of the account abroad
    cents: Ints  # of dollars
    purpose: Ints  # row of PURPOSES
    plan: Ints


def everyday(
    rng: np.random.Generator, who: Population, when: Span, n: int, among: Flags
) -> Remittances:
    """Make n remittances of persons with an account in the Delta, some of them to a school.

    Args:
        rng: source of everything drawn.
        who: the population.
        when: the simulated span.
        n: how many.
        among: parties that may remit.
    """
    party = who.account_party
    fits = (who.account_bank < who.banks.branches) & (who.person & who.inside & among)[party]
    account = rng.choice(np.flatnonzero(fits), n)
    schools = max(n // _PAYERS_OF_A_SCHOOL, 5)
    taught = rng.random(n) < _TO_A_SCHOOL
    cents = np.exp(rng.normal(np.log(_TYPICAL_DOLLARS), 0.7, n)).astype(np.int64) // 10 * 1_000
    return Remittances(
        instant=when.midnight(rng.choice(np.array(when.business), n)) + time_of_day(rng, n),
        account=account,
        payee=np.where(taught, SCHOOLS_FROM + rng.integers(0, schools, n), account),
        cents=np.maximum(cents, 10_000),
        purpose=np.where(taught, 0, rng.integers(1, len(PURPOSES), n)),
        plan=np.full(n, -1),
    )


class _OverTheBorder:
    """The form of a message that a system over the border settles."""

    @staticmethod
    def render(records: pa.Table) -> pa.Array:
        """Each record as it is written."""
        return write.render(records)

    @staticmethod
    def frame(records: list[str], header: Mapping[str, str]) -> bytes:
        """One submission of rendered records."""
        count = str(len(records))
        return write.frame("".join(records).encode(), {"count": count, "system": "CIPS", **header})


def feed(rng: np.random.Generator, who: Population, made: Remittances) -> Sent:
    """The payers' branches report."""
    n = len(made)
    # One shuffle before references are given: the order does not tell what was planted.
    order = np.lexsort((rng.random(n), made.instant))
    rows = Remittances(*(made[name][order] for name in Remittances.__dataclass_fields__))
    party, bank = who.account_party[rows.account], who.account_bank[rows.account]
    number = np.char.zfill((rng.permutation(n) + 1).astype(str), 10)
    abroad = np.array(_BANKS_ABROAD)[rows.payee * 7919 % len(_BANKS_ABROAD)]
    day = (rows.instant + BEIJING).astype("datetime64[us]").astype("datetime64[D]").astype(str)
    dollars = np.char.add((rows.cents // 100).astype(str), ".")
    columns: dict[str, Texts | pa.Array] = {
        "end_to_end_id": np.full(n, "NOTPROVIDED"),
        "tx_id": np.char.add("RM", number),
        "uetr": identifiers.uuid4(rng, n),
        "currency": np.full(n, "USD"),
        "amount": np.char.add(dollars, np.char.zfill((rows.cents % 100).astype(str), 2)),
        "settlement_date": day,
        "accepted_at": stamp(rows.instant // 1000 * 1000),
        "debtor_agent": who.banks.ids[bank],
        "debtor_name": who.name[party],
        "debtor_scheme": who.scheme[party],
        "debtor_id": who.identifier[party],
        "debtor_account": who.account_number[rows.account],
        "creditor_agent": abroad,
        "creditor_name": np.char.add("Simulated payee abroad ", (rows.payee % 9_000).astype(str)),
        "creditor_scheme": np.full(n, ""),
        "creditor_id": np.full(n, ""),
        "creditor_account": np.char.add("SIMR", np.char.zfill(rows.payee.astype(str), 12)),
        "purpose": np.array(PURPOSES)[rows.purpose],
    }
    received, late = gathered(rng, rows.instant, bank, _LATE, _ALLOWED)
    created = stamp(received - 20 * SECOND, "s")
    message = np.char.add(np.char.add("R", np.char.replace(created, ":", "")), who.banks.ids[bank])
    return sent(
        rng, FEED, _OverTheBorder(), table_of(columns, write.RECORD), who.banks.ids[bank], received,
        reference="uetr", suffix="xml", broken_share=0.0, plan=rows.plan, message=message,
        created=created, late=late,
    )  # fmt: skip
