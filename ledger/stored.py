"""How reports and answers lie in the file: what repeats once, hashes as numbers, nothing empty.

Readers see wide relations (`event`, `position`, ..., `feedback`). Written down as such, most of
what loading costs would be columns that say the same in every row, or nothing. So each is a view
over three tables of the schema `stored`:

    stored.<name>            a row a report or answer: what differs from one to the next
    stored.<name>_profile    combinations of code-like values (type, nature, currency, ...)
    stored.<name>_envelope   what the records of one submission share

A 16-byte hash is two numbers, `<name>_high` and `<name>_low`, and so is a UUID. A column that may
be empty is made when the first value for it comes. Nothing is assumed of the values: rows that
share nothing get a profile and an envelope of their own (docs/adr/0007-reports-in-parts.md).

An answer that only says ACK is not written at all: the report says it (`acknowledged`), and the
view `feedback` has it beside those that are written.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ledger.duck import Connection
from ledger.uuids import in_halves
from schemas.columns import flat
from schemas.derive import duckdb_columns
from schemas.fields import IMPLEMENTED_KINDS

SCHEMA = "stored"
FEEDBACK = "feedback"
FEED_OF = "split_part(source_uri, '/', 1)"  # of a report
ENVELOPE = (
    "submission_id",
    "kind",
    "data_origin",
    "spec_version",
    "received_at",
    "source_system_code",
    "report_submitting_entity_id",
    "submitter_area",
    "reporting_region",
    "source_uri",
    "source_payload_sha256",
    "known_from",
    "cause",
    "submitter",
    "feed",
)
# Text with few values, beside the columns that are dictionaries.
_CODES = (
    "message_type",
    "notional_currency_1",
    "notional_currency_2",
    "settlement_currency",
    "purpose_code",
    "counterparty_1_region",
    "counterparty_2_region",
    "verdict",
    "stage",
    "severity",
    "rule_id",
    "field",
    "expected",
)
_COMPUTED = {
    "report": "id_of(r.report_id_high)",
    "payer_party": "CASE WHEN p.counterparty_1_id_basis = 'NAME' THEN 0 "
    "ELSE id_of(r.counterparty_1_party_key_high) END",
    "payee_party": "CASE WHEN p.counterparty_2_id_basis = 'NAME' THEN 0 "
    "ELSE id_of(r.counterparty_2_party_key_high) END",
    "entity_party": "CASE WHEN p.entity_id_basis = 'NAME' THEN 0 "
    "ELSE id_of(r.entity_party_key_high) END",
    "related_party": "CASE WHEN p.related_id_basis = 'NAME' THEN 0 "
    "ELSE id_of(r.related_party_key_high) END",
    "invoice": "id_of(r.invoice_hash_high)",
    "contract": "id_of(r.contract_hash_high)",
}
_HALVES = ("_high", "_low")
_UUIDS = frozenset({"uetr"})  # text that is a UUID, or should be
# Text that differs from row to row: the database looks long for what repeats in it, and finds
# little; packing it at once takes half the time and two bytes more.
_DISTINCT = frozenset({"source_trade_id", "end_to_end_id"})
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the columns of a wide relation lie; each is in exactly one place, or computed."""

    name: str
    wide: pa.Schema
    envelope: tuple[pa.Field, ...]
    profile: tuple[pa.Field, ...]
    hashes: tuple[pa.Field, ...]
    uuids: tuple[pa.Field, ...]
    own: tuple[pa.Field, ...]

    @classmethod
    def of(cls, name: str, wide: pa.Schema) -> "Shape":
        """Sort the columns of a wide relation."""
        envelope = tuple(field for field in wide if field.name in ENVELOPE)
        rest = [f for f in wide if f.name not in ENVELOPE and f.name not in _COMPUTED]
        profile = tuple(f for f in rest if pa.types.is_dictionary(f.type) or f.name in _CODES)
        hashes = tuple(f for f in rest if f.type == pa.binary(16))
        uuids = tuple(field for field in rest if field.name in _UUIDS)
        placed = {field.name for field in (*profile, *hashes, *uuids)}
        own = tuple(field for field in rest if field.name not in placed)
        return cls(name, wide, envelope, profile, hashes, uuids, own)

    def row_fields(self) -> Iterator[pa.Field]:
        """Columns of `stored.<name>`, those included that are not made yet."""
        yield pa.field("envelope", pa.int64(), nullable=False)
        yield pa.field("profile", pa.int64(), nullable=False)
        for field in (*self.hashes, *self.uuids):
            for half in _HALVES:
                yield pa.field(field.name + half, pa.uint64(), nullable=field.nullable)
        yield from self.uuids  # those that are none
        yield from self.own


@dataclass(frozen=True, slots=True)
class Parts:
    """Wide reports in parts: `rows`, and the `profile` and `envelope` rows they refer to."""

    rows: pa.Table
    profile: pa.Table
    envelope: pa.Table


