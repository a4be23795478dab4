"""What the rules stage receives: small rows routed by key group and bucket.

A variant becomes one entry for each side of a key group (`SIDES`). A bucket key is
`group * BUCKETS + bucket`; a bucket holds every subject whose id falls into it, so a host sees all
of a subject's entries and nothing of it is anywhere else. A withdrawn order becomes an ORDER, which
travels like an ENTRY, to a group no payment is routed to.

Looking through, a payment between parties goes to the key group `controller` as well: there the
subject is the controller group a party was in, the other side its group where it has one, and
`account` the party itself (`ROLE_WHOLE`), so that a host sees a group and its members at once.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.narrow import ORDER_DELAY_US, of_orders

ENTRY = np.dtype(
    [
        ("subject", "<i8"),
        ("event_time", "<i8"),
        ("key", "<i8"),  # transaction
        ("amount_fen", "<i8"),
        ("other", "<i8"),  # the other side; 0 = nothing links it
        ("ordinal", "<i4"),  # business day
        ("event_code", "<i2"),
        ("mask", "u1"),  # five vantage bits
        ("role", "u1"),  # ROLE_*
        ("account", "<i8"),  # of the side the entry is for, payer or payee
        ("agent", "<u2"),  # who keeps it (schemas.agents); 0 = unknown
    ]
)
# What a rule that keeps a memory of its own writes down: rows that travel and lie among entries. A
# negative event code tells them apart: -1 for the group's first such rule, -2 for the next.
MEMO = np.dtype(
    {
        "names": ["subject", "stamp", "value", "ordinal", "event_code", "vantage", "kind", "days"],
        "formats": ["<i8", "<i8", ("<i8", 2), "<i4", "<i2", "u1", "u1", ("<u2", 5)],
        "offsets": [0, 8, 16, 40, 44, 46, 47, 48],
        "itemsize": ENTRY.itemsize,
    }
)
# An entry of a withdrawn exchange order, in the shape of an ENTRY: what puts entries in order and
# says when they may go lies where it lies there. `whole` and `part` are a client and its account,
# or (ROLE_IN) a controller group and the client.
ORDER = np.dtype(
    {
        "names": [
            "whole", "event_time", "key", "size", "contract", "ordinal", "event_code", "mask",
            "role", "part", "terms",
        ],
        "formats": ["<i8", "<i8", "<i8", "<i8", "<i8", "<i4", "<i2", "u1", "u1", "<i8", "<u2"],
        "offsets": [0, 8, 16, 24, 32, 40, 44, 46, 47, 48, 56],
        "itemsize": ENTRY.itemsize,
    }
)  # fmt: skip
BUCKETS = 64
GROUPS: Mapping[str, int] = MappingProxyType(
    {
        "party": 0, "account": 1, "pair": 2, "asset": 3, "instrument": 4, "graph": 5, "client": 6,
        "controller": 7,
    }
)  # fmt: skip
GROUP_NAMES = tuple(GROUPS)
_PARTIES = ("payer_party", "payee_party")
_ACCOUNTS = ("payer_account", "payee_account")
# Group -> the (subject, other) columns of its entries, the payer's entry first. `pair` stands for
# the id of the ordered pair of parties, `..._whole` for a party's group or, without one, the party;
# `graph` has one bucket, its entries are edges.
SIDES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "party": (_PARTIES, _PARTIES[::-1]),
        "account": (_ACCOUNTS, _ACCOUNTS[::-1]),
        "pair": (("pair", "payee_party"),),
        "asset": (("asset", "payer_party"), ("asset", "payee_party")),
        "instrument": (("instrument", "payer_account"), ("instrument", "payee_account")),
        "graph": (_PARTIES,),
        "client": (("payer_party", "instrument"), ("payer_group", "instrument")),
        "controller": (("payer_group", "payee_whole"), ("payee_group", "payer_whole")),
    }
)
# Key group -> the one to which its entries go again with controllers in the parties' place.
THROUGH: Mapping[str, str] = MappingProxyType({"party": "controller"})
WHOLE = ("graph",)  # groups that are never split: a ring may lie anywhere
# Groups of withdrawn orders, each with what its sides are made of: an entry's part. Their entries
# are ORDER rows and travel `ORDER_DELAY_US` behind.
OF_ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"client": ("payer_account", "payer_party")}
)
# Group -> kinds of subjects a rule of it may have: all that is said of one lies in one bucket.
SUBJECTS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # a pair lies within its payer's bucket, an account within its holder's
        "party": ("party", "pair", "account"),
        "account": ("account",),
        "pair": ("pair",),
        "asset": ("asset",),
        "instrument": ("instrument",),
        "graph": ("party", "pair", "set"),
        "client": ("account", "party", "group"),
        "controller": ("group",),
    }
)

ROLE_IN = 1  # the subject is the payee
ROLE_PAYER_PERSON = 2  # the payer is a natural person
ROLE_PAYEE_PERSON = 4
ROLE_CROSS_BORDER = 8
ROLE_WHOLE = 16  # the subject is a controller group, `account` its member
ROLE_OWN = 32  # both sides are one and the same member

CUT = 128  # of a hit's variant: the search that found it reached its bound of steps
# What a kernel returns: one row a crossing; `first` and `count` point into the evidence it returns.
HIT = np.dtype(
    [
        ("subject", "<i8"),
        ("instant", "<i8"),
        ("measure", "<i8"),
        ("first", "<i8"),
        ("count", "<i4"),
        ("variant", "u1"),
        ("vantage", "u1"),
        ("band", "u1"),
        ("spare", "u1"),
    ]
)


def delay_us(group: str) -> int:
    """How far rows of a key group travel behind the watermark."""
    return ORDER_DELAY_US if group in OF_ORDERS else 0


def delayed(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows as they travel: those of withdrawn orders later by `ORDER_DELAY_US`, if there are any.

    What is taken back before a rule sees a row (`RuleHost`) is added here, where rows enter.
    """
    later = of_orders(rows)
    if not later.any():
        return rows
    moved = rows.copy()
    moved["event_time"][later] += ORDER_DELAY_US
    return moved


def memos(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """MEMO rows joined; numpy by itself would close the gaps between their fields."""
    return np.concatenate([np.empty(0, ENTRY), *(rows.view(ENTRY) for rows in parts)]).view(MEMO)
