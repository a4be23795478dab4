"""Held submissions decoded again by the spec in force now, into the ledger they are held in."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.feeds.registry import load_feeds
from schemas.errors import InputError
from schemas.records import RAW
from yrd.processes.adopting import record
from yrd.processes.held import Waiting, bodies, held, where
from yrd.settings import Settings

if TYPE_CHECKING:
    from pipelines.intake.intake import Taken

_COUNTED = ("submitted", "accepted", "rejected", "quarantined", "duplicates")


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of held submissions: how many are decoded now and how many still wait, counts."""

    spec: str
    submissions: int
    still_held: int
    counts: dict[str, int]
    published: str  # file of the published ledger; empty where nothing was loaded
    alerts: int = 0  # rows of alerts that were raised, amended or withdrawn by it


def rerun(settings: Settings, name: str, ledger: Path, tape: Path | None, now: datetime) -> Rerun:
    """Decode what is held of a feed with the version in force now, load it, publish.

    Reports come in with cause SPEC, known from `now`, and late: the late path takes them up, and
    alerts are raised, amended or withdrawn as of `now`. What is still held stays as it is.

    Args:
        settings: Where feeds and adoptions lie.
        name: Of the feed.
        ledger: Folder with the read-write ledger and its published versions.
        tape: Where the bytes lie; None looks beside the ledger.
        now: When the new outcomes become known.

    Raises:
        InputError: no such feed, nothing is held, or the ledger cannot be written.
    """
    from ledger.loader import Loader
    from serving.publish import open_version
    from serving.publish.publisher import publish
    from yrd.processes.amending import amend
    from yrd.processes.loading import WRITTEN

    feeds = load_feeds(settings.feed_folders)
    if name not in feeds:
        raise InputError(f"feed {name!r}: expected one of {', '.join(feeds)}")
    path = ledger / WRITTEN
    if not path.is_file():
        raise InputError(f"{ledger}: expected a run's ledger folder with {WRITTEN} in it")
    connection, _ = open_version(ledger)
    with connection:
        wanted = held(connection, name)
        origin = str(connection.scalar("SELECT value FROM ledger_info WHERE name = 'data_origin'"))
    feed = record(settings).in_force(feeds[name], now)
    if not wanted:
        return Rerun(feed.version, 0, 0, dict.fromkeys(_COUNTED, 0), "")
    found = bodies(wanted, where(ledger, tape), f"held submissions of {name} run again")
    taken = _taken(settings, name, _raw(name, origin, wanted, found), now)
    whole = taken.quarantine.filter(pc.less(taken.quarantine["record"], 0))["submission_id"]
    done = taken.submissions.filter(
        pc.invert(pc.is_in(taken.submissions["submission_id"], value_set=pc.unique(whole)))
    )
    waiting = taken.submissions.num_rows - done.num_rows
    counts = {one: int(pc.sum(done[one]).as_py() or 0) for one in _COUNTED}
    if not done.num_rows:
        return Rerun(feed.version, 0, waiting, counts, "")
    tables = _tables(taken, done)
    hashes = b"".join(sorted(one.sha256 for one in wanted))
    source = f"spec:{name}:{feed.version}:{hashlib.sha256(hashes).hexdigest()[:16]}"
    with Loader(path, origin) as loader:
        loader.load_again(source, tables, now)
        alerts = amend(loader, source, now, settings.slack)
        version = publish(loader, ledger)
    return Rerun(feed.version, done.num_rows, waiting, counts, version.file, alerts)


def _raw(name: str, origin: str, wanted: list[Waiting], found: list[bytes]) -> pa.Table:
    rows = [
        {
            "feed": name,
            "submitter": one.submitter,
            "received_at": one.received_at,
            "data_origin": origin,
            "sha256": one.sha256,
            "size": len(body),
            "file_name": None,
            "body": body,
        }
        for one, body in zip(wanted, found, strict=True)
    ]
    return pa.Table.from_pylist(rows, RAW)


def _taken(settings: Settings, name: str, raw: pa.Table, now: datetime) -> "Taken":
    """The whole intake, with the version in force now for what came before."""
    import numpy as np

    from yrd.processes.building import build_intake

    adopted = record(settings)
    origin = str(raw["data_origin"][0])
    intake = build_intake(settings, origin, lambda feed: ((0, adopted.in_force(feed, now)),))
    return intake.process(raw, np.zeros(raw.num_rows, np.bool_), 0)


def _tables(taken: "Taken", done: pa.Table) -> dict[str, pa.Table]:
    """What is loaded: everything of the submissions that are decoded now; reports as late ones."""
    ids = pc.unique(done["submission_id"])

    def of(table: pa.Table) -> pa.Table:
        return table.filter(pc.is_in(table["submission_id"], value_set=ids))

    out: dict[str, Any] = {kind: _late(of(table)) for kind, table in taken.reports.items()}
    late = sum(table.num_rows for kind, table in out.items() if kind == "event")
    at = done.schema.get_field_index("late")
    if late:
        accepted = done["accepted"]
        done = done.set_column(at, done.schema.field(at), accepted.cast(done.schema.field(at).type))
    feedback = of(taken.feedback)
    stage = feedback.schema.get_field_index("stage")
    final = pa.repeat(pa.scalar("final"), feedback.num_rows).cast(feedback.schema.field(stage).type)
    feedback = feedback.set_column(stage, feedback.schema.field(stage), final)
    return out | {"feedback": feedback, "quarantine": of(taken.quarantine), "submission": done}


def _late(reports: pa.Table) -> pa.Table:
    """Events that become known now are late, whenever their bytes came."""
    if "is_late" not in reports.schema.names or not reports.num_rows:
        return reports
    at = reports.schema.get_field_index("is_late")
    if reports["kind"][0].as_py() != "event":
        return reports
    return reports.set_column(at, reports.schema.field(at), pa.repeat(True, reports.num_rows))
