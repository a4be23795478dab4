"""What lenders report of themselves each month: their loans, and the provision for losses on them.

A legal person reports once, from its seat, for all of its branches; banks have their seats in
different regions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from connectors.feeds.lender_report import write
from replay.market.batches import MINUTE, Submission
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.loans import GRADES, LoanFeed, balances, day_number
from replay.market.population import Banks, Ints

FEED = "lender_report"
UNIT_FEN = 10_000  # figures are in 万元 with two decimals
# Basis points a class calls for; as the standard coefficients of 财金〔2012〕20号 are known.
CALLED_FOR = dict(zip(GRADES, (150, 300, 3_000, 6_000, 10_000), strict=True))


@dataclass(frozen=True, slots=True)
class Stated:
    """What one legal person states of the last day of a month; money in units of 100 yuan."""

    seat: int  # bank row
    end: date
    loans: int
    provision: int
    filed: int  # days after the month


def seats(banks: Banks) -> dict[str, int]:
    """The bank row of each lender's seat by legal person: one region after another."""
    found: dict[str, int] = {}
    for row in banks.lenders.tolist():
        legal = str(banks.legal[row])
        if legal in found:
            continue
        mine = [r for r in banks.lenders.tolist() if banks.legal[r] == legal]
        found[legal] = mine[len(found) % len(mine)]
    return found


def called_for(owed: LoanFeed, end: date) -> tuple[Ints, Ints, Ints]:
    """(rows of the loans in the registers of a day, their balances in fen, what they call for)."""
    rows = owed.position_loan[owed.position_day == day_number(end)]
    loans = owed.loans.take(rows)
    fen = balances(loans, np.full(len(rows), day_number(end)))
    rate = np.array(list(CALLED_FOR.values()))[owed.grade[rows]]
    return rows, fen, fen * rate // 10_000


def reference(banks: Banks, seat: int, end: date, item: str) -> str:
    """How a label names a figure."""
    return f"{FEED}:{banks.ids[seat]}/{end.isoformat()}/{item}"


def submissions(banks: Banks, when: Span, stated: Sequence[Stated]) -> Iterator[Submission]:
    """Every report, in order of arrival."""
    made = []
    for one in stated:
        filled = one.end + timedelta(days=one.filed)
        rows = [
            {
                "institution": str(banks.ids[one.seat]), "name": str(banks.names[one.seat]),
                "filled_on": filled.isoformat(), "first": one.end.replace(day=1).isoformat(),
                "last": one.end.isoformat(), "code": code, "title": title, "unit": "万元",
                "value": f"{units // 100}.{units % 100:02d}",
            }
            for code, title, units in (
                ("L01", "各项贷款余额", one.loans), ("L02", "贷款损失准备余额", one.provision),
            )
        ]  # fmt: skip
        body = write.write(pa.Table.from_pylist(rows, write.RECORD), {})
        midnight = (filled - date(1970, 1, 1)).days * DAY - BEIJING
        at = midnight + 14 * HOUR + (one.seat * 11 % 150) * MINUTE
        sender = str(banks.ids[one.seat])
        made.append(Submission(at, FEED, sender, body, f"lender-{one.end:%Y%m}.csv", len(rows)))
    end = int(when.midnight(np.array([when.length]))[0])
    inside = (one for one in made if one.received_at < end)
    return iter(sorted(inside, key=lambda one: (one.received_at, one.submitter, one.file_name)))
