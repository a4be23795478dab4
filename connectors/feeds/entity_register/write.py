"""Write the entity register: CSV in UTF-8, one entity, account or edge a line."""

from connectors.feeds.csvwrite import CsvForm

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
FORM = CsvForm(COLUMNS, "utf-8")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
