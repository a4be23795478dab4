"""The end of a run: late path, ledger lane, episodes, publication, summary."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ledger.ddl import TABLES
from ledger.duck import Connection
from ledger.loader import Loader
from ledger.scope import count_transactions, transactions_of
from pipelines.episodes.episodes import episodes, output_sha256
from pipelines.job.outputs import Outputs
from pipelines.lanes.ledger import Affected, affected_by_late, evaluate_lane, with_late
from pipelines.lanes.operators import holders
from pipelines.pairing.pairing import reconciliation
from pipelines.rules.registry import ParameterSet, load_rules, parameters_on
from schemas.errors import InputError
from schemas.records import ALERT
from schemas.visibility import expected_legs
from serving.publish.publisher import publish
from yrd.processes.summary import summary

_RUN = TABLES["rule_run"]
_STREAM_MARKET = "PYMT"
_STATED = """
SELECT transaction_id,
    any_value(counterparty_1_region ORDER BY report) AS counterparty_1_region,
    any_value(counterparty_2_region ORDER BY report) AS counterparty_2_region,
    any_value(debtor_agent_id ORDER BY report) AS debtor_agent_id,
    any_value(creditor_agent_id ORDER BY report) AS creditor_agent_id
FROM event WHERE market_segment = 'PYMT'
GROUP BY transaction_id ORDER BY transaction_id
"""
_LANES = ("stream", "late", "ledger")


def conclude(
    loader: Loader, folder: Path, job: Outputs, source: str, known_at: datetime
) -> dict[str, Any]:
    """Turn what the lanes found into alerts, publish the ledger, and count.

    Args:
        loader: Holds everything that was accepted.
        folder: Where versions are published.
        job: What the stream job found.
        source: Of the loaded tape.
        known_at: When the last submission became known.
    """
    if behind := job.counters["behind"]:
        raise InputError(
            f"stream job: {behind} reports came behind the watermark: expected submissions to "
            "overtake each other by no more than YRD_SLACK_MINUTES; raise it and run again"
        )
    loader.flush()
    ledger = loader.connection
    parameters = parameters_on()
    rules = load_rules()
    late = affected_by_late(ledger)
    read = [code for rule in rules.values() if rule.lane == _LANES[2] for code in rule.reads]
    with transactions_of(ledger, read, late.parties):
        crossings, runs = _crossings(ledger, job, parameters, known_at, late)
    transactions = count_transactions(ledger)
    alerts = episodes(
        crossings.drop_columns(["lane"]), rules, loader.data_origin, known_at, holders(ledger)
    )
    known = pa.scalar(known_at, ALERT.field("known_from").type)
    loader.load_segment(
        f"alerts of {source}",
        0,
        {
            "crossing": _known(crossings, known),
            "reconciliation": _known(_reconciled(ledger, job), known),
            "alert": alerts,
            "rule_run": runs,
            "parameter": _params(parameters),
        },
    )
    publish(loader, folder)
    submissions = ledger.sql("SELECT * FROM submission")
    return summary(
        loader.data_origin,
        submissions,
        alerts,
        transactions,
        output_sha256(alerts),
        tuple(rules),
    )


def _crossings(
    ledger: Connection,
    job: Outputs,
    parameters: ParameterSet,
    known_at: datetime,
    late: Affected,
) -> tuple[pa.Table, pa.Table]:
    """All crossings with the lane they come from, and which rules ran over which days."""
    stream, _ = with_late(ledger, job.crossings, parameters, late)
    again = pc.is_in(stream["subject"], value_set=pa.array(late.parties)) if late else None
    lanes = [_LANES[0]] * stream.num_rows
    if again is not None:
        lanes = pc.if_else(again, _LANES[1], _LANES[0]).to_pylist()
    parts = [stream.append_column("lane", pa.array(lanes, pa.string()))]
    first, last = ledger.rows("SELECT min(business_date), max(business_date) FROM event")[0]
    runs = [
        {"rule": rule.name, "lane": rule.lane, "evaluated": True, "reason": ""}
        for rule in load_rules().values()
        if rule.lane == _LANES[0]
    ]
    for found in evaluate_lane(ledger, parameters):
        lane = pa.array([_LANES[2]] * found.crossings.num_rows, pa.string())
        parts.append(found.crossings.append_column("lane", lane))
        runs.append(
            {
                "rule": found.rule,
                "lane": _LANES[2],
                "evaluated": not found.not_evaluated,
                "reason": found.not_evaluated,
            }
        )
    days = {"from_date": first, "to_date": last, "known_from": known_at}
    return pa.concat_tables(parts), pa.Table.from_pylist([run | days for run in runs], _RUN)


def _reconciled(ledger: Connection, job: Outputs) -> pa.Table:
    """The stream's transactions with how many reports each should have had and had."""
    stated = ledger.sql(_STATED)
    expected = expected_legs(stated, _STREAM_MARKET).to_numpy(zero_copy_only=False)
    keys = stated["transaction_id"].to_numpy()
    at = np.minimum(np.searchsorted(keys, job.recon["key"]), max(len(keys) - 1, 0))
    return reconciliation(job.recon, _STREAM_MARKET, expected[at])


def _known(table: pa.Table, known: pa.Scalar) -> pa.Table:
    return table.append_column("known_from", pa.repeat(known, table.num_rows))


def _params(parameters: ParameterSet) -> pa.Table:
    rows = [
        {"rule": rule.name, "parameter_set": parameters.version, "name": name, "value": value}
        for rule in load_rules().values()
        for name, value in parameters.of(rule).items()
    ]
    return pa.Table.from_pylist(rows)
