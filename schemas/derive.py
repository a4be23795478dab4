"""What is derived from the field table: DuckDB types, JSON Schema, the field reference page.

Nothing here is written twice: a field exists once in `fields.toml`, and the committed pages under
`docs/schema/` are compared with these functions in a test. Run `python -m schemas.derive FOLDER`
to write them again.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from schemas import records
from schemas.codes import code_lists
from schemas.derive_markets import market_page
from schemas.fields import IMPLEMENTED_KINDS, SCHEMA_VERSION, Field, fields
from schemas.narrow import NARROW

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


# ---------------------------------------------------------------- JSON Schema

_JSON: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "bool": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
        "instant": {"type": "string", "format": "date-time", "pattern": "Z$"},
        "text": {"type": "string"},
    }
)


def _integer(kind: pa.DataType) -> dict[str, Any]:
    bits, signed = kind.bit_width, pa.types.is_signed_integer(kind)
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    return {"type": "integer", "minimum": low, "maximum": high}


def _decimal(kind: pa.DataType) -> dict[str, Any]:
    """Decimals travel as text: a JSON number would become a float on the way."""
    whole = kind.precision - kind.scale
    return {
        "type": "string",
        "pattern": rf"^-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{kind.scale}}})?$",
    }


def json_type(kind: pa.DataType) -> dict[str, Any]:
    """The JSON Schema of an Arrow type: bytes as lower-case hex, decimals as text, instants in UTC.

    Raises:
        ValueError: the Arrow type has no JSON form here.

    Example:
        >>> json_type(pa.binary(16))
        {'type': 'string', 'pattern': '^[0-9a-f]{32}$'}
    """
    is_ = pa.types
    plain = {
        is_.is_boolean: "bool",
        is_.is_date32: "date",
        is_.is_timestamp: "instant",
        is_.is_string: "text",
        is_.is_dictionary: "text",
    }
    for test, name in plain.items():
        if test(kind):
            return dict(_JSON[name])
    if is_.is_integer(kind):
        return _integer(kind)
    if is_.is_decimal128(kind):
        return _decimal(kind)
    if is_.is_fixed_size_binary(kind):
        return {"type": "string", "pattern": f"^[0-9a-f]{{{2 * kind.byte_width}}}$"}
    if is_.is_map(kind):
        return {"type": "object", "additionalProperties": json_type(kind.item_type)}
    if is_.is_list(kind):
        return {"type": "array", "items": json_type(kind.value_type)}
    raise ValueError(f"Arrow type {kind}: no JSON form; add it to schemas.derive")


def _property(field: Field) -> dict[str, Any]:
    shape = json_type(field.type)
    if field.nullable:
        shape = shape | {"type": [shape["type"], "null"]}
    notes = {
        "title": field.en,
        "description": f"{field.zh} ({field.unit}; {field.source})",
        "x-level": field.level,
    }
    return shape | notes | ({"x-person": field.person} if field.person else {})


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one kind of record, unknown fields refused."""
    mine = [field for field in fields().values() if kind in field.kinds]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"canonical {kind}",
        "x-schema-version": SCHEMA_VERSION,
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in mine if not field.nullable],
        "properties": {field.name: _property(field) for field in mine},
    }


# ---------------------------------------------------------------- field reference

_GROUPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "header": ("表头", "Header"),
        "lifecycle": ("生命周期", "Lifecycle"),
        "parties": ("交易双方", "Parties"),
        "product": ("产品", "Product"),
        "economics": ("金额与价格", "Economics"),
        "venue_time": ("场所与时间", "Venue and time"),
        "collateral": ("资产与担保", "Assets and collateral"),
        "payments": ("支付", "Payments"),
        "order": ("订单", "Orders"),
        "institution": ("所述机构", "Institution spoken of"),
        "measure": ("指标", "Measures"),
        "register": ("登记", "Registers"),
        "complaint": ("投诉", "Complaints"),
        "region": ("地区", "Region"),
        "lineage": ("血缘", "Lineage"),
        "extension": ("扩展", "Extension"),
    }
)
_HEAD = f"""# Canonical fields 规范字段

Schema version {SCHEMA_VERSION}. Made from `schemas/fields.toml` by `schemas/derive.py`: change the
table, run `python -m schemas.derive docs/schema`, commit both.

本页由 `schemas/fields.toml` 生成。**Level** (数据级别): JR/T 0197-2020, 1 (public) to 5.
**Person** (个人信息类别): JR/T 0171-2020 class where a natural person's data can stand, C1 to C3.
**Null** (可空): `no` = always filled; markets require more, see `schemas/required.toml`.
**Kinds** (种类): E event 事件, P position 持仓, I indicator 指标, R register 登记,
C complaint 投诉. Codes (代码): `codes.md`.
"""

_RECORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "RAW": ("原始报送", "What a submitter sent, as a tape or topic carries it."),
        "SUBMISSION": ("报送", "One row a submission; its counts are in records and add up."),
        "FINDING": ("发现", "One finding about one record, never with a value."),
        "FEEDBACK": ("回执", "What a submitter gets back for each record."),
        "QUARANTINE": ("隔离", "Records we could not decide about; the operator acts."),
        "TRANSACTION": ("交易", "A transaction as one vantage knows it: what rules read."),
        "RECONCILIATION": ("对账", "Transactions whose legs disagree or did not come."),
        "CROSSING": ("越线", "A vantage's measure of a subject reaches a band at an instant."),
        "ALERT": ("预警", "One episode of a rule and subject, with each region's status."),
    }
)
_CODE_HEAD = """# Codes 代码表

Made from `schemas/codes.toml` by `schemas/derive.py`. A field without a list here is free, or its
codes are those of the standard its row in `fields.md` names.
"""
_RECORD_HEAD = """# Other schemas 其他结构

Made from `schemas/records.py` and `schemas/narrow.py` by `schemas/derive.py`; the comments there
say what each column means. Times are UTC microseconds.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row(field: Field) -> str:
    cells = (
        f"`{field.name}`",
        f"{field.zh}<br>{field.en}",
        f"`{field.type_text}`",
        field.unit,
        "".join(kind[0].upper() for kind in field.kinds),
        "yes" if field.nullable else "no",
        str(field.level),
        field.person or "",
        field.source,
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def field_page() -> str:
    """The field reference page, Markdown, zh and en."""
    parts = [_HEAD]
    for group, (zh, en) in _GROUPS.items():
        rows = [_row(field) for field in fields().values() if field.group == group]
        parts.append(
            f"## {zh} {en}\n\n"
            "| field | 含义 meaning | type | unit | kinds | null | level | person | source |\n"
            "|---|---|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def _record_rows(schema: pa.Schema) -> str:
    rows = [
        f"| `{field.name}` | `{field.type}` | `{duckdb_type(field)}` | "
        f"{'yes' if field.nullable else 'no'} |"
        for field in schema
    ]
    return "| column | Arrow | DuckDB | null |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def record_page() -> str:
    """The page of all schemas that are no reports, and of the narrow row."""
    parts = [_RECORD_HEAD]
    for name, (zh, en) in _RECORDS.items():
        parts.append(f"## `{name}` {zh}\n\n{en}\n\n{_record_rows(getattr(records, name))}")
    lines = [
        f"| `{name}` | `{NARROW.fields[name][0]}` | {NARROW.fields[name][1]} |"
        for name in NARROW.names or ()
        if NARROW.fields
    ]
    parts.append(
        f"## `NARROW` 窄行\n\nAn event report in the stream job, {NARROW.itemsize} bytes.\n\n"
        "| column | numpy | byte |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    )
    return "\n".join(parts)


def code_page() -> str:
    """The page of every code list, Markdown, zh and en."""
    parts = [_CODE_HEAD]
    for field, codes in code_lists().items():
        rows = [f"| `{one.code}` | {one.zh}<br>{one.en} | {one.source} |" for one in codes.values()]
        parts.append(
            f"## `{field}` {fields()[field].zh}\n\n"
            "| code | 含义 meaning | source |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def pages() -> dict[str, str]:
    """Every derived file of `docs/schema/` by name."""
    schemas = {
        f"{kind}.schema.json": json.dumps(json_schema(kind), ensure_ascii=False, indent=1) + "\n"
        for kind in IMPLEMENTED_KINDS
    }
    return {
        "fields.md": field_page(),
        "records.md": record_page(),
        "markets.md": market_page(),
        "codes.md": code_page(),
    } | schemas


def write(folder: Path) -> None:
    """Write the derived files into a folder, making it where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
