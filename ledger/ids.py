"""The 63-bit ids a ledger row carries beside its report: what SQL cannot compute from it.

They are the ids of the narrow row (`schemas.narrow`), stated a second time on purpose: the relation
`tx` must not stand on what the stream job was given (a test holds the two against each other).
Hashes of repeated texts are computed once a distinct value.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.agents import agent_numbers
from schemas.columns import flat
from schemas.hashing import from_binary16, hash128, id63

Ids = npt.NDArray[np.int64]

# column of the ledger -> (canonical column, domain of its hash)
_OF_TEXT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "payer_account": ("counterparty_1_account_token", "account"),
        "payee_account": ("counterparty_2_account_token", "account"),
        "reporter": ("report_submitting_entity_id", "institution"),
        "asset": ("asset_reference_id", "asset"),
        "instrument": ("source_instrument_id", "instrument"),
        "representative": ("representative_token", "party"),  # as the party of a client is hashed
        "entity_account": ("entity_account_token", "account"),
    }
)
# column of the ledger -> (agent, area of its branch), numbered by `schemas.agents`
_AGENTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "payer_agent": ("debtor_agent_id", "counterparty_1_region"),
        "payee_agent": ("creditor_agent_id", "counterparty_2_region"),
    }
)
_READ = (
    *dict.fromkeys(source for source, _ in _OF_TEXT.values()),
    "transaction_key",
    "report_id",
    "source_trade_id",
    "content_hash",
)
# What two reports of one submitter share if one repeats or revises the other.
REFERENCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "event": ("source_trade_id",),
        "position": ("source_trade_id", "business_date"),
        "indicator": ("institution_id", "period_start", "period_end", "measure", "breakdown"),
        "register": ("source_trade_id", "valid_from"),
        "complaint": ("source_trade_id", "complaint_state", "event_timestamp"),
    }
)
_FEW = frozenset({"reporter", "instrument"})  # worth a dictionary before hashing


def row_ids(reports: pa.Table, kind: str) -> dict[str, npt.NDArray[Any]]:
    """Ids of wide reports of one kind, by ledger column; 0 where the report has no such value.

    Reports that share a `reference_id` are duplicates or revisions of each other; see `REFERENCES`.
    """
    wanted = (*_READ, *REFERENCES[kind])
    columns = {name: flat(reports[name]) for name in wanted if name in reports.schema.names}
    ids: dict[str, npt.NDArray[Any]] = {
        "report": _of_binary(columns["report_id"]),
        "reference_id": reference_ids(columns, kind),
    }
    if "transaction_key" in columns:
        ids["transaction_id"] = transaction_ids(columns)
    for name, (agent, area) in _AGENTS.items():
        if agent in reports.schema.names:
            ids[name] = agent_numbers(flat(reports[agent]), flat(reports[area]))
    for name, (source, domain) in _OF_TEXT.items():
        if source in columns:
            ids[name] = _of_text(columns[source], domain, name in _FEW)
    return ids


def reference_ids(columns: Mapping[str, pa.Array], kind: str) -> Ids:
    """Id of the submitter and of what the record speaks of (`REFERENCES`), of each row."""
    parts = [columns[name] for name in ("report_submitting_entity_id", *REFERENCES[kind])]
    return id63(hash128(parts, "reference"))


def transaction_ids(columns: Mapping[str, pa.Array]) -> Ids:
    """The transaction id of each row: of its key, or of the record where it has none."""
    ids = _of_binary(columns["transaction_key"])
    alone = np.flatnonzero(ids == 0)
    if len(alone):
        rows = pa.array(alone)
        parts = ("report_submitting_entity_id", "source_trade_id", "content_hash")
        ids[alone] = id63(hash128([columns[part].take(rows) for part in parts], "record"))
    return ids


def _of_binary(column: pa.Array) -> Ids:
    ids = id63(from_binary16(column))
    if column.null_count:
        ids[column.is_null().to_numpy(zero_copy_only=False)] = 0
    return ids


def _of_text(column: pa.Array, domain: str, few: bool) -> Ids:
    size = len(column)
    if column.null_count == size:
        return np.zeros(size, np.int64)
    if few:
        coded = column.dictionary_encode()
        table = np.append(id63(hash128([coded.dictionary], domain)), 0)
        codes: Ids = pc.fill_null(coded.indices, len(table) - 1).to_numpy(zero_copy_only=False)
        return table[codes]
    ids = id63(hash128([column], domain))
    if column.null_count:
        ids[column.is_null().to_numpy(zero_copy_only=False)] = 0
    return ids
