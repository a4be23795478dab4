"""Write drawdowns and repayments of loans: CSV in GB18030, one movement of one loan a line."""

from connectors.feeds.csvwrite import CsvForm

# Source column -> column of the records; text throughout, null or empty where there is nothing.
COLUMNS = {
    "业务流水号": "movement",  # the lender's number of the movement
    "业务类型": "kind",  # 发放 归还 展期 核销
    "发生日期": "day",  # 20260615
    "发生时间": "time",  # 103000, Beijing time
    "金融机构代码": "lender",  # FIN14, USCC or CNAPS12
    "金融机构地区代码": "lender_area",  # GB/T 2260, six digits
    "借款人证件类型": "borrower_scheme",  # A01 USCC, A02 FIN14, B01 resident id, B03 passport
    "借款人证件代码": "borrower_id",
    "借款人名称": "borrower_name",
    "借款人地区代码": "borrower_area",
    "贷款借据编码": "loan",  # as in the balance register
    "贷款合同编码": "loan_contract",
    "原贷款借据编码": "former_loan",  # of 展期 and of a loan that replaces another
    "贷款发放日期": "start",  # 2026-03-02
    "贷款到期日期": "end",
    "币种": "currency",
    "发生金额": "amount",
    "发生金额折人民币": "amount_cny",
    "本金金额": "principal",  # part of 归还
    "利息金额": "interest",
    "贷款余额": "balance",  # after the movement
    "利率水平": "rate",  # percent
    "入账机构代码": "account_bank",  # CNAPS12: where the money went, or came from
    "入账账号": "account",
    "发票号码": "invoice",
    "贸易合同编号": "trade_contract",
}
FORM = CsvForm(COLUMNS, "gb18030")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
