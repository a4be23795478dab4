"""The page of a try: what other numbers would gain and lose, in a picture and in tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pipelines.rules.registry import Rule
from schemas.regions import NAMES
from serving.answers import words
from serving.desk.page.compose import origin_of, stylesheet
from serving.desk.page.shell import page
from serving.desk.svg.charts import key
from serving.desk.svg.mark import both, el, join
from serving.desk.svg.trial import PARTS, trial

_LOOK = {"kept": "pending", "gained": "found", "lost": "missed"}


def trial_page(found: Mapping[str, Any], rule: Rule) -> str:
    """The page, as text; the same input gives the same bytes.

    Args:
        found: What `yrd rule try --json` prints.
        rule: The rule that was tried.
    """
    counts = found["alerts"]
    where = NAMES[found["region"]] if found["region"] else ("联合参数", "the joint set")
    numbers = [
        [name, f"{found['today'][name]:,}", f"{value:,}", rule.parameters[name].unit]
        for name, value in found["set"].items()
    ]
    parts = [
        el("p", both(rule.question[0], rule.question[1]), class_="lead"),
        _section(
            ("所试数值", "Values tried"),
            el("p", both(f"适用于：{where[0]}", f"for: {where[1]}")),
            _table(("参数 parameter", "现行 today", "试行 tried", "单位 unit"), numbers),
        ),
        _section(
            ("预警的增减", "Alerts gained and lost"),
            el(
                "p",
                both(
                    f"现行 {counts['today']} 条，试行 {counts['tried']} 条：保留 {counts['kept']}，"
                    f"新增 {counts['gained']}，失去 {counts['lost']}。",
                    f"{counts['today']} today, {counts['tried']} tried: {counts['kept']} kept, "
                    f"{counts['gained']} gained, {counts['lost']} lost.",
                ),
            ),
            el("div", trial(found["by_view"], "trial"), class_="scroll chart"),
            el("p", *(key(_LOOK[name], zh, en) for name, zh, en in PARTS)),
            _examples("新增 gained", found["examples"]["gained"], rule),
            _examples("失去 lost", found["examples"]["lost"], rule),
        ),
        _section(("得分", "Score"), _scores(found)),
        _section(
            ("口径", "How it was counted"),
            el(
                "p",
                both(
                    f"第 {found['try']} 次在此带上试算；历史短于回看期的预警不计分（现行 "
                    f"{counts['cold']['today']} 条，试行 {counts['cold']['tried']} 条）；留出日不"
                    f"参与比较。未发布任何结果。",
                    f"Try {found['try']} on this tape; alerts whose history is shorter than the "
                    f"rule looks back are not counted ({counts['cold']['today']} today, "
                    f"{counts['cold']['tried']} tried); days set aside take no part in the "
                    "comparison. Nothing was published.",
                ),
            ),
            el(
                "p",
                f"CPU {found['cpu_s']['today']} s → {found['cpu_s']['tried']} s; "
                f"{found['reports']:,} 条 reports; tape ",
                el("code", found["tape"][:16]),
            ),
        ),
    ]
    title = (f"试行：{rule.name}", f"Trying {rule.name}")
    return page(title, origin_of(found["data_origin"]), stylesheet(), join(parts))


def _section(title: tuple[str, str], *inner: Markup) -> Markup:
    return el("section", el("h2", f"{title[0]} ", el("span", title[1], class_="en")), *inner)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    head = el("thead", el("tr", *(el("th", text, scope="col") for text in heads)))
    body = el("tbody", *(el("tr", *(el("td", cell) for cell in row)) for row in rows))
    return el("div", el("table", head, body, class_="list"), class_="scroll")


def _examples(title: str, rows: Sequence[Mapping[str, Any]], rule: Rule) -> Markup:
    if not rows:
        return Markup("")
    heads = ("时间 first crossing (UTC)", "口径 variant", "对象 subject", "峰值 peak", "单独 alone")
    cells = [
        [
            row["first_crossing"][:16],
            row["variant"],
            f"{row['subject_kind']} {row['subject']}",
            f"{words.measure(row['peak_measure'], rule.unit, 'en')} (band {row['peak_band']})",
            ", ".join(
                " ".join(NAMES[region]) for region, s in row["solo_status"].items() if s != "none"
            )
            or "—",
        ]
        for row in rows
    ]
    return join([el("h3", title), _table(heads, cells)])


def _scores(found: Mapping[str, Any]) -> Markup:
    if found["score"] is None:
        return el("p", both("此带无该规则的标注。", "The tape has no labels of this rule."))
    rows = []
    for title, score in (
        ("可用日 days in use", found["score"]),
        ("留出日 hold-out, never used for choosing", found["holdout"]["score"]),
    ):
        pair = score["paired"]
        for side, name in (("today", "现行 today"), ("tried", "试行 tried")):
            rows.append([title, name, *(_ratio(score[side][k]) for k in ("recall", "precision"))])
        if pair["n"]:
            told = (
                f"both {pair['both']}, only today {pair['only_today']}, only tried "
                f"{pair['only_tried']}, neither {pair['neither']}"
            )
            gap = f"{pair['difference']:+.3f} ({pair['low']:+.3f} to {pair['high']:+.3f})"
            rows.append([title, "成对 paired", f"{gap}, p = {pair['p_value']}", told])
    return _table(("", "", "召回 recall", "精确 precision"), rows)


def _ratio(told: Mapping[str, Any]) -> str:
    if not told["n"]:
        return "n = 0"
    share = f"{told['value']:.2f} ({told['low']:.2f}–{told['high']:.2f})"
    return f"{told['hits']}/{told['n']} = {share}"
