"""The narrow row: what the stream job carries of an event report, 128 bytes, fixed width.

Wide reports stay in the ledger and are joined by id. All ids are 63-bit and positive; 0 means
absent. Amounts are whole CNY fen. Times are microseconds since 1970 in UTC. `mask` says which
vantages hold the report (bit 0-3 the regions, never bit 4: the joint vantage holds them all).

A withdrawn exchange order (event EXEC with FLAG_CANCELLED) uses the same row: payer is the client,
`instrument` the contract, `range_start` its sizes (`order_size`), and the upper half of `flags` the
class of the contract, of which no other event has any.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

NARROW = np.dtype(
    [
        (
            "key",
            "<i8",
        ),  # of the transaction key, or of the record where it has none
        ("report", "<i8"),  # first 63 bits of report_id: orders the legs of a transaction
        ("event_time", "<i8"),
        ("amount_fen", "<i8"),
        ("payer_account", "<i8"),
        ("payee_account", "<i8"),
        ("payer_party", "<i8"),
        ("payee_party", "<i8"),
        ("payer_group", "<i8"),  # controller groups: filled by pipelines.groups, 0 until then
        ("payee_group", "<i8"),
        ("reporter", "<i8"),
        ("asset", "<i8"),
        ("range_start", "<i8"),
        ("instrument", "<i8"),
        ("business_ordinal", "<i4"),  # position in the market's business calendar
        ("event_code", "<i2"),  # EVENT_CODES
        ("mask", "u1"),
        ("regions", "u1"),  # payer region in the low nibble, payee region in the high one
        ("flags", "<u4"),  # FLAG_*
        ("payer_agent", "<u2"),  # schemas.agents: legal person << 3 | region; 0 = unknown
        ("payee_agent", "<u2"),
    ]
)
assert NARROW.itemsize == 128, "the stream job's state and routing assume 128-byte rows"  # noqa: S101

EVENT_CODES: Mapping[str, int] = MappingProxyType(
    {
        "PAYM": 1,
        "TRAD": 2,
        "ISSU": 3,
        "ACPT": 4,
        "ENDS": 5,
        "DISC": 6,
        "PLDG": 7,
        "REPO": 8,
        "RDEM": 9,
        "CNCL": 10,
        "RLSE": 11,
        "LEND": 12,
        "QUOT": 13,
        "ORDR": 14,
        "RPLC": 15,
        "OCXL": 16,
        "EXEC": 17,
        "PURC": 18,
        "SELL": 19,
        "DRAW": 20,
    }
)

FLAG_PAYER_PERSON = 1  # the payer is a natural person
FLAG_PAYEE_PERSON = 2
FLAG_CROSS_BORDER = 4
FLAG_NO_KEY = 8  # never merged with another report
FLAG_PAYER_NAME_ONLY = 16  # id_basis NAME: the payer links nothing
FLAG_PAYEE_NAME_ONLY = 32
# Of an order that was withdrawn, wholly or in part.
FLAG_CANCELLED = 64
FLAG_IMMEDIATE = 128  # by itself: fill or kill, immediate or cancel, or nobody asked for it
FLAG_HEDGE = 256
FLAG_MARKET_MAKER = 512
CLASS_SHIFT = 16  # from here on: the place in schemas.contracts.CONTRACT_CLASSES, from 1
CLASS_MASK = 15
MOST_LOTS = (1 << 31) - 1

# How far withdrawn orders travel behind the payments of the stream job. Brokers send a day's orders
# after its close, so a watermark of payments would leave them behind; taken for this much younger,
# none is that its feed does not call late. No feed of orders may declare more than this beyond
# what payments declare.
ORDER_DELAY_US = 86_400_000_000

# The columns whose disagreement between legs makes variants (pipelines.pairing).
RULE_COLUMNS = (
    "event_time",
    "amount_fen",
    "payer_account",
    "payee_account",
    "payer_party",
    "payee_party",
    "payer_group",
    "payee_group",
    "asset",
    "range_start",
    "instrument",
    "business_ordinal",
    "event_code",
    "flags",
    "payer_agent",
    "payee_agent",
)


def rows_of(table: pa.Table) -> npt.NDArray[Any]:
    """Columns as NARROW rows; what the table lacks is absent (0), what no row has is left out."""
    rows = np.zeros(table.num_rows, NARROW)
    for name in NARROW.names or ():
        if name in table.schema.names:
            rows[name] = table[name].to_numpy()
    return rows


def order_size(withdrawn: npt.NDArray[np.int64], most: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Lots that were withdrawn, and above them the most lots an order may have (0: not known).

    Example:
        >>> size = order_size(np.array([300]), np.array([500]))
        >>> size & MOST_LOTS, size >> 32
        (array([300]), array([500]))
    """
    return np.clip(withdrawn, 0, MOST_LOTS) | np.clip(most, 0, MOST_LOTS) << 32


def of_orders(rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which narrow rows speak of withdrawn orders."""
    found: npt.NDArray[np.bool_] = (rows["flags"] & FLAG_CANCELLED) != 0
    return found
