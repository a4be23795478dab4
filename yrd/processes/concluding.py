"""The conclusions of a run: closings, late path, ledger lane, alerts and their revisions."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.feeds.registry import load_feeds
from ledger.counting import count_transactions
from ledger.ddl import TABLES
from ledger.duck import Connection
from ledger.loader import Loader
from pipelines.episodes.episodes import output_sha256
from pipelines.episodes.history import History, history
from pipelines.groups.groups import close_days
from pipelines.job.outputs import Outputs
from pipelines.lanes.closings import Closing, closings
from pipelines.lanes.known import Lane, ledger_lane
from pipelines.lanes.late import late_path
from pipelines.lanes.lifetimes import lifetimes
from pipelines.lanes.operators import holders
from pipelines.pairing.pairing import reconciliation
from pipelines.rules.registry import InForce, load_parameters, load_rules
from schemas.errors import InputError
from schemas.records import ALERT, CROSSING
from schemas.regions import JOINT_BIT, REGIONS
from schemas.visibility import expected_legs
from serving.publish.publisher import publish
from yrd.processes.adopting import record
from yrd.processes.summary import summary
from yrd.settings import Settings

_RUN = TABLES["rule_run"]
_TIME = ALERT.field("known_from").type
_STREAM_MARKET = "PYMT"
_GROUPS = "controller groups"
_RECONCILED = 200_000  # transactions put in words at once
_STATED = """
SELECT transaction_id,
    arg_min(counterparty_1_region, report) AS counterparty_1_region,
    arg_min(counterparty_2_region, report) AS counterparty_2_region,
    arg_min(debtor_agent_id, report) AS debtor_agent_id,
    arg_min(creditor_agent_id, report) AS creditor_agent_id
FROM event WHERE market_segment = 'PYMT' AND transaction_id BETWEEN $first AND $last
GROUP BY transaction_id ORDER BY transaction_id
"""


def conclude(
    loader: Loader,
    folder: Path,
    job: Outputs,
    source: str,
    known_at: datetime,
    slack: timedelta,
) -> dict[str, Any]:
    """Turn what the lanes found into alerts, publish the ledger, and count.

    Every business day of the run is closed as of the instant at which it closed (`closings`), and
    the run itself at its end; `output_sha256` is that of the alerts that stand then.

    Args:
        loader: Holds everything that was accepted.
        folder: Where versions are published.
        job: What the stream job found.
        source: Of the loaded tape.
        known_at: When the last submission became known.
        slack: How far submissions may overtake each other.
    """
    demand_none_behind(job)
    loader.flush()
    ledger = loader.connection
    closed = closings_of(ledger, known_at, slack)
    group_days(loader, closed)
    found, crossings, lanes = conclusions(ledger, job.crossings, closed, loader.data_origin)
    loader.load_segment(
        f"alerts of {source}",
        0,
        {
            "crossing": with_known(crossings, closed),
            "alert": found.revisions,
            "rule_run": runs_of(lanes, closed),
        }
        | {"parameter": _params()},
    )
    for part, table in enumerate(_reconciled(ledger, job, known_at)):
        loader.load_segment(f"reconciliation of {source}", part, {"reconciliation": table})
        loader.flush()
    publish(loader, folder)
    return counted(loader, found, job)


def group_days(loader: Loader, closed: Sequence[Closing]) -> None:
    """Compute the controller groups of closings that have none yet, and load them.

    Args:
        loader: Holds everything those closings know.
        closed: Some closings in order, none before those that have groups.
    """
    done = loader.loaded(_GROUPS)
    fresh = [one for one in closed if not done or one.last.toordinal() > done[-1]]
    if fresh:
        tables = close_days(loader.connection, fresh)
        loader.load_segment(_GROUPS, fresh[-1].last.toordinal(), tables)
        loader.flush()


def demand_none_behind(job: Outputs) -> None:
    """Refuse what a stream job found that had to leave reports out.

    Raises:
        InputError: submissions overtook each other by more than the slack.
    """
    if behind := job.counters["behind"]:
        raise InputError(
            f"stream job: {behind} reports came behind the watermark: expected submissions to "
            "overtake each other by no more than YRD_SLACK_MINUTES; raise it and run again"
        )


def at_end(ledger: Connection, job: Outputs, known_at: datetime) -> dict[str, pa.Table]:
    """The tables that are written once, at the end of a run."""
    return {
        "reconciliation": pa.concat_tables(_reconciled(ledger, job, known_at)),
        "parameter": _params(),
    }


def counted(loader: Loader, found: History, job: Outputs) -> dict[str, Any]:
    """The summary of a run's ledger, of its alerts, and of searches that were cut short."""
    ledger = loader.connection
    return summary(
        loader.data_origin,
        ledger.sql("SELECT * FROM submission"),
        found.standing,
        count_transactions(ledger),
        output_sha256(found.standing),
        tuple(load_rules()),
        found.revisions,
        {name: feed.kind for name, feed in load_feeds(Settings().feed_folders).items()},
        job.cut_short(),
    )


