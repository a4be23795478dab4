"""Write acts of a receivables financing platform: CSV in UTF-8, one act a line."""

from connectors.feeds.csvwrite import CsvForm

# Source column -> column of the records; text throughout, null or empty where there is nothing.
COLUMNS = {
    "业务编号": "deal",  # the platform's number of the act
    "业务类型": "kind",  # 登记 转让 质押 融资 解除 结清 撤销
    "业务时间": "at",  # 2026-06-15 10:15:00, Beijing time
    "报送时间": "reported_at",  # the same form
    "应收账款编号": "receivable",
    "上级应收账款编号": "parent",  # of a part that was split off
    "债权人代码": "creditor",  # USCC, FIN14 or CNAPS12
    "债权人名称": "creditor_name",
    "债权人地区代码": "creditor_area",  # GB/T 2260, six digits
    "债务人代码": "debtor",
    "债务人名称": "debtor_name",
    "债务人地区代码": "debtor_area",
    "资金方代码": "financier",  # assignee, pledgee or lender; empty in 登记
    "资金方名称": "financier_name",
    "资金方地区代码": "financier_area",
    "币种": "currency",
    "应收账款金额": "amount",
    "融资金额": "financed",  # of 融资 and 转让
    "融资日期": "financed_on",  # 2026-06-15
    "融资利率": "rate",  # percent a year
    "应收账款到期日": "due",  # 2026-09-15
    "发票号码": "invoice",
    "合同编号": "contract",
}
FORM = CsvForm(COLUMNS, "utf-8")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
