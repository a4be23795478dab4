"""Why only one region raises an alert, in words: what it saw, what all four hold, what differs."""

from collections.abc import Mapping, Sequence

from pipelines.rules.registry import ParameterSet, Rule
from serving.answers.model import Alone
from serving.answers.words import Lang, beijing, money, place, several, span

# Parameters of rules in words: what stood in the way jointly, zh and en; {} is the agreed value.
_WAYS: Mapping[str, tuple[str, str]] = {
    "least_in_fen": ("转入不足", "too little comes in"),
    "most_counterparties": (
        "较大往来的对手方多于 {} 方",
        "its larger transfers have more than {} other parties",
    ),
    "most_transfers": ("笔数多于 {} 笔", "it makes more than {} transfers"),
    "in_before_out": (
        "某些付款先于收款：是用存量资金付的",
        "some payments went out before as much had come in: they are made from stock",
    ),
    "ratio_bp": ("付给自然人的不到转入的 {}", "less than {} of what came in goes to persons"),
    "dormant_days": ("闲置不足 {} 天", "it rested for less than {} days"),
}


def sentences(
    apart: Alone, rule: Rule, agreed: ParameterSet
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What made the difference, in Chinese and in English; none where nothing was found to."""
    return _said(apart, rule, agreed, "zh"), _said(apart, rule, agreed, "en")


def explains(apart: Alone | None) -> bool:
    """Whether what all four hold accounts for the difference, by figures that differ."""
    if apart is None:
        return False
    of = apart.figures
    if apart.kind == "rested":
        return of.get("uses", 0) > 0
    if apart.kind == "trades":
        return of["joint_others"] > of["solo_others"]
    if not apart.in_the_way or "solo_coming_fen" not in of or "joint_coming_fen" not in of:
        return False
    return any(of[f"solo_{n}"] < of[f"joint_{n}"] for n in ("coming_fen", "going_fen", "transfers"))


def _said(apart: Alone, rule: Rule, agreed: ParameterSet, lang: Lang) -> tuple[str, ...]:
    if not explains(apart):
        return ()
    values = agreed.of(rule)
    if apart.kind == "rested":
        return (_rested(apart, values, lang),)
    if apart.kind == "trades":
        return (_trades(apart, lang),)
    return tuple(text for text in (_moved(apart, lang), _ways(apart, values, lang)) if text)


def _where(regions: Sequence[str], lang: Lang) -> str:
    return ("、" if lang == "zh" else ", ").join(place(region, lang) for region in regions)


def _rested(apart: Alone, values: Mapping[str, int], lang: Lang) -> str:
    of, name = apart.figures, place(apart.region, lang)
    there, asked = _where(apart.held_by, lang), values["dormant_days"]
    if lang == "zh":
        return (
            f"只看{name}：该客户的账户闲置了 {of['rested_days']} 天才再次使用；四地合看："
            f"其间它在{there}的账户用了 {of['uses']} 次，"
            f"最近一次在启用前 {of['last_use_days']} 天，不足规则所要求的 {asked} 天，"
            "并非闲置的客户。"
        )
    return (
        f"To {name} alone the customer had rested for {of['rested_days']} days before it moved; "
        f"all four see it in use meanwhile: {several(of['uses'], 'time', 'times')} at {there}, the "
        f"last {several(of['last_use_days'], 'day', 'days')} before, where the rule asks for "
        f"{asked} days of rest."
    )


def _trades(apart: Alone, lang: Lang) -> str:
    of, name = apart.figures, place(apart.region, lang)
    if lang == "zh":
        return (
            f"只看{name}：证据中的另外 {of['parties']} 方此前 90 天内共与 {of['solo_others']} "
            f"个其他对手往来，显得冷清；四地合看是 {of['joint_others']} 个：是平常有往来的主体。"
        )
    return (
        f"To {name} alone the {several(of['parties'], 'other party', 'other parties')} of the "
        f"evidence deal with {several(of['solo_others'], 'party', 'parties')} more in 90 days and "
        f"seem quiet; all four see {of['joint_others']:,}: they trade as others do."
    )


def _moved(apart: Alone, lang: Lang) -> str:
    of, name = apart.figures, place(apart.region, lang)
    solo, joint = (
        {one: of[f"{side}_{one}"] for one in ("coming_fen", "going_fen")}
        for side in ("solo", "joint")
    )
    there = _where(apart.held_by, lang)
    more = _more(solo, joint, lang)
    if lang == "zh":
        return (
            f"只看{name}：到 {beijing(apart.instant)} 为止的 {span(of['window_us'], lang)}内转入 "
            f"{money(solo['coming_fen'], lang)}，转出 "
            f"{money(solo['going_fen'], lang)}{_share(solo, lang)}；四地合看：同一时段"
            f"{more}（由{there}报送），转出合计 "
            f"{money(joint['going_fen'], lang)}{_share(joint, lang)}。"
        )
    return (
        f"To {name} alone, in the {span(of['window_us'], lang)} up to {beijing(apart.instant)} "
        f"Beijing time, {money(solo['coming_fen'], lang)} came in and "
        f"{money(solo['going_fen'], lang)} went out{_share(solo, lang)}; all four see that "
        f"meanwhile {more} (reported to {there}), so that "
        f"{money(joint['going_fen'], lang)} went out{_share(joint, lang)}."
    )


def _more(solo: Mapping[str, int], joint: Mapping[str, int], lang: Lang) -> str:
    """What came in and went out besides what one region saw, as far as there was more."""
    besides = [joint[one] - solo[one] for one in ("coming_fen", "going_fen")]
    into, out = (money(fen, lang) for fen in besides)
    texts = {
        "zh": (f"另转入 {into}", f"另转出 {out}"),
        "en": (f"{into} more came in", f"{out} more went out"),
    }[lang]
    more = [text for fen, text in zip(besides, texts, strict=True) if fen > 0]
    if lang == "zh":
        return "、".join(more) or "还有其他往来"
    return " and ".join(more) or "there was more"


def _share(sums: Mapping[str, int], lang: Lang) -> str:
    if not sums["coming_fen"] or not sums["going_fen"]:
        return ""
    tenths = 1_000 * sums["going_fen"] // sums["coming_fen"]
    share = f"{tenths // 10}.{tenths % 10}"
    return f"，占转入的 {share}%" if lang == "zh" else f", {share} % of what came in"


def _number(name: str, value: int) -> str:
    return f"{value / 100:g} %" if name.endswith("_bp") else f"{value:,}"


def _ways(apart: Alone, values: Mapping[str, int], lang: Lang) -> str:
    """Which conditions keep the joint vantage silent."""
    ratio = {"ratio_low_bp", "ratio_high_bp"} & set(apart.in_the_way)
    found = []
    if ratio:
        low, high = values["ratio_low_bp"] // 100, values["ratio_high_bp"] // 100
        found.append(
            f"规则只看转出占转入 {low}% 至 {high}% 的"
            if lang == "zh"
            else f"the rule asks for {low} to {high} % of it"
        )
    number = 0 if lang == "zh" else 1
    found += [
        _WAYS[name][number].format(_number(name, values[name]))
        for name in apart.in_the_way
        if name in _WAYS
    ]
    if not found:
        return ""
    return (
        f"联合视角因此不报：{'；'.join(found)}。"
        if lang == "zh"
        else f"Hence nothing is raised jointly: {'; '.join(found)}."
    )
