"""`yrd rule list` and `yrd rule show NAME`: what is looked for, on whose authority."""

from pathlib import Path
from typing import Annotated

import typer

from yrd.cli import rule_group, rule_new, rule_score, rule_told, rule_try
from yrd.cli.common import Json, check_lang, emit, guarded, stdout
from yrd.cli.rule_names import known_rule
from yrd.cli.rule_words import word

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="List and show the risk rules."
)

app.command()(rule_score.score)
app.command(name="try")(rule_try.try_)
app.command()(rule_new.new)
app.command()(rule_new.check)

Lang = Annotated[str, typer.Option("--lang", help="zh or en.")]


@app.command(name="list")
def list_rules(lang: Lang = "en", as_json: Json = False) -> None:
    """List every rule by family: legal status, lane, purpose, subjects, horizon, scores, outcomes.

    The scores are those kept with the project, one a data set; outcomes are those recorded here
    with `yrd alert outcome`. Rules of your own (YRD_RULES) stand among them, drafts at the end.

    Exit status: 0; 2 where there is no such language or a rule cannot be read.
    """
    from pipelines.rules.registry import FAMILIES, drafts, load_rules

    with guarded():
        check_lang(lang)
        order = tuple(FAMILIES)
        rules = sorted(load_rules().values(), key=lambda rule: order.index(rule.family))
        told = [rule_told.brief(rule) for rule in rules]
        if as_json:
            emit(told, as_json)
            return
        family = None
        for one in told:
            if one["family"] != family:
                family = one["family"]
                stdout.print(f"\n[bold]== {FAMILIES[family][lang == 'en']}[/bold]")
            title = one["title"][lang]
            stdout.print(
                f"[bold]{one['name']}[/bold]  {title}; {rule_told.heading(one, lang == 'zh')}"
            )
            for line in rule_told.lines(one, lang == "zh"):
                _indented(line)
        for name, fields in drafts().items():
            zh = lang == "zh"
            stdout.print(
                f"[bold]{name}[/bold]  {'草稿，不运行' if zh else 'a draft, it does not run'}"
            )
            _indented(f"{'未定' if zh else 'undecided'}: {', '.join(fields)}")
        following = "下一步" if lang == "zh" else "next"
        stdout.print(f"\n{following}: yrd rule show NAME", highlight=False, markup=False)


def _indented(text: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    stdout.print(Padding(Text(text), (0, 0, 0, 4)), highlight=False)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A rule's name, as `yrd rule list` prints it.")
    ] = "",
    group: Annotated[
        str | None,
        typer.Option(metavar="ID", help="A controller group instead: its id, or a member's."),
    ] = None,
    ledger: Annotated[
        Path, typer.Option("--ledger", help="Where the group is: published versions, or one file.")
    ] = Path("var/demo/ledger"),
    knowledge: Annotated[
        str, typer.Option(help="Of groups: as-of (each day's closing) or today (look-ahead).")
    ] = "as-of",
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Show one rule: question, words, parameters with their legal status, score, definition.

    With --group: who was known to be under one controller when, and the ties that say so, each
    with its confidence and evidence. With --knowledge today the newest groups stand for every day;
    the answer then says look-ahead.

    Exit status: 0; 2 where there is no such rule, group or language.
    """
    from pipelines.rules.pages import written
    from pipelines.rules.registry import load_rules, parameters_on
    from schemas.errors import ConfigurationError

    with guarded():
        check_lang(lang)
        if group is not None:
            rule_group.show_group(group, ledger, knowledge, as_json)
            return
        rule = known_rule(name, load_rules())
        agreed = parameters_on()
        values = agreed.of(rule)
        try:
            said = dict(written(rule))
        except ConfigurationError:
            said = {}
        told = rule_told.brief(rule)
        if as_json:
            numbers = [
                {
                    "name": p.name,
                    "value": values[p.name],
                    "unit": p.unit,
                    "status_of_number": p.status_of_number,
                    "status_of_use": p.status_of_use,
                    "citation": p.citation,
                    "citation_zh": p.cited(zh=True),
                }
                for p in rule.at(values).parameters.values()
            ]
            emit(
                told
                | {
                    "agreed_by": agreed.agreed_by,
                    "parameters": numbers,
                    "bands": rule.bands,
                    "joining_can_lower": rule.joining_can_lower,
                    "words": said,
                    "definition_language": rule.language,
                    "definition": rule.definition,
                },
                as_json,
            )
            return
        zh = lang == "zh"
        stdout.print(f"[bold]{rule.name}[/bold]  {rule_told.heading(told, zh)}")
        for line in rule_told.lines(told, zh):
            stdout.print(line, highlight=False, markup=False)
        stdout.print(
            f"{'参数集' if zh else 'parameter set'} {agreed.version} "
            f"({word(agreed.agreed_by, zh)})",
            highlight=False,
            markup=False,
        )
        chosen = ("定义", "合并", "盲点") if zh else ("Definition", "Joining", "Blind spots")
        for heading in (one for one in chosen if one in said):
            stdout.print(f"\n[bold]{heading}[/bold]")
            stdout.print(said[heading], highlight=False, markup=False, soft_wrap=True)
        stdout.print()
        for p in rule.at(values).parameters.values():
            unit = word(p.unit, zh)
            stdout.print(f"[bold]{p.name}[/bold] = {values[p.name]:,} {unit}", highlight=False)
            use = word(p.status_of_use, zh)
            _indented(f"{p.status_of_number}, {use}: {p.cited(zh)}")
        stdout.print(
            "\nL 法规在效；L- 已废止或草案；E 交易所规则；I 行业做法或自设；"
            "A 学术，或在学术数据上自行选定\n定义原文（其注释为英文）：\n"
            if zh
            else "\nL law in force; L- superseded; E exchange rule; I practice or ours; "
            "A study, or ours on its data\n"
        )
        stdout.print(rule.definition, markup=False, highlight=False)
