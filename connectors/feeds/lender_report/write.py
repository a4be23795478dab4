"""Write the off-site report of lenders: CSV in GB18030, one figure a line."""

from collections.abc import Mapping

import pyarrow as pa

from connectors.feeds.csvwrite import framed, lines, schema_of

# Source column -> column of the records.
COLUMNS = {
    "机构编码": "institution",
    "机构名称": "name",
    "填报日期": "filled_on",  # 2026-05-08
    "期初日": "first",
    "期末日": "last",
    "项目代码": "code",  # L01 loans, L02 provision, C01 net assets
    "项目名称": "title",
    "计量单位": "unit",  # 元 or 万元
    "数值": "value",
}
RECORD = schema_of(COLUMNS)
ENCODING = "gb18030"


def render(records: pa.Table) -> pa.Array:
    """Render records as lines without their ends.

    Args:
        records: columns of `RECORD`; null is an empty value.
    """
    return lines(records, RECORD.names)


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put the line of column names in front and encode."""
    del header
    return framed(records, COLUMNS, ENCODING)


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`; the form has no header of its own."""
    return frame(render(records).to_pylist(), header)
