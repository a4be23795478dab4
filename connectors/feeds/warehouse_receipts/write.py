"""Write a register of warehouse receipts: CSV in GB18030, one act on one receipt a line."""

from connectors.feeds.csvwrite import CsvForm

# Source column -> column of the records; text throughout, null or empty where there is nothing.
COLUMNS = {
    "业务编号": "deal",  # the registry's number of the act
    "业务类型": "kind",  # 出具 质押 解押 转让 拆分 合并 提货 注销
    "业务时间": "at",  # 2026-06-15 10:15:00, Beijing time
    "报送时间": "reported_at",  # the same form
    "仓单编号": "receipt",
    "仓单类别": "class",  # 标准 非标准
    "状态": "status",  # after the act: 未质押 已质押 冻结 已注销
    "上级仓单编号": "parents",  # of 拆分 one, of 合并 all, joined by ";"
    "货主代码": "owner",  # USCC, FIN14 or CNAPS12
    "货主名称": "owner_name",
    "货主地区代码": "owner_area",  # GB/T 2260, six digits
    "受让方代码": "transferee",  # of 转让
    "质权人代码": "pledgee",  # of 质押 and 解押
    "质权人名称": "pledgee_name",
    "质权顺位": "rank",  # 1, 2, ...
    "担保金额": "secured",  # CNY
    "品种代码": "variety",  # cu, al, ...
    "品级": "grade",
    "品牌": "brand",
    "批号": "lot",
    "仓库代码": "warehouse",
    "仓库地区代码": "warehouse_area",  # GB/T 2260, six digits
    "货位": "bay",
    "数量": "quantity",  # 1,234.567: groups of three allowed
    "计量单位": "unit",  # 吨 千克
    "货值": "value",  # CNY
    "出具日期": "issued",  # 2026-06-15
    "有效期至": "valid_to",
}
FORM = CsvForm(COLUMNS, "gb18030")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
