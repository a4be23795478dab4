"""The writers of CSV feeds: whole columns to lines, and the line of column names in front."""

from collections.abc import Callable, Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc


def _nothing(header: Mapping[str, str]) -> Iterable[str]:
    """No lines in front of the column names."""
    del header
    return ()


class CsvForm:
    """How one feed is written; a `write.py` offers `record`, `render`, `frame` and `write` of it.

    Args:
        columns: Source column -> column of the records, in the order of the form.
        encoding: Of the form, as its spec declares it.
        preamble: From what `frame` is told of a submission to the lines in front of the column
            names; most forms have none and read nothing of it.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        encoding: str,
        preamble: Callable[[Mapping[str, str]], Iterable[str]] = _nothing,
    ) -> None:
        self.encoding = encoding
        self.record = pa.schema([pa.field(name, pa.string()) for name in columns.values()])
        self._head = ",".join(columns)
        self._preamble = preamble

    def render(self, records: pa.Table) -> pa.Array:
        """Records as lines without their ends; a value with a comma, quote or line end is quoted.

        Args:
            records: Columns of `record`; null is an empty value.
        """
        return pc.binary_join_element_wise(*[_cells(records[n]) for n in self.record.names], ",")

    def frame(self, records: list[str], header: Mapping[str, str]) -> bytes:
        """Lines under the line of column names, each ended by a line feed, and encoded.

        Args:
            records: Lines without their ends.
            header: What the preamble reads.
        """
        return ("\n".join([*self._preamble(header), self._head, *records]) + "\n").encode(
            self.encoding
        )

    def write(self, records: pa.Table, header: Mapping[str, str]) -> bytes:
        """One submission of rows of `record`; `header` as in `frame`."""
        return self.frame(self.render(records).to_pylist(), header)


def _cells(column: pa.ChunkedArray) -> pa.Array:
    values = column.combine_chunks().fill_null("")
    special = pc.match_substring_regex(values, '[,"\r\n]')
    if not pc.any(special).as_py():
        return values
    doubled = pc.replace_substring(values, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), values)
