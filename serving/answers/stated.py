"""Alerts about what institutions state, in words: figures and statements, not transactions.

A sum over the statements of several days is no amount of anything, so none is told; what a region
cannot judge for lack of a figure or a statement is said, and is not called nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from serving.answers import unreported
from serving.answers.model import Explanation
from serving.answers.words import Lang, beijing, measure, place, several

# Rules whose measure needs several sources at once: a vantage without one of them has none.
NEED_ALL = frozenset({"reserve_gap", "provision_shortfall"})
_WHAT: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "reserve_gap": ("份数字与对账单", "figure or statement", "figures and statements"),
        "provision_shortfall": (
            "份数字与贷款台账记录",
            "figure or register entry of a loan",
            "figures and register entries of loans",
        ),
        "complaint_surge": ("件投诉", "complaint", "complaints"),
    }
)


def what(told: Explanation, lang: Lang) -> str:
    """The first sentence of an alert about an institution; empty for other rules."""
    if told.rule.name == unreported.RULE:
        return unreported.what(told, lang)
    if told.rule.name not in _WHAT or not told.evidence:
        return ""
    rows = told.evidence
    zh, one, more = _WHAT[told.rule.name]
    first, last = beijing(rows[0].event_time), beijing(rows[-1].event_time)
    held = dict.fromkeys(region for row in rows for region in row.seen_by)
    names = ("、" if lang == "zh" else ", ").join(place(region, lang) for region in held)
    about = next((party for party in told.parties if party.id == told.alert.subject), None)
    peak = measure(told.alert.peak_measure, told.rule.unit, lang)
    if lang == "zh":
        who = f"机构 {about.label}" if about else "该机构"
        return (
            f"{first} 至 {last}（北京时间），{who}：{len(rows)} {zh}，由 {names} 持有；"
            f"规则度量最高 {peak}。"
        )
    who = f"institution {about.label_en}" if about else "the institution"
    return (
        f"From {first} to {last} Beijing time, {who}: {several(len(rows), one, more)}, held by "
        f"{names}; the rule's measure reaches {peak}."
    )


def kept(row: Mapping[str, Any]) -> tuple[int, tuple[str, str]]:
    """What a figure or a statement adds to a reserve's gap, and what it is, zh and en.

    Args:
        row: the evidence; `newest` is the last instant of its market among the terms.
    """
    fen = row["amount_fen"] or 0
    if row["event_time"] != row["newest"]:
        return 0, ("此前的日期", "of a day before")
    if row["event_type"] == "RSV_CLIENT":
        return fen, ("客户应有余额", "what clients hold")
    return -fen, _KEPT.get(row["event_type"], ("存管银行所报余额", "as the custodian bank states"))


_KEPT = {
    "RSV_BAL": ("机构自报备付金余额", "the reserve by its own figures"),
    "RSV_CENTRAL": ("存放人民银行", "kept at the central bank"),
    "RSV_TRANSIT": ("在途", "in transit"),
}
_GRADES = {
    "NORMAL": ("正常", "pass"),
    "WATCH": ("关注", "special mention"),
    "SUBSTD": ("次级", "substandard"),
    "DOUBT": ("可疑", "doubtful"),
    "LOSS": ("损失", "loss"),
}


def classed(row: Mapping[str, Any]) -> tuple[int, tuple[str, str]]:
    """A loan's class in words, or that it is the stated provision; nothing is added up."""
    if row["market_segment"] != "LOAN":
        return 0, ("所报损失准备", "the stated provision")
    zh, en = _GRADES.get(row["grade"], ("未分类", "not classed"))
    return 0, (f"贷款分类：{zh}", f"loan classed {en}")


TERMS = MappingProxyType({"reserve_gap": kept, "provision_shortfall": classed})
