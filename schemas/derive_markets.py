"""The page about markets: who reports, who may see it, who holds it, what is required."""

from schemas.fields import arrow_schema
from schemas.reference_data import calendars
from schemas.regions import JOINT, NAMES, VANTAGES
from schemas.required import Required, required
from schemas.visibility import Visibility, markets, vantages

_HEAD = """# Markets and who may see them 市场与可见范围

Made from `schemas/visibility.toml`, `schemas/required.toml`, `schemas/regions.py` and the calendars
of `schemas/reference/` by `python -m schemas.derive docs/schema`.

A region may see a report because a column named under *entitled by* lies in one of its areas; the
seat of a central operator never counts. 省市凭下列字段所属辖区获得可见权;
中央机构所在地不产生可见权。
Every statement about a national holder is marked with how sure we are of it.

"""
_CALENDAR_HEAD = """## 日历 Calendars

The next day begins at the stated Beijing time, counted from midnight; above 24:00 it is the time of
the next morning. A day that is not open rolls to the next open one.

| calendar | name | days | next day at | covers | source | status |
|---|---|---|---|---|---|---|
"""


def _vantages() -> str:
    rows = vantages().to_pylist()
    lines = []
    for bit, vantage in enumerate(VANTAGES):
        zh, en = NAMES[vantage]
        areas = ", ".join(
            f"{row['area']} {row['name_zh']} {row['name_en']}"
            for row in rows
            if row["vantage"] == vantage
        )
        kind = "all areas 全部" if vantage == JOINT else areas
        lines.append(f"| {bit} | {zh} {en} | {kind} |")
    head = "## 视角 Vantages\n\n| bit | vantage | areas |\n|---|---|---|\n"
    return head + "\n".join(lines) + "\n"


def _legs(row: Visibility) -> str:
    if not row.sides:
        return "1"
    return f"{row.legs_both} where both sides lie inside and the reporters differ, else 1"


def _holder(row: Visibility) -> str:
    holder = row.held_nationally_by
    return f"{holder.zh} {holder.en} ({row.status})" if holder else f"nobody 无 ({row.status})"


def _extra(found: Required, kind: str) -> str:
    """What the market asks beyond the schema, in words."""
    parts = [
        f"`{field.name}`"
        for field in arrow_schema(kind)
        if field.nullable and field.name in found.fields
    ]
    parts += [f"one of {' / '.join(f'`{name}`' for name in group)}" for group in found.one_of]
    parts += [
        f"for {code}: {', '.join(f'`{name}`' for name in names)}"
        for code, names in found.by_event.items()
    ]
    parts += [
        f"not for {code}: {', '.join(f'`{name}`' for name in names)}"
        for code, names in found.without.items()
    ]
    return "; ".join(parts)


def _market(row: Visibility) -> str:
    lines = [
        f"## `{row.market}` {row.zh} {row.en}",
        "",
        f"- kinds of record 记录种类: {', '.join(row.kinds)}",
        f"- reported by 报送方: {row.reporters}",
        f"- entitled by 可见依据: {', '.join(f'`{name}`' for name in row.entitled_by)}",
        f"- reports expected for a transaction 应有报告数: {_legs(row)}",
        f"- wait for the other side 配对等待: {row.pair_wait_s} s",
        f"- held nationally by 全国持有方: {_holder(row)}",
    ]
    for kind in row.kinds:
        extra = _extra(required(row.market, kind), kind)
        if extra:
            lines.append(f"- required, {kind} 必填: {extra}")
    return "\n".join([*lines, *([f"- note 说明: {row.note}"] if row.note else []), ""])


def _calendars() -> str:
    lines = []
    for code in calendars():
        row = calendars().get(code)
        hours, minutes = divmod(row.next_day_at // 60_000_000, 60)
        lines.append(
            f"| `{code}` | {row.name_zh} {row.name_en} | {row.rule} | {hours:02d}:{minutes:02d} | "
            f"{row.first_day} to {row.last_day} | {row.source} | {row.status} |"
        )
    return _CALENDAR_HEAD + "\n".join(lines) + "\n"


def market_page() -> str:
    """Markdown: vantages, each market, calendars."""
    sections = [_vantages(), *(_market(row) for row in markets().values()), _calendars()]
    return _HEAD + "\n".join(sections)
