"""Decoded records to canonical reports: everything that is not in the record itself.

The engine knows a record; this module knows who sent it, when it became known, which area the
institution register puts it in, what its amount is in CNY, which business day it belongs to, which
limits of an exchange its orders fall under and which vantages may hold it. Rules read only what is
filled here: they never convert, look up or consult a calendar.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.engine import Submission
from connectors.engine.spec import Feed
from pipelines.intake.markets import entitling, vantage_masks
from schemas.contracts import contracts
from schemas.fields import SCHEMA_VERSION, arrow_schema
from schemas.hashing import hash128, to_binary16
from schemas.reference_data import calendars, institutions, rates
from schemas.regions import AREA_TO_REGION, OUT

# How sources name an institution; one identifier never fits two of these schemes.
_SUBMITTER = "report_submitting_entity_id"
_AMOUNTS = (
    ("settlement_amount", "settlement_currency"),
    ("notional_amount_leg_1", "notional_currency_1"),
    ("outstanding_amount", "notional_currency_1"),
    ("disputed_amount", "disputed_currency"),
)
_SEATS = ("asset_region", "complaint_region", "entity_region", "related_region")
# Kinds that say when something happened; the others speak of a day. Balances and register entries
# are never late: they hold until the next one.
_TIMED = ("event", "complaint")
_DUE = (*_TIMED, "indicator")
_FUTURES = "FUTR"
_NAMED_BY = ("institution_id", "cnaps12", "bic", "fin14", "uscc", "cfets6")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Rows that cannot be decided for want of reference data: the operator acts."""

    rows: NDArray[Any]  # indices into the batch
    rule_id: str
    field: str
    expected: str


@dataclass(frozen=True, slots=True)
class Enriched:
    """Canonical reports, one row a decoded record, and the rows that must be quarantined."""

    batch: pa.RecordBatch
    doubts: tuple[Doubt, ...]


def enrich(
    decoded: pa.RecordBatch,
    submissions: Sequence[Submission],
    feed: Feed,
    data_origin: str,
    on: dt.date,
) -> Enriched:
    """Fill the canonical schema of the feed's kind.

    Args:
        decoded: One row a decoded record: canonical columns the spec fills, and `submission`
            (index into `submissions`), `record`, `source_record_locator`, `transaction_key`,
            `content_hash`.
        submissions: The submissions the records came in.
        feed: The feed they belong to.
        data_origin: REAL, PUBLIC or SIMULATED; one for the whole stream.
        on: The day whose institution register holds for all of them.

    Returns:
        The batch has `arrow_schema(feed.kind)`, same rows, same order. A value that reference data
        cannot give is null and its row stands in `doubts`.
    """
    columns: dict[str, pa.Array] = {name: decoded[name] for name in decoded.schema.names}
    size = decoded.num_rows
    columns |= _header(submissions, feed, data_origin, on, columns)
    columns |= _times(columns, size, feed)
    columns |= _areas(columns, size, on, feed)
    columns |= _contracts(columns, feed)
    doubts = [
        _doubt(
            pc.is_null(institutions().resolve("institution_id", columns[_SUBMITTER], on)),
            "ENR-SUBMITTER",
            "submitter",
            "an institution of the register; add it to institutions.csv",
        ),
        _doubt(
            pc.is_null(columns["business_ordinal"]),
            "ENR-CALENDAR",
            "event_timestamp" if feed.kind in _TIMED else "business_date",
            f"a day the calendar {feed.business_calendar} covers; extend holidays.csv",
        ),
    ]
    if "amount_cny" in arrow_schema(feed.kind).names:
        amounts, unrated = _amounts(columns)
        columns |= amounts
        if "amount_cny" in feed.not_stated:  # it stays empty where no rate is known
            unrated = np.zeros(size, np.bool_)
        doubts.append(
            _doubt(
                pa.array(unrated),
                "ENR-RATE",
                "disputed_currency" if feed.kind == "complaint" else "settlement_currency",
                "a currency with a rate for the day; extend fx_rates.csv",
            )
        )
    names = entitling(feed)
    nowhere = pa.nulls(size, pa.string())
    areas = pa.RecordBatch.from_arrays(
        [columns.get(name, nowhere) for name in names], names=list(names)
    )
    columns["vantage_mask"] = vantage_masks(areas, columns["market_segment"], feed)
    batch = _as_schema(columns, size, feed.kind)
    return Enriched(batch, tuple(doubt for doubt in doubts if len(doubt.rows)))


