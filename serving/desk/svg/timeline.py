"""Under the flow picture, on the same x: amounts over time, and the rule's measure climbing."""

from markupsafe import Markup

from schemas.regions import JOINT, REGIONS
from serving.answers.model import Explanation
from serving.answers.words import counted
from serving.desk.svg.axis import Axis, axis
from serving.desk.svg.flow import AXIS_HEIGHT, lane_name, time_axis
from serving.desk.svg.graph import Graph, graph
from serving.desk.svg.layout import WIDE, Frame, spread
from serving.desk.svg.mark import el, number, text_width, wrapped
from serving.desk.svg.say import amount, beijing, brief, wan

_HOUR = 3_600_000_000
_BARS = 84.0
_CLIMB = 168.0
_SMALL = 11.0  # px, the size of small texts


def amounts(explanation: Explanation, uid: str, *, frame: Frame = WIDE) -> Markup:
    """Amounts paid over time, stacked by the payer's region; by hour where hours have room."""
    of = graph(explanation)
    time = axis([transfer.time for transfer in of.transfers], frame.left, frame.right)
    hourly = bool(time.ticks())
    bins = _bins(of, time, hourly)
    peak = max((sum(parts.values()) for parts in bins.values()), default=0) or 1
    zh, en = counted("fen")
    drawn = [
        el("title", f"按付款地区的金额（{zh}）Amounts by payer's region ({en})", id=f"{uid}-t"),
        el("text", "金额", x=14, y=_BARS / 2, class_="strong"),
        el("text", f"{zh}", x=14, y=_BARS / 2 + 15, class_="small"),
        el("text", f"{en}", x=14, y=_BARS / 2 + 29, class_="small"),
        el("line", x1=frame.left, x2=frame.right, y1=_BARS, y2=_BARS, class_="base"),
        el("text", wan(peak), x=frame.left - 6, y=16, class_="small end"),
        el("text", "0", x=frame.left - 6, y=_BARS, class_="small end"),
    ]
    drawn += time_axis(time, 8, _BARS)
    for (left, right, label), parts in bins.items():
        top = _BARS
        for region in of.lanes:
            part = parts.get(region, 0)
            if not part:
                continue
            high = part * (_BARS - 12) / peak
            top -= high
            name = f"{label} {lane_name(region)[0]} {wan(part)} {zh} {en}"
            drawn.append(
                el(
                    "rect",
                    el("title", name),
                    x=left,
                    y=top,
                    width=right - left,
                    height=high,
                    class_=f"bar r{region}",
                )
            )
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {number(frame.width)} {number(_BARS + AXIS_HEIGHT)}",
        class_="pic amounts",
        role="img",
        aria_labelledby=f"{uid}-t",
    )


def _bins(of: Graph, time: Axis, hourly: bool) -> dict[tuple[float, float, str], dict[str, int]]:
    bins: dict[tuple[float, float, str], dict[str, int]] = {}
    for transfer in of.transfers:
        if hourly:
            start = transfer.time // _HOUR * _HOUR
            left, right = time.x(start), time.x(start + _HOUR - 1)
            label = beijing(start).strftime("%m-%d %H:00")
        else:
            day = time.day_of(transfer.time)
            pad = (day.right - day.left) * 0.12
            left, right, label = day.left + pad, day.right - pad, day.date
        key = (left + 1, max(left + 3, right - 1), label)
        parts = bins.setdefault(key, {})
        region = of.accounts[transfer.source].region
        parts[region] = parts.get(region, 0) + (transfer.amount_fen or 0)
    return dict(sorted(bins.items()))


