"""What a finding expected, and where it stands, in Chinese.

The engine says it in English, and so it is stored; here is one table of its phrases. A phrase that
is in no line of the table is shown as it stands.
"""

import re

# What the engine says -> the same in Chinese. `\1` is what differs: numbers, codes, fields.
_PHRASES = tuple(
    (re.compile(pattern), zh)
    for pattern, zh in (
        (r"a plain decimal of at most (\d+) digits before and (\d+) after the point, such as (\S+)",
         r"普通小数，小数点前至多 \1 位、后至多 \2 位，如 \3"),
        (r"a plain decimal of at least 0, or a range to compute it from",
         "不小于 0 的普通小数，或可据以计算的区间"),
        (r"a plain decimal with CRDT or DBIT", "普通小数，并注明 CRDT 或 DBIT"),
        (r"an? (price|spread) as a plain decimal", "以普通小数表示的价格或利差"),
        (r"a rate in percent as a plain decimal", "以百分数表示的利率（普通小数）"),
        (r"an amount beside its currency", "金额与其币种同时给出"),
        (r"a whole number", "整数"), (r"true or false", "true 或 false"),
        (r"at least (-?[\d.]+)", r"不小于 \1"),
        (r"a moment such as (.+)", r"时刻，如 \1"),
        (r"a moment or a day such as (.+)", r"时刻或日期，如 \1"),
        (r"a calendar date such as (.+)", r"日历上存在的日期，如 \1"),
        (r"a month such as (.+)", r"月份，如 \1"),
        (r"one of (.+)", r"下列之一：\1"), (r"one value", "只给一个值"),
        (r"a value \((.+)\)", r"须有值（\1）"), (r"a value the rule accepts", "规则可接受的值"),
        (r"a field the spec decides about", "规格已决定如何处理的字段"),
        (r"a listed (.+) code", r"代码表 \1 中的代码"), (r"an? (\S+) code", r"\1 代码"),
        (r"a GB/T 2260 code of an existing province", "GB/T 2260 中存在的省级代码"),
        (r"a GB/T 2260 code of six digits", "六位 GB/T 2260 代码"), (r"six digits", "六位数字"),
        (r"text of the form (.+)", r"符合此格式的文本：\1"),
        (r"text in (\S+)", r"\1 编码的文本"),
        (r"text in (\S+) \(byte (\d+) is not\)", r"\1 编码的文本（第 \2 字节不是）"),
        (r"text in (\S+), not UTF-16 or UTF-32", r"\1 编码的文本，而非 UTF-16 或 UTF-32"),
        (r"a header line in (\S+)", r"\1 编码的表头"),
        (r"an XML declaration that says UTF-16, as the mark does",
         "XML 声明应与字节序标记一致，为 UTF-16"),
        (r"an XML declaration saying (\S+)", r"XML 声明应为 \1"),
        (r"an? (\S+) of the right shape and check digits", r"格式与校验位正确的 \1"),
        (r"an? (\S+) of the right form", r"格式正确的 \1"),
        (r"an identifier of (.+)", r"下列种类之一的标识：\1"),
        (r"a document number of the right form and check character", "格式与校验位正确的证件号码"),
        (r"who the party is \((.+) is required\)", r"说明主体是谁（\1 必填）"),
        (r"a role in every entry of the group", "组内每一项都须有角色"),
        (r"as many entries as the count in front says", "组内项数与前置计数一致"),
        (r"each tag once", "每个标签只出现一次"), (r"each key once", "每个键只出现一次"),
        (r"JSON with each key once \(byte (\d+)\)", r"每个键只出现一次的 JSON（第 \1 字节）"),
        (r"one JSON object", "一个 JSON 对象"), (r"quotes around whole values", "引号应括住整个值"),
        (r"as many values as columns", "值的个数与列数相同"),
        (r"well-formed XML \((.+) at byte (-?\d+)\)", r"格式良好的 XML（第 \2 字节处不是）"),
        (r"a document without DOCTYPE", "不含 DOCTYPE 的文档"),
        (r"(?:values|elements) nested at most (\d+) deep", r"嵌套至多 \1 层"),
        (r"at most (\d+) bytes", r"至多 \1 字节"),
        (r"at most (\d+) bytes and (\d+) times the packed size",
         r"至多 \1 字节，且不超过压缩大小的 \2 倍"),
        (r"a whole gzip body", "完整的 gzip 内容"),
        (r"three digits, the sum of all bytes before it modulo 256",
         "三位数字，为其前所有字节之和除以 256 的余数"),
        (r"the bytes from 35 to the trailer", "自 35 至尾部的字节数"),
        (r"tag=value fields from 8 to a trailer 10", "自标签 8 至尾部 10 的 标签=值 字段"),
        (r"(\S+) equal to the records", r"\1 与记录数相等"),
        (r"(\S+) equal to the sum of (\S+)", r"\1 与 \2 的合计相等"),
        (r"bytes this submitter has not sent before", "该机构此前未报送过的内容"),
    )
)  # fmt: skip
_PLACES = tuple(
    (re.compile(pattern), zh)
    for pattern, zh in (
        (r"line (\d+)", r"第 \1 行"), (r"record\[(\d+)\]", r"第 \1 条记录"),
        (r"bytes (\d+) to (\d+)", r"字节 \1 至 \2"), (r"submission", "整份报送"),
    )
)  # fmt: skip


def expected_in(rule: str, text: str, zh: bool) -> str:
    """What a finding of a rule expected, in the reader's language.

    Example:
        >>> expected_in("ENG-TIME", "a calendar date such as 2026-06-15", zh=True)
        '日历上存在的日期，如 2026-06-15'
    """
    from quality.rules import catalogue

    if not zh:
        return text
    own = next((one.zh for one in catalogue() if one.id == rule), "")
    return own or _first(_PHRASES, text)


def place_in(locator: str, zh: bool) -> str:
    """Where a record stands; a path is the same in every language.

    Example:
        >>> place_in("line 3", zh=True), place_in("record[2]", zh=False)
        ('第 3 行', 'record[2]')
    """
    return _first(_PLACES, locator) if zh else locator


def _first(table: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str:
    for pattern, zh in table:
        if found := pattern.fullmatch(text):
            return found.expand(zh)
    return text