def _doubt(mask: pa.Array, rule_id: str, field: str, expected: str) -> Doubt:
    rows = np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))
    return Doubt(rows, rule_id, field, expected)


def _header(
    submissions: Sequence[Submission],
    feed: Feed,
    data_origin: str,
    on: dt.date,
    columns: Mapping[str, pa.Array],
) -> dict[str, pa.Array]:
    index = columns["submission"]
    size = len(index)
    submitters = pa.array([s.submitter for s in submissions], pa.string())
    area = institutions().area(submitters, on).take(index)
    ids = pa.array([s.id for s in submissions], pa.binary(32))
    received = pa.array([s.received_at for s in submissions], pa.timestamp("us", "UTC"))
    names = pa.array([f"{feed.name}/{s.id.hex()}" for s in submissions], pa.string())
    submitter = submitters.take(index)
    submission_id = ids.take(index)
    where = [submitter, submission_id, columns["source_record_locator"]]
    return {
        "report_id": to_binary16(hash128(where, f"report:{feed.name}")),
        "submission_id": submission_id,
        "kind": _repeat(feed.kind, _type("kind"), size),
        "data_origin": _repeat(data_origin, _type("data_origin"), size),
        "spec_version": _repeat(feed.version, pa.string(), size),
        "received_at": received.take(index),
        _SUBMITTER: submitter,
        "submitter_area": area,
        "reporting_region": area,
        "revision_number": _repeat(0, pa.int32(), size),
        "source_uri": names.take(index),
        "source_payload_sha256": submission_id,
        "dq_failed_rules": _empty_lists(size),
    }


def _times(columns: Mapping[str, pa.Array], size: int, feed: Feed) -> dict[str, pa.Array]:
    """Event time, business day and lateness. What speaks of a day happened when the day began."""
    out: dict[str, pa.Array] = {}
    if feed.kind in _TIMED:
        happened = _first(columns, "event_timestamp", "execution_timestamp", "reporting_timestamp")
        out |= _business_days(columns, feed, partial(calendars().business_date, happened), size)
    else:
        days = _day_of(columns, feed.kind)
        happened = _beijing_midnight(days)
        out |= _business_days(columns, feed, partial(calendars().business_day, days), size)
        out["business_date"] = days
    out["event_timestamp"] = happened
    out["execution_timestamp"] = _first(
        {**columns, **out}, "execution_timestamp", "event_timestamp"
    )
    out["reporting_timestamp"] = _first(columns, "reporting_timestamp", "received_at")
    known = columns["received_at"].cast(pa.int64())
    delay = pc.subtract(known, happened.cast(pa.int64()))
    out["is_late"] = pc.and_(
        pa.scalar(feed.kind in _DUE),
        pc.greater(delay, pa.scalar(microseconds(feed.lateness), pa.int64())),
    )
    return out


def _business_days(
    columns: Mapping[str, pa.Array],
    feed: Feed,
    count: Callable[[str], tuple[pa.Array, pa.Array]],
    size: int,
) -> dict[str, pa.Array]:
    """Business day, its number and its calendar: of each record by its own market's calendar.

    Args:
        columns: Have `market_segment` where the feed's records name their own.
        feed: Says the calendar of each of its markets.
        count: From a calendar to the days of all rows and their numbers.
        size: Rows.
    """
    names = list(dict.fromkeys(feed.calendars.values()))
    if len(names) == 1:
        days, numbers = count(names[0])
        calendar = _repeat(names[0], _type("business_calendar"), size)
    else:
        of_market = pa.array([names.index(one) for one in feed.calendars.values()], pa.int8())
        own = columns["market_segment"].cast(pa.string())
        at = of_market.take(pc.index_in(own, value_set=pa.array(list(feed.calendars))))
        found = [count(name) for name in names]
        days, numbers = (pc.choose(at, *column) for column in zip(*found, strict=True))
        calendar = pa.DictionaryArray.from_arrays(at, pa.array(names))
    return {"business_date": days, "business_ordinal": numbers, "business_calendar": calendar}


