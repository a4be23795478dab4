"""Alerts after what became known later: a conclusion at that instant, on a concluded ledger."""

from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from ledger.loader import Loader
from pipelines.lanes.closings import END_OF_TIME, Closing
from schemas.records import CROSSING
from yrd.processes.concluding import closings_of, conclusions, with_known

_LATER = """
SELECT DISTINCT known_from FROM event WHERE cause = 'SPEC' ORDER BY known_from
"""


def amend(loader: Loader, source: str, now: datetime, slack: timedelta) -> int:
    """Conclude again at `now`: alerts raised, amended or withdrawn by what became known then.

    What was concluded before is concluded again from the same reports, so it stays as it was; only
    what is so from `now` on is written.

    Args:
        loader: Of a ledger whose reports with cause SPEC are loaded.
        source: Names this once.
        now: When those reports became known.
        slack: How far submissions may overtake each other.

    Returns:
        How many rows of alerts were written.
    """
    ledger = loader.connection
    closed = _closings(ledger, slack)
    stream = ledger.sql(
        f"SELECT {', '.join(CROSSING.names)} FROM crossing WHERE lane = 'stream'"
    ).cast(CROSSING)
    found, crossings, _ = conclusions(ledger, stream, closed, loader.data_origin)
    rows = with_known(crossings, closed)
    known = pa.scalar(now, rows.schema.field("known_from").type)
    alerts = found.revisions.filter(pc.equal(found.revisions["known_from"], known))
    begun = rows.filter(pc.equal(rows["known_from"], known)).drop_columns(["known_to"])
    ended = rows.filter(pc.fill_null(pc.equal(rows["known_to"], known), False))
    loader.conclude(f"alerts of {source}", 0, {"alert": alerts, "crossing": begun}, ended)
    return alerts.num_rows


def _closings(ledger: Connection, slack: timedelta) -> tuple[Closing, ...]:
    """Those of the run, and one at each instant at which a newer spec made something known."""
    end = ledger.scalar("SELECT max(received_at) FROM submission")
    before = closings_of(ledger, end, slack)
    later = [row[0] for row in ledger.rows(_LATER)]
    return (*before, *(Closing(_day(at), _day(at), END_OF_TIME, at) for at in later))


def _day(at: datetime) -> date:
    return (at + timedelta(hours=8)).date()