def create(connection: Connection, wide: Mapping[str, pa.Schema], always: Sequence[str]) -> None:
    """Make the tables and views of wide relations.

    Args:
        connection: A new ledger.
        wide: The relations by name.
        always: Columns made before the first value for them comes.
    """
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for name, schema in wide.items():
        shape = Shape.of(name, schema)
        for part, fields in (("profile", shape.profile), ("envelope", shape.envelope)):
            number = pa.field(part, pa.int64(), nullable=False)
            _table(connection, f"{name}_{part}", [number, *fields])
        first = [
            f
            for f in shape.row_fields()
            if not f.nullable or f.name in always or f.name.endswith(_HALVES)
        ]
        _table(connection, name, first)
        _view(connection, name, schema)


def append(connection: Connection, name: str, wide: pa.Schema, table: pa.Table) -> None:
    """Append wide rows, ids and ledger columns included, in the caller's transaction."""
    if not table.num_rows:
        return
    shape = Shape.of(name, wide)
    parts = split(shape, table, *_next_numbers(connection, name))
    there = columns(connection, name)
    new = [
        field
        for field in shape.row_fields()
        if field.name in parts.rows.schema.names and field.name not in there
    ]
    for definition in _definitions(new):
        connection.execute(f'ALTER TABLE {SCHEMA}."{name}" ADD COLUMN {definition}')
    if new:
        _view(connection, name, wide)
    connection.append(f"{SCHEMA}.{name}_envelope", parts.envelope)
    connection.append(f"{SCHEMA}.{name}_profile", parts.profile)
    connection.append(f"{SCHEMA}.{name}", parts.rows)


def columns(connection: Connection, name: str) -> frozenset[str]:
    """Columns of `stored.<name>` that are made."""
    return frozenset(connection.sql(f'SELECT * FROM {SCHEMA}."{name}" LIMIT 0').schema.names)


def select(
    connection: Connection,
    name: str,
    wide: pa.Schema,
    names: Container[str] | None = None,
    where: str = "true",
) -> str:
    """The SELECT of a wide relation, with the `place` (rowid) of each row in `stored.<name>`.

    Args:
        connection: The ledger.
        name: Of the relation.
        wide: Its schema.
        names: Columns wanted; None means all.
        where: A condition on columns of `stored.<name>`: it is looked at before anything is put
            together; asked of the relation itself, it may be looked at last.
    """
    there = columns(connection, name)
    shape = Shape.of(name, wide)
    optional = pa.schema([field.with_nullable(True) for field in wide])
    shown = []
    for field, definition in zip(wide, duckdb_columns(optional), strict=True):
        if names is not None and field.name not in names:
            continue
        type_name = definition.removeprefix(f'"{field.name}" ')
        if field.name in _COMPUTED:
            text = _COMPUTED[field.name]
        elif field in shape.envelope:
            text = f'e."{field.name}"'
        elif field in shape.profile:
            text = f'p."{field.name}"'
        elif field in shape.hashes:
            text = f'hash_of(r."{field.name}_high", r."{field.name}_low")'
        elif field in shape.uuids:
            text = f'uuid_of(r."{field.name}_high", r."{field.name}_low")'
            if field.name in there:
                text = f'coalesce({text}, r."{field.name}")'
        elif field.name in there:
            text = f'r."{field.name}"'
        else:
            text = f"NULL::{type_name}"
        shown.append(f'{text} AS "{field.name}"')
    return (
        f"SELECT r.place, {', '.join(shown)} "
        f'FROM (SELECT rowid AS place, * FROM {SCHEMA}."{name}" WHERE {where}) AS r '
        f'JOIN {SCHEMA}."{name}_envelope" AS e ON e.envelope = r.envelope '
        f'JOIN {SCHEMA}."{name}_profile" AS p ON p.profile = r.profile'
    )


def split(shape: Shape, table: pa.Table, first_profile: int, first_envelope: int) -> Parts:
    """Take wide rows apart; empty columns are left out.

    Args:
        shape: Of their relation.
        table: At least one row; any of the columns of `shape.wide`, the required ones among them.
        first_profile: Number of the first new profile.
        first_envelope: Number of the first new envelope.
    """
    size = table.num_rows
    given = {
        name: column
        for name, column in zip(table.schema.names, table.columns, strict=True)
        if column.null_count < size
    }
    starts = _runs([given[f.name] for f in shape.envelope if f.name in given], size)
    begins = pa.array(np.flatnonzero(starts))
    envelope = table.select([f.name for f in shape.envelope if f.name in given]).take(begins)
    codes, examples = _combinations(
        [flat(_one_dictionary(given[f.name])) for f in shape.profile if f.name in given]
    )
    profile = table.select([f.name for f in shape.profile if f.name in given]).take(examples)
    rows: dict[str, pa.Array | pa.ChunkedArray] = {
        "envelope": pa.array(np.cumsum(starts) - 1 + first_envelope),
        "profile": pa.array((codes if len(codes) else np.zeros(size, np.int64)) + first_profile),
    }
    for field in shape.hashes:
        if field.name in given:
            rows |= _halves(field.name, flat(given[field.name]).cast(field.type))
    for field in shape.uuids:
        if field.name in given:
            *halves, rest = in_halves(flat(given[field.name]))
            rows |= {field.name + half: found for half, found in zip(_HALVES, halves, strict=True)}
            if rest.null_count < size:
                rows[field.name] = rest
    rows |= {field.name: given[field.name] for field in shape.own if field.name in given}
    return Parts(
        pa.table(rows),
        _numbered("profile", profile, first_profile),
        _numbered("envelope", envelope, first_envelope),
    )


