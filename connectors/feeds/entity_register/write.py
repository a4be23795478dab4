"""Write the entity register: CSV in UTF-8, one entity, account or edge a line."""

import csv
import io
from collections.abc import Mapping

import pyarrow as pa

# Source column -> column of the records.
COLUMNS = {
    "登记编号": "entry",
    "登记类型": "kind",  # 主体 账户 关系
    "登记动作": "act",  # 设立 变更 注销
    "数据日期": "as_of",  # 2026-06-15
    "主体证件类型": "scheme",  # A01 USCC, A03 LEI, B01 resident id, B03 passport
    "主体证件号码": "id",
    "主体名称": "name",
    "住所地区": "area",
    "地址": "address",
    "联系电话": "phone",
    "状态": "status",
    "行业": "industry",
    "注册资本": "capital",
    "注册资本币种": "capital_currency",
    "账户类型": "account_type",
    "账号": "account",
    "开户机构": "bank",
    "关系类型": "role",
    "关联方证件类型": "related_scheme",
    "关联方证件号码": "related_id",
    "关联方名称": "related_name",
    "关联方地区": "related_area",
    "比例": "share",  # percent
    "生效日期": "start",
    "失效日期": "end",  # empty or 9999-12-31: it holds
}
RECORD = pa.schema([pa.field(name, pa.string()) for name in COLUMNS.values()])


def render(records: pa.Table) -> pa.Array:
    """Render records as lines without their ends.

    Args:
        records: columns of `RECORD`; null is an empty value.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    for row in records.select(RECORD.names).to_pylist():
        writer.writerow([row[name] or "" for name in RECORD.names])
    return pa.array(out.getvalue().splitlines(), pa.string())


def frame(records: list[str], header: Mapping[str, str]) -> bytes:
    """Put the line of column names in front."""
    del header
    return ("\n".join([",".join(COLUMNS), *records]) + "\n").encode()


def write(records: pa.Table, header: Mapping[str, str]) -> bytes:
    """Write one submission of rows of `RECORD`; the form has no header of its own."""
    return frame(render(records).to_pylist(), header)
