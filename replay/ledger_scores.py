"""Read from a ledger what the scorer compares: alerts, crossings, and the ids behind references."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ledger import duck
from replay.baselines import TRANSFERS, baselines, regions_of
from replay.schemes.plans import LABELS
from replay.scorer import REFERENCES, Score, score
from replay.scoring.market import Movements, Truth
from schemas.errors import InputError

# A label's reference is `feed:reference`; each statement gives (ref, transaction) for one feed.
# Evidence may name a position by any of its ids, so all of them stand for its reference.
_REFERENCES: Mapping[str, str] = MappingProxyType(
    {
        "pacs008": """
            SELECT DISTINCT wanted.ref, event.transaction_id AS transaction
            FROM wanted JOIN event ON wanted.ref = 'pacs008:' || event.uetr
            WHERE event.market_segment = 'PYMT'
        """,
        "bill_exchange": """
            SELECT DISTINCT wanted.ref, event.transaction_id AS transaction
            FROM wanted JOIN event ON wanted.ref = 'bill_exchange:' || event.source_trade_id
            WHERE event.market_segment = 'BILL'
        """,
        "loan_register": """
            SELECT DISTINCT wanted.ref, unnest([p.transaction_id, p.report, p.reference_id])
                AS transaction
            FROM wanted JOIN position AS p ON wanted.ref =
                'loan_register:' || p.report_submitting_entity_id || ':' || p.source_trade_id
            WHERE p.market_segment = 'LOAN'
            UNION
            SELECT DISTINCT wanted.ref, e.transaction_id
            FROM wanted JOIN event AS e ON wanted.ref =
                'loan_register:' || e.report_submitting_entity_id || ':' || e.asset_reference_id
            WHERE e.market_segment = 'LOAN' AND e.event_type = 'DRAW'
        """,
        "loan_drawdowns": """
            SELECT DISTINCT wanted.ref, event.transaction_id AS transaction
            FROM wanted JOIN event ON wanted.ref = 'loan_drawdowns:' || event.source_trade_id
            WHERE event.market_segment = 'LOAN' AND event.event_type = 'DRAW'
        """,
        "fx_settlement": """
            SELECT DISTINCT wanted.ref, event.transaction_id AS transaction
            FROM wanted JOIN event ON wanted.ref = 'fx_settlement:' || event.source_trade_id
            WHERE event.market_segment = 'FX' AND event.event_type IN ('PURC', 'SELL')
        """,
        "exchange_orders": """
            SELECT DISTINCT wanted.ref, event.transaction_id AS transaction
            FROM wanted JOIN event ON wanted.ref = 'exchange_orders:' || event.source_trade_id
            WHERE event.market_segment IN ('EQTY', 'FUTR')
        """,
        "warehouse_receipts": """
            SELECT DISTINCT wanted.ref, event.transaction_id AS transaction
            FROM wanted JOIN event ON wanted.ref =
                'warehouse_receipts:' || split_part(event.source_trade_id, '/', 1)
            WHERE event.market_segment = 'WRCT'
        """,
        "entity_register": """
            SELECT DISTINCT wanted.ref, register.report AS transaction
            FROM wanted JOIN register ON wanted.ref = 'entity_register:' || register.source_trade_id
        """,
        "reserve_report": """
            SELECT DISTINCT wanted.ref, indicator.report AS transaction
            FROM wanted JOIN indicator
            ON wanted.ref = 'reserve_report:' || indicator.source_trade_id
            WHERE indicator.market_segment = 'PAYI'
        """,
        "lender_report": """
            SELECT DISTINCT wanted.ref, indicator.report AS transaction
            FROM wanted JOIN indicator
            ON wanted.ref = 'lender_report:' || indicator.source_trade_id
            WHERE indicator.market_segment = 'LNDR'
        """,
        "camt053": """
            SELECT DISTINCT wanted.ref, unnest([p.transaction_id, p.report]) AS transaction
            FROM wanted JOIN position AS p ON wanted.ref = 'camt053:' || p.source_trade_id
            WHERE p.market_segment = 'PYMT'
        """,
        "complaints": """
            SELECT DISTINCT wanted.ref, complaint.report AS transaction
            FROM wanted JOIN complaint ON wanted.ref = 'complaints:' || complaint.source_trade_id
        """,
    }
)

# An alert was known as soon as any that it took the place of.
_KNOWN_SINCE = """
WITH RECURSIVE line AS (
    SELECT DISTINCT alert_id, alert_id AS before FROM alert
    UNION
    SELECT line.alert_id, a.alert_id FROM line JOIN alert AS a ON a.superseded_by = line.before
)
SELECT line.alert_id, min(alert.known_from)
FROM line JOIN alert ON alert.alert_id = line.before
GROUP BY line.alert_id
"""

_TRANSFERS = """
    SELECT transaction_id AS transaction, min(epoch_us(event_timestamp)) AS event_time,
        min(payer_account) AS payer, min(payee_account) AS payee,
        min(counterparty_1_region) AS payer_area, min(counterparty_2_region) AS payee_area
    FROM event
    WHERE market_segment = 'PYMT' AND NOT is_duplicate AND known_to IS NULL
    GROUP BY transaction_id
