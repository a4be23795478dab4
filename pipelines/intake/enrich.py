"""Decoded records to canonical reports: everything that is not in the record itself.

The engine knows a record; this module knows who sent it, when it became known, which area the
institution register puts it in, what its amount is in CNY, which business day it belongs to and
which vantages may hold it. Rules read only what is filled here: they never convert, look up or
consult a calendar.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.engine.engine import Submission
from connectors.engine.spec import Feed
from schemas.fields import SCHEMA_VERSION, arrow_schema
from schemas.hashing import hash128, to_binary16
from schemas.reference_data import amount_cny, business_date, institutions
from schemas.regions import AREA_TO_REGION, OUT
from schemas.visibility import vantage_mask

__all__ = ["Envelope", "enrich"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of a submission besides its bytes."""

    data_origin: str


def enrich(
    decoded: pa.RecordBatch, submissions: Sequence[Submission], feed: Feed, envelope: Envelope
) -> pa.RecordBatch:
    """Fill the canonical schema of the feed's kind.

    Args:
        decoded: One row a decoded record: canonical columns the spec fills, and `submission`
            (index into `submissions`), `record`, `source_record_locator`, `transaction_key`,
            `content_hash`.
        submissions: The submissions the records came in.
        feed: The feed they belong to.
        envelope: Data origin of the stream.

    Returns:
        RecordBatch with `arrow_schema(feed.kind)`, same rows, same order.
    """
    columns: dict[str, pa.Array] = {name: decoded[name] for name in decoded.schema.names}
    index = columns["submission"]
    size = decoded.num_rows
    columns |= _header(submissions, index, feed, envelope, columns)
    if feed.kind == "event":
        columns["event_timestamp"] = _first(
            columns, size, "event_timestamp", "execution_timestamp", "reporting_timestamp"
        )
        columns["execution_timestamp"] = _first(
            columns, size, "execution_timestamp", "event_timestamp"
        )
        columns["business_date"], columns["business_ordinal"] = business_date(
            columns["event_timestamp"], feed.business_calendar
        )
        lateness = np.timedelta64(feed.lateness_us, "us")
        known = columns["received_at"].to_numpy(zero_copy_only=False)
        happened = columns["event_timestamp"].to_numpy(zero_copy_only=False)
        columns["is_late"] = pa.array(known - happened > lateness)
    else:
        as_of = columns["business_date"]
        columns["event_timestamp"] = _beijing_midnight(as_of)
        columns["execution_timestamp"] = columns["event_timestamp"]
        _, columns["business_ordinal"] = business_date(
            columns["event_timestamp"], feed.business_calendar
        )
        columns["is_late"] = _repeat(False, pa.bool_(), size)
    columns["business_calendar"] = _repeat(feed.business_calendar, _type("business_calendar"), size)
    columns |= _regions(columns, size, feed)
    columns |= _amounts(columns, size)
    columns["vantage_mask"] = vantage_mask(
        pa.RecordBatch.from_arrays(
            [
                columns["reporting_region"],
                columns["counterparty_1_region"],
                columns["counterparty_2_region"],
            ],
            names=["reporting_region", "counterparty_1_region", "counterparty_2_region"],
        ),
        feed.market,
    )
    return _as_schema(columns, size, feed.kind)


def _header(
    submissions: Sequence[Submission],
    index: pa.Array,
    feed: Feed,
    envelope: Envelope,
    columns: Mapping[str, pa.Array],
) -> dict[str, pa.Array]:
    size = len(index)
    submitters = pa.array([s.submitter for s in submissions], pa.string())
    areas = institutions().area(submitters)
    ids = pa.array([s.id for s in submissions], pa.binary(32))
    received = pa.array([s.received_at for s in submissions], pa.timestamp("us", "UTC"))
    names = pa.array([f"{feed.name}/{s.id.hex()}" for s in submissions], pa.string())
    area = areas.take(index)
    submitter = submitters.take(index)
    submission_id = ids.take(index)
    report_id = to_binary16(
        hash128([submitter, submission_id, columns["source_record_locator"]], f"report:{feed.name}")
    )
    return {
        "report_id": report_id,
        "submission_id": submission_id,
        "kind": _repeat(feed.kind, _type("kind"), size),
        "data_origin": _repeat(envelope.data_origin, _type("data_origin"), size),
        "spec_version": _repeat(feed.version, pa.string(), size),
        "received_at": received.take(index),
        "report_submitting_entity_id": submitter,
        "submitter_area": area,
        "reporting_region": area,
        "revision_number": _repeat(0, pa.int32(), size),
        "source_uri": names.take(index),
        "source_payload_sha256": submission_id,
        "dq_failed_rules": pa.array([[]] * 1, pa.list_(pa.string())).take(
            pa.array(np.zeros(size, np.int64))
        ),
        "reporting_timestamp": _first(columns, size, "reporting_timestamp")
        if "reporting_timestamp" in columns
        else received.take(index),
    }


