"""What became of submissions, in lines: Chinese or English."""

from collections.abc import Mapping, Sequence
from typing import Any

from yrd.cli.common import stdout

PARTS = ("accepted", "rejected", "quarantined", "duplicates")
SHOWN = 40  # findings or submissions on a screen; --json has all
_PLACES = 5
_ZH: Mapping[str, str] = {
    "accepted": "接收", "rejected": "拒绝", "quarantined": "隔离", "duplicates": "重复",
    "duplicate": "重复", "warning": "提示", "skipped": "行按规格略去（小计）", "late": "条记录迟到",
    "decoded": "已读取", "held": "暂扣",
}  # fmt: skip
_EN: Mapping[str, str] = {
    "skipped": "lines the spec leaves out (subtotals)", "late": "records came late",
}  # fmt: skip


def _word(name: str, zh: bool) -> str:
    return (_ZH if zh else _EN).get(name, name)


def _line(text: str) -> None:
    stdout.print(text, markup=False, highlight=False)


def _sender(row: Mapping[str, Any], zh: bool) -> str:
    """An id with its name and area; the name left out where the register has none."""
    name = row["name_zh" if zh else "name"]
    area = f"，地区 {row['area']}" if zh else f", area {row['area']}"
    return f"{row['submitter']}{f' {name}' if name else ''}{area}"


def one(rows: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]], zh: bool) -> None:
    """The arrivals of one submission, and every finding by rule."""
    first = rows[0]
    _line(f"{'报送' if zh else 'submission'} {first['id']}")
    _line(
        f"{first['feed']}，{first['size']:,} 字节，{first['data_origin']} 数据"
        if zh
        else f"{first['feed']}, {first['size']:,} bytes, {first['data_origin']} data"
    )
    for row in rows:
        _arrival(row, zh)
    for finding in findings[:SHOWN]:
        _finding(finding, zh)
    if more := len(findings[SHOWN:]):
        _line(
            f"\n另有 {more} 项；--json 列出全部"
            if zh
            else f"\n{more} findings more; --json shows all"
        )
    if not findings:
        _line("\n没有发现问题" if zh else "\nno findings")


def _arrival(row: Mapping[str, Any], zh: bool) -> None:
    when = row["received_beijing"].replace("T", " ")
    parts = [(f"{row[part]:,}", _word(part, zh)) for part in PARTS]
    more = [(f"{row[name]:,}", _word(name, zh)) for name in _EN if row[name]]
    if zh:
        _line(f"\n来自 {_sender(row, zh)}")
        _line(f"收到 {when} 北京时间；{_word(row['status'], zh)}")
        wrong = "" if row["adds_up"] else "  不相等：请上报"
        sums = " + ".join(f"{word} {count}" for count, word in parts)
        _line(f"报送 {row['submitted']:,} = {sums}{wrong}")
    else:
        _line(f"\nfrom {_sender(row, zh)}")
        _line(f"received {when} Beijing time; {row['status']}")
        wrong = "" if row["adds_up"] else "  DOES NOT ADD UP: report this"
        _line(f"{row['submitted']:,} submitted = {' + '.join(map(' '.join, parts))}{wrong}")
    if more:
        _line(("；" if zh else "; ").join(map(" ".join, more)))


def _finding(finding: Mapping[str, Any], zh: bool) -> None:
    count = finding["records"]
    records = f"{count:,} 条记录" if zh else "1 record" if count == 1 else f"{count:,} records"
    what = " ".join(part for part in (finding["rule"], finding["meaning"]) if part)
    comma = "，" if zh else ", "
    _line(f"\n{_word(finding['outcome'], zh)}: {what}{comma}{records}")
    heads = (
        ("字段  ", "应为  ", "位置  ", "处理  ")
        if zh
        else ("field     ", "expected  ", "where     ", "to do     ")
    )
    shown = finding["locators"][:_PLACES]
    left = len(finding["locators"]) - len(shown)
    more = (f"；另有 {left} 处" if zh else f"; {left} more") if left else ""
    places = f"{('；' if zh else '; ').join(shown)}{more}"
    said = (finding["field"], finding["expected"], places, finding["to_do"])
    for head, text in zip(heads, said, strict=True):
        if text:
            _line(f"  {head}{text}")


def many(rows: Sequence[Mapping[str, Any]], total: Mapping[str, Any], zh: bool) -> None:
    """The submissions of one institution, a line each, and their sum."""
    from rich.table import Table

    _line(_sender(rows[0], zh))
    _line(f"{rows[0]['data_origin']} {'数据' if zh else 'data'}\n")
    table = Table(box=None, pad_edge=False)
    for head in (
        ("编号", "收到（北京时间）", "数据源") if zh else ("id", "received (Beijing)", "feed")
    ):
        table.add_column(head, no_wrap=True)
    counted = (
        ("报送", "接收", "拒绝", "隔离", "重复")
        if zh
        else ("sent", "acc.", "rej.", "quar.", "dup.")
    )
    for head in counted:
        table.add_column(head, justify="right")
    for row in rows[:SHOWN]:
        counts = [f"{row[name]:,}" for name in ("submitted", *PARTS)]
        when = str(row["received_beijing"])[:16].replace("T", " ")
        table.add_row(row["id"][:12], when, row["feed"], *counts)
    sums = [f"{total[name]:,}" for name in ("submitted", *PARTS)]
    table.add_row("合计" if zh else "all", "", "", *sums)
    stdout.print(table)
    if zh:
        more = f"，列出最近 {SHOWN} 次；--json 列出全部" if len(rows) > SHOWN else ""
        added = "各项相加相等" if total["adds_up"] else "各项相加不相等：请上报"
        _line(f"\n{len(rows):,} 次报送{more}；{added}")
        _line("下一步: yrd submission status ID")
        return
    more = f", the newest {SHOWN} shown; --json shows all" if len(rows) > SHOWN else ""
    added = "the counts add up" if total["adds_up"] else "the counts DO NOT ADD UP: report this"
    plural = "submission" if len(rows) == 1 else "submissions"
    _line(f"\n{len(rows):,} {plural}{more}; {added}")
    _line("next: yrd submission status ID")
