"""Entries of the register that say who belongs to whom, each on the day on which it is made.

A registration authority speaks of the firms of its own region and of those behind them: who
controls two firms may be known only when the entries of two regions lie side by side.
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
from replay.market.population import Ints, Population, Texts
from schemas.regions import REGIONS, region_of_area

FEED = "entity_register"
NOBODY = -1
CONTROLLER, SAMEGROUP, SHAREHOLDER, LEGALREP = "实际控制人", "同一控制", "股东", "法定代表人"
_CODES = ("SH", "JS", "ZJ", "AH")  # of authorities, in the order of REGIONS


@dataclass(frozen=True, slots=True)
class Ties(Columns):
    """Entries, one row each: of a party, or of an edge to a related one."""

    position: Ints  # day of the span on which it is said
    region: Ints  # whose authority says it
    party: Ints
    related: Ints  # NOBODY: no edge
    role: Texts  # of an edge
    share: Texts  # percent that is held, else empty
    phone: Texts
    address: Texts
    start: Texts  # YYYY-MM-DD
    end: Texts  # empty: it holds


def region_of(who: Population, party: int) -> int:
    """The region whose authority keeps the entries of a firm, -1 outside."""
    region = region_of_area(str(who.home[party]))
    return REGIONS.index(region) if region in REGIONS else NOBODY


def submissions(who: Population, when: Span, planted: Sequence[Columns]) -> Iterator[Submission]:
    """The entries, in order of arrival.

    Args:
        who: parties and their accounts.
        when: the simulated span.
        planted: what was planted into the register; rows of other classes are left alone.
    """
    files: dict[tuple[int, str], list[dict[str, str]]] = defaultdict(list)
    numbers: dict[str, int] = defaultdict(int)
    for part in planted:
        if isinstance(part, Ties):
            for row in range(len(part)):
                sender = f"RA-{_CODES[part.region[row]]}"
                numbers[sender] += 1
                entry = f"{sender}-T{numbers[sender]:05d}"
                day = when.day(int(part.position[row])).isoformat()
                said = {"entry": entry, "act": "设立", "as_of": day, **_said(who, part, row)}
                files[int(part.position[row]), sender].append(said)
    for order, ((position, sender), rows) in enumerate(sorted(files.items())):
        table = pa.Table.from_pylist(
            [{name: row.get(name) for name in entry_form.RECORD.names} for row in rows],
            entry_form.RECORD,
        )
        # Between the licences and the first day's extract.
        received = int(when.midnight(np.array([position]))[0]) + 16 * HOUR + 30 * MINUTE
        body = entry_form.write(table, {})
        name = f"entries-{position:03d}.csv"
        yield Submission(received + order % 25 * MINUTE, FEED, sender, body, name, len(rows))


def _said(who: Population, ties: Ties, row: int) -> dict[str, str]:
    """What an entry says beside its number and day."""
    party, related = int(ties.party[row]), int(ties.related[row])
    said = {
        **_named(who, party, ""),
        "start": str(ties.start[row]),
        "end": str(ties.end[row]),
        "phone": str(ties.phone[row]),
        "address": str(ties.address[row]),
    }
    if related != NOBODY:
        return {
            **said,
            "kind": "关系",
            "role": str(ties.role[row]),
            "share": str(ties.share[row]),
            **_named(who, related, "related_"),
        }
    return {**said, "kind": "主体", "status": "存续", "industry": str(who.industry[party])}


def _named(who: Population, party: int, prefix: str) -> dict[str, str]:
    person = bool(who.person[party])
    return {
        f"{prefix}scheme": "B01" if person else "A01",
        f"{prefix}id": str((who.identifier if person else who.uscc)[party]),
        f"{prefix}name": str(who.name[party]),
        f"{prefix}area": str(who.county[party]),
    }
