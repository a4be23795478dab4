"""Write what an exchange publishes of a trading day: CSV, one line a contract and figure."""

from collections.abc import Mapping

import pyarrow as pa

from connectors.feeds.csvwrite import framed, lines, schema_of

# Source column -> column of the records; text throughout, null or empty where there is nothing.
COLUMNS = {
    "交易日": "day",  # 20260615
    "交易所": "venue",  # XSGE, XSHG
    "合约代码": "contract",  # cu2607, 688901
    "项目": "item",  # 成交量, 成交额, 持仓量
    "数值": "value",  # 12,345: groups of three allowed
    "单位": "unit",  # 手, 股; 元, 万元
    "发布时间": "published",  # 2026-06-15 16:05:00, Beijing time
}
RECORD = schema_of(COLUMNS)
ENCODING = "utf-8"


def render(records: pa.Table) -> pa.Array:
    """Render records as lines without their ends.

    Args:
        records: columns of `RECORD`; null is an empty value.
    """
    return lines(records, RECORD.names)


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put the column names in front and encode.

    Args:
        records: Lines without their ends.
        header: Nothing is read of it.
    """
    del header
    return framed(records, COLUMNS, ENCODING)


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`; `header` as in `frame`."""
    return frame(render(records).to_pylist(), header)
