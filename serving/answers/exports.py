"""Answers as files: csv, parquet and arrow. The data origin and the blind spots travel along."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from serving.answers.ask import Answer

FORMATS = ("csv", "parquet", "arrow")


def about(answer: Answer) -> dict[str, Any]:
    """What must be said beside the rows."""
    return {
        "data_origin": answer.data_origin,
        "statement": answer.statement,
        "rows": answer.table.num_rows,
        "blind_spots": [{"kind": s.kind, "zh": s.zh, "en": s.en} for s in answer.blind_spots],
    }


def to_bytes(answer: Answer, form: str) -> bytes:
    """The rows in one of `FORMATS`.

    Parquet and Arrow carry `about` in their schema metadata under the key `yrd`. CSV cannot: the
    caller writes `about` beside it.
    """
    sink = io.BytesIO()
    if form == "csv":
        csv.write_csv(_flat(answer.table), sink)
        return sink.getvalue()
    told = json.dumps(about(answer), ensure_ascii=False)
    table = answer.table.replace_schema_metadata({"yrd": told})
    if form == "parquet":
        parquet.write_table(table, sink)
        return sink.getvalue()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def plain(value: Any) -> Any:  # noqa: ANN401
    """A value as JSON knows it: hashes as hex, decimals and times as text, ids as numbers."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _flat(table: pa.Table) -> pa.Table:
    """Columns CSV can hold: hashes as hex, lists and maps as JSON."""
    columns = []
    for column in table.columns:
        kind = column.type
        if (
            pa.types.is_nested(kind)
            or pa.types.is_binary(kind)
            or pa.types.is_fixed_size_binary(kind)
        ):
            texts = [_text(value) for value in column.to_pylist()]
            columns.append(pa.array(texts, pa.string()))
        elif pa.types.is_dictionary(kind):
            columns.append(pc.cast(column, kind.value_type))
        else:
            columns.append(column)
    return pa.table(columns, names=table.schema.names)


def _text(value: Any) -> str | None:  # noqa: ANN401
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.hex()
    return json.dumps(plain(value), ensure_ascii=False)
