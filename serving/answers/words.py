"""An alert in words: amounts in 万元 (zh) or CNY (en), Beijing time, parties by their labels.

Figures come from the `Explanation` alone, so what is said and what is drawn cannot differ.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from schemas.narrow import FLAG_PAYER_PERSON, MOST_LOTS
from schemas.regions import NAMES, OUT, region_of_area
from schemas.visibility import markets
from serving.answers import pledges
from serving.answers.model import Coverage, Explanation, Party

Lang = Literal["zh", "en"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS = {
    "L": ("法规在效", "law in force"),
    "L-": ("已废止或草案", "superseded or draft"),
    "E": ("交易所规则", "exchange rule"),
    "I": ("行业做法", "industry practice"),
    "A": ("学术或自设", "academic or our own"),
}
_KIND = {"person": ("个人", "person"), "firm": ("企业", "firm"), "unknown": ("不详", "unknown")}
_COUNTED = {  # unit: zh, one, more
    "institutions": ("家机构", "institution", "institutions"),
    "lenders": ("家放款机构", "lender", "lenders"),
    "count": ("笔", "transfer", "transfers"),
    "transfers": ("笔", "transfer", "transfers"),
    "persons": ("人", "person", "persons"),
    "customers": ("位客户", "customer", "customers"),
    "parties": ("方", "party", "parties"),
    "payers": ("个付款方", "payer", "payers"),
    "payees": ("个收款方", "payee", "payees"),
    "complaints": ("件投诉", "complaint", "complaints"),
    "cancels": ("笔撤单", "cancel", "cancels"),
    "reports": ("份报告", "report", "reports"),
    "trades": ("笔自我成交", "trade with itself", "trades with itself"),
}
# Units in basis points: of what they are a share. Four regions see a part of it: at least.
_SHARES = {
    "basis points of capital": ("资本净额的", "of the capital"),
    "basis points of volume": ("合约总成交量的", "of the contract's volume"),
}
_USE = {"as written": "按原文", "extended": "扩展适用", "analogy": "类推适用"}
_CHANGE = {
    "raised": ("报出", "raised"),
    "amended": ("修订", "amended"),
    "withdrawn": ("撤回", "withdrawn"),
}
CAUSE = {
    "NEW": ("按时报送", "reports in time"),
    "LATE": ("迟到报送", "late reports"),
    "CORRECTION": ("更正报送", "corrected reports"),
}
ORIGIN = {
    "SIMULATED": ("模拟数据，不是真实交易", "simulated data, no real transactions"),
    "PUBLIC": ("公开数据", "published data"),
    "REAL": ("真实报送数据", "reported data"),
}


def wan(fen: int) -> str:
    """Fen as 万元 with two decimals, cut off and never rounded up.

    Example:
        >>> wan(45_000_000), wan(-1), wan(123_456_789_999)
        ('45.00', '-0.00', '123,456.78')
    """
    hundredths = abs(fen) // 10_000
    return f"{'-' if fen < 0 else ''}{hundredths // 100:,}.{hundredths % 100:02d}"


def money(fen: int, lang: Lang) -> str:
    """An amount with its unit: 万元 cut off at two decimals in zh, CNY in en, fen where there are.

    Example:
        >>> money(104_420_050, "zh"), money(104_420_050, "en"), money(-45_000_000, "en")
        ('104.42 万元', 'CNY 1,044,200.50', 'CNY -450,000')
    """
    if lang == "zh":
        return f"{wan(fen)} 万元"
    yuan, rest = divmod(abs(fen), 100)
    return f"CNY {'-' if fen < 0 else ''}{yuan:,}" + (f".{rest:02d}" if rest else "")


def several(number: int, one: str, more: str) -> str:
    """A number with the word for one or for more.

    Example:
        >>> several(1, "party", "parties"), several(2, "party", "parties")
        ('1 party', '2 parties')
    """
    return f"{number:,} {one if number == 1 else more}"


def operator(name: str, lang: Lang) -> str:
    """A national holder as `operator_sees` names it, in either language.

    Example:
        >>> operator("national bill exchange", "zh"), operator("national bill exchange", "en")
        ('全国票据交易机构', 'the national bill exchange')
    """
    if lang == "en":
        return f"the {name}"
    chinese = {one.held_nationally_by.en: one.held_nationally_by.zh for one in markets().values()}
    return chinese.get(name, name)


def beijing(microseconds: int) -> str:
    """An instant as Beijing time, to the second.

    Example:
        >>> beijing(1_772_409_600_000_000)
        '2026-03-02 08:00:00'
    """
    local = _EPOCH + timedelta(microseconds=microseconds, hours=8)
    return f"{local:%Y-%m-%d %H:%M:%S}"


def measure(value: int, unit: str, lang: Lang) -> str:
    """A measure with its unit.

    Example:
        >>> measure(104_420_000, "fen", "en"), measure(1, "institutions", "en")
        ('CNY 1,044,200', '1 institution')
    """
    if unit in ("fen", "CNY fen"):
        return money(value, lang)
    if unit in _SHARES:
        percent = f"{value // 100:,}.{value % 100:02d} %"
        return f"{_SHARES[unit][0]} {percent}" if lang == "zh" else f"{percent} {_SHARES[unit][1]}"
    zh, one, more = _COUNTED.get(unit, (unit, unit, unit))
    return f"{value:,} {zh}" if lang == "zh" else several(value, one, more)


def reached(value: int, unit: str, lang: Lang) -> str:
    """A measure as it was reached: a share of which four regions see a part is "at least".

    Example:
        >>> reached(1_234, "basis points of capital", "en"), reached(2, "persons", "en")
        ('at least 12.34 % of the capital', '2 persons')
    """
    least = {"zh": "至少", "en": "at least "}[lang] if is_share(unit) else ""
    return least + measure(value, unit, lang)


def is_share(unit: str) -> bool:
    """Whether a measure is a share of something of which four regions see a part."""
    return unit in _SHARES


def span(microseconds: int, lang: Lang) -> str:
    """How long, in the two largest useful units.

    Example:
        >>> span(7_200_000_000, "en"), span(93_600_000_000, "zh")
        ('2 h', '1 天 2 小时')
    """
    minutes = abs(microseconds) // 60_000_000
    days, hours = divmod(minutes // 60, 24)
    units = ("天", "小时", "分钟") if lang == "zh" else ("d", "h", "min")
    parts = [
        f"{amount} {unit}"
        for amount, unit in zip((days, hours, minutes % 60), units, strict=True)
        if amount
    ]
    return " ".join(parts[:2]) or f"0 {units[2]}"


def place(area: str, lang: Lang) -> str:
    """An area's name; everything outside the four regions is one place."""
    known = area if area in NAMES and region_of_area(area) != OUT else OUT
    return NAMES[known][0 if lang == "zh" else 1]