def _day_of(columns: Mapping[str, pa.Array], kind: str) -> pa.Array:
    """The day a record speaks of: as stated, the end of an indicator's period, or of receipt."""
    if "business_date" in columns:
        return columns["business_date"]
    if kind == "indicator":
        return columns["period_end"]
    beijing = pc.add(columns["received_at"], pa.scalar(dt.timedelta(hours=8), pa.duration("us")))
    return pc.floor_temporal(beijing.cast(pa.timestamp("us")), unit="day").cast(pa.date32())


def _areas(
    columns: Mapping[str, pa.Array], size: int, on: dt.date, feed: Feed
) -> dict[str, pa.Array]:
    """The supervisory areas of everything a record of the feed's kind places."""
    kind = feed.kind
    out = {name: _area_of_gb2260(columns[name]) for name in _SEATS if name in columns}
    if kind in ("event", "position"):
        return out | _regions(columns, size, on, of_broker=_FUTURES in feed.markets)
    if "institution_id" in columns:
        out["institution_region"] = _area_of_institution(columns["institution_id"], on)
    if "account_agent_id" in columns:  # an account lies where its branch is
        branch = _area_of_institution(columns["account_agent_id"], on)
        seat = out.get("entity_region", branch)
        out["entity_region"] = pc.if_else(pc.equal(branch, OUT), seat, branch)
    return out


def _regions(
    columns: Mapping[str, pa.Array], size: int, on: dt.date, *, of_broker: bool
) -> dict[str, pa.Array]:
    """Areas of both parties: of the servicing agent where the market has agents, else of the party.

    A client of a broker (`of_broker`) is placed by the branch that took its order.

    Institutions come from the register. Where a party is no institution and the source states its
    domicile (GB/T 2260), that is brought to its supervisory area.
    """
    out: dict[str, pa.Array] = {}
    for number, agent in ((1, "debtor_agent_id"), (2, "creditor_agent_id")):
        party = f"counterparty_{number}"
        if agent in columns:
            out[f"{party}_region"] = _area_of_institution(columns[agent], on)
            continue
        if f"{party}_id" not in columns:  # a statement speaks of one party
            out[f"{party}_region"] = pa.nulls(size, pa.string())
            continue
        if of_broker and number == 1 and "servicing_branch_id" in columns:
            out[f"{party}_region"] = _area_of_institution(columns["servicing_branch_id"], on)
            continue
        area = _area_of_institution(columns[f"{party}_id"], on)
        if f"{party}_region" in columns:
            stated = _area_of_gb2260(columns[f"{party}_region"])
            area = pc.if_else(pc.equal(area, OUT), pc.coalesce(stated, area), area)
        out[f"{party}_region"] = area
    first, second = out["counterparty_1_region"], out["counterparty_2_region"]
    out["cross_region_indicator"] = pc.fill_null(pc.not_equal(first, second), False)
    if "cross_border_indicator" not in columns:
        out["cross_border_indicator"] = _repeat("unknown", _type("cross_border_indicator"), size)
    return out


def _area_of_institution(ids: pa.Array, on: dt.date) -> pa.Array:
    """The area of institutions however the source names them; `OUT` for anyone else."""
    register = institutions()
    coded = ids if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
    values = coded.dictionary
    found = pc.coalesce(*[register.resolve(scheme, values, on) for scheme in _NAMED_BY])
    areas = register.area(found, on).take(coded.indices)
    return pc.fill_null(areas, OUT)


def _area_of_gb2260(codes: pa.Array) -> pa.Array:
    """A GB/T 2260 code to its supervisory area: Ningbo by its four digits, else the province."""
    unique = codes.dictionary_encode()
    areas = []
    for code in unique.dictionary.to_pylist():
        area = "330200" if code.startswith("3302") else f"{code[:2]}0000"
        areas.append(area if area in AREA_TO_REGION else OUT)
    return pa.array(areas, pa.string()).take(unique.indices)