def climb(explanation: Explanation, uid: str, *, frame: Frame = WIDE) -> Markup:
    """The rule's measure after each transaction, jointly and in each region alone.

    The rule's lines are dashed red; the first point on which a vantage fires is a filled red dot.
    """
    rule = explanation.rule
    of = graph(explanation)
    time = axis([transfer.time for transfer in of.transfers], frame.left, frame.right)
    zh, en = counted(rule.unit)
    top_value = max(
        [line.value for line in rule.lines]
        + [point.measure for points in explanation.series.values() for point in points]
        + [1]
    )
    floor, ceiling = _CLIMB, 14.0

    def height(value: int) -> float:
        return floor - value * (floor - ceiling) / (top_value * 1.06)

    widest = max(
        (text_width(amount(one.value, rule.unit), _SMALL) for one in rule.lines), default=0
    )
    room = frame.left - 26 - widest  # beside the numbers of the lines
    drawn = [
        el(
            "title",
            f"规则度量随时间（{zh}）：联合与各地单独。The rule's measure over time ({en}), "
            "jointly and in each region alone.",
            id=f"{uid}-t",
        ),
        el("text", "规则度量", x=14, y=floor / 2, class_="strong"),
        el("text", zh, x=14, y=floor / 2 + 15, class_="small"),
        *(
            el("text", part, x=14, y=floor / 2 + 29 + 13 * row, class_="small")
            for row, part in enumerate(wrapped(en, _SMALL, room))
        ),
    ]
    drawn += time_axis(time, 8, floor)
    drawn.append(el("line", x1=frame.left, x2=frame.right, y1=floor, y2=floor, class_="base"))
    drawn.append(el("text", "0", x=frame.left - 6, y=floor + 4, class_="small end"))
    free = floor - 6
    for order, line in enumerate(rule.lines):
        y = height(line.value)
        drawn.append(
            el(
                "line",
                el("title", f"{line.name_zh} {line.name_en}"),
                x1=frame.left,
                x2=frame.right,
                y1=y,
                y2=y,
                class_="line" + (" further" if order else ""),
            )
        )
        if y <= free:
            drawn.append(
                el(
                    "text",
                    amount(line.value, rule.unit),
                    x=frame.left - 6,
                    y=y + 4,
                    class_="small end red",
                )
            )
            free = y - 14
    ends: list[tuple[float, str, int]] = []
    for vantage in (*REGIONS, JOINT):
        points = explanation.series.get(vantage, ())
        if not points:
            continue
        path = f"M{time.x(points[0].event_time):.1f} {floor:.1f}"
        for point in points:
            path += f"H{time.x(point.event_time):.1f}V{height(point.measure):.1f}"
        path += f"H{frame.right:.1f}"
        joint = " joint" if vantage == JOINT else ""
        drawn.append(el("path", d=path, class_=f"step r{vantage}{joint}"))
        fired = next((point for point in points if point.fires), None)
        if fired:
            drawn.append(
                el(
                    "circle",
                    cx=time.x(fired.event_time),
                    cy=height(fired.measure),
                    r=6,
                    class_=f"dot r{vantage} fires",
                )
            )
        ends.append((height(points[-1].measure), vantage, points[-1].measure))
    drawn += _end_labels(ends, rule.unit, frame, floor)
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {number(frame.width)} {number(_CLIMB + AXIS_HEIGHT)}",
        class_="pic climb",
        role="img",
        aria_labelledby=f"{uid}-t",
    )


def _end_labels(
    ends: list[tuple[float, str, int]], unit: str, frame: Frame, floor: float
) -> list[Markup]:
    """Names at the right end of the steps, moved apart so that none covers another."""
    if not frame.full:
        return []
    ordered = sorted(ends)
    heights = spread([place + 4 for place, _, _ in ordered], 12, floor + 4, 15)
    drawn = []
    for y, (_, vantage, value) in zip(heights, ordered, strict=True):
        name = "联合 Joint" if vantage == JOINT else " ".join(lane_name(vantage))
        drawn.append(
            el(
                "text",
                f"{name} {brief(value, unit)}",
                x=frame.right + 8,
                y=y,
                class_=f"tinted r{vantage}",
            )
        )
    return drawn
