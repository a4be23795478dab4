"""Write what an exchange publishes of a trading day: CSV, one line a contract and figure."""

from connectors.feeds.csvwrite import CsvForm

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
FORM = CsvForm(COLUMNS, "utf-8")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
