"""An alert in whole sentences: parties by their labels, times of Beijing.

Figures come from the `Explanation` alone, so what is said and what is drawn cannot differ.
"""

from collections.abc import Sequence

from serving.answers.model import Coverage, Explanation, Party
from serving.answers.words import Lang, beijing, money, operator, place, reached, several, span


def sentences(
    told: Explanation, lang: Lang, why: Sequence[str] = (), what: str = ""
) -> tuple[str, ...]:
    """The alert told in whole sentences, in reading order.

    Args:
        told: the explanation.
        lang: zh or en.
        why: at which level it shows, and why only a region sees it.
        what: the first sentence, where the rule has one of its own.
    """
    return tuple(
        text
        for text in (
            _took_place(told, lang),
            what or _what(told, lang),
            *_regions(told, lang),
            *why,
            _only_jointly(told, lang),
            _bounded(told, lang),
            _known(told, lang),
        )
        if text
    )


def _subjects(told: Explanation) -> Sequence[Party]:
    """Whom it is about: the subject, the members of a group, else who appears first."""
    members = told.controlled.parties if told.controlled else ()
    asked = (told.alert.subject, *members)
    return [party for party in told.parties if party.id in asked] or told.parties[:1]


def _what(told: Explanation, lang: Lang) -> str:
    rows = told.evidence
    if not rows:
        return ""
    total = ""  # withdrawn orders and entries of registers have no amount
    if any(row.amount_fen is not None for row in rows):
        total = money(told.coverage[0].all_amount_fen, lang)
    first, last = beijing(rows[0].event_time), beijing(rows[-1].event_time)
    areas = list(dict.fromkeys(a for r in rows for a in (r.payer_region, r.payee_region)))
    names = ("、" if lang == "zh" else ", ").join(place(area, lang) for area in areas)
    subjects = _subjects(told)
    who = "、".join(party.label for party in subjects)
    who_en = ", ".join(party.label_en for party in subjects)
    peak = reached(told.alert.peak_measure, told.rule.unit, lang)
    others = len(told.parties) - len(subjects)
    if lang == "zh":
        between = f"{who} 及其他 {others} 方之间 " if others > 0 else f"{who} "
        return (
            f"{first} 至 {last}（北京时间），{between}{len(rows)} 笔，"
            f"{f'合计 {total}，' if total else ''}涉及 {names}；"
            f"规则度量最高 {peak}。"
        )
    between = f" and {several(others, 'other party', 'other parties')}" if others > 0 else ""
    when = f"At {first}" if first == last else f"From {first} to {last}"
    return (
        f"{when} Beijing time, {who_en}{between}: "
        f"{several(len(rows), 'transaction', 'transactions')}"
        f"{f', {total} in all' if total else ''}; places: {names}; "
        f"the rule's measure reaches {peak}."
    )


def _regions(told: Explanation, lang: Lang) -> list[str]:
    return [region_sentence(cover, told.rule.unit, lang) for cover in told.coverage]


def region_sentence(cover: Coverage, unit: str, lang: Lang) -> str:
    """What one region alone holds and made of it."""
    if not cover.judged:
        return _cannot_judge(cover, lang)
    name = place(cover.region, lang)
    reaches = reached(cover.peak_measure, unit, lang)
    held = f"{cover.seen_transactions}/{cover.all_transactions}"
    status = {"none": ("未报警", "no alert"), "partial": ("看到一部分", "sees part of it")}.get(
        cover.status, ("能看出", "sees it")
    )
    when = ""
    if cover.lead_us is not None:
        early, late = ("早", "晚") if lang == "zh" else ("earlier", "later")
        length = span(cover.lead_us, lang)
        if cover.lead_us == 0:
            when = "，与联合视角同时" if lang == "zh" else ", at the same time as jointly"
        elif lang == "zh":
            when = f"，比联合视角{early if cover.lead_us < 0 else late} {length}"
        else:
            when = f", {length} {early if cover.lead_us < 0 else late} than jointly"
    if cover.peak_measure:
        reaches = f"度量最高 {reaches}，" if lang == "zh" else f"reaches {reaches}, "
    elif cover.seen_transactions:  # a rule that does not speak of them measured nothing, not zero
        reaches = "不成该规则所说的情形，" if lang == "zh" else "not what the rule asks for, "
    else:
        reaches = ""
    if lang == "zh":
        return f"{name}单独：持有 {held} 笔，{reaches}{status[0]}{when}。"
    return f"{name} alone: holds {held} transactions, {reaches}{status[1]}{when}."


def _cannot_judge(cover: Coverage, lang: Lang) -> str:
    """A region that lacks what the measure needs: that is not a measure of nothing."""
    name, held = place(cover.region, lang), f"{cover.seen_transactions}/{cover.all_transactions}"
    if lang == "zh":
        return f"{name}单独：持有 {held} 份，缺少其余部分，无从判断，未报警。"
    return f"{name} alone: holds {held}, lacks the rest and cannot judge, no alert."


def _bounded(told: Explanation, lang: Lang) -> str:
    if not told.alert.search_cut:
        return ""
    return (
        "搜索达到步数上限：所列之外可能还有。"
        if lang == "zh"
        else "The search reached its bound of steps: there may be more than is listed."
    )


def _only_jointly(told: Explanation, lang: Lang) -> str:
    alert = told.alert
    holder = alert.operator_sees
    if alert.not_raised_jointly:
        return (
            "单独视角报出而联合视角未报：予以保留，不视为已排除。"
            if lang == "zh"
            else "Raised by a region alone and not jointly: kept and shown, never called cleared."
        )
    if not alert.hidden_by_split:
        return (
            "联合视角看到全部证据。"
            if lang == "zh"
            else "The joint view holds all of the evidence."
        )
    if lang == "zh":
        seen = (
            f"但{operator(holder, 'zh')}持有全部证据。"
            if holder
            else "也没有任何一家全国性机构持有全部证据。"
        )
        return f"只有四地合并才看得出：每个地区单独都不报警；{seen}"
    seen = (
        f"but {operator(holder, 'en')} holds all the evidence."
        if holder
        else "nor does any single national operator hold all the evidence."
    )
    return f"Only all four together show it: no region alone raises an alert; {seen}"


def _took_place(told: Explanation, lang: Lang) -> str:
    """That the alert asked for was withdrawn, and this one is what it became."""
    if told.took_place_of is None:
        return ""
    asked, when = told.took_place_of
    if lang == "zh":
        return f"所问预警 {asked[:12]} 已于 {beijing(when)}（北京时间）撤回，由本预警替代。"
    return f"Alert {asked[:12]} was withdrawn at {beijing(when)} Beijing time; this took its place."


def _known(told: Explanation, lang: Lang) -> str:
    """Since when it is known, how long after its last evidence, and whether it still stands."""
    if not told.revisions:
        return ""
    first, last = told.revisions[0], told.revisions[-1]
    since, after = beijing(first.known_from), span(first.known_from - first.last_crossing, lang)
    if lang == "zh":
        text = f"{since}（北京时间）起知悉，距当时最后一笔证据 {after}。"
        gone = f"已于 {beijing(last.known_from)} 撤回，无替代预警。"
    else:
        text = f"Known since {since} Beijing time, {after} after the last evidence it rested on."
        gone = f" Withdrawn at {beijing(last.known_from)}; nothing took its place."
    return text + gone if last.status == "withdrawn" else text