"""


def references(connection: duck.Connection, labels: pa.Table) -> pa.Table:
    """The evidence ids that stand for the labels' references, schema `REFERENCES`.

    References whose reports never came or were refused have no row: they count as not covered.
    """
    refs = sorted({ref for row in labels["refs"].to_pylist() for ref in row})
    connection.register("wanted", pa.table({"ref": pa.array(refs, pa.string())}))
    try:
        parts = [connection.sql(statement).cast(REFERENCES) for statement in _REFERENCES.values()]
    finally:
        connection.unregister("wanted")
    return pa.concat_tables(parts)


def score_ledger(
    connection: duck.Connection, labels: Path, armed_from: datetime | None = None
) -> Score:
    """Compare the alerts in force of a ledger with a tape's labels.

    Args:
        connection: an open ledger.
        labels: `labels.parquet` of the tape that was replayed into it.
        armed_from: as in `replay.scorer.score`.

    Raises:
        InputError: there are no labels, or the file is not one of labels.
    """
    known = read_labels(labels)
    alerts = connection.sql("SELECT * EXCLUDE (known_to) FROM alert WHERE known_to IS NULL")
    crossings = connection.sql("SELECT * FROM crossing WHERE known_to IS NULL")
    since = dict(connection.rows(_KNOWN_SINCE))
    return score(alerts, crossings, known, references(connection, known), armed_from, since)


def ledger_baselines(connection: duck.Connection, labels: Path) -> dict[str, Any]:
    """The two trivial detectors on the payments of a ledger, for comparison.

    Raises:
        InputError: as `score_ledger`.
    """
    known = read_labels(labels)
    schemes = known.filter(pc.equal(known["kind"], "scheme"))
    ids = references(connection, schemes)["transaction"].combine_chunks()
    return baselines(connection.sql(_TRANSFERS).cast(TRANSFERS), ids)


def movements_of(connection: duck.Connection) -> Movements:
    """Every payment of a ledger once: when, between which accounts, in which regions."""
    rows = connection.sql(_TRANSFERS).cast(TRANSFERS)
    ids, event, payer, payee = (
        rows[name].to_numpy() for name in ("transaction", "event_time", "payer", "payee")
    )
    regions = [regions_of(rows[side]) for side in ("payer_area", "payee_area")]
    return Movements(ids, event, payer, payee, *regions)


def truth_of_labels(connection: duck.Connection, known: pa.Table) -> Truth:
    """What a tape's labels say of a ledger's transactions and positions; innocents are left out.

    Args:
        connection: the ledger the tape was taken into.
        known: LABELS rows.
    """
    schemes = known.filter(pc.equal(known["kind"], "scheme"))
    refs = schemes["refs"].combine_chunks()
    sizes = pc.list_value_length(refs).to_numpy().astype(np.int64)
    names, first = np.unique(refs.flatten().to_numpy(zero_copy_only=False), return_index=True)
    pattern = np.repeat(np.arange(len(sizes)), sizes)[first]
    found = references(connection, schemes)
    ids, at = np.unique(found["transaction"].to_numpy(), return_index=True)
    number = pc.index_in(found["ref"].combine_chunks(), value_set=pa.array(names)).to_numpy()
    last = schemes["last_event"].cast(pa.int64()).to_numpy()
    return Truth(
        ids=ids,
        reference=number[at].astype(np.int64),
        pattern=pattern,
        kinds=tuple(schemes["rule"].to_pylist()),
        names=tuple(schemes["scheme_id"].to_pylist()),
        sizes=sizes,
        last_us=last,
    )


def read_labels(path: Path) -> pa.Table:
    """Read a tape's labels, schema `replay.schemes.plans.LABELS`.

    Raises:
        InputError: there is no such file, or it has other columns.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: expected the labels of a simulated tape; run `yrd simulate` or name them "
            "with --labels"
        )
    try:
        return pq.read_table(path).cast(LABELS)
    except (pa.ArrowInvalid, ValueError) as error:
        raise InputError(
            f"{path}: columns: expected {', '.join(LABELS.names)}; make the tape again"
        ) from error
