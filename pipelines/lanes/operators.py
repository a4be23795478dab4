"""Who holds a transaction's whole market nationally, for the `operator_sees` of alerts."""

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.lanes.ledger import Ledger
from schemas.visibility import held_nationally, markets

# (transaction, operator, known_us): since when (us) it is known that the operator holds it.
HOLDERS = pa.schema(
    [
        pa.field("transaction", pa.int64(), nullable=False),
        pa.field("operator", pa.string(), nullable=False),
        pa.field("known_us", pa.int64(), nullable=False),
    ]
)
_KINDS = ("event", "position")


def holders(ledger: Ledger, crossings: pa.Table) -> pa.Table:
    """The holders of the transactions and positions behind crossings; what nobody holds has no row.

    What does not pass a market's holder (a transfer inside one bank, say) is not held by it;
    `schemas.visibility` says what passes. A transaction is held if one report of it says so.

    Args:
        ledger: holds the reports.
        crossings: CROSSING rows.

    Returns:
        HOLDERS rows.
    """
    wanted = pc.unique(crossings["evidence"].combine_chunks().flatten()).to_pylist()
    if not wanted:
        return HOLDERS.empty_table()
    named = ", ".join(str(transaction) for transaction in wanted)
    parts = [HOLDERS.empty_table()]
    for kind in _KINDS:
        reports = ledger.sql(
            f"SELECT transaction_id, market_segment, {_compared(kind)}"
            f"epoch_us(known_from) AS known_us FROM {kind} WHERE transaction_id IN ({named})"
        )
        for market in markets().values():
            mine = reports.filter(pc.equal(reports["market_segment"], market.market))
            mine = mine.filter(held_nationally(mine, market.market))
            operator = pa.repeat(pa.scalar(market.held_nationally_by.en), mine.num_rows)
            columns = [mine["transaction_id"], operator, mine["known_us"]]
            parts.append(pa.table(columns, names=HOLDERS.names).cast(HOLDERS))
    first = pa.concat_tables(parts).group_by(["transaction", "operator"])
    known = first.aggregate([("known_us", "min")])
    known = known.select(["transaction", "operator", "known_us_min"]).rename_columns(HOLDERS.names)
    return known.sort_by([(name, "ascending") for name in HOLDERS.names])


def _compared(kind: str) -> str:
    """The columns by which it shows what passes a holder; only events have them."""
    names = {name for market in markets().values() for name in market.held_nationally_by.differ}
    empty = "" if kind == "event" else "NULL::VARCHAR AS "
    return "".join(f"{empty}{name}, " for name in sorted(names))
