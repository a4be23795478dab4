"""Who holds a transaction's whole market nationally, for the `operator_sees` of alerts."""

import pyarrow as pa

from pipelines.lanes.ledger import Ledger
from schemas.visibility import markets

_TABLES = (("event", "transaction_id"), ("position", "transaction_id"))


def holders(ledger: Ledger) -> pa.Table:
    """Transactions and positions somebody holds nationally: (transaction int64, operator string).

    A market's holder does not see what does not pass it: transfers inside one bank, say. What
    nobody holds has no row.
    """
    parts = []
    for market in markets().values():
        holder = market.held_nationally_by
        if not holder:
            continue
        for table, key in _TABLES:
            parts.append(
                f"SELECT {key} AS transaction, '{_quoted(holder.en)}' AS operator FROM {table} "
                f"WHERE market_segment = '{market.market}'{_passes(holder.differ, table)}"
            )
    return ledger.sql(f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)}) ORDER BY ALL")


def _passes(differ: tuple[str, ...], table: str) -> str:
    """The condition under which a record passes the holder at all."""
    if not differ or table != "event":
        return ""
    first, second = differ
    return f" AND {first} IS DISTINCT FROM {second}"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
