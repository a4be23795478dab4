"""What the writers of CSV feeds share: whole columns to lines, and the header line in front."""

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc


def schema_of(columns: Mapping[str, str]) -> pa.Schema:
    """The records of a form: text columns in its order; null is an empty value.

    Args:
        columns: Source column -> column of the records.
    """
    return pa.schema([pa.field(name, pa.string()) for name in columns.values()])


def lines(records: pa.Table, names: Iterable[str]) -> pa.Array:
    """Records as lines without their ends; a value with a comma, quote or line end is quoted.

    Args:
        records: Text columns.
        names: Which of them, in the order of the form.
    """
    return pc.binary_join_element_wise(*[_cells(records[name]) for name in names], ",")


def _cells(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks().fill_null("")
    special = pc.match_substring_regex(values, '[,"\r\n]')
    if not pc.any(special).as_py():
        return values
    doubled = pc.replace_substring(values, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), values)


def framed(
    records: Iterable[str], columns: Mapping[str, str], encoding: str, preamble: Iterable[str] = ()
) -> bytes:
    """Lines under the line of column names, each ended by a line feed.

    Args:
        records: Lines without their ends.
        columns: Source column -> column of the records.
        encoding: Of the form, as its spec declares it.
        preamble: Lines in front of the column names.
    """
    return ("\n".join([*preamble, ",".join(columns), *records]) + "\n").encode(encoding)
