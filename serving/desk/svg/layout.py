"""Where everything stands in a flow picture: x = time, y = region lane. Geometry only.

Small alerts: every account is a row of its lane with its letter at the left, every transfer an arc
between two rows at its own time. Large ones: accounts are bundled by (region, hop, day), so that
400 accounts read as about 30 bubbles; `every account` draws them all as dots in the same way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from serving.desk.svg.axis import Axis, axis
from serving.desk.svg.graph import Graph

Detail = Literal["auto", "rows", "bundles", "accounts"]

MAX_ROWS = 24
MAX_ARCS = 90
HEAD = 11.0
_DOT = 3.5  # px, the smallest bundle


@dataclass(frozen=True, slots=True)
class Frame:
    """How large a picture is: whole width, the plot's left and right edge, row and lane heights."""

    width: float
    left: float
    right: float
    row: float
    lane: float

    @property
    def full(self) -> bool:
        """Whether there is room for amounts and lane summaries."""
        return self.width >= 900


WIDE = Frame(1080, 156, 924, 30, 112)
NARROW = Frame(540, 118, 528, 27, 78)


@dataclass(frozen=True, slots=True)
class Lane:
    """One region's stretch of the y axis."""

    region: str
    top: float
    bottom: float
    accounts: int


@dataclass(frozen=True, slots=True)
class Node:
    """One circle: its accounts are indices into `Graph.accounts`."""

    x: float
    y: float
    r: float
    region: str
    accounts: tuple[int, ...]
    hub: bool


