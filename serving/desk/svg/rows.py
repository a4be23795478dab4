"""What only the small flow picture has, where every account is a row of its lane.

Rows up to an account's last transfer, brackets around the places of one party, marks on assets,
and amounts beside the arcs.
"""

from collections.abc import Sequence
from itertools import product

from markupsafe import Markup

from serving.desk.svg.graph import Graph
from serving.desk.svg.layout import Layout, Node
from serving.desk.svg.mark import el, text_width
from serving.desk.svg.say import wan

_LABELLED = 28  # more amounts than these would hide the arcs


def life_lines(of: Graph, what: Layout, region: str | None) -> list[Markup]:
    """A row for each account, up to its last transfer; ghostly after the last one held."""
    drawn = []
    for place, node in enumerate(what.nodes):
        mine = [link for link in what.links if place in (link.source, link.target)]
        held = [
            link
            for link in mine
            if region is None or region in of.transfers[link.transfers[0]].seen_by
        ]
        start = node.x + node.r
        if held:
            end = max(link.start for link in held)
            drawn.append(_row(node, start, end, ""))
            start = end
        if len(held) < len(mine) and max(link.start for link in mine) > start:
            drawn.append(_row(node, start, max(link.start for link in mine), " ghost"))
    return drawn


def _row(node: Node, start: float, end: float, state: str) -> Markup:
    return el("line", x1=start, x2=end, y1=node.y, y2=node.y, class_=f"row r{node.region}{state}")


def same_party(of: Graph, what: Layout, states: Sequence[str]) -> list[Markup]:
    """A dashed bracket beside the heads of one party that has accounts in several places."""
    heads: dict[str, list[Node]] = {}
    for node, state in zip(what.nodes, states, strict=True):
        if state != "ghost":
            heads.setdefault(of.accounts[node.accounts[0]].label, []).append(node)
    drawn: list[Markup] = []
    for nodes in heads.values():
        if len(nodes) < 2 or len(drawn) == 3:
            continue
        ys = sorted(node.y for node in nodes)
        edge = nodes[0].x - nodes[0].r
        x = edge - 5 - 5 * len(drawn)
        path = f"M{edge:.1f} {ys[0]:.1f}H{x:.1f}V{ys[-1]:.1f}H{edge:.1f}" + "".join(
            f"M{x:.1f} {y:.1f}H{edge:.1f}" for y in ys[1:-1]
        )
        drawn.append(el("path", el("title", "同一主体 one party"), d=path, class_="same"))
    return drawn


def assets(of: Graph, what: Layout, region: str | None, common: str) -> list[Markup]:
    """A diamond on each transfer that names an asset, and a line through those naming the same.

    `common`: what the one asset is that all transfers share (an invoice, goods), else empty.
    """
    marks: dict[str, list[tuple[float, float]]] = {}
    for link in what.links:
        transfer = of.transfers[link.transfers[0]]
        name = common or transfer.asset
        if name and (region is None or region in transfer.seen_by):
            marks.setdefault(name, []).append((link.x, link.y))
    drawn: list[Markup] = []
    for name, points in marks.items():
        if len(points) > 1:
            path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            drawn.append(
                el("path", el("title", f"同一标的 the same: {name}"), d=path, class_="assetline")
            )
        drawn += [
            el("path", el("title", name), d=f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z", class_="asset")
            for x, y in points
        ]
    return drawn


def amount_labels(of: Graph, what: Layout, common: bool) -> list[Markup]:
    """Amounts beside their arcs where they stand clear of each other and of the arcs' ends."""
    if len(what.links) > _LABELLED:
        return []
    taken: list[tuple[float, float, float, float]] = []
    drawn = []
    for link in what.links:
        transfer = of.transfers[link.transfers[0]]
        text = wan(transfer.amount_fen)
        if transfer.asset:
            text = f"{transfer.asset} {text}"
        wide = text_width(text, 11)
        marked = bool(transfer.asset) or common
        mark = 11 if marked else 5
        shifts = (-14.0, 14.0, 0.0) if marked else (0.0, -14.0, 14.0, -28.0, 28.0)
        y1, y2 = what.nodes[link.source].y, what.nodes[link.target].y
        low, high = min(y1, y2), max(y1, y2)
        beside = (link.x + mark, min(link.start, link.x - mark + 5) - 6 - wide)
        for shift, left in product(shifts, beside):
            y = link.y + 4 + shift
            box = (left, y - 11, left + wide, y + 3)
            outside = box[2] > what.frame.right or box[0] < what.frame.left
            if outside or not low - 6 <= y - 4 <= high + 6 or any(_meet(box, o) for o in taken):
                continue
            taken.append(box)
            drawn.append(el("text", text, x=left, y=y, class_="small halo amount"))
            break
    return drawn


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
