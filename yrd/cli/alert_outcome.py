"""`yrd alert outcome ID WHAT`: what became of an alert when somebody looked."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli.common import Json, emit, guarded, stdout

if TYPE_CHECKING:
    from serving.answers.outcomes import Outcome


def outcome(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="As `alert list` prints it.")],
    what: Annotated[str, typer.Argument(metavar="WHAT", help="confirmed, false or unresolved.")],
    because: Annotated[str, typer.Option("--because", help="Why, in a sentence.")],
    by: Annotated[str | None, typer.Option("--by", help="Who says so; default: this user.")] = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", help="When it became known; default: now. Beijing time."),
    ] = None,
    ledger: Annotated[
        Path, typer.Option("--ledger", help="Folder of published versions, or one version's file.")
    ] = Path("var/demo/ledger"),
    as_json: Json = False,
) -> None:
    """Record what became of an alert: confirmed, false or unresolved. Nothing is ever taken back.

    The newest outcome of an alert counts; `alert list` and `alert explain` show it, and confirmed
    against false alerts are the rule's running precision in `rule list` and `rule show`. Outcomes
    lie in var/outcomes.jsonl, chained by hashes; they outlive the run they were said of.

    Exit status: 0 recorded, 2 no such alert or outcome, no reason, or a file that was changed.
    """
    with guarded():
        from serving.answers.ask import parse_time
        from serving.answers.evidence import alert_row
        from serving.answers.outcomes import FILE, record
        from serving.answers.revisions import successor
        from serving.publish import open_version
        from yrd.settings import Settings

        connection, _ = open_version(ledger)
        with connection:
            asked = alert_row(connection, alert_id)
            row = alert_row(connection, successor(connection, asked["alert_id"]))
        at = parse_time(known_at, "--known-at") if known_at else datetime.now(UTC)
        who = by if by is not None else _user()
        one = record(Settings().var / FILE, row, what, because, who, at)
        emit(
            asdict(one),
            as_json,
            f"alert {one.alert_id[:12]} ({one.rule}): {one.outcome}, by {one.by}, known at "
            f"{one.known_at}",
        )


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "unnamed"


def recorded() -> "tuple[Outcome, ...]":
    """Every outcome of this installation, oldest first."""
    from serving.answers.outcomes import FILE, read
    from yrd.settings import Settings

    return read(Settings().var / FILE)


def lines_of(outcomes: "Sequence[Outcome]", chinese: bool) -> list[str]:
    """Outcomes for people, oldest first, one a line."""
    from serving.answers import words

    names = {"confirmed": "属实", "false": "误报", "unresolved": "未决"}
    if not outcomes:
        return []
    told = ["", "处置结果（最新一条有效）：" if chinese else "Outcomes (the newest counts):"]
    for one in outcomes:
        at = words.beijing(int(datetime.fromisoformat(one.known_at).timestamp() * 1_000_000))
        what = names[one.outcome] if chinese else one.outcome
        told.append(f"  {at}  {what}  {one.by}: {one.because}")
    return told


def precision(counts: dict[str, int]) -> dict[str, Any]:
    """Confirmed among confirmed and false, with its Wilson interval; unresolved ones apart."""
    from replay.scorer import Ratio

    decided = counts["confirmed"] + counts["false"]
    return Ratio(counts["confirmed"], decided).as_dict() | {"unresolved": counts["unresolved"]}


def show(text: str) -> None:
    """Print a line as it stands."""
    stdout.print(text, markup=False, highlight=False, soft_wrap=True)
