"""Two trivial detectors to hold every result against.

They flag single transfers: "crosses a region", and "crosses a region and is the first transfer
between these two accounts". A rule that does no better than these has found the generator's habits.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from replay.scorer import Ratio
from schemas.regions import AREA_TO_REGION, OUT

Array = npt.NDArray[Any]
Scored = dict[str, Any]
_PAIR = ("transaction", "event_time", "payer", "payee")
TRANSFERS = pa.schema(
    [
        pa.field("transaction", pa.int64(), nullable=False),
        pa.field("event_time", pa.int64(), nullable=False),  # us UTC
        pa.field("payer", pa.int64(), nullable=False),  # account ids
        pa.field("payee", pa.int64(), nullable=False),
        pa.field("payer_area", pa.string()),
        pa.field("payee_area", pa.string()),
    ]
)


def baselines(transfers: pa.Table, labelled: pa.Array) -> Scored:
    """Score both detectors on single transfers.

    Args:
        transfers: rows of `TRANSFERS`, one a transaction, in any order.
        labelled: ids of the transactions that belong to schemes.

    Returns:
        By detector: recall, precision (with n and interval) and F1.
    """
    positive = pc.is_in(transfers["transaction"], value_set=labelled)
    return detectors(
        regions_of(transfers["payer_area"]),
        regions_of(transfers["payee_area"]),
        fresh=first_of_pair(*(transfers[name].to_numpy() for name in _PAIR)),
        positive=positive.to_numpy(zero_copy_only=False).astype(bool),
    )


def detectors(payer_region: Array, payee_region: Array, fresh: Array, positive: Array) -> Scored:
    """Score both detectors; columns are parallel, one row a transaction.

    Args:
        payer_region: any code of the payer's region.
        payee_region: of the payee's.
        fresh: whether it is the first of its pair.
        positive: whether it is labelled.
    """
    crosses = payer_region != payee_region
    return {
        "crosses_a_region": _scored(crosses, positive),
        "crosses_a_region_and_is_a_new_pair": _scored(crosses & fresh, positive),
    }


def first_of_pair(transaction: Array, event_time: Array, payer: Array, payee: Array) -> Array:
    """Whether each transaction is the first from its payer to its payee; columns are parallel."""
    order = np.lexsort((transaction, event_time, payee, payer))
    changed = (np.diff(payer[order]) != 0) | (np.diff(payee[order]) != 0)
    fresh = np.zeros(len(order), bool)
    fresh[order] = np.r_[True, changed][: len(order)]
    return fresh


def regions_of(areas: pa.ChunkedArray) -> Array:
    """Regions of areas as codes; whatever lies outside the Delta is one."""
    keys = pa.array(list(AREA_TO_REGION))
    values = pa.array(list(AREA_TO_REGION.values()))
    region = pc.fill_null(values.take(pc.index_in(areas.combine_chunks(), value_set=keys)), OUT)
    return np.asarray(region.to_numpy(zero_copy_only=False))


def _scored(flagged: Array, positive: Array) -> dict[str, Any]:
    hits, raised, wanted = (int(x.sum()) for x in (flagged & positive, flagged, positive))
    both = raised + wanted
    return {
        "recall": Ratio(hits, wanted).as_dict(),
        "precision": Ratio(hits, raised).as_dict(),
        "f1": round(2 * hits / both, 4) if both else None,
    }
