"""Who holds a transaction's whole market nationally, for the `operator_sees` of alerts."""

import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from schemas.visibility import held_nationally, markets

# (transaction, operator, known_us): since when (us) it is known that the operator holds it.
HOLDERS = pa.schema(
    [
        pa.field("transaction", pa.int64(), nullable=False),
        pa.field("operator", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("known_us", pa.int64(), nullable=False),
    ]
)
_HELD = HOLDERS.set(1, pa.field("code", pa.int8(), nullable=False))
_KINDS = ("event", "position")
_REPORTS = """
SELECT transaction_id, market_segment, {compared}min(epoch_us(known_from)) AS known_us
FROM {kind} WHERE transaction_id IN (SELECT key FROM _wanted)
GROUP BY ALL
"""


def holders(ledger: Connection, crossings: pa.Table) -> pa.Table:
    """The holders of the transactions and positions behind crossings; what nobody holds has no row.

    What does not pass a market's holder (a transfer inside one bank, say) is not held by it;
    `schemas.visibility` says what passes. A transaction is held if one report of it says so.

    Args:
        ledger: holds the reports.
        crossings: CROSSING rows.

    Returns:
        HOLDERS rows.
    """
    wanted = pc.unique(crossings["evidence"].combine_chunks().flatten())
    if not len(wanted):
        return HOLDERS.empty_table()
    ledger.register("_wanted", pa.table({"key": wanted}))
    try:
        found = [
            ledger.sql(_REPORTS.format(kind=kind, compared=_compared(kind))) for kind in _KINDS
        ]
    finally:
        ledger.unregister("_wanted")
    operators = list(dict.fromkeys(one.held_nationally_by.en for one in markets().values()))
    parts = [_HELD.empty_table()]
    for reports in found:
        for market in markets().values():
            mine = reports.filter(pc.equal(reports["market_segment"], market.market))
            mine = mine.filter(held_nationally(mine, market.market))
            code = operators.index(market.held_nationally_by.en)
            codes = pa.repeat(pa.scalar(code, pa.int8()), mine.num_rows)
            columns = [mine["transaction_id"], codes, mine["known_us"]]
            parts.append(pa.table(columns, schema=_HELD))
    first = pa.concat_tables(parts).group_by(["transaction", "code"])
    known = first.aggregate([("known_us", "min")])
    known = known.sort_by([("transaction", "ascending"), ("code", "ascending")])
    named = pa.DictionaryArray.from_arrays(known["code"].combine_chunks(), operators)
    return pa.table([known["transaction"], named, known["known_us_min"]], schema=HOLDERS)


def _compared(kind: str) -> str:
    """The columns by which it shows what passes a holder; only events have them."""
    names = {name for market in markets().values() for name in market.held_nationally_by.differ}
    empty = "" if kind == "event" else "NULL::VARCHAR AS "
    return "".join(f"{empty}{name}, " for name in sorted(names))
