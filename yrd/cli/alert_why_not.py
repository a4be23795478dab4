"""`yrd alert why-not SUBJECT`: measure, line, distance, and what is missing."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from yrd.cli.common import Json, check_lang, emit, guarded, stdout
from yrd.cli.rule_words import word

if TYPE_CHECKING:
    from serving.answers.why_not import Seen, Variant, WhyNot


def why_not(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT",
            help="An alert's id, a subject's number, PAYER>PAYEE, or an identifier of a report.",
        ),
    ],
    rule: Annotated[str, typer.Option("--rule", help="The rule's name.")],
    day: Annotated[str, typer.Option("--day", help="A Beijing day, such as 2026-05-06.")],
    ledger: Annotated[
        Path, typer.Option("--ledger", help="Folder of published versions, or one version's file.")
    ] = Path("var/demo/ledger"),
    lang: Annotated[str, typer.Option("--lang", help="zh or en.")] = "en",
    as_json: Json = False,
) -> None:
    """Say why a rule raised nothing of somebody on a day: measure, line, distance, missing data.

    For every vantage: how much of the subject it holds, the rule's own measure, what it lacks to
    each band, and which single condition, lifted, would have raised it. Then what is known not to
    have come: silent feeds, held and quarantined records, late reports, sides that never reported.

    Exit status: 0 nothing was raised and this says why; 1 something was raised; 2 no such subject,
    rule, day or ledger.
    """
    with guarded():
        from pipelines.rules.registry import load_rules
        from schemas.errors import InputError
        from serving.answers.subjects import resolve
        from serving.answers.why_not import why_not as ask
        from serving.publish import open_version
        from yrd.cli.rule_names import known_rule

        check_lang(lang)
        asked = known_rule(rule, load_rules())
        try:
            on = date.fromisoformat(day)
        except ValueError:
            raise InputError("--day: expected a day such as 2026-05-06") from None
        connection, _ = open_version(ledger)
        with connection:
            found = ask(connection, asked, resolve(connection, subject), on)
        raised = any(one.raised for variant in found.variants for one in variant.seen)
        if as_json:
            told = asdict(found) | {"raised": raised}
            for one in (seen for variant in told["variants"] for seen in variant["seen"]):
                one["short"] = {str(band): lack for band, lack in one["short"].items()}
            emit(told, as_json)
        else:
            _show(found, lang == "zh")
        if raised:
            raise typer.Exit(1)


def _show(found: "WhyNot", zh: bool) -> None:
    from serving.answers import words

    def say(text: str) -> None:
        stdout.print(text, markup=False, highlight=False, soft_wrap=True)

    origin = words.ORIGIN[found.data_origin][0 if zh else 1]
    day = found.day.isoformat()
    say(
        f"{found.rule}，{day}（北京时间），参数集 {found.parameter_set}  "
        f"[{found.data_origin}：{origin}]"
        if zh
        else f"{found.rule}, {day} (Beijing), parameter set {found.parameter_set}  "
        f"[{found.data_origin}: {origin}]"
    )
    for variant in found.variants:
        _variant(found, variant, zh)
    if found.left_out:
        names = ", ".join(found.left_out)
        say(
            f"\n该对象不是这些口径的对象：{names}"
            if zh
            else f"\nno subject of the variants: {names}"
        )
    if found.measured_by == "lifted":
        names = ", ".join(f"{name} = {value:,}" for name, value in found.lifted.items()) or "-"
        say(
            f"\n规则未声明低于各档时如何度量；已按参数名放开：{names}"
            if zh
            else f"\nThe rule does not say how its measure below its bands is had; lifted by name: "
            f"{names}"
        )
    say("\n可能缺失的数据：" if zh else "\nWhat is known to be missing:")
    for gap in found.missing:
        say(f"  - {gap.zh if zh else gap.en}")
    if not found.missing:
        say("  - 未发现缺失" if zh else "  - nothing that this ledger knows of")
    say(
        "四地之外不可见：各项数字均为下限（至少）。"
        if zh
        else "Nothing outside the four regions is visible: every figure is a lower bound."
    )


def _variant(found: "WhyNot", variant: "Variant", zh: bool) -> None:
    from rich.table import Table

    from schemas.regions import NAMES
    from serving.answers import words

    lang: Literal["zh", "en"] = "zh" if zh else "en"
    stdout.print(
        f"\n{variant.variant}: {word(variant.subject_kind, zh)} {variant.subject}",
        markup=False,
        highlight=False,
    )
    for line in variant.lines:
        value = words.measure(line.value, found.unit, "zh" if zh else "en")
        name = line.name_zh if zh else line.name_en
        stdout.print(
            f"  {'档' if zh else 'band'} {line.band}: {value}  {name} "
            f"({line.status_of_number}: {line.cited(zh)})",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = (
        ("视角", "持有", "度量", "何时", "距各档", "单独放开何者即报")
        if zh
        else ("view", "holds", "measure", "when", "short of the bands", "what alone would raise it")
    )
    for head in heads:
        table.add_column(head, no_wrap=head != heads[-1], overflow="fold")
    for one in variant.seen:
        measure = "-" if one.measure is None else words.measure(one.measure, found.unit, lang)
        table.add_row(
            NAMES[one.vantage][0 if zh else 1],
            _holds(one, zh),
            measure,
            "-" if one.at is None else words.beijing(one.at)[:16],
            "\n".join(
                f"{band}: {words.measure(lack, found.unit, lang)}"
                if lack > 0
                else f"{band}: {'已达' if zh else 'reached'}"
                for band, lack in sorted(one.short.items())
            )
            or "-",
            _ways(found, one, zh),
        )
    stdout.print(table, highlight=False, markup=False)


def _holds(one: "Seen", zh: bool) -> str:
    """Transactions; of a rule that reads statements how many of these, and both where it has."""
    if one.statements is None:
        return f"{one.transactions}"
    word = "条记录" if zh else " stated"
    stated = f"{one.statements:,}{word}"
    return f"{one.transactions} + {stated}" if one.transactions else stated


def _ways(found: "WhyNot", one: "Seen", zh: bool) -> str:
    if one.raised:
        return "已报出" if zh else "RAISED"
    if one.measure is None:
        return "无可度量" if zh else "nothing to measure"
    if one.at is not None and one.at < found.day_us:
        return "当日无新事" if zh else "nothing new that day"
    if not one.stood_in_the_way:
        return "不止一个条件" if zh else "no single condition"
    told = [f"{name} = {found.lifted[name]:,}" for name in one.stood_in_the_way]
    return (" 或 " if zh else " or ").join(told)
