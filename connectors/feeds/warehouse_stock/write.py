"""Write an exchange's daily stock of warehouse receipts: CSV in UTF-8 with lines of title in front.

The file has the exchange's own column names, bilingual cells (`名称$$NAME`), and rows of subtotals
and a total among the rows that count.
"""

from collections.abc import Mapping

import pyarrow as pa

from connectors.feeds.csvwrite import framed, lines, schema_of

# Source column -> column of the records; text throughout, null or empty where there is nothing.
COLUMNS = {
    "TRADINGDAY": "day",  # 20260615
    "VARID": "variety",  # cu, al, ...
    "VARNAME": "variety_name",  # 铜$$COPPER
    "REGNAME": "region",  # 上海$$Shanghai; empty in totals
    "WHABBRNAME": "warehouse",  # 沪东模拟库$$Hudong; in totals 合计$$Subtotal, 总计$$Total
    "WRTWGHTS": "weight",  # 12,345: groups of three allowed
    "WRTCHANGE": "change",  # against the day before, may be negative
    "WGHTUNIT": "unit",  # 2 is the tonne; nobody verified another one
    "ROWSTATUS": "row",  # 0 a warehouse, 1 subtotal of a region, 2 total of a variety
}
RECORD = schema_of(COLUMNS)
ENCODING = "utf-8"
TITLE = "指定交割仓库仓单日报$$Daily stock of warehouse receipts"


def render(records: pa.Table) -> pa.Array:
    """Render records as lines without their ends.

    Args:
        records: columns of `RECORD`; null is an empty value.
    """
    return lines(records, RECORD.names)


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put title, note and column names in front and encode.

    Args:
        records: Lines without their ends.
        header: `note`, a line under the title (default: the unit of the weights).
    """
    return framed(records, COLUMNS, ENCODING, [TITLE, header.get("note", "单位：吨$$Unit: tonne")])


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`; `header` as in `frame`."""
    return frame(render(records).to_pylist(), header)
