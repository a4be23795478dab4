"""`yrd rule new NAME` and `yrd rule check NAME`: a rule of your own, drafted and tried."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yrd.cli.common import NEGATIVE, Json, emit, guarded, stdout

if TYPE_CHECKING:
    from pipelines.rules.checking import Checked
    from pipelines.rules.examples import Crossing

_VIEWS = ("SH", "JS", "ZJ", "AH", "joint")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and _.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of rules of your own.")] = Path(
        "rules"
    ),
    subject: Annotated[
        str, typer.Option("--subject", help="Whom it is about: party, account, asset, instrument.")
    ] = "party",
    reads: Annotated[
        str, typer.Option("--reads", help="Event it looks at, such as PAYM.")
    ] = "PAYM",
    as_json: Json = False,
) -> None:
    """Draft a rule in SQL alone: rule.toml, definition.sql, an example, a page.

    What you must decide is marked with ? and keeps the rule from running; `yrd rule list` says what
    is left. With YRD_RULES=FOLDER it then runs in the ledger lane of replay and try, beside the
    built-in rules.

    Exit status: 0 drafted, 2 a name, subject or folder that cannot be used.
    """
    with guarded():
        from pipelines.rules.drafting import draft

        written = draft(name, out, subject, reads)
        listed = "\n".join(f"  {path}" for path in written)
        emit(
            {"rule": name, "folder": str(out / name), "files": [str(path) for path in written]},
            as_json,
            f"{listed}\n\nDecide every ? in {out / name / 'rule.toml'}, then\n"
            f"  export YRD_RULES={out}\n  yrd rule check {name}",
        )


def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A rule's name.")],
    as_json: Json = False,
) -> None:
    """Run a rule's examples, and say which of its numbers no example would notice.

    An example holds if exactly its expected crossings come out. Then every parameter is tried one
    more and one less: where no example breaks, none says what that number does.

    Exit status: 0 every example holds, 1 one does not or there is none, 2 no such rule, or a draft.
    """
    with guarded():
        from dataclasses import asdict

        from pipelines.rules.checking import check as run
        from pipelines.rules.registry import load_rules
        from yrd.cli.rule_names import known_rule

        found = run(known_rule(name, load_rules()))
        if as_json:
            emit(asdict(found) | {"passes": found.passes}, as_json)
        else:
            _show(found)
        if not found.passes:
            raise typer.Exit(NEGATIVE)


def _show(found: "Checked") -> None:
    def say(text: str) -> None:
        stdout.print(text, markup=False, highlight=False, soft_wrap=True)

    for one in found.examples:
        say(f"{'holds' if one.holds else 'FAILS'}  {one.name}: {one.about}")
        if one.fault:
            say(f"    {one.fault}")
        for what, rows in (
            ("expected, not found", one.lacking),
            ("found, not expected", one.extra),
        ):
            for row in rows:
                say(f"    {what}: {_told(row)}")
    if not found.examples:
        say("no example: write one in the folder's examples/")
    for text in found.unnoticed:
        say(f"no example notices {text}")
    if found.looks_into_vantage:
        say(
            "definition: expected vantages kept apart by joining on them, never compared with a "
            "number: several days' vantages run in one statement"
        )
    good = sum(one.holds for one in found.examples)
    say(f"{good} of {len(found.examples)} examples hold")


def _told(row: "Crossing") -> str:
    variant, vantage, subject, instant, measure, band, evidence = row
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=instant, hours=8)
    label = subject.to_bytes(8, "big").lstrip(b"\0")
    who = label.decode("ascii") if label.isalnum() and len(label) <= 4 else str(subject)
    return (
        f"{variant} {_VIEWS[vantage]} {who} {at:%Y-%m-%dT%H:%M} measure {measure} band {band} "
        f"evidence {evidence}"
    )
