"""Closings of a live run: each concluded once, as soon as what was received has passed it.

A closing's rows and the mark that it was concluded are one commit, so a run that was killed goes
on with the first closing that has no mark. What comes after a closing never changes what it said;
therefore closings concluded one by one leave the rows of a tape run, which concludes all at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.ends.kafka import Reader, send_rest
from connectors.ends.messages import Out, Place
from ledger.loader import Loader
from pipelines.episodes.history import History
from pipelines.job.outputs import Outputs
from pipelines.lanes.closings import Closing
from schemas.visibility import pair_wait_us
from serving.publish.publisher import publish
from yrd.processes.concluding import (
    at_end,
    closings_of,
    conclusions,
    counted,
    demand_none_behind,
    group_days,
    runs_of,
    with_known,
)
from yrd.processes.live_job import STREAM_MARKET, LiveJob

ALERTS_TOPIC = "alerts"
_NEWEST = "SELECT max(received_at) FROM submission"
_ALERTS = "SELECT * EXCLUDE (known_to) FROM alert ORDER BY known_from, rowid"


@dataclass(slots=True)
class LiveClosings:
    """The closings of one live run.

    Args:
        loader: Of the run's ledger.
        folder: Where versions are published.
        servers: Broker addresses.
        prefix: In front of the run's topics.
        slack: How far submissions may overtake each other.
    """

    loader: Loader
    folder: Path
    servers: str
    prefix: str
    slack: timedelta
    _waiting: tuple[tuple[Closing, ...], dict[Place, int]] | None = None

    def look(self, reader: Reader, job: LiveJob) -> tuple[Closing, ...]:
        """Conclude the closings that everything received and judged so far completes.

        Called between loads; blocks only while it concludes (a checkpoint of the job, the rules of
        the ledger lane, a copy of the ledger).

        Args:
            reader: Of the topics that are loaded.
            job: The stream job.

        Returns:
            The closings that were concluded.
        """
        if self._waiting is None:
            due = self.due()
            if due:  # what was committed with their last submission may not have been read yet
                self._waiting = due, reader.ends()
            return ()
        due, ends = self._waiting
        judged = job.judged_us()  # once: it moves on, and closings are concluded in their order
        ready = tuple(one for one in due if one.until_us <= judged)
        if not ready or not reader.passed(ends):
            return ()
        self._waiting = None
        newest = self.loader.connection.scalar(_NEWEST)
        self.conclude(job.outputs(), newest, ready)
        return ready

    def due(self) -> tuple[Closing, ...]:
        """Closings that are not concluded and that a submission has passed by more than the slack.

        A feed's submissions come in order and feeds overtake each other by no more than the slack:
        whatever was received until then has been taken.
        """
        newest = self.loader.connection.scalar(_NEWEST)
        if newest is None:
            return ()
        passed = newest - self.slack - timedelta(microseconds=pair_wait_us(STREAM_MARKET))
        closed = closings_of(self.loader.connection, newest, self.slack)[:-1]
        return tuple(one for one in self._open(closed) if one.known_at < passed)

    def finish(self, job: Outputs, end: datetime) -> dict[str, Any]:
        """Conclude what is left, with the end of the run at `end`; returns the summary."""
        closed = closings_of(self.loader.connection, end, self.slack)
        found = self.conclude(job, end, (*self._open(closed[:-1]), closed[-1]))
        return counted(self.loader, found, job)

    def conclude(self, job: Outputs, end: datetime, which: Sequence[Closing]) -> History:
        """Conclude some closings, publish the ledger, and send the alerts' rows to their topic.

        Args:
            job: What the stream job found, complete for every instant these closings speak of.
            end: When the newest submission of the ledger was received, or the run's end.
            which: Those to conclude, in order; a closing of everything ends the run.
        """
        demand_none_behind(job)
        self.loader.flush()
        ledger = self.loader.connection
        closed = closings_of(ledger, end, self.slack)
        group_days(self.loader, which)
        found, crossings, lanes = conclusions(
            ledger, job.crossings, closed, self.loader.data_origin
        )
        rows = with_known(crossings, closed)
        for one in which:
            known = pa.scalar(one.known_at, rows.schema.field("known_from").type)
            alerts = found.revisions.filter(pc.equal(found.revisions["known_from"], known))
            begun = rows.filter(pc.equal(rows["known_from"], known))
            tables = {
                "crossing": begun.drop_columns(["known_to"]),
                "alert": alerts,
                "rule_run": runs_of(lanes, [one]),
            }
            if one == closed[-1]:
                tables |= at_end(ledger, job, one.known_at)
            ended = rows.filter(pc.fill_null(pc.equal(rows["known_to"], known), False))
            self.loader.conclude(self._source, one.last.toordinal(), tables, ended)
        publish(self.loader, self.folder)
        self.send_alerts()
        return found

    def send_alerts(self) -> int:
        """Send to the topic `alerts` what the ledger has and the topic lacks; returns how many.

        One message for each row of an alert, in the order of the ledger: key its id, value the row
        as JSON, time that at which it became known. A newer revision ends the one before.
        """
        rows = self.loader.connection.sql(_ALERTS).to_pylist()
        return send_rest(
            self.servers,
            self.prefix + ALERTS_TOPIC,
            f"{self.prefix}alerts",
            [
                Out(
                    key=row["alert_id"].encode(),
                    value=json.dumps(row, default=_plain, ensure_ascii=False).encode(),
                    timestamp_ms=int(row["known_from"].timestamp() * 1_000),
                )
                for row in rows
            ],
        )

    @property
    def _source(self) -> str:
        return f"closings of kafka:{self.prefix}"

    def _open(self, closed: Sequence[Closing]) -> list[Closing]:
        done = set(self.loader.loaded(self._source))
        return [one for one in closed if one.last.toordinal() not in done]


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)  # an amount: a number of JSON would lose digits
