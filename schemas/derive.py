"""What is derived from the field table: DuckDB types, JSON Schema, the field reference page.

Nothing here is written twice: a field exists once in `fields.toml`, and the committed pages under
`docs/schema/` are compared with these functions in a test. Run `python -m schemas.derive FOLDER`
to write them again.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pyarrow as pa

from schemas.fields import (
    Field,
)

_DUCKDB: Mapping[pa.DataType, str] = MappingProxyType(
    {
        pa.string(): "VARCHAR",
        pa.large_string(): "VARCHAR",
        pa.binary(): "BLOB",
        pa.large_binary(): "BLOB",
        pa.bool_(): "BOOLEAN",
        pa.int8(): "TINYINT",
        pa.int16(): "SMALLINT",
        pa.int32(): "INTEGER",
        pa.int64(): "BIGINT",
        pa.uint8(): "UTINYINT",
        pa.uint16(): "USMALLINT",
        pa.uint32(): "UINTEGER",
        pa.uint64(): "UBIGINT",
        pa.float64(): "DOUBLE",
        pa.date32(): "DATE",
        pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
        pa.timestamp("us"): "TIMESTAMP",
    }
)


def duckdb_type(field: pa.Field | pa.DataType | Field) -> str:
    """The DuckDB column type of a field or Arrow type.

    Dictionaries become VARCHAR (the ledger compresses them by itself), hashes BLOB, instants
    TIMESTAMPTZ (microseconds, the session's zone only matters for printing).

    Raises:
        ValueError: the Arrow type has no DuckDB type here.

    Example:
        >>> duckdb_type(fields()["amount_cny"]), duckdb_type(pa.list_(pa.timestamp("us", "UTC")))
        ('DECIMAL(25,2)', 'TIMESTAMPTZ[]')
    """
    kind = field if isinstance(field, pa.DataType) else field.type
    if kind in _DUCKDB:
        return _DUCKDB[kind]
    if pa.types.is_decimal128(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_dictionary(kind):
        return duckdb_type(kind.value_type)
    if pa.types.is_fixed_size_binary(kind):
        return "BLOB"
    if pa.types.is_map(kind):
        return f"MAP({duckdb_type(kind.key_type)}, {duckdb_type(kind.item_type)})"
    if pa.types.is_list(kind):
        return f"{duckdb_type(kind.value_type)}[]"
    raise ValueError(f"Arrow type {kind}: no DuckDB type; add it to schemas.derive")


def duckdb_columns(schema: pa.Schema) -> Iterator[str]:
    """Column definitions for CREATE TABLE, in order: name, type, NOT NULL where it is required.

    Example:
        >>> list(duckdb_columns(pa.schema([pa.field("n", pa.int32(), nullable=False)])))
        ['"n" INTEGER NOT NULL']
    """
    for field in schema:
        yield f'"{field.name}" {duckdb_type(field)}{"" if field.nullable else " NOT NULL"}'