def _regions(columns: Mapping[str, pa.Array], size: int, feed: Feed) -> dict[str, pa.Array]:
    """Areas of both parties: of the servicing agent where the market has agents, else of the party.

    Institutions come from the register. A region a source states itself (a borrower's domicile,
    GB/T 2260) is brought to its supervisory area.
    """
    register = institutions()
    out: dict[str, pa.Array] = {}
    for number, agent in ((1, "debtor_agent_id"), (2, "creditor_agent_id")):
        name = f"counterparty_{number}_region"
        if agent in columns and columns[agent].null_count < size:
            out[name] = register.area(columns[agent])
        elif name in columns:
            out[name] = _area_of_gb2260(columns[name])
        else:
            out[name] = register.area(columns[f"counterparty_{number}_id"])
    first, second = out["counterparty_1_region"], out["counterparty_2_region"]
    out["cross_region_indicator"] = pc.fill_null(pc.not_equal(first, second), False)
    if "cross_border_indicator" not in columns:
        out["cross_border_indicator"] = _repeat("unknown", _type("cross_border_indicator"), size)
    return out


def _area_of_gb2260(codes: pa.Array) -> pa.Array:
    """A GB/T 2260 code to its supervisory area: Ningbo by its four digits, else the province."""
    unique = codes.dictionary_encode()
    areas = []
    for code in unique.dictionary.to_pylist():
        area = "330200" if code.startswith("3302") else f"{code[:2]}0000"
        areas.append(area if area in AREA_TO_REGION else OUT)
    return pa.array(areas, pa.string()).take(unique.indices)


def _amounts(columns: Mapping[str, pa.Array], size: int) -> dict[str, pa.Array]:
    """CNY amounts at the dated rate of the business day, unless the source states them."""
    if "amount_cny" in columns:
        return {}
    for amount, currency in (
        ("settlement_amount", "settlement_currency"),
        ("notional_amount_leg_1", "notional_currency_1"),
        ("outstanding_amount", "notional_currency_1"),
    ):
        if amount in columns and currency in columns:
            return {
                "amount_cny": amount_cny(
                    columns[amount], columns[currency], columns["business_date"]
                )
            }
    return {}


def _beijing_midnight(dates: pa.Array) -> pa.Array:
    """The instant a Beijing day begins, as a UTC timestamp column."""
    instants = dates.cast(pa.timestamp("us"))
    shifted = pc.subtract(instants, pa.scalar(dt.timedelta(hours=8), pa.duration("us")))
    return shifted.cast(pa.timestamp("us", "UTC"))


def _first(columns: Mapping[str, pa.Array], size: int, *names: str) -> pa.Array:
    present = [columns[name] for name in names if name in columns]
    return pc.coalesce(*present) if present else pa.nulls(size, _type(names[0]))


def _type(name: str) -> pa.DataType:
    return arrow_schema("event").field(name).type


def _repeat(value: str | int | bool, of: pa.DataType, size: int) -> pa.Array:
    if pa.types.is_dictionary(of):
        indices = pa.array(np.zeros(size, np.int8)).cast(of.index_type)
        return pa.DictionaryArray.from_arrays(indices, pa.array([value], of.value_type))
    return pa.repeat(pa.scalar(value, of), size)


def _as_schema(columns: Mapping[str, pa.Array], size: int, kind: str) -> pa.RecordBatch:
    schema = arrow_schema(kind)
    arrays = []
    for field in schema:
        array = columns.get(field.name)
        if array is None:
            array = pa.nulls(size, field.type)
        elif array.type != field.type:
            array = _cast(array, field.type)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(
        arrays, schema=schema.with_metadata({"kind": kind, "schema_version": SCHEMA_VERSION})
    )


def _cast(array: pa.Array, to: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(to):
        coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        return pa.DictionaryArray.from_arrays(
            coded.indices.cast(to.index_type), coded.dictionary.cast(to.value_type)
        )
    if pa.types.is_dictionary(array.type):
        return array.dictionary.take(array.indices).cast(to)
    return array.cast(to)
