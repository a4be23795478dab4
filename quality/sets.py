"""Rules over sets of reports: judged over the ledger, the same whatever arrived together.

A set is all reports with equal values in the rule's `within` columns: the payments of one reporter
under one UETR, the acts on one bill package. Its members can lie in different submissions, units
and days, so only the ledger has them all. A day is judged by the sets its own reports belong to,
over everything the ledger holds up to that day; duplicates and what no longer holds are left out.
"""

import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ledger.duck import Connection
from quality.evaluate.statement import listed
from quality.rules import Rule, catalogue

# One row a rule, registry, kind of act and reporter that has reports of the day in such sets.
SETS = pa.schema(
    [
        pa.field("label", pa.string(), nullable=False),  # rule, registry, act, reporter
        pa.field("reports", pa.int64(), nullable=False),
        pa.field("broken", pa.int64(), nullable=False),
    ]
)
_CURRENT = "known_to IS NULL AND NOT is_duplicate"
_RECEIVED = "CAST(received_at + INTERVAL 8 HOUR AS DATE)"  # the Beijing day
_NAMED = ("source_system_code", "event_type", "report_submitting_entity_id")
_REPORTS = "set_reports"  # the registered relation of `broken_rows`


def set_rules() -> tuple[Rule, ...]:
    """The catalogue's rules over sets."""
    return tuple(rule for rule in catalogue() if rule.scope == "ledger")


def broken_rows(connection: Connection, rule: Rule, reports: pa.Table) -> NDArray[np.int64]:
    """Which of some reports a rule over sets finds at fault, taking them as all there are.

    Args:
        connection: any session.
        rule: of scope `ledger`.
        reports: canonical reports of the rule's kind and market.

    Returns:
        Row numbers, ascending.
    """
    numbers = pa.array(np.arange(reports.num_rows, dtype=np.int64))
    connection.register(_REPORTS, reports.select(list(rule.columns)).append_column("_row", numbers))
    try:
        found = connection.sql(f"WITH reports AS (FROM {_REPORTS}) {_broken(rule)} ORDER BY _row")
    finally:
        connection.unregister(_REPORTS)
    return found["_row"].to_numpy()


def sets_of_day(connection: Connection, day: datetime.date) -> pa.Table:
    """How many of a business date's reports each rule over sets finds at fault.

    Args:
        connection: a ledger opened to read.
        day: the business date.

    Returns:
        Table, schema SETS, ordered by label.
    """
    parts = [
        connection.sql(_day_sql(rule, kind), {"day": day})
        for rule in set_rules()
        for kind in rule.kinds
    ]
    return pa.concat_tables([SETS.empty_table(), *(part.cast(SETS) for part in parts)])


def _broken(rule: Rule) -> str:
    return f"SELECT DISTINCT _row FROM ({rule.sql}) WHERE _row IS NOT NULL"


def _day_sql(rule: Rule, kind: str) -> str:
    """The rule over the sets that have a report of $day, counted for the reports of $day."""
    columns = ", ".join(sorted({*rule.columns, *_NAMED}))
    where = [
        f"market_segment IN ({listed(rule.markets)})",
        _CURRENT,
        "business_date <= $day",
        f"{_RECEIVED} >= DATE '{rule.valid_from.isoformat()}'",
    ]
    if rule.valid_to is not None:
        where.append(f"{_RECEIVED} < DATE '{rule.valid_to.isoformat()}'")
    if rule.event_types:
        where.append(f"event_type IN ({listed(rule.event_types)})")
    if rule.source_systems:
        where.append(f"source_system_code IN ({listed(rule.source_systems)})")
    same = " AND ".join(f"held.{name} IS NOT DISTINCT FROM own.{name}" for name in rule.within)
    label = " || ' ' || ".join([f"'{rule.id}'", *(f"reports.{name}" for name in _NAMED)])
    return f"""
        WITH held AS (
            SELECT {columns}, business_date = $day AS of_day FROM "{kind}"
            WHERE {" AND ".join(where)}
        ), own AS (
            SELECT DISTINCT {", ".join(rule.within)} FROM held WHERE of_day
        ), reports AS MATERIALIZED (
            SELECT row_number() OVER () AS _row, * FROM held SEMI JOIN own ON {same}
        ), broken AS ({_broken(rule)})
        SELECT {label} AS label, count(*)::BIGINT AS reports, count(broken._row)::BIGINT AS broken
        FROM reports LEFT JOIN broken ON broken._row = reports._row
        WHERE of_day GROUP BY ALL ORDER BY label
    """
