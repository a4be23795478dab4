"""Transactions of some reports only, and how many there are: without pairing everything.

`tx` merges every leg of the ledger each time it is read. Whoever reads it for some event types or
parties needs only the transactions with such a leg; since pairing never looks across keys, these
come out as they would among all.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from ledger.duck import Connection
from ledger.ids import Ids
from ledger.views import materialised


@contextmanager
def transactions_of(
    connection: Connection, event_types: Sequence[str], parties: Ids
) -> Iterator[None]:
    """Inside, `tx` holds the transactions with a leg of these types or parties, computed once.

    Args:
        connection: A session that may make temporary tables.
        event_types: All transactions with a leg of one of them.
        parties: All transactions with a leg that names one of them, 63-bit ids.
    """
    connection.register("_parties", pa.table({"party": parties}))
    connection.register("_types", pa.table({"event_type": pa.array(event_types, pa.string())}))
    try:
        with _legs_of(connection, _CONCERNED), materialised(connection, "tx"):
            yield
    finally:
        connection.unregister("_parties")
        connection.unregister("_types")


def count_transactions(connection: Connection) -> int:
    """How many rows the joint vantage has in `tx`.

    Every key is one transaction, unless its legs lie so far apart that they are several; only those
    are paired.
    """
    keys = int(connection.scalar("SELECT count(DISTINCT key) FROM leg"))
    with _legs_of(connection, _FAR_APART):
        far, parts = connection.rows(
            "SELECT count(DISTINCT key), count(*) FROM tx WHERE vantage = 4"
        )[0]
    return keys - int(far) + int(parts)


@contextmanager
def _legs_of(connection: Connection, keys: str) -> Iterator[None]:
    """Inside, `leg` and every view that reads it have only the keys the query `keys` names."""
    database = connection.scalar("SELECT current_database()")
    connection.execute(f'CREATE TEMP TABLE "_keys" AS {keys}')
    try:
        connection.execute(
            f'CREATE TEMP TABLE leg AS SELECT * FROM "{database}".main.leg '
            'WHERE key IN (SELECT key FROM "_keys")'
        )
        yield
    finally:
        connection.execute("DROP TABLE IF EXISTS temp.main.leg")
        connection.execute('DROP TABLE temp.main."_keys"')


_CONCERNED = """
SELECT DISTINCT key FROM leg
WHERE event_type IN (SELECT event_type FROM _types)
    OR payer_party IN (SELECT party FROM _parties)
    OR payee_party IN (SELECT party FROM _parties)
"""
_FAR_APART = """
SELECT key FROM leg GROUP BY key
HAVING max(event_time) - min(event_time) > any_value(pair_memory_us)
"""
