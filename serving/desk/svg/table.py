"""Solo against joint: a real table, one row a region and a heavier joint row."""

from dataclasses import dataclass

from markupsafe import Markup

from schemas.regions import JOINT, NAMES
from serving.answers.model import Coverage, Explanation
from serving.answers.words import counted
from serving.desk.svg import layout as places
from serving.desk.svg.graph import Graph, graph
from serving.desk.svg.layout import NARROW, Layout
from serving.desk.svg.mark import both, el, text_width
from serving.desk.svg.say import amount, lead, wan

_TRACK = 296.0
_MINI = (152.0, 60.0)
_FACES = ("own", "far", "ghost")
_STATUS = {
    "none": ("看不出", "not seen"),
    "partial": ("部分看出", "partly seen"),
    "seen": ("看得出", "seen"),
}


@dataclass(frozen=True, slots=True)
class _Row:
    vantage: str
    measure: int
    fires: bool
    accounts: int
    transfers: int
    amount_fen: int
    verdict: tuple[str, str]
    lead: tuple[str, str] | None


def solo_against_joint(explanation: Explanation, uid: str) -> Markup:
    """The table: what each region alone reaches on the rule's own scale, and what all reach.

    A hollow dot is below the line, a filled red one fires; the dashed red line is the rule's.
    """
    of = graph(explanation)
    rule = explanation.rule
    rows = [_solo(cover) for cover in explanation.coverage] + [_joint(explanation)]
    everything = rows[-1]
    top = max([row.measure for row in rows] + [line.value for line in rule.lines] + [1])
    room = max(text_width(amount(row.measure, rule.unit), 14) for row in rows) + 16
    small = places.layout(of, NARROW)
    zh, en = counted(rule.unit)
    lines = "、".join(amount(line.value, rule.unit) for line in rule.lines)
    head = el(
        "tr",
        el("th", both("视角", "View"), scope="col"),
        el(
            "th",
            both(f"规则度量（{zh}）", f"measure ({en})"),
            *(
                (
                    Markup("<br>"),
                    el("span", class_="dashkey"),
                    both(f"线 {lines}", "the rule's line"),
                )
                if lines
                else ()
            ),
            scope="col",
            class_="wrap",
        ),
        el("th", both("看到的账户", "accounts seen"), scope="col", class_="num"),
        el("th", both("看到的笔数", "transfers seen"), scope="col", class_="num"),
        el("th", both("金额（万元）", "CNY 10k"), scope="col", class_="num"),
        el("th", both("结果", "result"), scope="col"),
        el("th", both("看到的流向", "flow seen"), scope="col"),
    )
    body = [_row(explanation, of, small, row, everything, top, room) for row in rows]
    caption = el(
        "caption",
        "各地单独与联合的对照 Each region alone against all together",
        class_="visually-hidden",
    )
    return el(
        "table", caption, el("thead", head), el("tbody", *body), class_="versus", id=f"{uid}-versus"
    )


def _solo(cover: Coverage) -> _Row:
    return _Row(
        vantage=cover.region,
        measure=cover.peak_measure,
        fires=cover.first_crossing is not None,
        accounts=cover.seen_accounts,
        transfers=cover.seen_transactions,
        amount_fen=cover.seen_amount_fen,
        verdict=_STATUS[cover.status],
        lead=None if cover.lead_us is None else lead(cover.lead_us),
    )


def _joint(explanation: Explanation) -> _Row:
    fires = explanation.alert.joint_first is not None
    points = explanation.series.get(JOINT, ())
    some = explanation.coverage[0] if explanation.coverage else None
    reached = max((point.measure for point in points), default=explanation.alert.peak_measure)
    return _Row(
        vantage=JOINT,
        measure=reached,
        fires=fires,
        accounts=some.all_accounts if some else 0,
        transfers=len(explanation.evidence),
        amount_fen=sum(row.amount_fen or 0 for row in explanation.evidence),
        verdict=("报警", "alert") if fires else ("联合未报", "not raised jointly"),
        lead=None,
    )


