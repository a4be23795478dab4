"""The ledger as it was known at an earlier time.

Rows are never deleted, so an earlier state is a filter: rows known by then, with `known_to` empty
where it had not ended yet. The filter is put in front of every table as a view of the session;
all named relations read through it, because a session's views come before the file's tables.
"""

from datetime import datetime

from ledger.ddl import TABLES
from ledger.duck import Connection

# Tables that say when a row became known by another name.
_RECEIVED = ("submission", "feedback", "quarantine")


def apply(connection: Connection, known_at: datetime) -> None:
    """Show this session the ledger as known at `known_at` (time zone aware).

    Reports, answers, crossings and alerts are filtered. A duplicate is one as soon as it is
    known, because what it repeats was received before it.
    """
    database = connection.scalar("SELECT current_database()")
    instant = f"TIMESTAMPTZ '{known_at.isoformat()}'"
    for name, schema in TABLES.items():
        source = f'"{database}".main."{name}"'
        if "known_to" in schema.names:
            ended = f"CASE WHEN known_to <= {instant} THEN known_to END AS known_to"
            text = f"SELECT * REPLACE ({ended}) FROM {source} WHERE known_from <= {instant}"
        elif "known_from" in schema.names:
            text = f"SELECT * FROM {source} WHERE known_from <= {instant}"
        elif name in _RECEIVED:
            text = f"SELECT * FROM {source} WHERE received_at <= {instant}"
        else:
            continue
        connection.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS {text}')
