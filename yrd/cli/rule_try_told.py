"""What `yrd rule try` prints: what changes, a bar for each view, examples, the paired score."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yrd.cli.common import filled, stdout
from yrd.cli.rule_words import word

if TYPE_CHECKING:
    from pipelines.rules.registry import Rule
    from serving.answers.words import Lang

_BAR = 30
_KINDS = (("kept", "=", "dim"), ("gained", "+", "green"), ("lost", "-", "red"))
_EN: Mapping[str, str] = {
    "own": " in {place}'s own set",
    "note": "groups as known today",
    "not_evaluated": "not evaluated",
    "alerts": "alerts {today} -> {tried}: {kept} kept ({changed} say another thing), "
    "[bold]{gained} gained, {lost} lost[/bold]",
    "view": "{kept} kept, {gained} gained, {lost} lost",
    "joint": "joint",
    "alone": "{place} alone",
    "hidden_by_split": "hidden from each",
    "gained": "gained",
    "lost": "lost",
    "heads": "{what}, Beijing time|variant, subject|peak, evidence|seen alone by",
    "part": " (part)",
    "band": " (band {band})",
    "nobody": "nobody",
    "hidden": "nobody: hidden",
    "more": "... and {more} more",
    "cold": "cold (history shorter than the horizon), not counted: {today} -> {tried}; "
    "--warmup TAPE gives them a history",
    "cost": "cost {today} -> {tried} CPU-s over {reports:,} reports; "
    "set aside: {aside} -> {aside_tried} alerts",
    "try": "try {number} on this tape ({tape}); nothing was published",
    "unlabelled": "no labels of this rule: nothing to score against",
    "labelled": "labelled schemes",
    "holdout": "hold-out, never used for choosing",
    "today": "today",
    "tried": "tried",
    "shares": "recall {recall}  precision {precision}",
    "paired": "found by both {both}, only today {only_today}, only tried {only_tried}, "
    "neither {neither}; recall {difference:+.3f} ({low:+.3f} to {high:+.3f}), p = {p_value}",
}
_ZH: Mapping[str, str] = {
    "own": "（{place}自己的参数集）",
    "note": "按今日所知的控制关系",
    "not_evaluated": "未评估",
    "alerts": "预警 {today} -> {tried}：保留 {kept}（其中 {changed} 内容有变），"
    "[bold]新增 {gained}，失去 {lost}[/bold]",
    "view": "保留 {kept}，新增 {gained}，失去 {lost}",
    "joint": "联合",
    "alone": "{place}单独",
    "hidden_by_split": "各地均看不到",
    "gained": "新增",
    "lost": "失去",
    "heads": "{what}，北京时间|口径、对象|峰值、证据|单独可见",
    "part": "（部分）",
    "band": "（第 {band} 档）",
    "nobody": "无",
    "hidden": "无（隐藏）",
    "more": "……另有 {more} 个",
    "cold": "冷启动（历史短于回看期），不计：{today} -> {tried}；--warmup TAPE 可补历史",
    "cost": "耗用 {today} -> {tried} CPU 秒，{reports:,} 份报告；"
    "留出日：{aside} -> {aside_tried} 个预警",
    "try": "在此磁带（{tape}）上的第 {number} 次试算；未发布任何内容",
    "unlabelled": "此规则无标注：无从评分",
    "labelled": "有标注的方案",
    "holdout": "留出日，从未用于选定数值",
    "today": "现行",
    "tried": "试算",
    "shares": "召回 {recall}  精确 {precision}",
    "paired": "两者均发现 {both}，仅现行 {only_today}，仅试算 {only_tried}，均未发现 {neither}；"
    "召回 {difference:+.3f}（{low:+.3f} 至 {high:+.3f}），p = {p_value}",
}


def show(found: Mapping[str, Any], rule: "Rule", lang: "Lang") -> None:
    """Print a try for people."""
    from serving.answers import words

    say = _ZH if lang == "zh" else _EN
    origin = words.ORIGIN[found["data_origin"]][0 if lang == "zh" else 1]
    region = found["region"]
    where = say["own"].format(place=words.place(region, lang)) if region else ""
    stdout.print(f"[bold]{rule.name}[/bold]{where}  \\[{found['data_origin']}: {origin}]")
    if found["note"]:
        stdout.print(f"[bold red]{found['note']}[/bold red]: {say['note']}")
    for name, value in found["set"].items():
        unit = word(rule.parameters[name].unit, lang == "zh")
        stdout.print(f"  {name}: {found['today'][name]:,} -> {value:,} {unit}", highlight=False)
    if found["not_evaluated"]:
        why = f"{say['not_evaluated']}: {found['not_evaluated']}"
        stdout.print(why, highlight=False, markup=False)
        return
    counts = found["alerts"]
    _print("\n" + say["alerts"].format(**counts))
    _bars(found["by_view"], say, lang)
    for what in ("gained", "lost"):
        _examples(what, found["examples"][what], counts[what], rule, say, lang)
    if any(found["alerts"]["cold"].values()):
        _print("\n" + say["cold"].format(**counts["cold"]))
    _scored(found, say)
    aside = counts["set_aside"]
    _print(
        "\n"
        + say["cost"].format(
            **found["cpu_s"],
            reports=found["reports"],
            aside=aside["today"],
            aside_tried=aside["tried"],
        )
    )
    _print(say["try"].format(number=found["try"], tape=found["tape"][:12]))


def _print(text: str) -> None:
    stdout.print(text, highlight=False)


def _bars(views: Mapping[str, Mapping[str, int]], say: Mapping[str, str], lang: "Lang") -> None:
    from serving.answers.words import place

    most = max(*(sum(counts.values()) for counts in views.values()), 1)
    for view, counts in views.items():
        name = filled(say.get(view) or say["alone"].format(place=place(view, lang)), 17)
        parts = [
            (sign * round(_BAR * counts[what] / most), colour) for what, sign, colour in _KINDS
        ]
        drawn = "".join(f"[{colour}]{text}[/{colour}]" for text, colour in parts if text)
        width = sum(len(text) for text, _ in parts)
        gap = " " * max(_BAR + 2 - width, 1)
        _print(f"  {name}{drawn}{gap}{say['view'].format(**counts)}")


def _examples(
    what: str,
    rows: Sequence[Mapping[str, Any]],
    total: int,
    rule: "Rule",
    say: Mapping[str, str],
    lang: "Lang",
) -> None:
    from datetime import datetime

    from rich.table import Table

    from serving.answers import words
    from serving.answers.ask import BEIJING

    if not rows:
        return
    zh = lang == "zh"
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = say["heads"].format(what=say[what]).split("|")
    for head in heads:
        table.add_column(
            head, no_wrap=head != heads[-1], overflow="fold" if lang == "zh" else "ellipsis"
        )
    for row in rows:
        at = datetime.fromisoformat(row["first_crossing"]).astimezone(BEIJING)
        alone = [
            f"{words.place(region, lang)}{'' if status == 'seen' else say['part']}"
            for region, status in row["solo_status"].items()
            if status != "none"
        ]
        peak = words.measure(row["peak_measure"], rule.unit, lang)
        proof = row["evidence"]
        table.add_row(
            f"{at:%Y-%m-%d %H:%M}",
            f"{row['variant']}\n{word(row['subject_kind'], zh)} {row['subject']}",
            f"{peak}{say['band'].format(band=row['peak_band'])}\n"
            + (f"{proof:,} 笔" if zh else words.several(proof, "transaction", "transactions")),
            ("、" if zh else ", ").join(alone)
            or say["hidden" if row["hidden_by_split"] else "nobody"],
        )
    stdout.print()
    stdout.print(table, highlight=False)
    if total > len(rows):
        _print(say["more"].format(more=total - len(rows)))


def _scored(found: Mapping[str, Any], say: Mapping[str, str]) -> None:
    if found["score"] is None:
        _print("\n" + say["unlabelled"])
        return
    for title, score in (
        ("labelled", found["score"]),
        ("holdout", found["holdout"]["score"]),
    ):
        pair = score["paired"]
        _print(f"\n[bold]{say[title]}[/bold]: {score['planted']}")
        for side in ("today", "tried"):
            shares = {name: ratio(score[side][name]) for name in ("recall", "precision")}
            _print(f"  {say[side]:<6} {say['shares'].format(**shares)}")
        if pair["n"]:
            _print(f"  {say['paired'].format(**pair)}")


def ratio(told: Mapping[str, Any]) -> str:
    """A share with its numbers and interval, from its JSON."""
    if not told["n"]:
        return "- (n=0)"
    return (
        f"{told['hits']}/{told['n']} = {told['value']:.2f} ({told['low']:.2f}-{told['high']:.2f})"
    )