def _row(
    explanation: Explanation,
    of: Graph,
    small: Layout,
    row: _Row,
    everything: _Row,
    top: int,
    room: float,
) -> Markup:
    joint = row.vantage == JOINT
    name = NAMES[row.vantage]
    verdict = [
        el("span", both(*row.verdict), class_="fires-text" if row.fires else "quiet"),
    ]
    if row.lead:
        verdict += [el("small", both(*row.lead))]
    return el(
        "tr",
        el("th", el("span", both(*name), class_=f"chip r{row.vantage}"), scope="row"),
        el("td", _track(explanation, row, top, room), class_="w"),
        el("td", f"{row.accounts} / {everything.accounts}", class_="num"),
        el("td", f"{row.transfers} / {everything.transfers}", class_="num"),
        el("td", wan(row.amount_fen), class_="num"),
        el("td", *verdict, class_="verdict-cell"),
        el("td", _mini(of, small, None if joint else row.vantage)),
        class_="joint" if joint else None,
        data_vantage=row.vantage,
    )


def _track(explanation: Explanation, row: _Row, top: int, room: float) -> Markup:
    rule = explanation.rule
    zh, en = counted(rule.unit)
    value = amount(row.measure, rule.unit)
    scale = (_TRACK - 20 - room) / top

    def x(measure: int) -> float:
        return 10 + measure * scale

    state = ("报警", "fires") if row.fires else ("不报警", "does not fire")
    label = f"{value} {zh} {en}：{state[0]} {state[1]}"
    drawn = [
        el("line", x1=10, x2=_TRACK - room, y1=17, y2=17, class_="track"),
        el("line", x1=10, x2=x(row.measure), y1=17, y2=17, class_=f"stem r{row.vantage}"),
    ]
    drawn += [
        el(
            "line",
            el("title", f"{line.name_zh} {line.name_en}"),
            x1=x(line.value),
            x2=x(line.value),
            y1=1,
            y2=33,
            class_="line" + (" further" if order else ""),
        )
        for order, line in enumerate(rule.lines)
    ]
    drawn.append(
        el(
            "circle",
            cx=x(row.measure),
            cy=17,
            r=8,
            class_=f"dot r{row.vantage} " + ("fires" if row.fires else "hollow"),
        )
    )
    drawn.append(el("text", value, x=_TRACK - 2, y=22, class_="strong end value"))
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {_TRACK:.0f} 34",
        class_="pic track-pic",
        role="img",
        aria_label=label,
    )


def _mini(of: Graph, small: Layout, region: str | None) -> Markup:
    """The flow picture's own coordinates, shrunk; circles stay round."""
    wide, high = _MINI
    margin = 40.0
    sx = wide / (small.frame.right - small.frame.left + margin + 12)
    sy = high / small.height
    rows = small.style == "rows"

    def at(x: float, y: float) -> tuple[float, float]:
        return (x - small.frame.left + margin) * sx, y * sy

    states = of.node_states(region) if region else ("own",) * len(of.accounts)
    faces = [
        next(state for state in _FACES if state in {states[place] for place in node.accounts})
        for node in small.nodes
    ]
    drawn = [
        el(
            "rect",
            x=0,
            y=lane.top * sy,
            width=wide,
            height=(lane.bottom - lane.top) * sy,
            class_=f"minilane r{lane.region}",
        )
        for lane in small.lanes
    ]
    dots: list[tuple[float, float, float, int]] = []
    for link in small.links:
        held = [
            state
            for state in (
                of.link_state(of.transfers[place], region) if region else "whole"
                for place in link.transfers
            )
            if state != "ghost"
        ]
        if not held:
            continue
        source, target = small.nodes[link.source], small.nodes[link.target]
        x1, y1 = at(link.start, source.y)
        x2, y2 = at(link.start if rows else target.x, target.y)
        bend = max(4.0, abs(x2 - x1) * 0.45)
        turn = x2 + bend if rows else x2 - bend
        path = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {turn:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        drawn.append(el("path", d=path, class_=f"minilink r{source.region} {held[0]}"))
        if rows:
            dots += [(x1, y1, 2.2, link.source), (x2, y2, 2.2, link.target)]
    if not rows:
        for place, node in enumerate(small.nodes):
            dots.append((*at(node.x, node.y), min(5.0, 1.6 + node.r / 6), place))
    for x, y, radius, place in dots:
        if faces[place] != "ghost":
            css = f"minidot r{small.nodes[place].region} {faces[place]}"
            drawn.append(el("circle", cx=x, cy=y, r=radius, class_=css))
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {wide:.0f} {high:.0f}",
        class_="pic mini",
        aria_hidden="true",
    )
