"""The page of a rule, made from its folder: nothing on it is written twice.

What only a person can say lies in `page.md` of the rule's folder, under the headings of `WRITTEN`;
everything else comes from `rule.toml`, the definition, the examples and `scores.json`. Run
`python -m pipelines.rules.pages docs/rules` to write the pages again; a test compares them. A page
that somebody wrote by hand there is taken over into `page.md` first, no sentence lost.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.rules.registry import FAMILIES, Parameter, Rule, load_parameters, load_rules
from pipelines.rules.scores import Measured, load_scores
from pipelines.rules.standing import Standing, standings
from schemas.errors import ConfigurationError
from schemas.regions import NAMES

MARK = "<!-- Made by `python -m pipelines.rules.pages docs/rules`; write in the rule's folder. -->"
# Headings of `page.md`, in the order of the page.
WRITTEN = ("Definition", "定义", "Joining", "合并", "Blind spots", "盲点")
_SHOWN = ("at", "below", "must_not_fire")  # examples that stand on the page as tables
_NUMBER = {
    "L": "law in force 法规在效",
    "L-": "superseded or draft 已废止或草案",
    "E": "exchange rule 交易所规则",
    "I": "practice or ours 行业做法或自设",
    "A": "academic, or ours and chosen on such data 学术，或在学术数据上自行选定",
}


def written(rule: Rule) -> Mapping[str, str]:
    """What a person wrote about a rule, by heading.

    Raises:
        ConfigurationError: a heading is not one of `WRITTEN`, or there is no definition in words.
    """
    path = rule.folder / "page.md"
    if not path.exists():
        raise ConfigurationError(
            f"{rule.name}/page.md: expected the definition in words under '## Definition'; write it"
        )
    found: dict[str, str] = {}
    parts = re.split(r"^## (.+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if parts[0].strip():
        raise ConfigurationError(f"{rule.name}/page.md: expected to begin with a heading '## ...'")
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        if heading.strip() not in WRITTEN:
            raise ConfigurationError(
                f"{rule.name}/page.md: {heading.strip()}: expected one of {', '.join(WRITTEN)}"
            )
        found[heading.strip()] = text.strip()
    if not found.get("Definition"):
        raise ConfigurationError(f"{rule.name}/page.md: Definition: expected a text; write it")
    return found


def page(rule: Rule) -> str:
    """The page of a rule, Markdown."""
    said = written(rule)
    blocks = [
        f"# {rule.name}",
        MARK,
        f"{rule.question[1]}\n\n{rule.question[0]}",
        *_facts(rule),
        *_words(said, "Definition", "定义"),
        "## Law 法律依据",
        *_law(rule),
        "## Parameters 参数",
        *_parameters(rule),
        "## Examples 例子",
        *_examples(rule),
        "## Measured 实测",
        *_measured(load_scores().get(rule.name, ())),
        "## Joining 合并",
        _lowers(rule),
        *(said[name] for name in ("Joining", "合并") if name in said),
        *_words(said, "Blind spots", "盲点"),
        f"## Definition in {'SQL' if rule.language == 'sql' else 'Python'} 定义原文",
        f"[definition.{rule.language}](../../pipelines/rules/{rule.name}/definition.{rule.language})"
        ": what the rule is; a kernel, where there is one, gives the same crossings.",
        f"```{'sql' if rule.language == 'sql' else 'python'}\n{rule.definition.strip()}\n```",
    ]
    return "\n\n".join(blocks) + "\n"


def _words(said: Mapping[str, str], en: str, zh: str) -> Iterator[str]:
    if en in said or zh in said:
        yield f"## {en} {zh}"
        yield from (said[name] for name in (en, zh) if name in said)


def _facts(rule: Rule) -> Iterator[str]:
    horizon = rule.horizon
    back = (
        f"{horizon.business_days} business days ({rule.calendar})"
        if horizon.business_days
        else _span(horizon.microseconds)
    )
    rows = [
        ("lane", f"{rule.lane}" + (f", key group `{rule.group}`" if rule.group else "")),
        ("title", f"{rule.title[1]}; {rule.title[0]}"),
        ("family", FAMILIES[rule.family][1]),
        ("purpose", rule.purpose),
        ("reads", ", ".join([*rule.reads, *(need for need in rule.needs if need != "tx")])),
        ("looks back", back),
        ("measure", f"{rule.measure[1]}; {rule.measure[0]} ({rule.unit})"),
        ("bands", "; ".join(f"{n}: {en}; {zh}" for n, (zh, en) in enumerate(rule.bands, 1))),
        ("same alert", f"by {rule.match}"),
        *_bounds(rule),
        ("in force from", rule.valid_from.isoformat()),
    ]
    yield _table(("", ""), rows)


def _bounds(rule: Rule) -> Iterator[tuple[str, str]]:
    """Where a search ends, if the rule has one, and who is told."""
    joint = load_parameters()[-1].of(rule)
    steps = [f"`{p.name}` = {joint[p.name]:,}" for p in rule.parameters.values() if _is_bound(p)]
    if steps:
        yield (
            "a search stops at",
            f"{', '.join(steps)} transfers looked at; the alert says so, and the summary of a run "
            "counts all such searches (`searches_cut`); 搜索到此为止，预警写明，汇总计数",
        )


def _is_bound(parameter: Parameter) -> bool:
    return parameter.unit == "transfers looked at"


def _span(microseconds: int) -> str:
    hours, rest = divmod(microseconds, 3_600_000_000)
    if rest:
        return f"{microseconds:,} us"
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"


def _law(rule: Rule) -> Iterator[str]:
    yield _table(
        ("variant", "subject", "use of the law", "in words"),
        [(f"`{v.name}`", v.subject, v.status_of_use, f"{v.en}; {v.zh}") for v in rule.variants],
    )
    rule = rule.at(load_parameters()[-1].of(rule))
    stands = [(v.name, standings(rule, v.name)) for v in rule.variants]
    heads = ("variant", "law 法律", "exchange 交易所", "published by others 他人公布", "ours 自设")
    yield (
        "Which number stands where; one used for more than its text says is not official for it. "
        "各数值的依据；超出原文范围使用的，不得称为法定。"
    )
    yield _table(heads, [(f"`{name}`", *_columns(numbers)) for name, numbers in stands])
    used = {p.status_of_number for p in rule.parameters.values()}
    told = "; ".join(f"**{s}** {text}" for s, text in _NUMBER.items() if s in used)
    plainly = any(
        (one.number, one.basis) == ("L", "as written") for _, all_ in stands for one in all_
    )
    official = (
        "Only L used as written may be called official."
        if plainly
        else "No number here is official for what it is used for."
    )
    yield f"Status of the numbers: {told}. {official} 只有按原文使用的 L 可称为法定数值。"


def _columns(numbers: Sequence[Standing]) -> Iterator[str]:
    """Numbers in law, of an exchange, of others and ours, a cell each."""
    for of in (("L", "L-"), ("E",), ("published",), ("ours",)):
        told = [
            f"{one.number}{'' if one.basis in of else f' {one.basis}'}: "
            + ", ".join(f"`{name}`" for name in one.names)
            for one in numbers
            if one.basis in of or one.number in of
        ]
        yield "; ".join(told) or "-"


def _used(parameter: Parameter) -> str:
    """From and to when the rule itself uses a number, where it says so."""
    if parameter.valid_from is None:
        return ""
    until = "" if parameter.valid_to is None else f" to {parameter.valid_to}"
    return f"; used from {parameter.valid_from}{until}"


def _parameters(rule: Rule) -> Iterator[str]:
    newest = load_parameters()[-1]
    joint = newest.of(rule)
    rows = [
        (
            f"`{p.name}`",
            f"{joint[p.name]:,}",
            p.unit,
            p.status_of_number,
            p.status_of_use,
            p.citation + _used(p) + (f"; {p.citation_zh}" if p.citation_zh else ""),
        )
        for p in rule.at(joint).parameters.values()
    ]
    heads = ("parameter", "value", "unit", "number", "use", "source")
    yield f"Joint set {newest.version}, from {newest.valid_from}: {newest.agreed_by}."
    yield _table(heads, rows)
    for region, own in newest.regional.items():
        if values := own.values.get(rule.name):
            told = ", ".join(f"`{name}` = {value:,}" for name, value in values.items())
            yield f"{' '.join(NAMES[region])}, solo vantage only: {told}."


def _examples(rule: Rule) -> Iterator[str]:
    paths = sorted((rule.folder / "examples").glob("*.toml"))
    told = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}
    yield "Beijing time, amounts in CNY, parties as letters; every one of them is a test."
    for name in (one for one in _SHOWN if one in told):
        yield f"**{name}**: {told[name]['about']}"
        yield from _blocks(told[name])
    rest = [(f"`{name}`", one["about"]) for name, one in told.items() if name not in _SHOWN]
    if rest:
        yield _table(("also", "what it shows"), rest)


def _blocks(example: Mapping[str, Any]) -> Iterator[str]:
    lines = []
    for name, value in example.items():
        if isinstance(value, str) and name != "about":
            rows = value.strip("\n").splitlines()
            lines += [f"{name}:", *(f"  {row}".rstrip() for row in rows or ["(none)"]), ""]
    if named := example.get("parameters"):
        lines.append("with " + ", ".join(f"{key} = {value}" for key, value in named.items()))
    yield "```text\n" + "\n".join(lines).rstrip() + "\n```"


def _measured(rows: Sequence[Measured]) -> Iterator[str]:
    if not rows:
        yield "Not scored yet. 尚未计分。"
        return
    yield (
        "What was planted or labelled is an input, not a finding; shares with their 95 % interval "
        "(Wilson). 植入或标注是输入，不是发现。"
    )
    yield _table(
        ("on", "recall", "precision", "found hidden", "measured"),
        [
            (
                one.on,
                ratio(one.recall),
                ratio(one.precision),
                "-" if one.hidden_by_split is None else str(one.hidden_by_split),
                one.measured,
            )
            for one in rows
        ],
    )
    yield "\n".join(f"    {command}" for command in dict.fromkeys(one.command for one in rows))


def ratio(told: Mapping[str, Any]) -> str:
    """A share with its numbers and its interval.

    Example:
        >>> ratio({"hits": 8, "n": 11, "value": 0.7273, "low": 0.4344, "high": 0.9025})
        '8/11 = 0.73 (0.43-0.90)'
    """
    if not told["n"]:
        return "n = 0"
    return (
        f"{told['hits']}/{told['n']} = {told['value']:.2f} ({told['low']:.2f}-{told['high']:.2f})"
    )


def _lowers(rule: Rule) -> str:
    if rule.joining_can_lower:
        return (
            "Joining can lower its measure: a region may raise what all together do not. Such an "
            "alert is *not raised jointly*, kept and shown. "
            "合并可能降低度量；仅单地报出的预警保留。"
        )
    return (
        "Joining never lowers its measure: more reports only add to it. "
        "合并不会降低度量：报送越多，度量只增不减。"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(heads), "|" + "---|" * len(heads), *(line(row) for row in rows)])


def taken_over(text: str, question: str = "") -> str:
    """`page.md` from a page somebody wrote by hand: what is said of limits and of joining apart.

    Args:
        text: the page; its title and, where it begins with it, the question are left out: the
            made page has them.
        question: the rule's.
    """
    body = re.sub(r"\A# .*\n", "", text).strip().removeprefix(question).strip()
    parts: dict[str, list[str]] = {"Definition": [], "Joining": [], "Blind spots": []}
    heading = "Definition"
    for block in re.split(r"\n\s*\n", body):
        if block.startswith("Limits:"):
            heading = "Blind spots"
            said = block.removeprefix("Limits:").strip()
            block = said[:1].upper() + said[1:]  # noqa: PLW2901
        elif re.match(r"Join(ing|t)\b", block):
            heading = "Joining"
        elif heading == "Joining":
            heading = "Definition"
        parts[heading].append(re.sub(r"^##+ ", "### ", block, flags=re.MULTILINE))
    return (
        "\n\n".join(
            f"## {name}\n\n" + "\n\n".join(blocks) for name, blocks in parts.items() if blocks
        )
        + "\n"
    )


def write(folder: Path) -> list[str]:
    """Write every rule's page; returns a line for each rule that is no matter of course."""
    told = []
    for rule in load_rules().values():
        path, own = folder / f"{rule.name}.md", rule.folder / "page.md"
        if not own.exists() and path.exists() and MARK not in (text := path.read_text("utf-8")):
            own.write_text(taken_over(text, rule.question[1]), encoding="utf-8")
            told.append(f"{rule.name}: the page was taken over into its folder's page.md")
        if own.exists():
            path.write_text(page(rule), encoding="utf-8")
        else:
            told.append(f"{rule.name}: no page: its folder has no page.md yet")
    return told


if __name__ == "__main__":
    for line in write(Path(sys.argv[1])):
        sys.stdout.write(f"{line}\n")
