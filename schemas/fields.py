"""The canonical fields: one Arrow schema per kind, derived from `fields.toml`.

A field is written down once. Arrow schemas (here), DuckDB DDL (`ledger.ddl`), JSON Schema and the
reference page (`schemas.derive`) all read the same table, so they cannot drift apart.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

SCHEMA_VERSION = "1.3.0"
KINDS = ("event", "position", "indicator", "register", "complaint")
IMPLEMENTED_KINDS = KINDS

_DECIMAL = re.compile(r"decimal128\((\d+),\s*(\d+)\)")
_DICTIONARY = re.compile(r"dictionary<(int8|int16) string>")
_BINARY = re.compile(r"binary\((\d+)\)")
_PLAIN: Mapping[str, pa.DataType] = MappingProxyType(
    {
        "string": pa.string(),
        "bool": pa.bool_(),
        "int8": pa.int8(),
        "uint8": pa.uint8(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "date32": pa.date32(),
        "timestamp[us UTC]": pa.timestamp("us", "UTC"),
        "list<string>": pa.list_(pa.string()),
        "map<string,string>": pa.map_(pa.string(), pa.string()),
    }
)


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field.

    `level` is the JR/T 0197-2020 data level (1 public to 5 highest). `person` is the
    JR/T 0171-2020 class (C1 to C3) where the field can hold a natural person's data, else None.
    """

    name: str
    group: str
    type: pa.DataType
    type_text: str
    kinds: tuple[str, ...]
    nullable: bool
    unit: str
    source: str
    level: int
    person: str | None
    zh: str
    en: str

    def arrow(self) -> pa.Field:
        """Return the Arrow field, its documentation in the metadata."""
        metadata = {
            "group": self.group,
            "unit": self.unit,
            "source": self.source,
            "level": str(self.level),
            "zh": self.zh,
            "en": self.en,
        } | ({"person": self.person} if self.person else {})
        return pa.field(self.name, self.type, nullable=self.nullable, metadata=metadata)


def arrow_type(text: str) -> pa.DataType:
    """Turn the type text of `fields.toml` into an Arrow type.

    Raises:
        ValueError: the text names no type this project uses.
    """
    if text in _PLAIN:
        return _PLAIN[text]
    if found := _DECIMAL.fullmatch(text):
        return pa.decimal128(int(found[1]), int(found[2]))
    if found := _DICTIONARY.fullmatch(text):
        return pa.dictionary(pa.int8() if found[1] == "int8" else pa.int16(), pa.string())
    if found := _BINARY.fullmatch(text):
        return pa.binary(int(found[1]))
    raise ValueError(f"unknown type {text!r}; expected one of {sorted(_PLAIN)} or a parametric one")


@cache
def fields() -> Mapping[str, Field]:
    """Every canonical field by name, in the order of `fields.toml`."""
    with (Path(__file__).parent / "fields.toml").open("rb") as file:
        table = tomllib.load(file)
    return MappingProxyType(
        {
            name: Field(
                name=name,
                group=row["group"],
                type=arrow_type(row["type"]),
                type_text=row["type"],
                kinds=tuple(row["kinds"]),
                nullable=row["nullable"],
                unit=row["unit"],
                source=row["source"],
                level=row["level"],
                person=row.get("person"),
                zh=row["zh"],
                en=row["en"],
            )
            for name, row in table.items()
        }
    )


@cache
def arrow_schema(kind: str) -> pa.Schema:
    """The Arrow schema of one kind of record.

    Raises:
        ValueError: `kind` is not implemented yet.
    """
    if kind not in IMPLEMENTED_KINDS:
        raise ValueError(f"kind {kind!r}: expected one of {', '.join(IMPLEMENTED_KINDS)}")
    return pa.schema(
        [field.arrow() for field in fields().values() if kind in field.kinds],
        metadata={"kind": kind, "schema_version": SCHEMA_VERSION},
    )
