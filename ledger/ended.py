"""Crossings that no longer stand: the row that began them is told when they ended."""

import pyarrow as pa

from ledger.duck import Connection

_ENDED = """
UPDATE crossing AS c
SET known_to = e.known_to
FROM _ended e
WHERE c.rule = e.rule AND c.variant = e.variant AND c.vantage = e.vantage
    AND c.subject = e.subject AND c.instant = e.instant AND c.measure = e.measure
    AND c.band = e.band AND c.lane = e.lane AND c.known_to IS NULL
"""


def end_crossings(connection: Connection, ended: pa.Table) -> None:
    """End crossings of a ledger at the instant at which it became known that they do not stand.

    Args:
        connection: The ledger, in a transaction.
        ended: Rows of the table `crossing` with `known_to`; the evidence may be missing.
    """
    if not ended.num_rows:
        return
    connection.register("_ended", ended.drop_columns([*({"evidence"} & set(ended.schema.names))]))
    try:
        connection.execute(_ENDED)
    finally:
        connection.unregister("_ended")
