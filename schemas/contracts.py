"""Contracts traded at the futures exchanges: whose limits on orders hold, and the largest order.

The register (`contracts.csv`) names products, by the letters a contract's code begins with and the
exchange, and is dated: a trading day is looked up with the rows in force on it. What it does not
know has no class, and no rule about orders speaks of it.
"""

import re
from functools import cache

import numpy as np
import pyarrow as pa

from schemas.columns import encoded
from schemas.errors import ConfigurationError
from schemas.reference_data import read_table

# In the order in which the narrow row numbers them; 0 is none.
CONTRACT_CLASSES = ("SHFE", "INE", "DCE", "CZCE", "CFFX", "CFFI")
_LETTERS = re.compile(r"[A-Za-z]+")
_FIRST, _LAST = np.iinfo(np.int32).min, np.iinfo(np.int32).max
# (product, exchange) -> (first day, last day, class, lots), days since 1970, both included.
_Rows = dict[tuple[str, str], list[tuple[int, int, str, int]]]


@cache
def _register() -> _Rows:
    found: _Rows = {}
    for row in read_table("contracts.csv").to_pylist():
        if row["contract_class"] not in CONTRACT_CLASSES or not row["max_order_lots"].isdigit():
            raise ConfigurationError(
                "contracts.csv: contract_class, max_order_lots: expected one of "
                f"{', '.join(CONTRACT_CLASSES)} and a whole number such as 500; correct the row"
            )
        days = [
            end if day is None else int(np.datetime64(day, "D").astype(np.int64))
            for day, end in ((row["valid_from"], _FIRST), (row["valid_to"], _LAST))
        ]
        place = found.setdefault((row["product"].lower(), row["mic"]), [])
        place.append((days[0], days[1], row["contract_class"], int(row["max_order_lots"])))
    return found


def contracts(codes: pa.Array, mics: pa.Array, days: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The class of each contract and the largest order in it, on a trading day.

    Args:
        codes: of contracts, such as "cu2607"; null where none is stated.
        mics: exchanges, beside them.
        days: trading days (date32), beside them.

    Returns:
        (class as text, lots as int64); null where the register does not know the contract.

    Example:
        >>> day = pa.array([20_500] * 3, pa.date32())
        >>> kinds, lots = contracts(
        ...     pa.array(["IF2607", "cu2607", "cu2607"]), pa.array(["CCFX", "XSGE", "XDCE"]), day
        ... )
        >>> kinds.to_pylist(), lots.to_pylist()
        (['CFFI', 'SHFE', None], [20, 500, None])
    """
    (names, code), (venues, mic) = encoded(codes), encoded(mics)
    day = days.cast(pa.int32()).fill_null(_FIRST).to_numpy(zero_copy_only=False)
    place = (code.astype(np.int64) + 1) * (len(venues) + 1) + mic + 1
    distinct, at = np.unique(place, return_inverse=True)
    classes = np.zeros(len(day), np.int8)
    lots = np.zeros(len(day), np.int64)
    for number, one in enumerate(distinct.tolist()):
        name, venue = one // (len(venues) + 1) - 1, one % (len(venues) + 1) - 1
        if name < 0 or venue < 0:
            continue
        letters = _LETTERS.match(names[name].as_py())
        product = letters.group().lower() if letters else ""
        for first, last, kind, most in _register().get((product, venues[venue].as_py()), ()):
            mine = (at == number) & (first <= day) & (day <= last)
            classes[mine], lots[mine] = CONTRACT_CLASSES.index(kind) + 1, most
    words = pa.array([None, *CONTRACT_CLASSES], pa.string())
    return words.take(pa.array(classes)), pa.array(lots, mask=classes == 0)
