"""Duplicates and revisions: reports of one submitter that speak of the same.

The same content again is a duplicate, whichever came later by (received_at, report_id). Another
content is a revision: `revision_number` counts the contents before it. A revision ends its
predecessor (`known_to`); that of an event does not, both stay legs of their transaction until the
late path decides. A row that is loaded after one it precedes turns that one into the duplicate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ledger import ddl, stored
from ledger.duck import Connection
from ledger.ids import Ids

TOLD = (
    "report_id",
    "submission_id",
    "report_submitting_entity_id",
    "source_uri",
    "source_record_locator",
    "source_trade_id",
    "received_at",
)


@dataclass(frozen=True, slots=True)
class Repeats:
    """What `resolve` found, row by row of the reports it was given.

    `known_to` is None where no row has one. `told` names the rows, new or loaded before, that have
    just become duplicates: columns `TOLD`.
    """

    is_duplicate: npt.NDArray[np.bool_]
    revision: npt.NDArray[np.int32]
    known_to: pa.Array | None
    told: pa.Table


def resolve(connection: Connection, kind: str, reports: pa.Table, references: Ids) -> Repeats:
    """Compare new reports with each other and with what the ledger holds of their references.

    Rows of the ledger that change (duplicate, revision, end) are updated here, in the caller's
    transaction; the new rows are the caller's to append.

    Args:
        connection: The ledger, in a transaction.
        kind: Kind of record, the name of its table.
        reports: New wide reports.
        references: Their `reference_id`.
    """
    size = reports.num_rows
    found = Repeats(
        np.zeros(size, np.bool_), np.zeros(size, np.int32), None, reports.slice(0, 0).select(TOLD)
    )
    rows = np.flatnonzero(np.isin(references, _shared(connection, kind, references)))
    if not len(rows):
        return found
    columns = [*TOLD, "content_hash"]
    incoming = (
        reports.select(columns)
        .take(pa.array(rows))
        .append_column("reference_id", pa.array(references[rows]))
    )
    connection.register("_incoming", incoming.append_column("place", pa.array(rows)))
    try:
        before = stored.select(connection, kind, ddl.TABLES[kind], _READ, _SHARING)
        ruled = connection.sql(_RULED.format(before=before))
    finally:
        connection.unregister("_incoming")
    place = ruled["place"].to_numpy()
    new = place >= 0
    found.is_duplicate[place[new]] = ruled["copy"].to_numpy()[new] > 1
    found.revision[place[new]] = ruled["revision"].to_numpy()[new]
    ends = None
    if kind != "event":
        end = np.zeros(size, "datetime64[us]")
        end[:] = np.datetime64("NaT")
        end[place[new]] = ruled["known_to"].to_numpy()[new].astype("datetime64[us]")
        ends = pa.array(end, pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    changed = ruled.filter(pa.array(~new))
    if changed.num_rows:
        _change(connection, kind, changed)
    now = ruled["now_told"].to_numpy(zero_copy_only=False)
    return Repeats(
        found.is_duplicate, found.revision, ends, ruled.filter(pa.array(now)).select(TOLD)
    )


def _shared(connection: Connection, kind: str, references: Ids) -> Ids:
    """References that occur twice among the new rows, or once and in the ledger."""
    ordered = np.sort(references)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    connection.register("_new", pa.table({"reference_id": references}))
    try:
        known = connection.sql(
            f'SELECT DISTINCT reference_id FROM {stored.SCHEMA}."{kind}" '
            "WHERE reference_id IN (SELECT reference_id FROM _new)"
        )
    finally:
        connection.unregister("_new")
    return np.union1d(twice, known["reference_id"].to_numpy())


def _change(connection: Connection, kind: str, rows: pa.Table) -> None:
    """Bring rows of the ledger to what `resolve` ruled."""
    connection.register("_ruled", rows)
    try:
        ends = ", known_to = r.known_to" if kind != "event" else ""
        connection.execute(
            f'UPDATE {stored.SCHEMA}."{kind}" AS e SET is_duplicate = r.copy > 1, '
            f"revision_number = r.revision{ends} FROM _ruled r WHERE e.rowid = -1 - r.place "
            "AND (e.is_duplicate <> (r.copy > 1) OR e.revision_number <> r.revision "
            f"{'OR e.known_to IS DISTINCT FROM r.known_to' if ends else ''})"
        )
    finally:
        connection.unregister("_ruled")


_READ = (*TOLD, "content_hash", "reference_id", "is_duplicate")
_SHARING = "reference_id IN (SELECT reference_id FROM _incoming)"
# `place` is the row of the new reports, or -1 - rowid of one in the ledger. A content's time is its
# first report's; contents of one reference are ordered by it.
_RULED = """
WITH together AS (
    SELECT *, false AS was_duplicate FROM _incoming
    UNION ALL BY NAME
    SELECT {columns}, content_hash, reference_id, -1 - place AS place,
           is_duplicate AS was_duplicate
    FROM ({before})
),
copies AS (
    SELECT *,
        row_number() OVER (
            PARTITION BY reference_id, content_hash ORDER BY received_at, report_id, place
        ) AS copy,
        min({{'at': received_at, 'report': report_id}}) OVER (
            PARTITION BY reference_id, content_hash
        ) AS earliest
    FROM together
),
contents AS (
    SELECT reference_id, content_hash,
        (row_number() OVER (PARTITION BY reference_id ORDER BY earliest) - 1)::INTEGER AS revision,
        lead(earliest.at) OVER (PARTITION BY reference_id ORDER BY earliest) AS known_to
    FROM (SELECT DISTINCT reference_id, content_hash, earliest FROM copies)
)
SELECT place, copy, revision, known_to, copy > 1 AND NOT was_duplicate AS now_told, {columns}
FROM copies JOIN contents USING (reference_id, content_hash)
ORDER BY place
""".replace("{columns}", ", ".join(TOLD))
