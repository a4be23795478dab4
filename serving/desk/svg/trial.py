"""The picture of a try: for each view, alerts kept, gained and lost."""

from collections.abc import Mapping

from markupsafe import Markup

from schemas.regions import NAMES
from serving.desk.svg.mark import el, number

PARTS = (
    ("kept", "保留", "kept"),
    ("gained", "新增", "gained"),
    ("lost", "失去", "lost"),
)
_WIDTH, _NAME, _ROW = 1000.0, 210.0, 46.0
_HIDDEN = ("四地均未报", "hidden from each")


def trial(views: Mapping[str, Mapping[str, int]], uid: str) -> Markup:
    """One row a view: a bar of kept and gained alerts to the right, of lost ones to the left.

    Args:
        views: view -> counts of `kept`, `gained` and `lost`; a view is `joint`, a region's code,
            or another word for what all regions miss.
        uid: A prefix for element ids, unique in the page.
    """
    least = max(*(row["lost"] for row in views.values()), 1)
    most = max(*(row["kept"] + row["gained"] for row in views.values()), 1)
    scale = (_WIDTH - _NAME - 300) / (least + most)
    middle = _NAME + least * scale
    drawn = [el("title", "预警的增减 Alerts gained and lost", id=f"{uid}-t")]
    for place, (view, row) in enumerate(views.items()):
        y = place * _ROW
        zh, en = NAMES.get(view, _HIDDEN)
        drawn += [
            el("text", zh, x=0, y=y + 18, class_="strong"),
            el("text", en, x=0, y=y + 33, class_="small"),
            _bar(middle - row["lost"] * scale, y, row["lost"] * scale, "missed"),
            _bar(middle, y, row["kept"] * scale, "pending"),
            _bar(middle + row["kept"] * scale, y, row["gained"] * scale, "found"),
            el(
                "text",
                "，".join(f"{zh} {en} {row[name]:,}" for name, zh, en in PARTS),
                x=middle + (row["kept"] + row["gained"]) * scale + 10,
                y=y + 24,
                class_="value",
            ),
        ]
    height = len(views) * _ROW
    drawn.append(el("line", x1=middle, x2=middle, y1=0, y2=height, class_="dayline"))
    return el(
        "svg",
        *drawn,
        viewBox=f"0 0 {number(_WIDTH)} {number(height)}",
        class_="pic trial",
        role="img",
        aria_labelledby=f"{uid}-t",
    )


def _bar(x: float, y: float, width: float, css: str) -> Markup:
    if not width:
        return Markup("")
    return el("rect", x=x, y=y + 8, width=max(width, 1.0), height=22, class_=f"part {css}")