def _runs(shared: Sequence[pa.ChunkedArray], size: int) -> npt.NDArray[np.bool_]:
    """True where a row differs from the one before in any of the columns."""
    starts = np.zeros(size, np.bool_)
    starts[:1] = True
    for column in shared:
        before, after = column.slice(0, size - 1), column.slice(1)
        if pa.types.is_dictionary(column.type):
            codes = flat(_one_dictionary(column)).indices
            before, after = codes.slice(0, size - 1), codes.slice(1)
        differs = pc.not_equal(before, after)
        if differs.null_count:
            differs = pc.or_(
                pc.fill_null(differs, False), pc.xor(pc.is_null(before), pc.is_null(after))
            )
        starts[1:] |= flat(differs).to_numpy(zero_copy_only=False)
    return starts


def _combinations(values: Sequence[pa.Array]) -> tuple[Codes, pa.Array]:
    """The number of each row's combination of values, and a row that has each combination."""
    if not values:
        return np.zeros(0, np.int64), pa.array([0], pa.int64())
    combined = np.zeros(len(values[0]), np.int64)
    room = 1
    for column in values:
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        count = len(coded.dictionary) + 1
        if room * count > 1 << 40:
            combined, room = _dense(combined)
        own = pc.fill_null(coded.indices.cast(pa.int64()), count - 1)
        combined = combined * count + own.to_numpy(zero_copy_only=False)
        room *= count
    combined, count = _dense(combined)
    examples = np.zeros(count, np.int64)
    examples[combined[::-1]] = np.arange(len(combined) - 1, -1, -1)
    return combined, pa.array(examples)


def _one_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column


def _dense(numbers: Codes) -> tuple[Codes, int]:
    coded = pa.array(numbers).dictionary_encode()
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(coded.dictionary)


def _halves(name: str, column: pa.Array) -> dict[str, pa.Array]:
    """A column of 16-byte hashes as two columns of numbers."""
    words = np.frombuffer(column.buffers()[1], ">u8")[2 * column.offset :][: 2 * len(column)]
    empty = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    return {
        name + half: pa.array(words[place::2].astype(np.uint64), mask=empty)
        for place, half in enumerate(_HALVES)
    }


def _numbered(name: str, table: pa.Table, first: int) -> pa.Table:
    numbers = pa.array(np.arange(first, first + table.num_rows))
    return table.append_column(pa.field(name, pa.int64()), numbers)


def _next_numbers(connection: Connection, name: str) -> tuple[int, int]:
    profile, envelope = connection.rows(
        f'SELECT (SELECT count(*) FROM {SCHEMA}."{name}_profile"), '
        f'(SELECT count(*) FROM {SCHEMA}."{name}_envelope")'
    )[0]
    return int(profile), int(envelope)


def _table(connection: Connection, name: str, fields: Sequence[pa.Field]) -> None:
    definitions = ", ".join(_definitions(fields))
    connection.execute(f'CREATE TABLE {SCHEMA}."{name}" ({definitions})')


def _definitions(fields: Sequence[pa.Field]) -> Iterator[str]:
    for field, definition in zip(fields, duckdb_columns(pa.schema(fields)), strict=True):
        packed = " USING COMPRESSION zstd" if field.name in _DISTINCT else ""
        yield definition + packed


def _view(connection: Connection, name: str, wide: pa.Schema) -> None:
    """The wide relation; a column not made yet is empty in it."""
    connection.execute(
        f'CREATE OR REPLACE VIEW "{name}" AS '
        f"SELECT * EXCLUDE (place) FROM ({select(connection, name, wide)})"
        f"{_acknowledged() if name == FEEDBACK else ''}"
    )


def _acknowledged() -> str:
    """The answers that reports stand for, as further rows of `feedback`."""
    return "".join(
        f"""
        UNION ALL BY NAME
        SELECT submission_id, report_submitting_entity_id AS submitter,
            {FEED_OF} AS feed, acknowledged::BIGINT AS record,
            source_record_locator AS locator, report_id, source_trade_id,
            'ACK' AS verdict, 'intake' AS stage, received_at
        FROM main."{kind}" WHERE acknowledged IS NOT NULL"""
        for kind in IMPLEMENTED_KINDS
    )