@dataclass(frozen=True, slots=True)
class Link:
    """One line from node to node: its transfers are indices into `Graph.transfers`."""

    source: int
    target: int
    transfers: tuple[int, ...]
    path: str
    x: float  # the middle of the line, where a label may stand
    y: float
    start: float  # x where it leaves its source
    crosses: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A laid-out graph."""

    frame: Frame
    axis: Axis
    lanes: tuple[Lane, ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    style: Literal["rows", "bundles", "accounts"]
    height: float  # of the lanes together


def layout(of: Graph, frame: Frame = WIDE, detail: Detail = "auto") -> Layout:
    """Lay out a graph; `auto` draws rows where they can be read and bundles elsewhere."""
    style = detail
    if style == "auto":
        small = len(of.accounts) <= MAX_ROWS and len(of.transfers) <= MAX_ARCS
        style = "rows" if small else "bundles"
    time = axis([transfer.time for transfer in of.transfers], frame.left, frame.right)
    if style == "rows":
        return _rows(of, frame, time)
    return _bubbles(of, frame, time, "bundles" if style == "bundles" else "accounts")


def stroke(fen: int) -> float:
    """The width of a link: grows with the logarithm of its amount, 1 to 6.

    Example:
        >>> [round(stroke(fen), 1) for fen in (0, 10**6, 10**8, 10**12)]
        [1.0, 1.4, 3.2, 6.0]
    """
    return min(6.0, max(1.0, 0.9 * (math.log10(max(fen, 1)) - 4.4)))


def _lanes(of: Graph, heights: dict[str, float]) -> tuple[tuple[Lane, ...], float]:
    counts: dict[str, int] = {}
    for account in of.accounts:
        counts[account.region] = counts.get(account.region, 0) + 1
    lanes: list[Lane] = []
    top = 0.0
    for region in of.lanes:
        lanes.append(Lane(region, top, top + heights[region], counts.get(region, 0)))
        top += heights[region] + 4
    return tuple(lanes), top - 4


def spread(places: Sequence[float], left: float, right: float, gap: float) -> list[float]:
    """Rising places moved apart to at least `gap` (less if there is no room) between two bounds.

    Example:
        >>> spread([1, 1, 2, 50], 0, 20, 4)
        [1, 5, 9, 20]
    """
    gap = min(gap, (right - left) / max(1, len(places) - 1))
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else max(place, left))
    limit = right
    for position in range(len(moved) - 1, -1, -1):
        moved[position] = min(moved[position], limit)
        limit = moved[position] - gap
    return moved


def _rows(of: Graph, frame: Frame, time: Axis) -> Layout:
    members = {
        region: [i for i, a in enumerate(of.accounts) if a.region == region] for region in of.lanes
    }
    heights = {
        region: max(42.0, len(inside) * frame.row + 14) for region, inside in members.items()
    }
    lanes, height = _lanes(of, heights)
    ys: dict[int, float] = {}
    for lane in lanes:
        inside = members[lane.region]
        middle = (lane.top + lane.bottom) / 2
        for position, place in enumerate(inside):
            ys[place] = middle + (position - (len(inside) - 1) / 2) * frame.row
    xs = spread([time.x(t.time) for t in of.transfers], frame.left + 4, frame.right - 10, 9)
    links = []
    for place, (transfer, x) in enumerate(zip(of.transfers, xs, strict=True)):
        y1, y2 = ys[transfer.source], ys[transfer.target]
        if transfer.source == transfer.target:
            path = (
                f"M{x:.1f} {y1 - 2:.1f}C{x:.1f} {y1 - 16:.1f} {x + 14:.1f} {y1 - 16:.1f} "
                f"{x + 14:.1f} {y1 - 3:.1f}"
            )
            middle_x, middle_y = x + 11, y1 - 10
        else:
            bow = min(16.0, 4 + abs(y2 - y1) / 14)
            end = y2 - 4 if y2 > y1 else y2 + 4
            path = (
                f"M{x:.1f} {y1:.1f}C{x + bow:.1f} {y1 + (y2 - y1) * 0.35:.1f} "
                f"{x + bow:.1f} {y1 + (y2 - y1) * 0.65:.1f} {x:.1f} {end:.1f}"
            )
            middle_x, middle_y = x + bow * 0.75, (y1 + y2) / 2
        links.append(
            Link(
                source=transfer.source,
                target=transfer.target,
                transfers=(place,),
                path=path,
                x=middle_x,
                y=middle_y,
                start=x,
                crosses=transfer.crosses,
            )
        )
    head = frame.left - 26
    nodes = [
        Node(head, ys[place], HEAD, account.region, (place,), account.hub)
        for place, account in enumerate(of.accounts)
    ]
    return Layout(frame, time, lanes, tuple(nodes), tuple(links), "rows", height)


def _bubbles(of: Graph, frame: Frame, time: Axis, style: Literal["bundles", "accounts"]) -> Layout:
    lanes, height = _lanes(of, dict.fromkeys(of.lanes, frame.lane))
    groups: dict[tuple[int, int, int, int, int], list[int]] = {}
    hops: dict[int, set[int]] = {}
    for place, account in enumerate(of.accounts):
        lane = of.lanes.index(account.region)
        day = time.day_of(account.first_time).ordinal
        hops.setdefault(day, set()).add(account.hop)
        alone = place if style == "accounts" else -1
        key = (lane, day, account.hop, int(account.hub), alone)
        groups.setdefault(key, []).append(place)
    nodes: list[Node] = []
    node_of: dict[int, int] = {}
    taken: dict[int, list[tuple[float, float, float]]] = {}
    for key, inside in sorted(groups.items()):
        band = lanes[key[0]]
        size = len(inside)
        radius = 3.0 if style == "accounts" else min(21.0, 6.5 + 2.0 * math.sqrt(size))
        first = of.accounts[inside[0]].first_time
        if style == "accounts":
            x = time.x(first)
        else:  # within its day a bundle stands by its hop, so that money runs to the right
            day_slot, order = time.day_of(first), sorted(hops[key[1]])
            share = (order.index(key[2]) + 0.5) / len(order)
            x = day_slot.left + share * (day_slot.right - day_slot.left)
        room = (band.bottom - band.top) - 2 * radius - 10
        levels = 3 if style == "bundles" else 11
        start = key[2] if style == "bundles" else inside[0]
        best = (math.inf, 0.0)
        for attempt in range(levels):  # the first level without a collision, else the freest
            level = (start + attempt) % levels
            y = band.top + 5 + radius + room * level / (levels - 1)
            crowd = sum(
                max(0.0, radius + other_r + 2 - math.hypot(x - other_x, y - other_y))
                for other_x, other_y, other_r in taken.get(key[0], ())
            )
            if crowd < best[0]:
                best = (crowd, y)
            if crowd == 0:
                break
        y = best[1]
        taken.setdefault(key[0], []).append((x, y, radius))
        hub = any(of.accounts[place].hub for place in inside)
        for place in inside:
            node_of[place] = len(nodes)
        nodes.append(Node(x, y, radius, band.region, tuple(inside), hub))
    if style == "bundles":
        nodes = _apart(nodes)
    pairs: dict[tuple[int, int], list[int]] = {}
    for place, transfer in enumerate(of.transfers):
        pair = (node_of[transfer.source], node_of[transfer.target])
        pairs.setdefault(pair, []).append(place)
    links = tuple(
        _curve(nodes, source, target, tuple(inside), of.transfers[inside[0]].crosses)
        for (source, target), inside in sorted(pairs.items())
    )
    return Layout(frame, time, lanes, tuple(nodes), links, style, height)


def _apart(nodes: list[Node]) -> list[Node]:
    """Bundles that found no free place shrink until none lies on another, down to a dot."""
    sizes = [node.r for node in nodes]
    for one, node in enumerate(nodes):
        for other in range(one):
            if nodes[other].region != node.region:
                continue
            far = math.hypot(node.x - nodes[other].x, node.y - nodes[other].y) - 1
            both = sizes[one] + sizes[other]
            if both > far:
                share = max(far, 0.0) / both
                sizes[one] = max(_DOT, sizes[one] * share)
                sizes[other] = max(_DOT, sizes[other] * share)
    return [replace(node, r=size) for node, size in zip(nodes, sizes, strict=True)]


def _curve(
    nodes: Sequence[Node], source: int, target: int, transfers: tuple[int, ...], crosses: bool
) -> Link:
    a, b = nodes[source], nodes[target]
    if source == target:
        path = (
            f"M{a.x - a.r:.1f} {a.y:.1f}C{a.x - 3 * a.r:.1f} {a.y - 3 * a.r:.1f} "
            f"{a.x + 3 * a.r:.1f} {a.y - 3 * a.r:.1f} {a.x + a.r:.1f} {a.y:.1f}"
        )
    else:
        reach = max(26.0, abs(b.x - a.x) * 0.45)
        path = (
            f"M{a.x:.1f} {a.y:.1f}C{a.x + reach:.1f} {a.y:.1f} "
            f"{b.x - reach:.1f} {b.y:.1f} {b.x:.1f} {b.y:.1f}"
        )
    return Link(source, target, transfers, path, (a.x + b.x) / 2, (a.y + b.y) / 2, a.x, crosses)
