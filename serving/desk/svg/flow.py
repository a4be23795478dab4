"""The flow picture: jointly, and as one region alone.

Alone means: drawn from what that region holds. Its own accounts are solid, a transfer it holds
whose other end lies elsewhere is dotted (cut at the border), what was never reported to it is a
ghost in the same place, so that the two pictures can be laid over each other.
"""

from collections.abc import Sequence

from markupsafe import Markup

from schemas.regions import NAMES, OUT
from serving.answers.model import Coverage, Explanation
from serving.desk.svg import layout as places
from serving.desk.svg import rows
from serving.desk.svg.axis import Axis
from serving.desk.svg.graph import Graph, Transfer, graph
from serving.desk.svg.layout import NARROW, WIDE, Detail, Frame, Layout, Link, Node, stroke
from serving.desk.svg.mark import el, number, text_width
from serving.desk.svg.say import wan, when

AXIS_HEIGHT = 38.0
_KINDS = {"person": ("个人", "person"), "firm": ("企业", "firm"), "unknown": ("不详", "unknown")}
_BORDERED = 24  # more day borders than these would hide the lanes


def lane_name(region: str) -> tuple[str, str]:
    """The short name of a lane in both languages."""
    return ("外地", "Outside") if region == OUT else NAMES[region]


def flow(
    explanation: Explanation,
    uid: str,
    *,
    frame: Frame = WIDE,
    detail: Detail = "auto",
    anchor: str | None = None,
) -> Markup:
    """The joint picture of an alert.

    Args:
        explanation: What to draw.
        uid: A prefix for element ids, unique in the page.
        frame: `WIDE`, or `NARROW` for half a page.
        detail: `auto` bundles large alerts; `accounts` draws every account.
        anchor: Prefix of the ids the accounts link to (`<anchor>-A`); None draws no links.
    """
    of = graph(explanation)
    what = places.layout(of, frame, detail)
    title = (
        f"资金流向：联合视角，{len(of.accounts)} 处 {len(of.transfers)} 笔。"
        f"Flow of money, jointly: {len(of.accounts)} places, {len(of.transfers)} transfers."
    )
    return _draw(explanation, of, what, uid, title, None, anchor)


def solo_flow(
    explanation: Explanation,
    region: str,
    uid: str,
    *,
    frame: Frame = NARROW,
    detail: Detail = "auto",
) -> Markup:
    """The same picture as one region alone holds it, in the same places as the joint one."""
    of = graph(explanation)
    what = places.layout(of, frame, detail)
    zh, en = lane_name(region)
    seen = sum(region in transfer.seen_by for transfer in of.transfers)
    title = (
        f"资金流向：{zh}单独，看到 {seen}/{len(of.transfers)} 笔。"
        f"Flow of money as {en} alone: {seen} of {len(of.transfers)} transfers."
    )
    return _draw(explanation, of, what, uid, title, region, None)