def term(
    rule: str,
    subject: int,
    row: dict[str, Any],
    met: set[int],
    unit: str = "CNY fen",
    variant: str = "",
) -> tuple[int, tuple[str, str]]:
    """What one transaction adds to its rule's measure, and why, in zh and en.

    Args:
        rule: The rule's name.
        subject: The alert's subject.
        row: The transaction as the vantage holds it.
        met: Institutions, or other sides, counted so far; added to.
        unit: The measure's.
        variant: The alert's.
    """
    amount = row["amount_fen"] or 0
    if rule == "receipt_double_pledge":
        return pledges.term(variant, row, met)
    if rule in _ON_A_WAY:
        return _ON_A_WAY[rule](subject, row, amount)
    if rule == "invoice_double_financing":
        lends = row["payer_party"] if row["market_segment"] == "LOAN" else row["payee_party"]
        new = lends not in met
        met.add(lends)
        return int(new), (
            ("新增一家机构", "one more institution") if new else ("同一机构", "the same")
        )
    if rule == "structuring":
        return amount, ("接近大额线的付款", "a payment just under the line")
    return _plain_term(subject, row, met, unit)


def _through(subject: int, row: dict[str, Any], amount: int) -> tuple[int, tuple[str, str]]:
    if row["payee_party"] == subject:
        return 0, (f"转入 {wan(amount)} 万元（作分母）", "comes in: what the ratio is of")
    return amount, ("转出", "goes out")


def _around(subject: int, row: dict[str, Any], amount: int) -> tuple[int, tuple[str, str]]:
    if row["market_segment"] == "LOAN":
        return 0, ("支用", "drawn")
    if subject in (row["payee_party"], row["payee_group"]):
        return amount, ("转回", "comes back")
    return 0, ("过桥", "passed on")


def _settled(subject: int, row: dict[str, Any], amount: int) -> tuple[int, tuple[str, str]]:
    if not row["flags"] & FLAG_PAYER_PERSON:
        return amount, ("结算给商户", "settled")
    return 0, ("归集", "taken in")


_ON_A_WAY = {
    "pass_through": _through,
    "loan_round_trip": _around,
    "second_clearing": _settled,
}


def _plain_term(
    subject: int, row: dict[str, Any], met: set[int], unit: str
) -> tuple[int, tuple[str, str]]:
    """What a transaction adds to a sum, a number of transfers, or a number of others."""
    if unit in ("fen", "CNY fen"):
        return row["amount_fen"] or 0, ("计入", "counts")
    if unit in ("transfers", "count", "reports", "complaints"):
        return 1, ("一笔", "one")
    if unit == "cancels":
        lots = row["range_start"] & MOST_LOTS
        return 1, (f"撤单 {lots:,} 手", f"withdraws {several(lots, 'lot', 'lots')}")
    sides = {row["payer_party"], row["payee_party"]} - {subject, 0}
    more = len(sides - met)
    met |= sides
    return more, (f"新增 {more} 方", f"{more} more") if more else ("已计", "counted before")


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


