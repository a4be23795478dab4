"""What `yrd rule list` and `yrd rule show` say of a rule, as data and in lines."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pipelines.rules.registry import Rule

# What is written in English in a rule.toml, in Chinese.
_ZH: Mapping[str, str] = {
    "stream": "流式通道", "ledger": "账本通道",
    "aml": "反洗钱", "anti_fraud": "反诈骗", "prudential": "审慎监管", "conduct": "行为监管",
    "fundraising": "非法集资", "statistics": "统计",
    "account": "账户", "party": "主体", "group": "实际控制人", "asset": "资产",
    "instrument": "合约", "institution": "机构", "pair": "收付双方", "set": "主体组合",
    "contact": "联系方式",
    "as written": "按原文", "extended": "扩展适用", "analogy": "类推适用",
    "CNY fen": "人民币分", "basis points": "基点", "persons": "人", "reports": "份报告",
    "business days": "营业日", "natural days": "自然日", "days": "日", "1 or 0": "1 或 0",
    "transfers": "笔", "times the line": "倍于该线", "us of event time": "微秒（事件时间）",
    "merchants": "家商户", "settlement days": "个结算日", "institutions": "家机构",
}  # fmt: skip
_NONE = ("未计分", "not scored")
_NO_OUTCOMES = ("尚无处置结果", "no outcomes yet")


def brief(rule: "Rule") -> dict[str, Any]:
    """One rule for a list: family, status, lane, purpose, horizon, set, scores, outcomes."""
    from pipelines.rules.registry import load_parameters
    from pipelines.rules.scores import load_scores
    from pipelines.rules.standing import standings

    agreed = load_parameters()[-1]
    held = rule.at(agreed.of(rule))
    return {
        "name": rule.name,
        "title": {"zh": rule.title[0], "en": rule.title[1]},
        "question": {"zh": rule.question[0], "en": rule.question[1]},
        "family": rule.family,
        "lane": rule.lane,
        "purpose": rule.purpose,
        "horizon": horizon(rule),
        "variants": [
            {
                "name": v.name,
                "subject": v.subject,
                "status_of_use": v.status_of_use,
                "legal_status": rule.legal_status(v.name),
                "standing": held.standing(v.name),
                "numbers": [one._asdict() for one in standings(held, v.name)],
            }
            for v in rule.variants
        ],
        "parameter_set": agreed.version,
        "own_sets": [region for region, own in agreed.regional.items() if rule.name in own.values],
        "scores": [
            {
                "on": one.on,
                "command": one.command,
                "measured": one.measured,
                "recall": dict(one.recall),
                "precision": dict(one.precision),
            }
            for one in load_scores().get(rule.name, ())
        ],
        "outcomes": outcomes_of(rule.name),
    }


def word(name: str, zh: bool) -> str:
    """A term of a rule's declaration in the reader's language, where it has one in Chinese."""
    return _ZH.get(name, name) if zh else name


def heading(told: Mapping[str, Any], zh: bool) -> str:
    """Lane and purpose."""
    lane, purpose = word(told["lane"], zh), word(told["purpose"], zh)
    return f"{lane}；{purpose}" if zh else f"{lane} lane; {purpose}"


def horizon(rule: "Rule") -> str:
    """How far back the rule looks, in words."""
    if rule.horizon.business_days:
        return f"{rule.horizon.business_days} business days"
    hours = rule.horizon.microseconds / 3_600_000_000
    return f"{hours:g} hours" if hours <= 48 or hours % 24 else f"{hours / 24:g} days"


def outcomes_of(rule: str) -> dict[str, Any]:
    """The running precision by data origin; empty where nobody looked."""
    from serving.answers.outcomes import running
    from yrd.cli.alert_outcome import precision, recorded

    return {
        origin: precision(dict(counts))
        for (name, origin), counts in running(recorded()).items()
        if name == rule
    }


def lines(told: Mapping[str, Any], zh: bool) -> list[str]:
    """A rule of the list in lines under its name."""
    from serving.answers.words import legal_words

    lang: Literal["zh", "en"] = "zh" if zh else "en"
    question = told["question"][lang]
    subjects = [
        f"{v['name']} ({word(v['subject'], zh)}): {legal_words(v['standing'], lang)}"
        for v in told["variants"]
    ]
    sets = told["parameter_set"]
    if told["own_sets"]:
        sets += f" + {', '.join(told['own_sets'])}"
    labels = (
        ("口径（对象）与法律依据", "回看", "联合参数集", "得分", "处置")
        if zh
        else ("variants (subject) and legal status", "looks back", "joint set", "score", "outcomes")
    )
    return [
        question,
        f"{labels[0]}:",
        *subjects,
        f"{labels[1]}: {_looks_back(told['horizon'], zh)}; {labels[2]}: {sets}",
        *(f"{labels[3]}: {line}" for line in score_lines(told["scores"], zh)),
        f"{labels[4]}: {outcome_line(told['outcomes'], zh)}",
    ]


def _looks_back(horizon: str, zh: bool) -> str:
    number, _, unit = horizon.partition(" ")
    units = {"business days": "个营业日", "hours": "小时", "days": "日"}
    return f"{number} {units.get(unit, unit)}" if zh else horizon


def score_lines(scores: Sequence[Mapping[str, Any]], zh: bool) -> list[str]:
    """The stored scores in words, one line a data set."""
    from pipelines.rules.pages import ratio

    names = ("召回", "精确") if zh else ("recall", "precision")
    lines = [
        f"{names[0]} {ratio(one['recall'])}, {names[1]} {ratio(one['precision'])} ({one['on']})"
        for one in scores
    ]
    return lines or [_NONE[0 if zh else 1]]


def outcome_line(outcomes: Mapping[str, Any], zh: bool) -> str:
    """The running precision in words."""
    from pipelines.rules.pages import ratio

    if not outcomes:
        return _NO_OUTCOMES[0 if zh else 1]
    told = []
    for origin, counts in outcomes.items():
        share = ratio(counts)
        waiting = counts["unresolved"]
        told.append(
            f"{origin}：属实 {share}，未决 {waiting}"
            if zh
            else f"{origin}: confirmed {share}, {waiting} unresolved"
        )
    return "; ".join(told)
