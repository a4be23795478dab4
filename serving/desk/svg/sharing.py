"""The value of sharing as a picture: recall, joint and of four regions alone, over crossing trade.

Stands by itself in a page of documentation: colours are attributes, there is no stylesheet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from serving.desk.svg.mark import el, join, number
from serving.desk.svg.palette import INK, MUTE, PAPER, REGION_COLOURS

_JOINT, _SOLO = INK, REGION_COLOURS["320000"]
_WIDE, _HIGH = 240.0, 110.0  # of a panel's drawing
_LEFT, _TOP, _GAP, _FOOT = 150.0, 74.0, 34.0, 22.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SHARES = (0.0, 0.2, 0.4, 0.6)
_FONT = "'Noto Sans SC','PingFang SC','Microsoft YaHei',system-ui,sans-serif"
_GRID = "#d3dae1"
_MOST = 0.75  # share on the right edge

Row = Mapping[str, Any]


def sharing(rows: Sequence[Row], title: str) -> Markup:
    """One panel a rule and way of giving regions: recall with 95 % bands, joint and alone.

    Args:
        rows: of `yrd rule score --curve`: partition, cross, rule, joint and solo_union.
        title: what was scored.
    """
    partitions = list(dict.fromkeys(str(row["partition"]) for row in rows))
    rules = list(dict.fromkeys(str(row["rule"]) for row in rows))
    rules.sort(key=lambda rule: rule != "all")
    width = _LEFT + len(partitions) * (_WIDE + _GAP)
    height = _TOP + len(rules) * (_HIGH + _GAP) + _FOOT
    drawn = [
        el("title", f"共享的价值 The value of sharing: {title}", id="sharing-t"),
        el("rect", width=width, height=height, fill=PAPER),
        _text(title, 8, 20, weight="700", size=14),
        *_key(8, 40),
    ]
    for column, partition in enumerate(partitions):
        x = _LEFT + column * (_WIDE + _GAP)
        drawn.append(_text(_NAMES.get(partition, partition), x, _TOP - 10, weight="700"))
        for line, rule in enumerate(rules):
            y = _TOP + line * (_HIGH + _GAP)
            mine = [r for r in rows if r["partition"] == partition and r["rule"] == rule]
            drawn.append(_panel(mine, x, y, last=line == len(rules) - 1, first=column == 0))
            if column == 0:
                drawn.append(_text(rule, 8, y + 16, weight="700"))
                drawn.append(_text(f"n = {mine[0]['n']}", 8, y + 33, colour=MUTE, size=11))
    words = "各地之间的交易占比 share of transfers that cross a region"
    drawn.append(_text(words, _LEFT, height - 8, colour=MUTE, size=11))
    return el(
        "svg",
        *drawn,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        font_family=_FONT,
        role="img",
        aria_labelledby="sharing-t",
    )


_NAMES = {
    "bank": "按银行 by bank",
    "community": "按交易圈 by who trades with whom",
    "random": "随机 at random",
}


def _panel(rows: Sequence[Row], x: float, y: float, *, last: bool, first: bool) -> Markup:
    """Axes and both lines; points in order of the share that crosses."""

    def across(share: float) -> float:
        return x + min(share, _MOST) / _MOST * _WIDE

    def up(value: float) -> float:
        return y + _HIGH * (1 - value)

    drawn = []
    for tick in _TICKS:
        drawn.append(_line(x, up(tick), x + _WIDE, up(tick), _GRID))
        if first and tick in (0.0, 0.5, 1.0):
            drawn.append(_text(f"{tick:.0%}", x - 6, up(tick) + 4, MUTE, 11, anchor="end"))
    for share in _SHARES if last else ():
        words = f"{share:.0%}"
        drawn.append(_text(words, across(share), y + _HIGH + 16, MUTE, 11, anchor="middle"))
    ordered = sorted((row for row in rows), key=lambda row: float(row["cross"]))
    for side, colour, dash in (("solo_union", _SOLO, "5 3"), ("joint", _JOINT, None)):
        known = [r for r in ordered if r[side]["recall"]["value"] is not None]
        if not known:
            continue
        recall = [(across(r["cross"]), r[side]["recall"]) for r in known]
        edge = [(px, up(r["high"])) for px, r in recall]
        edge += [(px, up(r["low"])) for px, r in reversed(recall)]
        drawn.append(el("polygon", points=_points(edge), fill=colour, fill_opacity="0.13"))
        middle = [(px, up(r["value"])) for px, r in recall]
        drawn.append(
            el(
                "polyline",
                points=_points(middle),
                fill="none",
                stroke=colour,
                stroke_width="2",
                stroke_dasharray=dash,
            )
        )
        drawn += [el("circle", cx=px, cy=py, r=2.6, fill=colour) for px, py in middle]
    return join(drawn)


def _key(x: float, y: float) -> list[Markup]:
    joint = _text("联合 joint", x + 30, y + 4, _JOINT, 12, "700")
    alone = _text("四地各自合计 four regions alone, together", x + 150, y + 4, _SOLO, 12, "700")
    return [
        _line(x, y, x + 24, y, _JOINT, 2),
        joint,
        _line(x + 120, y, x + 144, y, _SOLO, 2, "5 3"),
        alone,
    ]


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in places)


def _line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    colour: str,
    width: float = 1,
    dash: str | None = None,
) -> Markup:
    places = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return el("line", **places, stroke=colour, stroke_width=width, stroke_dasharray=dash)


def _text(
    words: str,
    x: float,
    y: float,
    colour: str = INK,
    size: float = 12,
    weight: str | None = None,
    anchor: str | None = None,
) -> Markup:
    return el(
        "text",
        words,
        x=x,
        y=y,
        fill=colour,
        font_size=size,
        font_weight=weight,
        text_anchor=anchor,
    )
