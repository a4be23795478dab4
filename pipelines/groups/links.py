"""Ties between two parties that speak for one controller, as known when a day closed.

The tests are those by which a court tells whose accounts are one controller's (SPC and SPP
2019-07-01 Art 5): own name (which needs no link: accounts of a party are the party's), funds and
who bears the result, who manages or uses, who decides. What a register says and what payments show
stand for them; how far each carries is ours (`CONFIDENCE_BP`), and every one of them is rebuttable.

A contact that more than `MOST_ON_A_CONTACT` parties gave ties nobody: it is an office's or an
agency's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from pipelines.lanes.closings import Closing

# How sure one tie of a kind makes us, in hundredths of a percent. Ours, no published number.
CONFIDENCE_BP: Mapping[str, int] = MappingProxyType(
    {
        "controls": 9_900,  # registered as actual controller
        "same_group": 9_500,  # registered as of one group
        "decides": 9_000,  # holds at least half of the shares
        "benefits": 8_500,  # registered as beneficial owner
        "funds": 7_000,  # nearly all money comes from the other and goes back to it
        "device": 7_000,
        "manages": 6_000,  # legal representative
        "phone": 6_000,
        "address": 4_000,
    }
)
JOINS_BP = 8_000  # ties that together make us so sure put two parties into one group
MOST_ON_A_CONTACT = 9
DECIDES_BP = 5_000
FUNDS_DAYS = 30
FUNDS_SHARE_BP = 8_000
FUNDS_TIMES = 3
_DAY_US = 86_400_000_000
_BEIJING_US = 28_800_000_000
_NEVER = 1 << 62
Ids = npt.NDArray[np.int64]
Row = dict[str, Any]

# (party, other, test, confidence, evidence, holds from, holds to): one row a tie.
LINK = pa.schema(
    [
        pa.field("party", pa.int64(), nullable=False),
        pa.field("other", pa.int64(), nullable=False),
        pa.field("test", pa.string(), nullable=False),
        pa.field("confidence_bp", pa.int32(), nullable=False),
        pa.field("evidence", pa.list_(pa.int64()), nullable=False),
        pa.field("holds_from", pa.date32(), nullable=False),
        pa.field("holds_to", pa.date32()),
    ]
)

# Entries of every time; what holds when is told apart per closing. `known`, `ended` in us.
_KNOWN = "epoch_us(known_from) AS known, coalesce(epoch_us(known_to), {never}) AS ended"
_EDGES = f"""
SELECT entity_party AS party, related_party AS other, report AS entry, valid_from, valid_to,
    CASE edge_role
        WHEN 'CONTROLLER' THEN 'controls' WHEN 'SAMEGROUP' THEN 'same_group'
        WHEN 'BENEFICIAL' THEN 'benefits' WHEN 'LEGALREP' THEN 'manages'
        ELSE 'decides'
    END AS test,
    {_KNOWN.format(never=_NEVER)}
FROM register
WHERE register_type = 'EDGE' AND NOT is_duplicate AND entity_party <> 0 AND related_party <> 0
    AND entity_party <> related_party
    AND (edge_role IN ('CONTROLLER', 'SAMEGROUP', 'BENEFICIAL', 'LEGALREP')
        OR edge_role = 'SHAREHOLDER' AND edge_share * 10000 >= {DECIDES_BP})
ORDER BY report
"""
_CONTACTS = f"""
SELECT entity_party AS party, test, token, report AS entry, valid_from, valid_to,
    {_KNOWN.format(never=_NEVER)}
