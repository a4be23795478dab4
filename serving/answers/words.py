"""Figures, times and places in words: amounts in 万元 (zh) or CNY (en), Beijing time."""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

from schemas.regions import NAMES, OUT, region_of_area
from schemas.visibility import markets

Lang = Literal["zh", "en"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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
ORIGIN = {
    "SIMULATED": ("模拟数据，不是真实交易", "simulated data, no real transactions"),
    "PUBLIC": ("公开数据", "published data"),
    "REAL": ("真实报送数据", "reported data"),
}

_USE = {
    "as written": ("按原文", "as written"),
    "extended": ("扩展适用", "extended"),
    "analogy": ("类推适用", "analogy"),
}
_NUMBER = {
    "L": ("法规在效", "law in force"),
    "L-": ("已废止或草案", "superseded or draft"),
    "E": ("交易所规则", "exchange rule"),
    "I published": ("他人公布", "published by others"),
    "I ours": ("自设", "ours"),
    "A published": ("学术", "academic"),
    "A ours": ("自设，依据研究数据", "ours, from trial data"),
}
_CODE = _NUMBER | {
    "I": ("他人做法或自设", "practice or ours"),
    "A": ("学术或自设", "study or ours"),
}
_NUMBERS = re.compile(r"(L-?|E|I|A) (as written|extended|analogy|published|ours) \(([^)]*)\)")


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


def counted(unit: str) -> tuple[str, str]:
    """What a measure's bare number counts, in both languages; a share's is in percent.

    Example:
        >>> counted("reports"), counted("basis points of volume")
        (('份报告', 'reports'), ('% 合约总成交量', "% of the contract's volume"))
    """
    if unit in _SHARES:
        zh, en = _SHARES[unit]
        return f"% {zh.removesuffix('的')}", f"% {en}"
    if unit in ("fen", "CNY fen"):
        return "万元", "CNY 10k"
    zh, _, more = _COUNTED.get(unit, (unit, unit, unit))
    return zh, more


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


def legal_words(status: str, lang: Lang) -> str:
    """A variant's legal status in words: its use of the text, then where its numbers stand.

    Args:
        status: as alerts store it.
        lang: zh or en.

    Example:
        >>> legal_words("extended; numbers: L extended (line_fen), I ours (near_bp)", "en")
        'extended; law in force, extended: line_fen; ours: near_bp'
        >>> legal_words("analogy; numbers: L-, I", "en")
        'analogy; numbers: superseded or draft, practice or ours'
    """
    at = 0 if lang == "zh" else 1
    use, _, numbers = status.partition("; numbers: ")
    told = [_USE[use][at] if use in _USE else use]
    stands = _NUMBERS.findall(numbers)
    if numbers and not stands:  # codes alone
        each = [_CODE[code][at] if code in _CODE else code for code in numbers.split(", ")]
        told.append(f"{'数值依据：' if at == 0 else 'numbers: '}{('、', ', ')[at].join(each)}")
    for code, basis, names in stands:
        whose = _NUMBER.get(f"{code} {basis}") or _NUMBER[code]
        how = f"{'，' if lang == 'zh' else ', '}{_USE[basis][at]}" if basis in _USE else ""
        told.append(f"{whose[at]}{how}{'：' if lang == 'zh' else ': '}{names}")
    return ("；" if lang == "zh" else "; ").join(told)
