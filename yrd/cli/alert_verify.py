"""`yrd alert verify ID`: one alert again, from its own reports or from the whole tape."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yrd.cli.common import NEGATIVE, Json, emit, guarded, progress, staged, stdout

if TYPE_CHECKING:
    from collections.abc import Callable

    from yrd.processes.proving import Proof
    from yrd.settings import Settings

DEFAULT = Path("var/demo")
PROVES = {
    False: "this code makes this alert of the submitted bytes of its own reports",
    True: "this code makes this alert, and every other that stands, of the bytes of this tape",
}
NOT_PROVEN = "that what was submitted is true, or that the code is right: both come from one code"


def verify(
    alert_id: Annotated[str, typer.Argument(metavar="ID", help="As `alert list` prints it.")],
    ledger: Annotated[
        Path | None,
        typer.Option(
            "--ledger",
            help="Folder of published versions, or one version's file; default: --run's.",
        ),
    ] = None,
    tape: Annotated[
        Path | None,
        typer.Option(help="The tape the ledger was loaded from; default: beside the ledger."),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Run the whole tape anew: proves any alert.")
    ] = False,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run; default var/demo, or the ledger's.")
    ] = None,
    uncertified: Annotated[
        bool,
        typer.Option("--uncertified", help="With --whole: also feeds that have no certificate."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Compute one alert again from the submitted bytes on, printing each step's hash.

    Alone it takes the reports of the alert's subject. Rings, groups, institutions, licences and
    shares of volume rest on more: --whole hashes every submitted body, runs the tape anew into a
    folder that is removed again, and compares all standing alerts, then this one field by field,
    with its revisions, crossings, evidence and the bytes behind that.

    Equal says that this code makes this alert of these bytes, not that the bytes are true.

    Exit status: 0 every step came out equal, 1 one did not, 2 no such alert or tape, 3 Java is
    missing (--whole).
    """
    with guarded():
        from yrd.settings import Settings

        settings = Settings()
        ledger = ledger or (run or DEFAULT) / "ledger"
        with progress(as_json) as bar:
            heard = staged(bar)

            if whole:
                proof = _whole(ledger, run, tape, alert_id, settings, uncertified, heard)
            else:
                proof = _alone(ledger, run, tape, alert_id, settings, heard)
        if as_json:
            emit(
                {
                    "alert_id": proof.alert_id,
                    "proven": proof.proven,
                    "whole": whole,
                    "proves": PROVES[whole] if proof.proven else None,
                    "does_not_prove": NOT_PROVEN,
                    "steps": [asdict(s) | {"equal": s.equal} for s in proof.steps],
                },
                True,
            )
        else:
            _show(proof, whole)
        if not proof.proven:
            raise typer.Exit(NEGATIVE)


def _whole(
    ledger: Path,
    run: Path | None,
    tape: Path | None,
    alert_id: str,
    settings: "Settings",
    uncertified: bool,
    heard: "Callable[[str, int, int], None]",
) -> "Proof":
    from yrd.processes.adopting import demand_certificates, feeds_of
    from yrd.processes.proving import prove, root_of, tape_of

    root = run or root_of(ledger)
    tape = tape or tape_of(root)
    if not uncertified:
        demand_certificates(settings, feeds_of(tape))
    return prove(ledger, root, tape, alert_id, settings, heard)


def _alone(
    ledger: Path,
    run: Path | None,
    tape: Path | None,
    alert_id: str,
    settings: "Settings",
    heard: "Callable[[str, int, int], None]",
) -> "Proof":
    from connectors.ends.tape import Tape
    from serving.answers.evidence import alert_row
    from serving.answers.revisions import successor
    from serving.answers.verify import verify as compute
    from serving.publish import open_version
    from yrd.processes.building import build_intake
    from yrd.processes.proving import Proof, root_of, tape_of

    reader = Tape(tape or tape_of(run or root_of(ledger)))
    intake = build_intake(settings, str(reader.manifest["data_origin"]))
    connection, _ = open_version(ledger)
    with connection:
        asked = str(alert_row(connection, alert_id)["alert_id"])
        heir = successor(connection, asked)
        steps = compute(connection, reader, intake, alert_id, heard)
    return Proof(asked, heir, tuple(steps))


def _show(proof: "Proof", whole: bool) -> None:
    def say(text: str) -> None:
        stdout.print(text, markup=False, highlight=False, soft_wrap=True)

    if proof.alert_id != proof.asked:
        say(
            f"{proof.asked[:12]} was withdrawn; {proof.alert_id[:12]} took its place and is "
            "computed here"
        )
    for step in proof.steps:
        sign = "equal" if step.equal else f"DIFFERS from {step.published}"
        if step.differs:
            sign += f" in {', '.join(step.differs)}"
        say(f"{step.name:<16} {step.items:>5}  {step.again}  {sign}")
    if not proof.proven:
        say("not proven: a step differs")
        return
    say("proven: the same alert again")
    if whole:
        say(f"that is: {PROVES[whole]}")
        say(f"not: {NOT_PROVEN}")