def _contracts(columns: Mapping[str, pa.Array], feed: Feed) -> dict[str, pa.Array]:
    """Whose limits the orders of a futures market fall under on their trading day."""
    stated = ("source_instrument_id", "venue_of_execution")
    if feed.kind != "event" or _FUTURES not in feed.markets or not set(stated) <= set(columns):
        return {}
    code, mic = (columns[name] for name in stated)
    classes, lots = contracts(code, mic, columns["business_date"])
    return {"contract_class": classes.dictionary_encode(), "max_order_quantity": lots}


def _amounts(columns: Mapping[str, pa.Array]) -> tuple[dict[str, pa.Array], NDArray[Any]]:
    """CNY amounts at the rate of the business day, unless the source states them.

    Row by row the amount that was settled, else the notional one, else what is outstanding.
    """
    size = len(columns["submission"])
    missing = np.zeros(size, np.bool_)
    found = columns.get("amount_cny")
    for amount, currency in _AMOUNTS:
        if amount not in columns or currency not in columns:
            continue
        if found is not None and not found.null_count:
            break
        converted, unrated = rates().amount_cny(
            columns[amount], columns[currency], columns["business_date"]
        )
        open_rows = np.ones(size, np.bool_) if found is None else _absent(found)
        missing |= unrated & open_rows
        found = converted if found is None else pc.coalesce(found, converted)
    if found is None:
        return {}, missing
    return {"amount_cny": found}, missing & _absent(found)


def _absent(column: pa.Array) -> NDArray[Any]:
    return column.is_null().to_numpy(zero_copy_only=False)


def microseconds(span: dt.timedelta) -> int:
    """A span of time in whole microseconds."""
    return span // dt.timedelta(microseconds=1)


def _beijing_midnight(dates: pa.Array) -> pa.Array:
    """The instant a Beijing day begins, as a UTC timestamp column."""
    instants = dates.cast(pa.timestamp("us"))
    shifted = pc.subtract(instants, pa.scalar(dt.timedelta(hours=8), pa.duration("us")))
    return shifted.cast(pa.timestamp("us", "UTC"))


def _first(columns: Mapping[str, pa.Array], *names: str) -> pa.Array:
    """The first value a row has among columns; columns that are absent count as empty."""
    return pc.coalesce(*[columns[name] for name in names if name in columns])


def _empty_lists(size: int) -> pa.Array:
    return pa.ListArray.from_arrays(
        pa.array(np.zeros(size + 1, np.int32)), pa.array([], pa.string())
    )


def _type(name: str) -> pa.DataType:
    return arrow_schema("event").field(name).type


def _repeat(value: str | int | bool, of: pa.DataType, size: int) -> pa.Array:
    if pa.types.is_dictionary(of):
        indices = pa.array(np.zeros(size, np.int8)).cast(of.index_type)
        return pa.DictionaryArray.from_arrays(indices, pa.array([value], of.value_type))
    return pa.repeat(pa.scalar(value, of), size)


def _as_schema(columns: Mapping[str, pa.Array], size: int, kind: str) -> pa.RecordBatch:
    schema = arrow_schema(kind)
    nothing = Nothing(size)
    arrays = []
    for field in schema:
        array = columns.get(field.name)
        if array is None:
            array = nothing.of(field.type)
        elif array.type != field.type:
            array = _cast(array, field.type)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(
        arrays, schema=schema.with_metadata({"kind": kind, "schema_version": SCHEMA_VERSION})
    )


class Nothing:
    """Columns without a value: those of one type share their bytes, most of a wide batch."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._made: dict[pa.DataType, pa.Array] = {}

    def of(self, kind: pa.DataType) -> pa.Array:
        """Nulls of a type."""
        if kind not in self._made:
            self._made[kind] = pa.nulls(self._size, kind)
        return self._made[kind]


def _cast(array: pa.Array, to: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(to):
        coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        return pa.DictionaryArray.from_arrays(
            coded.indices.cast(to.index_type), coded.dictionary.cast(to.value_type)
        )
    if pa.types.is_dictionary(array.type):
        return array.dictionary.take(array.indices).cast(to)
    return array.cast(to)
