"""Entries of the register that lawful business needs: payment licences and custody accounts.

They come with the first day's extract: the registration authority of the firm's seat says who is
licensed, the bank which account is one for other people's money.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from connectors.feeds.entity_register import write as entry_form
from replay.market.batches import MINUTE, Submission
from replay.market.columns import Columns
from replay.market.days import HOUR, Span
from replay.market.population import Ints, Population
from schemas.regions import REGIONS, region_of_area

FEED = "entity_register"
_CODES = ("SH", "JS", "ZJ", "AH")  # of authorities, in the order of REGIONS
_SINCE = "2021-07-01"


@dataclass(frozen=True, slots=True)
class Licences(Columns):
    """Firms that hold a licence for payment business."""

    party: Ints


@dataclass(frozen=True, slots=True)
class Custody(Columns):
    """Accounts on which a firm keeps money that is not its own."""

    account: Ints


def submissions(who: Population, when: Span, planted: Sequence[Columns]) -> Iterator[Submission]:
    """The entries, in order of arrival.

    Args:
        who: parties and their accounts.
        when: the simulated span.
        planted: what was planted into the register; rows of other classes are left alone.
    """
    files: dict[str, list[dict[str, str]]] = defaultdict(list)
    firms = [int(p) for part in planted if isinstance(part, Licences) for p in part.party]
    kept = [int(a) for part in planted if isinstance(part, Custody) for a in part.account]
    day = when.first.isoformat()

    def entry(sender: str, kind: str, firm: int, **more: str) -> None:
        files[sender].append(
            {
                "entry": f"{sender}-P{len(files[sender]) + 1:05d}", "kind": kind, "act": "设立",
                "as_of": day, "scheme": "A01", "id": str(who.uscc[firm]),
                "name": str(who.name[firm]), "area": str(who.county[firm]), "status": "存续",
                "start": _SINCE,
            }
            | more
        )  # fmt: skip

    for firm in firms:
        region = REGIONS.index(region_of_area(str(who.home[firm])))
        entry(f"RA-{_CODES[region]}", "许可", firm)
    for account in kept:
        bank = str(who.banks.ids[who.account_bank[account]])
        number = str(who.account_number[account])
        firm = int(who.account_party[account])
        entry(bank, "账户", firm, account=number, bank=bank, account_type="专用户")
    start = int(when.midnight(np.array([0]))[0]) + 16 * HOUR
    for order, (sender, rows) in enumerate(sorted(files.items())):
        table = pa.Table.from_pylist(
            [{name: row.get(name) for name in entry_form.RECORD.names} for row in rows],
            entry_form.RECORD,
        )
        body = entry_form.write(table, {})
        yield Submission(start + order * MINUTE, FEED, sender, body, "licences.csv", len(rows))