def time_axis(axis: Axis, top: float, bottom: float, *, hours: bool = True) -> list[Markup]:
    """Day borders, marks where idle days are left out, dates, weekdays and hours where they fit."""
    drawn: list[Markup] = []
    ticks = axis.ticks() if hours else ()
    for x, _ in ticks:
        drawn.append(el("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="dayline"))
    for x, label in ticks:
        drawn.append(el("text", label, x=x, y=bottom + 14, class_="small middle"))
    edges = {axis.left, axis.right}
    if len(axis.days) <= _BORDERED:
        edges |= {edge for day in axis.days for edge in (day.left, day.right)}
    drawn += [el("line", x1=x, x2=x, y1=top, y2=bottom, class_="dayline") for x in sorted(edges)]
    gaps = axis.gaps if len(axis.gaps) <= _BORDERED else ()
    drawn += [el("line", x1=x, x2=x, y1=top, y2=bottom, class_="gapline") for x in gaps]
    y = bottom + (30 if ticks else 16)
    free = -1.0
    for day in axis.days:
        room = day.right - day.left
        zh, en = day.weekday
        long = f"{day.date} {zh} {en}"
        label = long if text_width(long, 12) + 8 <= room else day.date
        wide = text_width(label, 12)
        left = (day.left + day.right - wide) / 2
        left = max(axis.left, min(axis.right - wide, left))
        if left < free:
            continue
        drawn.append(el("text", label, x=left + wide / 2, y=y, class_="middle dayname"))
        free = left + wide + 6
    return drawn


def _draw(
    explanation: Explanation,
    of: Graph,
    what: Layout,
    uid: str,
    title: str,
    region: str | None,
    anchor: str | None,
) -> Markup:
    frame = what.frame
    height = what.height + AXIS_HEIGHT
    nodes = of.node_states(region) if region else ("own",) * len(of.accounts)
    drawn = [el("title", title, id=f"{uid}-t"), el("desc", _legend(what, region), id=f"{uid}-d")]
    for lane in what.lanes:
        other = " other" if region and lane.region != region else ""
        drawn.append(
            el(
                "rect",
                x=0,
                y=lane.top,
                width=frame.width,
                height=lane.bottom - lane.top,
                class_=f"lane r{lane.region}{other}",
            )
        )
        drawn.append(
            el(
                "rect",
                x=0,
                y=lane.top,
                width=5,
                height=lane.bottom - lane.top,
                class_=f"lanebar r{lane.region}{other}",
            )
        )
    drawn += time_axis(what.axis, 0, what.height, hours=what.style != "bundles")
    if what.style == "rows":
        drawn += rows.life_lines(of, what, region)
        drawn += rows.same_party(of, what, nodes)
    drawn.append(el("g", *_links(of, what, region), class_="links"))
    if what.style == "rows":
        drawn += rows.assets(of, what, region, _one_thing(explanation))
    drawn.append(el("g", *_nodes(of, what, nodes, anchor), class_="nodes"))
    drawn += _lane_names(explanation, what, region)
    if what.style == "rows" and frame.full and region is None:
        drawn += rows.amount_labels(of, what, explanation.alert.subject_kind == "asset")
    kind = "solo" if region else "jointly"
    style = "rows" if what.style == "rows" else "bundled"
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {number(frame.width)} {number(height)}",
        class_=f"pic flow {kind} {style}",
        role="group" if anchor else "img",
        aria_labelledby=f"{uid}-t",
        aria_describedby=f"{uid}-d",
        data_vantage=region or "joint",
    )


def _legend(what: Layout, region: str | None) -> str:
    size = (
        "气泡数字为处数（一方在一地为一处）A number counts parties by place. "
        if what.style == "bundles"
        else ""
    )
    if region is None:
        return (
            "横轴为时间，纵轴为地区；跨地区的线深，其余淡；线宽随金额对数。"
            "x is time, y is the region; links between regions are strong, others faint; "
            f"width grows with the logarithm of the amount. {size}"
        )
    return (
        "实心为本地账户，虚线为在边界被切断的交易，淡影为本地没有的报告。"
        "Solid: own accounts; dotted: transfers cut at the border; ghosts: never reported here. "
        f"{size}"
    )


def _lane_names(explanation: Explanation, what: Layout, region: str | None) -> list[Markup]:
    covered = {cover.region: cover for cover in explanation.coverage}
    drawn = []
    for lane in what.lanes:
        zh, en = lane_name(lane.region)
        middle = (lane.top + lane.bottom) / 2
        tall = lane.bottom - lane.top > 80
        y = lane.top + 24 if tall else middle - 2
        drawn.append(el("text", zh, x=14, y=y, class_=f"tinted lanename r{lane.region}"))
        drawn.append(el("text", en, x=14, y=y + 14, class_="small"))
        cover = covered.get(lane.region)
        if what.frame.full and region is None and cover is not None:
            drawn += _lane_summary(cover, what.frame.right + 16, middle)
    return drawn


def _lane_summary(cover: Coverage, x: float, y: float) -> list[Markup]:
    fires = cover.first_crossing is not None
    return [
        el(
            "circle",
            cx=x + 5,
            cy=y - 6,
            r=5,
            class_=f"dot r{cover.region}" + (" fires" if fires else ""),
        ),
        el(
            "text", f"看到 {cover.seen_transactions}/{cover.all_transactions} 笔", x=x + 16, y=y - 2
        ),
        el(
            "text",
            f"sees {cover.seen_transactions} of {cover.all_transactions}",
            x=x + 16,
            y=y + 12,
            class_="small",
        ),
    ]


def _links(of: Graph, what: Layout, region: str | None) -> list[Markup]:
    drawn = []
    for link in sorted(what.links, key=lambda link: link.crosses):  # strong ones on top
        inside = [of.transfers[place] for place in link.transfers]
        state = ""
        if region:
            states = [of.link_state(transfer, region) for transfer in inside]
            held = [s for s in states if s != "ghost"]
            state = f" {held[0]}" if held else " ghost"
            if held:
                inside = [t for t, s in zip(inside, states, strict=True) if s != "ghost"]
        total = sum(transfer.amount_fen or 0 for transfer in inside)
        hue = what.nodes[link.source].region
        drawn.append(
            el(
                "path",
                el("title", _link_title(of, inside, total)),
                d=link.path,
                stroke_width=stroke(total),
                class_=f"link r{hue}" + (" cross" if link.crosses else "") + state,
            )
        )
        if what.style == "rows":
            drawn.append(_tip(what, link, hue, state))
    return drawn


def _tip(what: Layout, link: Link, hue: str, state: str) -> Markup:
    x, y = link.start, what.nodes[link.target].y
    if link.source == link.target:
        x += 14
    down = what.nodes[link.source].y <= y
    base = y - 9 if down else y + 9
    path = f"M{x:.1f} {y - 1 if down else y + 1:.1f}L{x - 4:.1f} {base:.1f}H{x + 4:.1f}Z"
    return el("path", d=path, class_=f"tip r{hue}{state}")


def _link_title(of: Graph, transfers: Sequence[Transfer], total: int) -> str:
    one = transfers[0]
    payer, payee = of.accounts[one.source], of.accounts[one.target]
    if len(transfers) == 1:
        who = " ".join(lane_name(region)[0] for region in one.seen_by) or "—"
        return (
            f"{payer.label} → {payee.label} {wan(one.amount_fen)} 万元 CNY 10k，{when(one.time)}"
            f"，报告到 reported to {who}"
        )
    return (
        f"{lane_name(payer.region)[0]} → {lane_name(payee.region)[0]} {len(transfers)} 笔 transfers"
        f"，{wan(total)} 万元 CNY 10k"
    )


def _nodes(of: Graph, what: Layout, states: Sequence[str], anchor: str | None) -> list[Markup]:
    drawn = []
    for node in what.nodes:
        mine = [states[place] for place in node.accounts]
        state = next(s for s in ("own", "far", "ghost") if s in mine)
        known = [p for p, s in zip(node.accounts, mine, strict=True) if s != "ghost"]
        shown = known or list(node.accounts)
        name = _node_name(of, node, shown) if state != "ghost" else "此处没有报告 not reported here"
        parts = [el("title", name), el("circle", cx=node.x, cy=node.y, r=node.r)]
        label = of.accounts[shown[0]].label[:2]
        text = label if what.style == "rows" or len(shown) == 1 else str(len(shown))
        if what.style == "rows" or (what.style == "bundles" and text_width(text, 12) < 2 * node.r):
            css = "two" if what.style == "rows" and len(text) > 1 else None
            parts.append(el("text", text, x=node.x, y=node.y + 4.3, class_=css))
        css = f"node r{node.region} {state}" + (" hub" if node.hub and state == "own" else "")
        if anchor:
            party = of.accounts[node.accounts[0]].label_en
            target = f"#{anchor}-{party}" if len(node.accounts) == 1 else f"#{anchor}"
            drawn.append(el("a", *parts, href=target, class_=css, aria_label=name))
        else:
            drawn.append(el("g", *parts, class_=css))
    return drawn


def _node_name(of: Graph, node: Node, shown: Sequence[int]) -> str:
    accounts = [of.accounts[place] for place in shown]
    zh, en = lane_name(node.region)
    paid = wan(sum(account.paid_fen for account in accounts))
    received = wan(sum(account.received_fen for account in accounts))
    sums = f"付出 paid {paid}，收到 received {received} 万元 CNY 10k"
    if len(accounts) > 1:
        return f"{zh} {en}：{len(accounts)} 处 places，{sums}"
    one = accounts[0]
    kind = _KINDS[one.kind]
    where = NAMES.get(one.area, (one.area, one.area))
    return (
        f"{one.label} {one.label_en}，{kind[0]} {kind[1]}，{where[0]} {where[1]}："
        f"{sums}，{one.transfers} 笔 transfers"
    )


def _one_thing(explanation: Explanation) -> str:
    """What all transfers are about, of an alert on one asset."""
    if explanation.alert.subject_kind != "asset":
        return ""
    if any(row.market == "WRCT" for row in explanation.evidence):
        return "货物 goods"
    return "发票或合同 invoice or contract"
