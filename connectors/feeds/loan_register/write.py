"""Write the loan register: CSV in GB18030 with Chinese headers, for simulated submissions."""

from collections.abc import Mapping

import pyarrow as pa

from connectors.feeds.csvwrite import framed, lines

# Source column -> column of the records; the order is that of docs/feeds/loan_register.md.
COLUMNS = {
    "数据日期": "as_of",  # 20260430
    "金融机构代码": "lender",
    "金融机构地区代码": "lender_area",
    "借款人证件类型": "borrower_scheme",  # A01 USCC, B01 resident id
    "借款人证件代码": "borrower_id",
    "借款人名称": "borrower_name",
    "借款人地区代码": "borrower_area",
    "借款人行业": "industry",
    "贷款借据编码": "loan",
    "贷款合同编码": "loan_contract",
    "贷款发放日期": "start",  # 2026-03-02
    "贷款到期日期": "end",
    "币种": "currency",
    "贷款余额": "balance",
    "贷款余额折人民币": "balance_cny",
    "利率水平": "rate",  # percent
    "五级分类": "grade",  # 正常 关注 次级 可疑 损失
    "发票号码": "invoice",
    "贸易合同编号": "trade_contract",
}
RECORD = pa.schema([pa.field(name, pa.string(), nullable=False) for name in COLUMNS.values()])
ENCODING = "gb18030"


def render(records: pa.Table) -> pa.Array:
    """Render records as lines without their ends; a value with a comma or quote is quoted.

    Args:
        records: columns of `RECORD`.
    """
    return lines(records, RECORD.names)


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put the line of column names in front and encode."""
    del header
    return framed(records, COLUMNS, ENCODING)


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`; the form has no header of its own."""
    return frame(render(records).to_pylist(), header)
