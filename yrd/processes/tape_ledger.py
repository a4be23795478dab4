"""A ledger of tapes for trying rules: intake and loading, no stream job, no conclusions.

Made once for each combination of tapes and kept below `var/tries`: the next try only reads it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.intake.plan import Unit
from schemas.errors import InputError
from yrd.processes.layout import Layout
from yrd.processes.loading import WRITTEN, open_loader
from yrd.processes.run import Options, Progress
from yrd.processes.taking import make_plan, take_tape
from yrd.settings import Settings

if TYPE_CHECKING:
    from connectors.ends.tape import Tape


@dataclass(frozen=True, slots=True)
class Tried:
    """What a rule is tried on: a published ledger and the tape it came from.

    `since_us`: reports received before are warm-up: history that no alert is counted of.
    """

    ledger: Path
    tape: str  # SHA-256 of the tape's manifest
    labels: Path | None
    since_us: int | None


def tried_on(on: Path, warmup: Path | None, settings: Settings, told: Progress) -> Tried:
    """The ledger a rule is tried on.

    Args:
        on: A tape's folder, or a run's (its published ledger is read as it stands).
        warmup: A tape whose reports come before: history.
        settings: Of this process.
        told: Hears how far intake and loading are.

    Raises:
        InputError: it is neither, or the tapes are of different origins.
    """
    if (on / "manifest.json").is_file():
        return _made(on, warmup, settings, told)
    layout = Layout(on)
    if warmup is not None:
        if not (layout.tape / "manifest.json").is_file():
            raise InputError(
                f"--warmup: expected --on to be a tape, or a run with its tape in {layout.tape}; "
                "name the tape"
            )
        return _made(layout.tape, warmup, settings, told)
    if not (layout.ledger / "current.json").is_file():
        raise InputError(
            f"--on: {on}: expected the folder of a tape (with manifest.json) or of a run (with "
            "ledger/), such as var/demo"
        )
    try:
        identity = json.loads((on / "plan.json").read_text(encoding="utf-8"))["tape"]
    except (OSError, ValueError, KeyError):
        raise InputError(f"--on: {on}: expected a run with its plan.json; run it again") from None
    labels = layout.tape / "labels.parquet"
    return Tried(layout.ledger, str(identity), labels if labels.is_file() else None, None)


def sha_of(tape: Path) -> str:
    """A tape's identity: SHA-256 of its manifest, hex."""
    return hashlib.sha256((tape / "manifest.json").read_bytes()).hexdigest()


def _made(on: Path, warmup: Path | None, settings: Settings, told: Progress) -> Tried:
    from connectors.ends.tape import Tape
    from serving.publish import publish

    tapes = [one for one in (warmup, on) if one is not None]
    readers = [Tape(one) for one in tapes]
    origins = {str(reader.manifest["data_origin"]) for reader in readers}
    if len(origins) > 1:
        raise InputError(
            "--warmup: expected a tape of the same data origin, not "
            f"{' and '.join(sorted(origins))}; name another"
        )
    shas = [sha_of(one) for one in tapes]
    root = settings.var / "tries"
    ledger = root / "ledgers" / "-".join(sha[:16] for sha in shas)
    if not (ledger / "current.json").is_file():
        with open_loader(ledger, origins.pop()) as loader:
            for tape, sha in zip(tapes, shas, strict=True):
                layout = Layout(root / sha[:16])
                units = make_plan(tape, layout.root, Options(), settings)
                taken = _taken(tape, layout.intake, settings, units)
                for count, number in enumerate(taken, start=1):
                    loader.take_unit(f"tape:{sha}", layout.intake, number)
                    told(f"intake of {tape.name}", count, len(units))
            publish(loader.loader, ledger)
        for name in (WRITTEN, f"{WRITTEN}.mark"):  # it is read from now on
            (ledger / name).unlink(missing_ok=True)
    labels = on / "labels.parquet"
    since = None if warmup is None else _received_from(readers[-1])
    return Tried(ledger, shas[-1], labels if labels.is_file() else None, since)


def _taken(tape: Path, folder: Path, settings: Settings, units: tuple[Unit, ...]) -> Iterator[int]:
    """Take every unit; a tape of one or two is not worth processes of its own."""
    from connectors.ends.tape import Tape
    from pipelines.intake.store import store, stored
    from yrd.processes.building import build_intake

    if len(units) > 2 or any(unit.large for unit in units):
        yield from take_tape(tape, folder, settings, units)
        return
    reader = Tape(tape)
    intake = build_intake(settings, str(reader.manifest["data_origin"]))
    for unit in units:
        if not stored(folder, unit.number):
            store(intake.take(reader, unit), folder, unit.number)
        yield unit.number


def _received_from(tape: "Tape") -> int:
    at = datetime.fromisoformat(str(tape.manifest["received_from"]))
    return int(at.timestamp() * 1_000_000)