def _subject(told: Explanation) -> Party | None:
    for party in told.parties:
        if party.id == told.alert.subject:
            return party
    return None


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
    subject = _subject(told)
    who = subject.label if subject else told.parties[0].label if told.parties else ""
    who_en = subject.label_en if subject else told.parties[0].label_en if told.parties else ""
    peak = reached(told.alert.peak_measure, told.rule.unit, lang)
    others = len(told.parties) - 1
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
    if lang == "zh":
        return f"{name}单独：持有 {held} 笔，度量最高 {reaches}，{status[0]}{when}。"
    return f"{name} alone: holds {held} transactions, reaches {reaches}, {status[1]}{when}."


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


def _states(told: Explanation, lang: Lang) -> list[str]:
    """One line a state: when, raised or amended or withdrawn, why, on how much."""
    if not told.revisions:
        return []
    number = 0 if lang == "zh" else 1
    lines = ["", _HEADS[lang]["states"]]
    for one in told.revisions:
        count = one.transactions
        rests = f"{count} 笔" if lang == "zh" else several(count, "transaction", "transactions")
        lines.append(
            f"  {beijing(one.known_from)}  {_CHANGE[one.status][number]}"
            f"  {CAUSE[one.cause][number]}"
            f"  {rests}, {measure(one.peak_measure, told.rule.unit, lang)}"
        )
    return lines


def text(told: Explanation, lang: Lang) -> str:
    """The whole explanation as text for a terminal."""
    number = 0 if lang == "zh" else 1
    alert, rule = told.alert, told.rule
    heads = _HEADS[lang]
    question = rule.question_zh if lang == "zh" else rule.question_en
    origin = f"{alert.data_origin}: {ORIGIN[alert.data_origin][number]}"
    legal = _legal(rule.legal_status, lang)
    lines = [
        f"{heads['alert']} {alert.alert_id}  [{origin}]",
        f"{heads['rule']}: {rule.name} / {rule.variant} - {question}",
        f"{heads['set']}: {rule.parameter_set}; {heads['legal']}: {legal}",
    ]
    lines += [
        f"  {heads['line']} {line.band}: {measure(line.value, rule.unit, lang)} "
        f"{line.name_zh if lang == 'zh' else line.name_en} "
        f"({_STATUS[line.status_of_number][number]}: {line.citation})"
        for line in rule.lines
    ]
    lines += ["", *(told.sentences_zh if lang == "zh" else told.sentences_en), "", heads["parties"]]
    names = {party.label: party.label if lang == "zh" else party.label_en for party in told.parties}
    join = "、" if lang == "zh" else ", "
    lines += [
        f"  {names[party.label]}  {_KIND[party.kind][number]}  "
        f"{join.join(place(area, lang) for area in party.areas)}"
        for party in told.parties
    ]
    lines += ["", heads["arithmetic"]]
    rows = {row.transaction_id: row for row in told.evidence}
    for one in told.arithmetic:
        row = rows[one.transaction_id]
        held = join.join(place(region, lang) for region in row.seen_by)
        lines.append(
            f"  {beijing(one.event_time)}  {names[row.payer_label]} -> {names[row.payee_label]}"
            f"  {_worth(row.amount_fen, lang)}{_sum(one.running, rule.unit, lang)}"
            f"  {one.note_zh if lang == 'zh' else one.note_en}  [{held}]"
        )
    lines += _states(told, lang)
    lines += ["", heads["units"]]
    return "\n".join(lines)


def _worth(amount_fen: int | None, lang: Lang) -> str:
    """A transaction's amount; a dash for an entry that has none."""
    return "-" if amount_fen is None else money(amount_fen, lang)


def _sum(running: int, unit: str, lang: Lang) -> str:
    """The sum so far; empty where the measure is no sum."""
    return f"  = {measure(running, unit, lang)}" if running else ""


def _legal(status: str, lang: Lang) -> str:
    if lang == "en":
        return status
    use, _, numbers = status.partition("; numbers: ")
    return f"{_USE.get(use, use)}；数值依据：{numbers}" if numbers else _USE.get(use, use)


_HEADS = {
    "zh": {
        "alert": "预警",
        "rule": "规则",
        "set": "参数集",
        "legal": "法律依据",
        "line": "档",
        "parties": "各方（标签按联合证据中首次出现的次序）：",
        "states": "沿革（北京时间：何时知悉、因何变化）：",
        "arithmetic": "算式（北京时间；方括号为持有该笔报送的地区）：",
        "units": "四地之外不可见：各项数字均为下限（至少）。",
    },
    "en": {
        "alert": "Alert",
        "rule": "Rule",
        "set": "Parameter set",
        "legal": "legal status",
        "line": "band",
        "parties": "Parties (labels in order of first appearance in the joint evidence):",
        "states": "History (Beijing time: when it became known, and why):",
        "arithmetic": "Arithmetic (Beijing time; in brackets who holds a report):",
        "units": "Nothing outside the four regions is visible: every figure is a lower bound.",
    },
}
