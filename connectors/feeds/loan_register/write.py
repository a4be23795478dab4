"""Write the loan register: CSV in GB18030 with Chinese headers, for simulated submissions."""

from connectors.feeds.csvwrite import CsvForm

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
FORM = CsvForm(COLUMNS, "gb18030")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
