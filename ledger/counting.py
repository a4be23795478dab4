"""How many transactions there are, without pairing them all."""

from ledger.duck import Connection


def count_transactions(connection: Connection) -> int:
    """How many rows the joint vantage has in `tx`.

    Every key is one transaction, unless its legs lie so far apart that they are several; only those
    are paired.
    """
    keys, far = connection.rows(_KEYS)[0]
    if not far:
        return int(keys)
    database = connection.scalar("SELECT current_database()")
    connection.execute(
        f'CREATE TEMP TABLE leg AS SELECT * FROM "{database}".main.leg WHERE key IN ({_FAR_APART})'
    )
    try:  # `tx` reads this session's legs
        parts = connection.scalar("SELECT count(*) FROM tx WHERE vantage = 4")
    finally:
        connection.execute("DROP TABLE temp.main.leg")
    return int(keys) - int(far) + int(parts)


_APART = "max(event_time) - min(event_time) > any_value(pair_memory_us)"
_KEYS = f"""
SELECT count(*), count(*) FILTER (WHERE apart)
FROM (SELECT {_APART} AS apart FROM leg GROUP BY key)
"""
_FAR_APART = f"SELECT key FROM leg GROUP BY key HAVING {_APART}"
