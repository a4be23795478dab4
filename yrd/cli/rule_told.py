"""What `yrd rule list` and `yrd rule show` say of a rule, as data and in lines."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from yrd.cli.rule_words import scored_on, word

if TYPE_CHECKING:
    from pipelines.rules.registry import Rule

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
        f"{names[0]} {ratio(one['recall'])}, {names[1]} {ratio(one['precision'])} "
        f"({scored_on(one['on'], zh)})"
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
