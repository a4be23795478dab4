"""Records by market: a feed's own, or the one each record names.

What depends on the market (who may see a record, what it must state, whether the stream job reads
it) is asked once a market, for the rows of that market.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.spec import Feed
from quality.evaluate import EVALUATION, Evaluator
from schemas.regions import ALL_BITS
from schemas.visibility import vantage_mask, visibility


def by_market(segments: pa.Array, feed: Feed) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The markets of a feed with their rows, those that have any; together they are all rows.

    Args:
        segments: `market_segment` of each record, one of `feed.markets`.
        feed: The feed the records came by.
    """
    if len(feed.markets) == 1:
        yield feed.markets[0], np.arange(len(segments))
        return
    for market in feed.markets:
        mine = pc.equal(segments.cast(pa.string()), market)
        rows = np.flatnonzero(pc.fill_null(mine, False).to_numpy(zero_copy_only=False))
        if len(rows):
            yield market, rows


def entitling(feed: Feed) -> tuple[str, ...]:
    """The columns by which regions may see records of a feed's markets."""
    return tuple(
        dict.fromkeys(name for market in feed.markets for name in visibility(market).entitled_by)
    )


def vantage_masks(areas: pa.RecordBatch, segments: pa.Array, feed: Feed) -> pa.Array:
    """Which vantages hold each record, by the rule of its own market.

    Args:
        areas: The columns `entitling` names.
        segments: `market_segment` of each record.
        feed: The feed the records came by.

    Returns:
        A uint8 array as of `schemas.visibility.vantage_mask`; every bit where the feed is public.
    """
    if feed.public:
        return pa.array(np.full(areas.num_rows, ALL_BITS, np.uint8))
    out = np.zeros(areas.num_rows, np.uint8)
    for market, rows in by_market(segments, feed):
        some = areas if len(rows) == areas.num_rows else areas.take(pa.array(rows))
        out[rows] = vantage_mask(some, market).to_numpy(zero_copy_only=False)
    return pa.array(out, pa.uint8())


def evaluate(evaluator: Evaluator, batch: pa.RecordBatch, feed: Feed) -> pa.Table:
    """Judge each record by the rules of its own market.

    Returns:
        Table, schema EVALUATION, ordered by row, then rule id, as `Evaluator.evaluate` gives it.
    """
    parts = []
    for market, rows in by_market(batch["market_segment"], feed):
        if len(rows) == batch.num_rows:
            return evaluator.evaluate(batch, feed.kind, market)
        found = evaluator.evaluate(batch.take(pa.array(rows)), feed.kind, market)
        own = pa.array(rows[found["row"].to_numpy()])
        parts.append(found.set_column(0, EVALUATION.field("row"), own))
    together = pa.concat_tables([EVALUATION.empty_table(), *parts])
    return together.sort_by([("row", "ascending"), ("rule_id", "ascending")])
