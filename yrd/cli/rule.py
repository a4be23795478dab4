"""`yrd rule list` and `yrd rule show NAME`: what is looked for, on whose authority."""

from typing import Annotated, Any

import typer

from yrd.cli import rule_score, rule_try
from yrd.cli.common import Json, check_lang, emit, guarded, stdout

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="List and show the risk rules."
)

app.command()(rule_score.score)
app.command(name="try")(rule_try.try_)

Lang = Annotated[str, typer.Option("--lang", help="zh or en.")]


@app.command(name="list")
def list_rules(lang: Lang = "en", as_json: Json = False) -> None:
    """List every rule with its lane, purpose and legal status of use.

    Exit status: 0; 2 where there is no such language.
    """
    from pipelines.rules.registry import load_rules

    with guarded():
        check_lang(lang)
        rules = list(load_rules().values())
        if as_json:
            emit([_brief(rule) for rule in rules], as_json)
            return
        for rule in rules:
            uses = ", ".join(f"{v.name} ({v.status_of_use})" for v in rule.variants)
            stdout.print(f"[bold]{rule.name}[/bold]  {rule.lane} lane; {rule.purpose}")
            _indented(rule.question[0 if lang == "zh" else 1])
            _indented(f"variants and use of the law: {uses}")
        stdout.print("\nnext: yrd rule show NAME", highlight=False, markup=False)


def _indented(text: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    stdout.print(Padding(Text(text), (0, 0, 0, 4)), highlight=False)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A rule's name, as `yrd rule list` prints it.")
    ],
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """Show one rule: question, definition in SQL, parameters with their legal status.

    Exit status: 0; 2 where there is no such rule or language.
    """
    from pipelines.rules.registry import load_rules, parameters_on
    from schemas.errors import InputError

    with guarded():
        check_lang(lang)
        rules = load_rules()
        if name not in rules:
            raise InputError(f"rule {name!r}: expected one of {', '.join(rules)}")
        rule = rules[name]
        agreed = parameters_on()
        values = agreed.of(rule)
        if as_json:
            numbers = [
                {
                    "name": p.name,
                    "value": values[p.name],
                    "unit": p.unit,
                    "status_of_number": p.status_of_number,
                    "status_of_use": p.status_of_use,
                    "citation": p.citation,
                }
                for p in rule.parameters.values()
            ]
            emit(
                _brief(rule)
                | {
                    "parameter_set": agreed.version,
                    "parameters": numbers,
                    "bands": rule.bands,
                    "joining_can_lower": rule.joining_can_lower,
                    "definition": rule.definition,
                    "definition_language": rule.language,
                },
                as_json,
            )
            return
        stdout.print(f"[bold]{rule.name}[/bold]  {rule.question[0 if lang == 'zh' else 1]}")
        stdout.print(
            f"lane {rule.lane}; purpose {rule.purpose}; calendar {rule.calendar}; "
            f"parameter set {agreed.version} ({agreed.agreed_by})\n",
            highlight=False,
        )
        for p in rule.parameters.values():
            stdout.print(f"[bold]{p.name}[/bold] = {values[p.name]:,} {p.unit}", highlight=False)
            _indented(f"{p.status_of_number}, {p.status_of_use}: {p.citation}")
        stdout.print(
            "\nL law in force; L- superseded; E exchange rule; I practice or ours; A study\n"
        )
        stdout.print(rule.definition, markup=False, highlight=False)


def _brief(rule: Any) -> dict[str, Any]:  # noqa: ANN401 - its module loads inside functions
    return {
        "name": rule.name,
        "question": {"zh": rule.question[0], "en": rule.question[1]},
        "lane": rule.lane,
        "purpose": rule.purpose,
        "variants": [
            {"name": v.name, "subject": v.subject, "status_of_use": v.status_of_use}
            for v in rule.variants
        ],
    }
