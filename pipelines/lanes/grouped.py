"""Variants of stream rules whose subject is a controller group, closing by closing.

Groups are known to the ledger when a day closes, not to the stream. A closing therefore looks at
every group of which it knows a new report, through the same kernels: at what their members did as
far as the report reaches, with the groups that held when it happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.lanes.closings import Closing, known_from
from pipelines.lanes.lifetimes import CAUSES, CORRECTION, LATE, Ids, Replaced
from pipelines.lanes.reach import after, before
from pipelines.lanes.routing import stream_rules
from pipelines.lanes.stream import run_once
from pipelines.rules.registry import InForce, Rule
from schemas.narrow import rows_of

_KIND = "group"
_LEGS = """
WITH event AS MATERIALIZED (
    SELECT * FROM main.event AS e
    WHERE e.event_type IN ({types}) AND (
        e.payer_party IN (SELECT party FROM group_member)
        OR e.payee_party IN (SELECT party FROM group_member)
    )
),
leg AS ({leg})
SELECT leg.*, e.is_late, e.revision_number > 0 AS corrects, epoch_us(e.known_from) AS known
FROM leg JOIN event AS e ON e.transaction_id = leg.key AND e.report = leg.report
WHERE NOT e.is_duplicate AND (leg.payer_group <> 0 OR leg.payee_group <> 0)
ORDER BY leg.event_time, leg.key, leg.report
"""
_LATE, _CORRECTION = CAUSES.index(LATE), CAUSES.index(CORRECTION)


def group_variants(
    ledger: Connection, closed: Sequence[Closing], parameters: InForce | None
) -> list[Replaced]:
    """What the group variants of the stream's rules say at each closing.

    Args:
        ledger: holds everything that was accepted, and the groups of all closings.
        closed: the closings, in order.
        parameters: what is in force: one set, or several; None means those agreed.
    """
    found: list[Replaced] = []
    rules = [r for r in stream_rules() if any(one.subject == _KIND for one in r.variants)]
    for reads in sorted({rule.reads for rule in rules}):
        reports = _reports(ledger, reads, closed)
        for rule in rules:
            if rule.reads == reads:
                found += _of_rule(reports, rule, len(closed), parameters)
    return found


@dataclass(frozen=True, slots=True)
class _Reports:
    """Reports (NARROW) that name a member of a group, in order of event time.

    With the closing that first knows each, and the cause it is told with.
    """

    rows: npt.NDArray[Any]
    known: Ids
    cause: npt.NDArray[np.uint8]


def _reports(ledger: Connection, reads: Sequence[str], closed: Sequence[Closing]) -> _Reports:
    types = ", ".join(f"'{code}'" for code in reads)
    legs = ledger.sql(_LEGS.format(types=types, leg=load_views()["leg"].sql))
    late, corrects = (legs[n].to_numpy(zero_copy_only=False) for n in ("is_late", "corrects"))
    return _Reports(
        rows_of(legs),
        known_from(legs["known"].to_numpy(), closed),
        np.where(corrects, _CORRECTION, np.where(late, _LATE, 0)).astype(np.uint8),
    )


def _of_rule(
    reports: _Reports, rule: Rule, closings: int, parameters: InForce | None
) -> list[Replaced]:
    rows, known = reports.rows, reports.known
    found = []
    for closing in np.unique(known[known < closings]).tolist():
        new = known == closing
        windows = _windows(rows[new], reports.cause[new])
        reach = int(np.searchsorted(rows["event_time"], before(rule, windows[1]).min()))
        seen = rows[reach:][known[reach:] <= closing]
        of_them = np.isin(seen["payer_group"], windows[0]) | np.isin(
            seen["payee_group"], windows[0]
        )
        crossings = run_once(seen[of_them], parameters, rules=(rule,))
        found.append(_replaced(rule, closing, windows, crossings))
    return found


def _windows(
    rows: npt.NDArray[Any], cause: npt.NDArray[np.uint8]
) -> tuple[Ids, Ids, Ids, npt.NDArray[np.uint8]]:
    """The groups that rows name, sorted, with their first and last instants and causes."""
    groups = np.concatenate([rows["payer_group"], rows["payee_group"]])
    times, causes = np.tile(rows["event_time"], 2), np.tile(cause, 2)
    order = np.lexsort((times, groups))[np.count_nonzero(groups == 0) :]
    groups, times, causes = groups[order], times[order], causes[order]
    subjects, first = np.unique(groups, return_index=True)
    low, high = np.minimum.reduceat(times, first), np.maximum.reduceat(times, first)
    return subjects, low, high, np.maximum.reduceat(causes, first)


def _replaced(
    rule: Rule,
    closing: int,
    windows: tuple[Ids, Ids, Ids, npt.NDArray[np.uint8]],
    crossings: pa.Table,
) -> Replaced:
    subjects, low, high, causes = windows
    bare = Replaced(
        closing=closing,
        rule=rule.name,
        variants=tuple(one.name for one in rule.variants if one.subject == _KIND),
        lane="late",
        subjects=subjects,
        low=low,
        high=after(rule, high),
        causes=causes,
        found=crossings.slice(0, 0),
    )
    return replace(bare, found=bare.of(crossings))
