"""One rule over a ledger with given numbers: its alerts, by kernel or definition, kept nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ledger.duck import Connection
from ledger.views import load_views
from pipelines.episodes.episodes import episodes
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.operators import holders
from pipelines.lanes.reach import before
from pipelines.lanes.stream import run_once
from pipelines.rules.registry import InForce, Rule
from schemas.narrow import NARROW, rows_of

_KNOWN = datetime(1970, 1, 1, tzinfo=UTC)  # nothing of a trial becomes known


@dataclass(frozen=True, slots=True)
class Reports:
    """What a rule reads of a ledger, read once for several runs. `since_us`: its first event."""

    rule: Rule
    narrow: npt.NDArray[Any]
    since_us: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class Raised:
    """Alerts (ALERT) and the crossings (CROSSING) behind them; or why the rule did not run."""

    alerts: pa.Table
    crossings: pa.Table
    not_evaluated: str = ""


def read_reports(ledger: Connection, rule: Rule) -> Reports:
    """Read what the rule's runs need.

    Args:
        ledger: an open ledger; only the rows of the rule's event codes are read.
        rule: of either lane.
    """
    types = ", ".join(f"'{code}'" for code in rule.reads) or "''"
    # A rule of statements looks back over them: its history begins with their days.
    starts = [
        f"SELECT min(epoch_us(event_timestamp)), count(*) FROM event WHERE event_type IN ({types})"
    ]
    if "holding" in rule.needs:
        starts.append("SELECT min(epoch_us(event_timestamp)), count(*) FROM position")
    found = [ledger.rows(text)[0] for text in starts]
    known = [start for start, _ in found if start is not None]
    rows = sum(int(count) for _, count in found)
    since = max(known) if known else None
    if rule.lane != "stream":
        return Reports(rule, np.empty(0, NARROW), since, rows)
    leg = load_views()["leg"].sql
    table = ledger.sql(
        "WITH event AS MATERIALIZED (SELECT * FROM main.event WHERE transaction_id IN ("
        f"SELECT transaction_id FROM main.event WHERE event_type IN ({types}))), "
        f"leg AS ({leg}) SELECT * FROM leg ORDER BY event_time, key, report"
    )
    return Reports(rule, rows_of(table), since, rows)


def raised(
    ledger: Connection, reports: Reports, data_origin: str, parameters: InForce | None = None
) -> Raised:
    """The rule's alerts with given numbers.

    Args:
        ledger: what `reports` was read from.
        reports: of `read_reports`.
        data_origin: of the ledger.
        parameters: what is in force; None means the agreed sets.
    """
    rule, reason = reports.rule, ""
    if rule.lane == "stream":
        crossings = run_once(reports.narrow, parameters, rules=(rule,))
    else:
        said = evaluate(ledger, rule, parameters)
        crossings, reason = said.crossings, said.not_evaluated
    rules: Mapping[str, Rule] = MappingProxyType({rule.name: rule})
    sets = None if parameters is None else _listed(parameters)
    made = episodes(
        crossings, rules, data_origin, _KNOWN, holders(ledger, crossings), parameters=sets
    )
    return Raised(made, crossings, reason)


def _listed(parameters: InForce) -> list[Any]:
    return list(parameters) if isinstance(parameters, list | tuple) else [parameters]


def cold(rule: Rule, alerts: pa.Table, since_us: int | None) -> npt.NDArray[np.bool_]:
    """Which alerts began before the history was as long as the rule looks back.

    Args:
        rule: with its horizon.
        alerts: ALERT rows.
        since_us: the first event of the history; None means there is none.
    """
    first = alerts["first_crossing"].cast(pa.int64()).to_numpy()
    if since_us is None:
        return np.ones(len(first), np.bool_)
    found: npt.NDArray[np.bool_] = before(rule, first) < since_us
    return found
