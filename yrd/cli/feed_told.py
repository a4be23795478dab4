"""A feed in lines: what it is, where every field comes from, who may see its reports."""

from collections.abc import Mapping
from typing import Any

from yrd.cli.common import stdout

_ZH: Mapping[str, str] = {
    "event": "事件", "position": "余额", "indicator": "指标", "register": "名录",
    "complaint": "投诉", "public": "公开标准", "stand-in": "替代格式", "ours": "自定",
    "quarantine": "隔离", "reject": "拒绝", "text": "文本", "date": "日期", "code": "代码",
    "whole number": "整数", "time (UTC, microseconds)": "时间（UTC，微秒）",
    "hash of 16 bytes": "16 字节哈希", "global": "各处相同", "assumption": "假定",
}  # fmt: skip


def print_feed(told: Mapping[str, Any], lang: str) -> None:
    """Print one feed.

    Args:
        told: as `yrd feed show --json` gives it.
        lang: zh or en.
    """
    zh = lang == "zh"
    stdout.print(f"[bold]{told['name']}[/bold]  {told['title'][lang]}", highlight=False)
    _head(told, zh)
    for field in (*told["fields"], *told["parts_of_the_key"]):
        _field(field, zh)
    for party in told["parties"]:
        _party(party, zh)
    _rest(told, zh)
    paired = told["kind"] == "event" and not told["public"]
    for seen in told["visibility"]:
        _seen(seen, lang, paired)


def _line(text: str, indent: int = 0) -> None:
    from rich.padding import Padding
    from rich.text import Text

    stdout.print(Padding(Text(text), (0, 0, 0, indent)), highlight=False)


def _word(name: str, zh: bool) -> str:
    return _ZH.get(name, name) if zh else name


def _head(told: Mapping[str, Any], zh: bool) -> None:
    kind, status = _word(told["kind"], zh), _word(told["status"], zh)
    late, calendar = told["lateness"], told["business_calendar"]
    key = _key(told["key"], zh)
    own = ", ".join(one["name"] for one in told["parts_of_the_key"])
    if zh:
        _line(
            f"{told['format']}，{told['encoding']}，{status}；市场 {told['market']} 的{kind}记录；"
            f"日历 {calendar}；超过 {late} 为迟到"
        )
        _line(f"规格 {told['spec']}，{told['examples']} 个案例，{told['file']}")
    else:
        _line(
            f"{told['format']}, {told['encoding']}, {status}; {kind} records of market "
            f"{told['market']}; calendar {calendar}; late after {late}"
        )
        _line(f"spec {told['spec']}, {told['examples']} cases, {told['file']}")
    if told["record"]:
        _line(f"{'记录' if zh else 'record'}: {told['record']}")
    _line(f"{'交易标识' if zh else 'transaction key'}: {key}")
    if own:
        _line(f"{'仅为标识而读取' if zh else 'read for the key only'}: {own}")
    _line("")


def _field(field: Mapping[str, Any], zh: bool) -> None:
    from rich.markup import escape

    need = ("，必填" if zh else ", required") if field["required"] else ""
    kind = escape(_word(field["type"], zh))
    stdout.print(f"[bold]{escape(field['name'])}[/bold]  {kind}{need}", highlight=False)
    reading = f"  ({field['reading']})" if field["reading"] else ""
    _line(f"<- {field['source']}{reading}", 4)


def _party(party: Mapping[str, Any], zh: bool) -> None:
    need = "" if party["required"] else ("（可缺）" if zh else " (may be absent)")
    _line(f"\n{'当事方' if zh else 'party'} {party['prefix']}{need}")
    heads = ("标识", "账户", "代理机构", "个人", "名称")
    names = heads if zh else ("id      ", "account ", "agent   ", "person  ", "name    ")
    for one in party["ids"]:
        by = ", ".join(one["schemes"]) or ", ".join(
            f"{code} {scheme}" for code, scheme in one["types"].items()
        )
        told_by = f"{'，依' if zh else ', by '}{one['type_from']}" if one["type_from"] else ""
        _line(f"  {names[0]} {one['from']}: {by}{told_by}")
    for head, what in zip(names[1:3], ("account", "agent"), strict=True):
        if party[what]:
            _line(f"  {head} {' | '.join(party[what])}")
    if party["person"]:
        where = f"{party['person']} 处有内容者" if zh else "where there is anything at "
        _line(f"  {names[3]} {where}{'' if zh else party['person']}")
    if party["name"]:
        what = "；不用于关联，个人的予以删去" if zh else "; links nothing, dropped for persons"
        _line(f"  {names[4]} {party['name']}{what}")


def _rest(told: Mapping[str, Any], zh: bool) -> None:
    """Constants, control totals, and what makes no record."""
    constants = ", ".join(f"{k} = {v}" for k, v in told["constants"].items())
    _line(f"\n{'常量' if zh else 'constants'}: {constants}")
    if records := told["totals"]["records"]:
        total = told["totals"]["sum"]
        if zh:
            also = f"；{total[0]} 之和与 {total[1]}" if total else ""
            _line(f"核对: 记录数与 {records}{also}")
        else:
            also = f"; sum of {total[0]} against {total[1]}" if total else ""
            _line(f"checked: number of records against {records}{also}")
    for one in told["skipped"]:
        where = ", ".join(one["in"])
        _line(
            f"{one['field']} 为 {where} 时不成记录"
            if zh
            else f"no record where {one['field']} is {where}"
        )
    ignored = ", ".join(told["ignored"])
    _line(f"忽略: {ignored or '无'}" if zh else f"ignored: {ignored or 'nothing'}")
    undecided = told["undecided"]
    _line(
        f"未定义的字段或代码: {_word(undecided, zh)}该记录"
        if zh
        else f"a field or code nobody decided about: {undecided}s the record"
    )


def _seen(seen: Mapping[str, Any], lang: str, paired: bool) -> None:
    zh = lang == "zh"

    def line(head: str, head_zh: str, text: str) -> None:
        stdout.print(f"{head_zh if zh else head}: {text}", markup=False, highlight=False)

    market = seen["market"][lang]
    line(f"\nwho reports ({market})", f"\n由谁报送（{market}）", seen["reporters"])
    line("a region may see a report through", "地区可见报告的依据", ", ".join(seen["entitled_by"]))
    legs = seen["expected_reports_of_a_transaction"]
    if paired:  # a public print or a balance has no other side that reports it too
        wait = seen["pair_wait_s"]
        waits = f"，双方各一；先到者等待 {wait} 秒" if zh else (
            f", one a side; the first waits {wait} s for the other"
        )  # fmt: skip
        line(
            "reports expected of a transaction",
            "每笔应有报告",
            f"{legs}{waits if legs > 1 else ''}",
        )
    holder = seen["held_nationally_by"][lang] or ("无" if zh else "nobody")
    status = _word(seen["status"], zh)
    line("held nationally by", "全国集中存于", f"{holder} ({status}). {seen['note']}")


def _key(key: Mapping[str, Any] | None, zh: bool) -> str:
    if key is None:
        return "无；记录从不合并" if zh else "none; records are never merged"
    one = key["scope"] == "global"
    absent = ", ".join(key["absent"])
    if zh:
        fields = "，否则 ".join(" + ".join(part) for part in key["fields"])
        scope = "各处相同" if one else "同一报送方之内"
        return f"{fields}（{scope}）{f'；{absent} 视为缺失' if absent else ''}"
    fields = ", else ".join(" + ".join(part) for part in key["fields"])
    scope = "the same everywhere" if one else "within one reporter"
    return f"{fields} ({scope}){f'; {absent} counts as absent' if absent else ''}"