def closings_of(ledger: Connection, end: datetime, slack: timedelta) -> tuple[Closing, ...]:
    """The closings of what a ledger holds; the last is the run's end.

    Only the stream must be complete before a day closes: the ledger lane looks again at whatever
    comes, so a slower market's feeds hold nothing back.
    """
    first = min(ledger.scalar("SELECT min(received_at) FROM submission") or end, end)
    settings = Settings()
    adopted = record(settings)
    lateness = max(
        version.lateness
        for feed in load_feeds(settings.feed_folders).values()
        if feed.kind == "event" and feed.market == _STREAM_MARKET
        for version in adopted.between(feed, first, end)
    )
    return closings(first, end, lateness, slack)


def conclusions(
    ledger: Connection,
    stream: pa.Table,
    closed: Sequence[Closing],
    data_origin: str,
    parameters: InForce | None = None,
) -> tuple[History, pa.Table, list[Lane]]:
    """The alerts through all closings, the crossings (LIFETIMES) they are made of, and the lanes.

    Args:
        ledger: Holds everything that was accepted.
        stream: CROSSING rows of the stream job, which never saw a late report.
        closed: The closings, in order.
        data_origin: REAL, PUBLIC or SIMULATED.
        parameters: What is in force: one set, or several; None means those agreed.
    """
    # One mostly waits for the database, the other for its kernels: neither fills two cores.
    with ledger.beside() as other, ThreadPoolExecutor(1) as side:
        late = side.submit(late_path, other, closed, parameters)
        lanes = ledger_lane(ledger, closed, parameters)
        replaced = late.result()
    replaced += [one for lane in lanes for one in lane.replaced]
    crossings = lifetimes(stream, replaced, closed)
    held = holders(ledger, crossings)
    found = history(crossings, replaced, closed, load_rules(), data_origin, held)
    return found, crossings, lanes


def with_known(crossings: pa.Table, closed: Sequence[Closing]) -> pa.Table:
    """Crossings with the lane they came from and the times between which they were known."""
    times = pa.array([one.known_at for one in closed], _TIME)
    ends = pc.if_else(pc.less(crossings["ends"], len(closed)), crossings["ends"], None)
    return (
        crossings.select([*CROSSING.names, "lane"])
        .append_column("known_from", times.take(crossings["begins"].combine_chunks()))
        .append_column("known_to", times.take(ends.combine_chunks()))
    )


def runs_of(lanes: Sequence[Lane], closed: Sequence[Closing]) -> pa.Table:
    """Which rules ran over which business days, closing by closing."""
    reasons = {lane.rule: lane.not_evaluated for lane in lanes}
    rows = [
        {
            "rule": rule.name,
            "lane": rule.lane,
            "evaluated": not reasons.get(rule.name),
            "reason": reasons.get(rule.name, ""),
            "from_date": closing.first,
            "to_date": closing.last,
            "known_from": closing.known_at,
        }
        for closing in closed
        for rule in load_rules().values()
    ]
    return pa.Table.from_pylist(rows, _RUN)


def _reconciled(ledger: Connection, job: Outputs, known_at: datetime) -> Iterator[pa.Table]:
    """The stream's transactions with how many reports each should have had and had, in parts.

    At least one part; a part holds some of all keys, so that memory does not grow with the run.
    """
    recon = job.recon[np.argsort(job.recon["key"], kind="stable")]
    for start in range(0, max(len(recon), 1), _RECONCILED):
        part = recon[start : start + _RECONCILED]
        first, last = (part["key"][0], part["key"][-1]) if len(part) else (0, 0)
        stated = ledger.sql(_STATED, {"first": int(first), "last": int(last)})
        expected = expected_legs(stated, _STREAM_MARKET).to_numpy(zero_copy_only=False)
        keys = stated["transaction_id"].to_numpy()
        at = np.minimum(np.searchsorted(keys, part["key"]), max(len(keys) - 1, 0))
        told = reconciliation(part, _STREAM_MARKET, expected[at])
        known = pa.repeat(pa.scalar(known_at, _TIME), len(part))
        yield told.append_column("known_from", known)


def _params() -> pa.Table:
    """Every number of every agreed set; a region's own are those of `VERSION/REGION`."""
    rows = [
        {"rule": rule.name, "parameter_set": version, "name": name, "value": value}
        for one in load_parameters()
        for version, vantage in [(one.version, JOINT_BIT)]
        + [(f"{one.version}/{region}", REGIONS.index(region)) for region in one.regional]
        for rule in load_rules().values()
        for name, value in one.of(rule, vantage).items()
    ]
    return pa.Table.from_pylist(rows)