FROM (
    SELECT *, 'phone' AS test, token_id(phone_token) AS token FROM register
    UNION ALL SELECT *, 'address', token_id(address_token) FROM register
    UNION ALL SELECT *, 'device', token_id(device_token) FROM register
)
WHERE register_type <> 'EDGE' AND NOT is_duplicate AND entity_party <> 0 AND token <> 0
ORDER BY report
"""
# What parties moved that pay somebody who pays them as well.
_FLOWS = f"""
WITH paid AS (
    SELECT any_value(payer_party ORDER BY report) AS payer,
        any_value(payee_party ORDER BY report) AS payee,
        (epoch_us(min(event_timestamp)) + {_BEIJING_US}) // {_DAY_US} AS day,
        (any_value(amount_cny ORDER BY report) * 100)::BIGINT AS fen,
        transaction_id AS key,
        epoch_us(min(known_from)) AS known
    FROM event
    WHERE event_type = 'PAYM' AND market_segment = 'PYMT' AND NOT is_duplicate
        AND payer_party <> 0 AND payee_party <> 0 AND payer_party <> payee_party
    GROUP BY transaction_id
),
pair AS (
    SELECT payer, payee FROM paid GROUP BY ALL HAVING count(*) >= {FUNDS_TIMES}
),
mutual AS (
    SELECT p.payer AS party, p.payee AS other
    FROM pair AS p JOIN pair AS q ON q.payer = p.payee AND q.payee = p.payer
)
SELECT payer, payee, day, fen, key, known
FROM paid
WHERE payer IN (SELECT party FROM mutual) OR payee IN (SELECT party FROM mutual)
ORDER BY key
"""


@dataclass(frozen=True, slots=True)
class Known:
    """All entries and flows a ledger holds; `links` says what a closing makes of them."""

    edges: pa.Table
    contacts: pa.Table
    flows: pa.Table
    # What was made of the same entries at an earlier closing: registers change on few days.
    _made: dict[tuple[str, bytes], list[Row]] = field(default_factory=dict)

    @classmethod
    def read(cls, ledger: Connection) -> "Known":
        """Read what could tie parties."""
        return cls(ledger.sql(_EDGES), ledger.sql(_CONTACTS), ledger.sql(_FLOWS))

    def links(self, closing: Closing) -> pa.Table:
        """The ties (LINK) that hold on the day of a closing, of what was known then."""
        parts = [*self._edges(closing), *self._contacts(closing), *self._funds(closing)]
        rows = sorted(parts, key=lambda row: (row["party"], row["other"], row["test"]))
        return pa.Table.from_pylist(rows, LINK)

    def _edges(self, closing: Closing) -> list[Row]:
        held = _holds(self.edges, closing)
        at = ("edges", held.tobytes())
        if at not in self._made:
            self._made[at] = [
                _link(row["party"], row["other"], row["test"], [row["entry"]], row)
                for row in self.edges.filter(pa.array(held)).to_pylist()
            ]
        return self._made[at]

    def _contacts(self, closing: Closing) -> list[Row]:
        held = _holds(self.contacts, closing)
        at = ("contacts", held.tobytes())
        if at not in self._made:
            self._made[at] = _shared(self.contacts.filter(pa.array(held)).to_pylist())
        return self._made[at]

    def _funds(self, closing: Closing) -> list[Row]:
        """Parties that get nearly all their money from another and give it back."""
        last = (closing.known_us + _BEIJING_US) // _DAY_US
        day, known = (self.flows[name].to_numpy() for name in ("day", "known"))
        mine = (known <= closing.known_us) & (day > last - FUNDS_DAYS)
        rows = self.flows.filter(pa.array(mine))
        if not rows.num_rows:
            return []
        payer, payee, fen, key = (
            rows[name].to_numpy() for name in ("payer", "payee", "fen", "key")
        )
        day = rows["day"].to_numpy()
        total_in, total_out = _sums(payee, fen), _sums(payer, fen)
        pairs: dict[tuple[int, int], list[int]] = {}
        for at, both in enumerate(zip(payer.tolist(), payee.tolist(), strict=True)):
            pairs.setdefault(both, []).append(at)
        out = []
        for (source, party), came in sorted(pairs.items()):
            went = pairs.get((party, source), [])
            if min(len(came), len(went)) < FUNDS_TIMES:
                continue
            enough = (
                int(fen[came].sum()) * 10_000 >= total_in[party] * FUNDS_SHARE_BP
                and int(fen[went].sum()) * 10_000 >= total_out[party] * FUNDS_SHARE_BP
            )
            if enough:
                rows_of = came + went
                since = np.datetime64(int(day[rows_of].min()), "D").item()
                said = {"valid_from": since, "valid_to": None}
                out.append(_link(party, source, "funds", sorted(key[rows_of].tolist()), said))
        return out


def _shared(rows: Sequence[Row]) -> list[Row]:
    """Parties that gave one contact, each tied to each other: a second tie may join any two."""
    by_contact: dict[tuple[str, int], dict[int, Row]] = {}
    for row in rows:
        by_contact.setdefault((row["test"], row["token"]), {}).setdefault(row["party"], row)
    out = []
    for (test, _), given in sorted(by_contact.items()):
        if not 2 <= len(given) <= MOST_ON_A_CONTACT:
            continue
        for one, other in combinations((given[party] for party in sorted(given)), 2):
            ends = [row["valid_to"] for row in (one, other) if row["valid_to"]]
            said = {
                "valid_from": max(one["valid_from"], other["valid_from"]),
                "valid_to": min(ends, default=None),
            }
            entries = [one["entry"], other["entry"]]
            out.append(_link(one["party"], other["party"], test, entries, said))
    return out


def _holds(rows: pa.Table, closing: Closing) -> npt.NDArray[np.bool_]:
    """Which entries were known at a closing and hold on its day."""
    today = pa.scalar(closing.last, pa.date32())
    days = pc.and_(
        pc.less_equal(rows["valid_from"], today),
        pc.fill_null(pc.greater_equal(rows["valid_to"], today), True),  # null is open
    )
    known = pc.and_(
        pc.less_equal(rows["known"], closing.known_us), pc.greater(rows["ended"], closing.known_us)
    )
    held: npt.NDArray[np.bool_] = pc.and_(days, known).to_numpy()
    return held


def _link(party: int, other: int, test: str, evidence: list[int], said: Mapping[str, Any]) -> Row:
    return {
        "party": party,
        "other": other,
        "test": test,
        "confidence_bp": CONFIDENCE_BP[test],
        "evidence": evidence,
        "holds_from": said["valid_from"],
        "holds_to": said["valid_to"],
    }


def _sums(parties: Ids, fen: Ids) -> dict[int, int]:
    values, at = np.unique(parties, return_inverse=True)
    sums = np.zeros(len(values), np.int64)
    np.add.at(sums, at, fen)
    return dict(zip(values.tolist(), sums.tolist(), strict=True))
