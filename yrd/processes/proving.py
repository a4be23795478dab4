"""An alert proven by running its tape anew, all of it, beside the run that raised it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError
from yrd.processes.layout import Layout
from yrd.processes.tape_ledger import sha_of
from yrd.settings import Settings

if TYPE_CHECKING:
    from serving.answers.steps import Step

# What of a run's plan may change its result; its order and its units do not.
_DECIDES = {"slack_us": "YRD_SLACK_MINUTES", "adoptions": "YRD_VAR with the same adopted specs"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it: the alert asked for, the one that stands, and the steps in order."""

    asked: str
    alert_id: str
    steps: "tuple[Step, ...]"

    @property
    def proven(self) -> bool:
        """Whether every step came out equal."""
        return all(step.equal for step in self.steps)


def prove(
    ledger: Path,
    root: Path,
    tape: Path,
    alert_id: str,
    settings: Settings,
    told: Callable[[str, int, int], None],
) -> Proof:
    """Run a tape anew into a folder that is removed again, and hold an alert against it.

    Args:
        ledger: Folder of published versions, or one version's file.
        root: Folder of the run that made it; its plan says with which settings.
        tape: The tape the ledger was made of.
        alert_id: As `alert list` prints it, or the beginning of it.
        settings: Those of the run: its slack, adopted specs and token key.
        told: Hears the stage, and how much of how much of it is done.

    Raises:
        InputError: no such alert, no such tape, other settings than the run's, or bytes that were
            changed.
        PrerequisiteError: Java is missing.
    """
    from connectors.ends.tape import Tape
    from serving.answers.evidence import alert_row
    from serving.answers.verify import standing
    from serving.answers.whole import compare, demand_made_of, hashed
    from serving.publish import open_version
    from yrd.processes.run import Options, run_tape
    from yrd.processes.taking import make_plan

    reader = Tape(tape)
    published, _ = open_version(ledger)
    with published:
        asked = str(alert_row(published, alert_id)["alert_id"])
        alert = standing(published, alert_id)
        demand_made_of(published, sha_of(tape))
        settings.var.mkdir(parents=True, exist_ok=True)  # with room for a run, unlike /tmp
        with TemporaryDirectory(prefix=".verify-", dir=settings.var) as place:
            layout = Layout(Path(place))
            make_plan(tape, layout.root, Options(), settings)
            _demand_same(_plan(root), _plan(layout.root))
            bodies = hashed(reader, told)
            run_tape(tape, layout, settings, Options(), told)
            again, _ = open_version(layout.ledger)
            with again:
                steps = compare(published, again, bodies, alert)
    return Proof(asked, str(alert["alert_id"]), tuple(steps))


def root_of(ledger: Path) -> Path:
    """The folder of the run a ledger belongs to."""
    return ledger.parent.parent if ledger.is_file() else ledger.parent


def tape_of(root: Path) -> Path:
    """The tape in a run's folder.

    Raises:
        InputError: it has none; the plan, where there is one, says which it was.
    """
    tape = Layout(root).tape
    if (tape / "manifest.json").is_file():
        return tape
    sha256 = str(_plan(root).get("tape", ""))
    which = f" with a manifest.json of SHA-256 {sha256[:16]}..." if sha256 else ""
    raise InputError(
        f"{tape}: expected the tape of the run, found none; name the one it was made of{which} "
        "with --tape"
    )


def _plan(root: Path) -> dict[str, Any]:
    """What a run says it was made of; empty where it says nothing, as a live one."""
    try:
        plan: dict[str, Any] = json.loads((root / "plan.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return plan


def _demand_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    if not before:
        return
    for name, setting in _DECIDES.items():
        if before.get(name) != now.get(name):
            raise InputError(
                f"{setting}: expected as when the tape was run, else another outcome proves "
                "nothing; set it so and verify again"
            )
