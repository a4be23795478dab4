"""Small charts of a report: what became of the records, alerts by rule, planted against found."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from serving.desk.svg.mark import both, el, number, shorten

OUTCOMES = (
    ("accepted", "接受", "accepted"),
    ("rejected", "退回", "rejected"),
    ("quarantined", "隔离待查", "quarantined"),
    ("duplicates", "重复", "duplicates"),
    ("pending", "待定", "pending"),
)
_WIDTH = 1000.0
_NAME = 250.0


def outcomes(counts: Mapping[str, int], uid: str) -> Markup:
    """One bar: what became of every submitted record. Slivers are widened to stay visible."""
    total = sum(counts.get(key, 0) for key, _, _ in OUTCOMES) or 1
    present = [key for key, _, _ in OUTCOMES if counts.get(key, 0)]
    least = 4.0
    room = _WIDTH - least * len(present)
    x = 0.0
    drawn = [
        el("title", "提交的记录去向 What became of the submitted records", id=f"{uid}-t"),
    ]
    for key, zh, en in OUTCOMES:
        count = counts.get(key, 0)
        if not count:
            continue
        wide = least + room * count / total
        drawn.append(
            el(
                "rect",
                el("title", f"{zh} {en} {count:,}"),
                x=x,
                y=0,
                width=wide,
                height=22,
                class_=f"part {key}",
            )
        )
        x += wide
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {number(_WIDTH)} 22",
        class_="pic outcomes",
        role="img",
        aria_labelledby=f"{uid}-t",
    )


def rules(rows: Sequence[tuple[str, str, int, int, int]], uid: str) -> Markup:
    """Alerts by rule.

    Args:
        rows: (zh, en, alerts, hidden by split, not raised jointly), one a rule.
        uid: A prefix for element ids, unique in the page.
    """
    peak = max((row[2] for row in rows), default=0) or 1
    drawn = [el("title", "各规则预警 Alerts by rule", id=f"{uid}-t")]
    for place, (zh, en, alerts, hidden, only_solo) in enumerate(rows):
        y = place * 46.0
        drawn += _name(zh, en, y)
        scale = (_WIDTH - _NAME - 300) / peak
        drawn.append(
            el(
                "rect",
                x=_NAME,
                y=y + 8,
                width=max(1.0, alerts * scale),
                height=22,
                class_="part plain",
            )
        )
        if hidden:
            drawn.append(
                el(
                    "rect",
                    x=_NAME,
                    y=y + 8,
                    width=max(2.0, hidden * scale),
                    height=22,
                    class_="part hidden",
                )
            )
        text = f"{alerts:,}：拆分隐藏 hidden {hidden:,}"
        if only_solo:
            text += f"，联合未报 solo only {only_solo:,}"
        drawn.append(
            el("text", text, x=_NAME + max(1.0, alerts * scale) + 10, y=y + 24, class_="value")
        )
    return _chart(drawn, len(rows) * 46.0, "pic rules", uid)


def scores(rows: Sequence[tuple[str, str, int, int, int, int]], uid: str) -> Markup:
    """Planted schemes: found (solid) and missed (dashed), and false alerts in words.

    Args:
        rows: (zh, en, planted, found, missed, false), one a rule.
        uid: A prefix for element ids, unique in the page.
    """
    peak = max((row[2] for row in rows), default=0) or 1
    drawn = [el("title", "植入、发现与漏报 Planted, found and missed", id=f"{uid}-t")]
    for place, (zh, en, planted, found, missed, false) in enumerate(rows):
        y = place * 46.0
        drawn += _name(zh, en, y)
        scale = (_WIDTH - _NAME - 360) / peak
        drawn.append(
            el("rect", x=_NAME, y=y + 8, width=found * scale, height=22, class_="part found")
        )
        if missed:
            drawn.append(
                el(
                    "rect",
                    x=_NAME + found * scale + 1,
                    y=y + 9,
                    width=max(2.0, missed * scale - 2),
                    height=20,
                    class_="part missed",
                )
            )
        text = (
            f"植入 planted {planted:,}：发现 found {found:,}，漏报 missed {missed:,}，"
            f"误报 false {false:,}"
        )
        drawn.append(
            el("text", text, x=_NAME + max(1.0, planted * scale) + 10, y=y + 24, class_="value")
        )
    return _chart(drawn, len(rows) * 46.0, "pic scores", uid)


def key(css: str, zh: str, en: str) -> Markup:
    """A legend entry in HTML: a small square and its meaning."""
    square = el(
        "svg",
        el("rect", x=1, y=1, width=10, height=10, class_=f"part {css}"),
        viewBox="0 0 12 12",
        class_="key",
        aria_hidden="true",
    )
    return el("span", square, both(zh, en), class_="keyed")


def _name(zh: str, en: str, y: float) -> list[Markup]:
    return [
        el("text", shorten(zh, 12, _NAME - 10), x=0, y=y + 18, class_="strong"),
        el("text", shorten(en, 11, _NAME - 10), x=0, y=y + 33, class_="small"),
    ]


def _chart(drawn: list[Markup], height: float, css: str, uid: str) -> Markup:
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {number(_WIDTH)} {number(max(height, 1))}",
        class_=css,
        role="img",
        aria_labelledby=f"{uid}-t",
    )
