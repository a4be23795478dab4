"""Submissions that were held and are now decoded by a newer spec: their counts and what waited."""

import pyarrow as pa

from ledger.duck import Connection

RELEASED = "released"  # status of what waited as a whole and was decoded since

_COUNTS = """
UPDATE submission AS s
SET status = n.status, submitted = n.submitted, accepted = n.accepted, rejected = n.rejected,
    quarantined = n.quarantined, duplicates = n.duplicates, skipped = n.skipped, late = n.late
FROM _again n
WHERE s.submission_id = n.submission_id AND s.submitter = n.submitter
    AND s.received_at = n.received_at AND s.status <> 'duplicate'
"""
_RELEASED = f"""
UPDATE quarantine AS q
SET status = '{RELEASED}'
FROM _again n
WHERE q.submission_id = n.submission_id AND q.submitter = n.submitter
    AND q.received_at = n.received_at AND q.record < 0
"""


def revise(connection: Connection, submissions: pa.Table, waiting: pa.Table) -> None:
    """Give submissions their new counts and mark what waited as released.

    Args:
        connection: The ledger, in a transaction.
        submissions: SUBMISSION rows as they are now; only those that are no longer held count.
        waiting: QUARANTINE rows of these: records that still wait, one by one.
    """
    connection.register("_again", submissions)
    try:
        connection.execute(_COUNTS)
        connection.execute(_RELEASED)
    finally:
        connection.unregister("_again")
    if waiting.num_rows:
        connection.append("quarantine", waiting)
