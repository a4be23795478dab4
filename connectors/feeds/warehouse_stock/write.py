"""Write an exchange's daily stock of warehouse receipts: CSV in UTF-8 with lines of title in front.

The file has the exchange's own column names, bilingual cells (`名称$$NAME`), and rows of subtotals
and a total among the rows that count.
"""

from collections.abc import Mapping

from connectors.feeds.csvwrite import CsvForm

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
TITLE = "指定交割仓库仓单日报$$Daily stock of warehouse receipts"


def _title(header: Mapping[str, str]) -> tuple[str, str]:
    """Title, and `note`, a line under it (default: the unit of the weights)."""
    return TITLE, header.get("note", "单位：吨$$Unit: tonne")


FORM = CsvForm(COLUMNS, "utf-8", _title)
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
