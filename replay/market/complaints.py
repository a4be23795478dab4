"""Complaints that schemes plant: their states beside the everyday ones of the same day and centre.

Each has two states, received and closed; who complains is a resident like any other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from replay.market.columns import Columns
from replay.market.days import BEIJING, DAY, HOUR, Ints, Span
from replay.market.population import Population, Texts
from schemas.regions import REGIONS

FEED = "complaints"
CENTRES = ("SH", "JS", "ZJ", "AH")  # in the order of REGIONS

Row = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Complaints(Columns):
    """Complaints about institutions, one row each."""

    instant: Ints  # when it was received
    person: Ints  # party row
    centre: Ints  # the region whose centre received it, where the business took place
    institution: Texts
    category: Texts
    cause: Texts
    fen: Ints
    phone: Texts
    number: Texts
    days: Ints  # until it is closed
    plan: Ints


def states(
    who: Population, when: Span, planted: Sequence[Columns]
) -> Iterator[tuple[int, int, Row]]:
    """(day of the span, centre, record) of every state.

    Args:
        who: parties and their accounts.
        when: the simulated span.
        planted: what was planted into the feed; rows of other classes are left alone.
    """
    start = int(when.midnight(np.zeros(1, np.int64))[0])
    for part in planted:
        if not isinstance(part, Complaints):
            continue
        for row in range(len(part)):
            instant, days = int(part.instant[row]), int(part.days[row])
            base, centre = _base(who, part, row), int(part.centre[row])
            received = {"state": "RECEIVED", "state_at": base["received"]}
            yield (instant - start) // DAY, centre, base | received
            closed = text(instant + days * DAY + HOUR)
            ends: Row = {"answered": closed, "closed": closed, "outcome": "MEDIATED"}
            ends |= {"accepted": text(instant + HOUR), "due": text(instant + HOUR + 15 * DAY)}
            last = (instant + days * DAY + HOUR - start) // DAY
            yield last, centre, base | ends | {"state": "CLOSED", "state_at": closed}


def _base(who: Population, part: Complaints, row: int) -> Row:
    person = int(part.person[row])
    account = int(who.accounts_of(person)[0])
    fen = int(part.fen[row])
    return {
        "complaint": str(part.number[row]),
        "category": str(part.category[row]),
        "cause": str(part.cause[row]),
        "channel": "HOTLINE",
        "area": REGIONS[int(part.centre[row])],
        "institution": str(part.institution[row]),
        "amount": f"{fen // 100}.{fen % 100:02d}",
        "currency": "CNY",
        "received": text(int(part.instant[row])),
        "id_type": "B01",
        "id": str(who.identifier[person]),
        "name": str(who.name[person]),
        "phone": str(part.phone[row]),
        "bank": str(who.banks.ids[who.account_bank[account]]),
        "account": str(who.account_number[account]),
    }


def text(instant: int) -> str:
    """Beijing time with its offset, to the second."""
    local = np.datetime_as_string(np.datetime64(instant + BEIJING, "us"), unit="s")
    return f"{local}+08:00"
