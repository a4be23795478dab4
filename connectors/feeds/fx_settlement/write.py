"""Write FX purchases and settlements of persons: CSV in UTF-8, one deal of one bank a line."""

from connectors.feeds.csvwrite import CsvForm

# Source column -> column of the records; text throughout, null or empty where there is nothing.
COLUMNS = {
    "业务编号": "deal",  # the bank's own number of the deal
    "业务类型": "kind",  # 购汇 (the person buys foreign currency) 结汇 (sells it)
    "操作类型": "action",  # 新增 更正 撤销
    "交易时间": "at",  # 2026-06-15 10:15:00, Beijing time
    "报送时间": "reported_at",  # the same form
    "个人证件类型": "scheme",  # B01 resident id, B03 passport, B06 B07 B12 permits
    "个人证件号码": "person",
    "个人姓名": "name",
    "国籍": "nationality",  # ISO 3166, two letters
    "常驻国家": "residence",  # ISO 3166, two letters
    "资金用途代码": "purpose",  # six digits, transaction code of the balance of payments
    "币种": "currency",  # of the foreign amount, ISO 4217
    "外币金额": "amount",
    "汇率": "rate",  # CNY for 100 units of the currency, as banks quote it: 704.60
    "人民币金额": "cny",
    "结算日期": "settled",  # 2026-06-15
    "占用额度": "quota",  # 是 否
    "代办人证件类型": "agent_scheme",  # who acted for the person; empty: the person came itself
    "代办人证件号码": "agent",
    "收款人名称": "payee_name",  # of a linked remittance
    "收款人账号": "payee_account",
    "收款行代码": "payee_bank",  # BIC abroad, CNAPS12 at home
    "收款国家": "payee_country",  # ISO 3166, two letters
    "经办网点代码": "branch",  # CNAPS12
    "经办网点地区代码": "branch_area",  # GB/T 2260, six digits
    "个人账号": "account",  # at that branch
    "渠道": "channel",  # 柜台 网上银行 手机银行 自助终端
}
FORM = CsvForm(COLUMNS, "utf-8")
RECORD, render, frame, write = FORM.record, FORM.render, FORM.frame, FORM.write
