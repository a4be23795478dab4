"""Alerts about reports that an institution owes, in words: whose they are and what is wrong."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import pyarrow as pa

from schemas.hashing import hash128, id63
from schemas.reference_data import institutions
from serving.answers.model import Explanation
from serving.answers.words import Lang, beijing, measure, money, place

RULE = "reporting_gap"
# Variant -> what is said of the payments, zh and en.
_SAID: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "missing_legs": (
            "对方银行已报、本机构未报的支付",
            "payments the other bank reported and it did not",
        ),
        "late_reports": ("超过时限才报的支付", "payments it reported after the deadline"),
        "mismatched_legs": ("双方报告不一致的支付", "payments of which the two reports differ"),
        "silent_day": (
            "他行提及、其按时未报的支付（当日几乎未报）",
            "payments others reported and it did not, of days it hardly reported in time",
        ),
    }
)


@cache
def _names() -> Mapping[int, tuple[str, str]]:
    """Who reports, by the id of its reports: name and number in zh and en."""
    rows = institutions().table.select(["institution_id", "name_zh", "name_en"]).to_pylist()
    ids = id63(hash128([pa.array([row["institution_id"] for row in rows])], "institution"))
    return MappingProxyType(
        {
            int(number): (
                f"{row['name_zh']}（{row['institution_id']}）",
                f"{row['name_en']} ({row['institution_id']})",
            )
            for number, row in zip(ids.tolist(), rows, strict=True)
        }
    )


def what(told: Explanation, lang: Lang) -> str:
    """The first sentence of such an alert; empty for other rules."""
    if told.rule.name != RULE or not told.evidence:
        return ""
    rows = told.evidence
    first, last = beijing(rows[0].event_time), beijing(rows[-1].event_time)
    total = money(sum(row.amount_fen or 0 for row in rows), lang)
    held = dict.fromkeys(region for row in rows for region in row.seen_by)
    names = ("、" if lang == "zh" else ", ").join(place(region, lang) for region in held)
    zh, en = _names().get(told.alert.subject, ("该机构", "The institution"))
    said_zh, said_en = _SAID[told.alert.variant]
    peak = measure(told.alert.peak_measure, told.rule.unit, lang)
    if lang == "zh":
        return (
            f"{zh}：{first} 至 {last}（北京时间）有 {len(rows)} 笔{said_zh}，合计 {total}，报告由 "
            f"{names} 持有；规则度量最高 {peak}。"
        )
    return (
        f"{en}: from {first} to {last} Beijing time {len(rows):,} {said_en}, {total} in all, of "
        f"which {names} hold a report; the rule's measure reaches {peak}."
    )
