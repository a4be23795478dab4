"""Wide event reports to narrow rows, whole columns at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.agents import agent_numbers
from schemas.contracts import CONTRACT_CLASSES
from schemas.hashing import from_binary16, hash128, id63
from schemas.narrow import (
    CLASS_SHIFT,
    EVENT_CODES,
    FLAG_CANCELLED,
    FLAG_CROSS_BORDER,
    FLAG_HEDGE,
    FLAG_IMMEDIATE,
    FLAG_MARKET_MAKER,
    FLAG_NO_KEY,
    FLAG_PAYEE_NAME_ONLY,
    FLAG_PAYEE_PERSON,
    FLAG_PAYER_NAME_ONLY,
    FLAG_PAYER_PERSON,
    MOST_LOTS,
    NARROW,
    order_size,
)
from schemas.regions import JOINT_BIT, REGIONS, region_of_area

_REGION_NIBBLE = {region: number for number, region in enumerate(REGIONS, start=1)}


def transaction_ids(batch: pa.RecordBatch) -> NDArray[Any]:
    """The transaction id of each report, int64.

    From the transaction key where the feed declares one and the record has it. Otherwise from
    submitter, source reference and content: an exact repeat by one submitter meets itself and
    nothing else does.
    """
    keyed = _id_of_binary(batch["transaction_key"])
    alone = id63(
        hash128(
            [batch["report_submitting_entity_id"], batch["source_trade_id"], batch["content_hash"]],
            "record",
        )
    )
    return np.where(keyed != 0, keyed, alone)


def narrow_rows(batch: pa.RecordBatch) -> NDArray[Any]:
    """Narrow rows of a wide event batch, one each, in the same order, dtype `NARROW`.

    Raises:
        ValueError: an amount does not fit 63 bits of fen (92 thousand trillion CNY).
    """
    rows = np.zeros(batch.num_rows, NARROW)
    rows["key"] = transaction_ids(batch)
    rows["report"] = _id_of_binary(batch["report_id"])
    rows["event_time"] = batch["event_timestamp"].cast(pa.int64()).to_numpy(zero_copy_only=False)
    rows["amount_fen"] = fen(batch["amount_cny"])
    for role, number in (("payer", 1), ("payee", 2)):
        side = f"counterparty_{number}"
        rows[f"{role}_account"] = _id_of_text(batch[f"{side}_account_token"], "account")
        named_only = _equals(batch[f"{side}_id_basis"], "NAME")
        party = _id_of_binary(batch[f"{side}_party_key"])
        rows[f"{role}_party"] = np.where(named_only, 0, party)
    rows["reporter"] = _id_of_text(batch["report_submitting_entity_id"], "institution")
    rows["asset"] = _id_of_text(batch["asset_reference_id"], "asset")
    rows["range_start"] = _integers(batch["asset_range_start"])
    rows["instrument"] = _id_of_text(batch["source_instrument_id"], "instrument")
    rows["business_ordinal"] = _integers(batch["business_ordinal"])
    rows["event_code"] = _coded(batch["event_type"], EVENT_CODES)
    rows["mask"] = _integers(batch["vantage_mask"]) & ~np.int64(1 << JOINT_BIT)
    rows["regions"] = _nibbles(batch["counterparty_1_region"]) | (
        _nibbles(batch["counterparty_2_region"]) << 4
    )
    rows["flags"] = _flags(batch)
    for role, number, agent in (("payer", 1, "debtor"), ("payee", 2, "creditor")):
        rows[f"{role}_agent"] = agent_numbers(
            batch[f"{agent}_agent_id"], batch[f"counterparty_{number}_region"]
        )
    _withdrawn(rows, batch)
    return rows


def _withdrawn(rows: NDArray[Any], batch: pa.RecordBatch) -> None:
    """Fill what only rows of orders that were withdrawn have (`schemas.narrow`)."""
    if batch["contract_class"].null_count == batch.num_rows:
        return
    known = batch["contract_class"].is_valid().to_numpy(zero_copy_only=False)
    gone = known & _equals(batch["event_type"], "EXEC") & _equals(batch["order_status"], "CNCL")
    at = np.flatnonzero(gone)
    some = batch.take(pa.array(at))
    immediate = _equals(some["time_in_force"], "IOC") | _equals(some["time_in_force"], "FOK")
    immediate |= some["orig_order_id"].is_null().to_numpy(zero_copy_only=False)
    flags = np.full(len(at), FLAG_CANCELLED, np.uint32)
    for flag, holds in (
        (FLAG_IMMEDIATE, immediate),
        (FLAG_HEDGE, _equals(some["trading_purpose"], "HEDG")),
        (FLAG_MARKET_MAKER, _equals(some["trading_purpose"], "MKTM")),
    ):
        flags |= np.where(holds, np.uint32(flag), np.uint32(0))
    classes = {name: number for number, name in enumerate(CONTRACT_CLASSES, start=1)}
    numbers = _coded(some["contract_class"], classes).astype(np.uint32)
    rows["flags"][at] |= flags | numbers << np.uint32(CLASS_SHIFT)
    ordered, done, most = (
        _lots(some[name])
        for name in ("order_quantity", "cumulative_quantity", "max_order_quantity")
    )
    rows["range_start"][at] = order_size(ordered - done, most)


def fen(amount: pa.Array) -> NDArray[Any]:
    """A decimal128(25,2) column of CNY as int64 fen; null becomes 0."""
    limbs = np.frombuffer(amount.buffers()[1], np.int64).reshape(-1, 2)
    limbs = limbs[amount.offset : amount.offset + len(amount)]
    low, high = limbs[:, 0], limbs[:, 1]
    valid = amount.is_valid().to_numpy(zero_copy_only=False)
    if np.any(valid & (high != (low >> 63))):
        raise ValueError("amount_cny: expected at most 63 bits of fen")
    return np.where(valid, low, 0)


def _flags(batch: pa.RecordBatch) -> NDArray[Any]:
    flags = np.zeros(batch.num_rows, np.uint32)
    tests = (
        (FLAG_PAYER_PERSON, "counterparty_1_nature", "I"),
        (FLAG_PAYEE_PERSON, "counterparty_2_nature", "I"),
        (FLAG_PAYER_NAME_ONLY, "counterparty_1_id_basis", "NAME"),
        (FLAG_PAYEE_NAME_ONLY, "counterparty_2_id_basis", "NAME"),
        (FLAG_CROSS_BORDER, "cross_border_indicator", "Y"),
    )
    for flag, column, value in tests:
        flags |= np.where(_equals(batch[column], value), np.uint32(flag), np.uint32(0))
    without_key = batch["transaction_key"].is_null().to_numpy(zero_copy_only=False)
    return flags | np.where(without_key, np.uint32(FLAG_NO_KEY), np.uint32(0))


def _id_of_binary(column: pa.Array) -> NDArray[Any]:
    """63-bit ids of a binary(16) column: the id of its first eight bytes; null becomes 0."""
    ids = id63(from_binary16(column))
    return np.where(column.is_valid().to_numpy(zero_copy_only=False), ids, 0)


def _id_of_text(column: pa.Array, domain: str) -> NDArray[Any]:
    ids = id63(hash128([column], domain))
    return np.where(column.is_valid().to_numpy(zero_copy_only=False), ids, 0)


def _integers(column: pa.Array) -> NDArray[Any]:
    return pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)


def _lots(column: pa.Array) -> NDArray[Any]:
    """Whole lots of a quantity, what lies above cut off; null becomes 0."""
    most = pa.scalar(MOST_LOTS, pa.decimal128(25, 5))
    return _integers(pc.floor(pc.min_element_wise(column, most, skip_nulls=False)))


def _equals(column: pa.DictionaryArray, value: str) -> NDArray[Any]:
    codes = column.dictionary.to_pylist()
    if value not in codes:
        return np.zeros(len(column), np.bool_)
    wanted = codes.index(value)
    return pc.fill_null(pc.equal(column.indices, wanted), False).to_numpy(zero_copy_only=False)


def _coded(column: pa.DictionaryArray, codes: Mapping[str, int]) -> NDArray[Any]:
    table = np.array([codes.get(code, 0) for code in column.dictionary.to_pylist()] + [0], np.int16)
    indices = pc.fill_null(column.indices, len(table) - 1).to_numpy(zero_copy_only=False)
    return table[indices]


def _nibbles(areas: pa.Array) -> NDArray[Any]:
    coded = areas.dictionary_encode()
    table = np.array(
        [_REGION_NIBBLE.get(region_of_area(area), 0) for area in coded.dictionary.to_pylist()]
        + [0],
        np.uint8,
    )
    indices = pc.fill_null(coded.indices, len(table) - 1).to_numpy(zero_copy_only=False)
    return table[indices]
