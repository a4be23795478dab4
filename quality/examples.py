"""Turn the catalogue's examples into canonical batches.

An example is a table of column values laid over the valid record of its market in
`catalogue/base_records.toml`; a market with records of two kinds has two, the second one named
`market/kind`. Text stands for decimals, instants (ISO 8601) and binary (hex);
`~null` is null.
"""

import datetime
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa

from quality.rules import BASE_RECORDS
from schemas.errors import ConfigurationError
from schemas.fields import arrow_schema

NULL = "~null"


@cache
def base_records() -> Mapping[str, Any]:
    """The tables of `base_records.toml`: `register`, `common` and one a base record."""
    return tomllib.loads(BASE_RECORDS.read_text("utf-8"))


def register() -> dict[str, str]:
    """The areas by identifier that examples are evaluated against."""
    return dict(base_records()["register"])


def kind_of(base: str) -> str:
    """The kind of a base record, by its name.

    Example:
        >>> kind_of("LOAN"), kind_of("LOAN/event")
        ('position', 'event')
    """
    return str(base_records()[base]["kind"])


def market_of(base: str) -> str:
    """The market of a base record, by its name.

    Example:
        >>> market_of("LOAN"), market_of("LOAN/event")
        ('LOAN', 'LOAN')
    """
    return str(base_records()[base]["market_segment"])


def _value(kind: pa.DataType, value: object) -> object:
    if value is None or value == NULL:
        return None
    if isinstance(value, str):
        if pa.types.is_decimal(kind):
            return Decimal(value).quantize(Decimal(1).scaleb(-kind.scale))
        if pa.types.is_timestamp(kind):
            return datetime.datetime.fromisoformat(value)
        if pa.types.is_fixed_size_binary(kind):
            return bytes.fromhex(value)
    return value


def batch(base: str, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Canonical records: a base record, by its name, with each row's values laid over it.

    Raises:
        ConfigurationError: a row names a column its kind does not have.
    """
    own = base_records()[base]
    schema = arrow_schema(own["kind"])
    common = base_records()["common"].items()
    whole = {name: value for name, value in common if name in schema.names} | own
    filled = [{**whole, **row} for row in rows]
    if unknown := {name for row in filled for name in row} - set(schema.names):
        raise ConfigurationError(
            f"catalogue/base_records.toml: {base}: {min(unknown)}: expected a column of kind "
            f"{own['kind']}, such as source_trade_id"
        )
    return pa.RecordBatch.from_arrays(
        [
            pa.array([_value(_plain(f.type), row.get(f.name)) for row in filled], f.type)
            for f in schema
        ],
        schema=schema,
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
