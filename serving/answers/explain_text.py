"""The whole explanation as a page of text: sentences, lines, parties, arithmetic, history."""

from serving.answers.model import Explanation
from serving.answers.words import (
    ORIGIN,
    Lang,
    beijing,
    legal_words,
    measure,
    money,
    place,
    several,
)

_STATUS = {
    "L": ("法规在效", "law in force"),
    "L-": ("已废止或草案", "superseded or draft"),
    "E": ("交易所规则", "exchange rule"),
    "I": ("行业做法或自设", "practice or our own"),
    "A": ("学术或自设", "academic or our own"),
}
_KIND = {"person": ("个人", "person"), "firm": ("企业", "firm"), "unknown": ("不详", "unknown")}
_CHANGE = {
    "raised": ("报出", "raised"),
    "amended": ("修订", "amended"),
    "withdrawn": ("撤回", "withdrawn"),
}
_CAUSE = {
    "NEW": ("按时报送", "reports in time"),
    "LATE": ("迟到报送", "late reports"),
    "CORRECTION": ("更正报送", "corrected reports"),
}


def text(told: Explanation, lang: Lang, most: int | None = None) -> str:
    """The whole explanation as text for a terminal.

    Args:
        told: the explanation.
        lang: zh or en.
        most: parties and lines of arithmetic that are listed; of more, the first and the last half,
            and between them how many were left out. None lists all.
    """
    number = 0 if lang == "zh" else 1
    alert, rule = told.alert, told.rule
    heads = _HEADS[lang]
    question = rule.question_zh if lang == "zh" else rule.question_en
    origin = f"{alert.data_origin}: {ORIGIN[alert.data_origin][number]}"
    legal = legal_words(rule.standing or rule.legal_status, lang)
    lines = [
        f"{heads['alert']} {alert.alert_id}  [{origin}]",
        f"{heads['rule']}: {rule.name} / {rule.variant} - {question}",
        f"{heads['set']}: {rule.parameter_set}; {heads['legal']}: {legal}",
    ]
    bands = {
        line.band: f"  {heads['line']} {line.band}: {measure(line.value, rule.unit, lang)} "
        f"{line.name_zh if lang == 'zh' else line.name_en} "
        f"({_STATUS[line.status_of_number][number]}: {line.cited(lang == 'zh')})"
        for line in rule.lines
    } | {
        band: f"  {heads['line']} {band}: {zh if lang == 'zh' else en} ({heads['unlined']})"
        for band, zh, en in rule.unlined
    }
    lines += [bands[band] for band in sorted(bands)]
    lines += ["", *(told.sentences_zh if lang == "zh" else told.sentences_en), "", heads["parties"]]
    names = {party.label: party.label if lang == "zh" else party.label_en for party in told.parties}
    join = "、" if lang == "zh" else ", "
    parties = [
        f"  {names[party.label]}  {_KIND[party.kind][number]}  "
        f"{join.join(place(area, lang) for area in party.areas)}"
        for party in told.parties
    ]
    lines += [*_ends(parties, most, lang), "", heads["arithmetic"]]
    sums = []
    rows = {row.transaction_id: row for row in told.evidence}
    for one in told.arithmetic:
        row = rows[one.transaction_id]
        held = join.join(place(region, lang) for region in row.seen_by)
        sums.append(
            f"  {beijing(one.event_time)}  {names[row.payer_label]} -> {names[row.payee_label]}"
            f"  {_worth(row.amount_fen, lang)}{_sum(one.running, rule.unit, lang)}"
            f"  {one.note_zh if lang == 'zh' else one.note_en}  [{held}]"
        )
    lines += [*_ends(sums, most, lang), *_states(told, lang)]
    lines += ["", heads["units"]]
    return "\n".join(lines)


def _ends(lines: list[str], most: int | None, lang: Lang) -> list[str]:
    """The first and the last of many lines."""
    if most is None or len(lines) <= most:
        return lines
    half = most // 2
    gone = len(lines) - 2 * half
    said = f"其间 {gone:,} 行从略，--all 全部列出" if lang == "zh" else f"{gone:,} more (--all)"
    return [*lines[:half], f"  ... {said}", *lines[-half:]]


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
            f"  {_CAUSE[one.cause][number]}"
            f"  {rests}, {measure(one.peak_measure, told.rule.unit, lang)}"
        )
    return lines


def _worth(amount_fen: int | None, lang: Lang) -> str:
    """A transaction's amount; a dash for an entry that has none."""
    return "-" if amount_fen is None else money(amount_fen, lang)


def _sum(running: int, unit: str, lang: Lang) -> str:
    """The sum so far; empty where the measure is no sum."""
    return f"  = {measure(running, unit, lang)}" if running else ""


_HEADS = {
    "zh": {
        "alert": "预警",
        "rule": "规则",
        "set": "参数集",
        "legal": "法律依据",
        "line": "档",
        "unlined": "由规则的条件决定，度量本身没有固定的线",
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
        "unlined": "the rule's conditions decide, no line of the measure",
        "parties": "Parties (labels in order of first appearance in the joint evidence):",
        "states": "History (Beijing time: when it became known, and why):",
        "arithmetic": "Arithmetic (Beijing time; in brackets who holds a report):",
        "units": "Nothing outside the four regions is visible: every figure is a lower bound.",
    },
}
