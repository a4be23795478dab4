"""Two trivial detectors to hold every result against.

They flag single transfers: "crosses a region", and "crosses a region and is the first transfer
between these two accounts". A rule that does no better than these has found the generator's habits.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from replay.scorer import Ratio
from schemas.regions import AREA_TO_REGION, OUT

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


def baselines(transfers: pa.Table, labelled: pa.Array) -> dict[str, Any]:
    """Score both detectors on single transfers.

    Args:
        transfers: rows of `TRANSFERS`, one a transaction, in any order.
        labelled: ids of the transactions that belong to schemes.

    Returns:
        By detector: recall, precision (with n and interval) and F1.
    """
    regions = [_regions(transfers[side]) for side in ("payer_area", "payee_area")]
    crosses = regions[0] != regions[1]
    fresh = _first_of_pair(transfers)
    positive = pc.is_in(transfers["transaction"], value_set=labelled)
    positive = positive.to_numpy(zero_copy_only=False).astype(bool)
    return {
        "crosses_a_region": _scored(crosses, positive),
        "crosses_a_region_and_is_a_new_pair": _scored(crosses & fresh, positive),
    }


def _regions(areas: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    keys = pa.array(list(AREA_TO_REGION))
    values = pa.array(list(AREA_TO_REGION.values()))
    region = pc.fill_null(values.take(pc.index_in(areas.combine_chunks(), value_set=keys)), OUT)
    return np.asarray(region.to_numpy(zero_copy_only=False))


def _first_of_pair(transfers: pa.Table) -> np.ndarray[Any, Any]:
    payer, payee = transfers["payer"].to_numpy(), transfers["payee"].to_numpy()
    order = np.lexsort((transfers["transaction"], transfers["event_time"], payee, payer))
    changed = (np.diff(payer[order]) != 0) | (np.diff(payee[order]) != 0)
    fresh = np.zeros(len(order), bool)
    fresh[order] = np.r_[True, changed][: len(order)]
    return fresh


def _scored(flagged: np.ndarray[Any, Any], positive: np.ndarray[Any, Any]) -> dict[str, Any]:
    hits, raised, wanted = (int(x.sum()) for x in (flagged & positive, flagged, positive))
    both = raised + wanted
    return {
        "recall": Ratio(hits, wanted).as_dict(),
        "precision": Ratio(hits, raised).as_dict(),
        "f1": round(2 * hits / both, 4) if both else None,
    }
