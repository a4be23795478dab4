"""What a rule's declaration says in English only, in Chinese: terms, units, names of data sets."""

import re
from collections.abc import Mapping

_ZH: Mapping[str, str] = {
    "stream": "流式通道", "ledger": "账本通道",
    "aml": "反洗钱", "anti_fraud": "反诈骗", "prudential": "审慎监管", "conduct": "行为监管",
    "fundraising": "非法集资", "statistics": "统计",
    "account": "账户", "party": "主体", "group": "实际控制人", "asset": "资产",
    "instrument": "合约", "institution": "机构", "pair": "收付双方", "set": "主体组合",
    "contact": "联系方式",
    "as written": "按原文", "extended": "扩展适用", "analogy": "类推适用",
    "prototype defaults; no authority has agreed to them": "原型默认值，尚无主管部门同意",
    # units
    "-1000 log10 of a probability": "偶然概率的 -1000 log10",
    "1 or 0": "1 或 0",
    "1000 log10 of payees of the payer times payers of the payee, mean over the edges":
        "付款人的收款人数×收款人的付款人数的 1000 log10，各边平均",
    "1000 log10, mean over the legs": "1000 log10，各笔平均",
    "1000 log10, mean over the ring": "1000 log10，环内平均",
    "CNY": "元", "CNY fen": "人民币分", "USD cents": "美分",
    "as margin_milli": "同 margin_milli",
    "basis points": "基点",
    "basis points of capital": "资本净额的基点",
    "basis points of the bank's capital": "银行资本净额的基点",
    "basis points of the day's payments": "当日支付的基点",
    "basis points of the exchange's total": "交易所总量的基点",
    "basis points of the largest order": "最大下单手数的基点",
    "basis points of the line": "该线的基点",
    "basis points of the loan": "贷款的基点",
    "basis points of the sum that came in": "转入合计的基点",
    "basis points of volume": "成交量的基点",
    "basis points of what came in": "转入的基点",
    "basis points of what is called for": "应提数的基点",
    "basis points of what the borrower owes": "借款人欠款的基点",
    "business days": "营业日", "business days from the wake on": "个营业日，自唤醒日起",
    "cancels": "次撤单", "complaints": "件投诉", "customers": "名客户", "days": "日",
    "days of transfers before it speaks": "天的转账之后才作声",
    "distinct other parties of the window's larger transfers, both sides together":
        "个对手（窗口内较大转账，收付两侧合计）",
    "distinct persons paid such an amount in the window": "名个人（窗口内收到此数以上者）",
    "first-time payees of a payer, or payers of a payee, 90 days":
        "个（付款人 90 天内的新收款人，或收款人的新付款人）",
    "grams": "克", "institutions": "家机构", "lenders": "家贷款人", "lots": "手",
    "merchants": "家商户", "middle parties": "个中间方",
    "natural days": "自然日",
    "natural days the memory of a vantage must reach back, at most 89":
        "个自然日（视角的记忆须回溯至此，至多 89）",
    "natural days without a use": "个自然日未使用",
    "natural days, at most 60": "自然日，至多 60", "natural days, at most 90": "自然日，至多 90",
    "new payees in 90 days": "个 90 天内的新收款人",
    "new payees in the window, for each that counts": "个窗口内的新收款人，每有一个计入者",
    "new payers and payees in 90 days": "个 90 天内的新收付对手",
    "new payers in 90 days": "个 90 天内的新付款人",
    "of 10,000 living edges without custom: one-off ones of payers as quiet":
        "（每一万条无惯常往来的存续边中，同样安静的付款人的一次性边）",
    "parties": "方", "parties newly paid in 90 days": "个 90 天内新付款的对象",
    "parties newly paid in 90 days, at most 16": "个 90 天内新付款的对象，至多 16",
    "parties that newly pay it in 90 days, at most 16": "个 90 天内新向其付款者，至多 16",
    "parties the payee newly pays, for each that newly pays it":
        "个收款人新付款的对象，每有一个新向其付款者",
    "payees": "个收款人", "payees for each degree above 1": "个收款人，度数超过 1 后每增 1",
    "payees of the payer x payers of the payee, first-time, 90 days":
        "（付款人的收款人数×收款人的付款人数，首次往来，90 天）",
    "payees that both have begun to pay": "个双方都开始付款的收款人",
    "payees, after the payers": "个收款人，在付款人之后",
    "payers": "个付款人", "payments": "笔付款",
    "payments, the last one included": "笔付款，含最后一笔",
    "percent": "%", "periods": "期", "persons": "人", "pledgees": "个质权人",
    "reports": "份报告", "rings closed by one transfer": "个由同一笔转账闭合的环",
    "settlement days": "个结算日",
    "tenths of a natural day per transfer of the ring": "个十分之一自然日，环内每笔",
    "times as likely without a surge": "分之一（无激增时偶然出现的可能）",
    "times the deciding transfer's amount, or a part of it so small":
        "倍于触发转账的金额，或小至其几分之一",
    "times the line": "倍于该线", "times, from one transfer to the next": "倍，相邻两笔之间",
    "trades": "笔成交", "trading days": "交易日",
    "transfers": "笔", "transfers in the window": "笔窗口内转账",
    "transfers looked at": "笔搜索的转账",
    "us of event time": "微秒（事件时间）",
    "ways followed at once, per loan and vantage": "条同时追踪的路径（每笔贷款、每个视角）",
    "weeks": "周",
}  # fmt: skip
_SCORED_ON = (
    (re.compile(r"amlsim transfers, regions by bank"), "AMLSim 转账，按银行分区"),
    (re.compile(r"amlgentex transfers, regions by bank"), "AMLGentex 转账，按银行分区"),
    (re.compile(r"(?:simulated market|demo), ([\d,]+) reports, seed (\d+)"),
     r"模拟市场，\1 份报告，种子 \2"),
)  # fmt: skip


def word(name: str, zh: bool) -> str:
    """A term of a rule's declaration in the reader's language, where it has one in Chinese."""
    return _ZH.get(name, name) if zh else name


def scored_on(name: str, zh: bool) -> str:
    """What a score was measured on; in Chinese the data sets of this project."""
    if zh:
        for pattern, told in _SCORED_ON:
            name = pattern.sub(told, name)
    return name
