"""Where a run keeps what it makes."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import InputError

_MADE = {
    *("tape", "vault", "intake", "job", "live", "ledger"),
    *("plan.json", "summary.json", "report.html"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one run below `root`."""

    root: Path

    @property
    def tape(self) -> Path:
        """The tape a demo simulates into."""
        return self.root / "tape"

    @property
    def vault(self) -> Path:
        """Submitted bytes by their hash; the only place with clear identifiers."""
        return self.root / "vault"

    @property
    def intake(self) -> Path:
        """Reports, answers, quarantine and narrow segments, one file a tape segment."""
        return self.root / "intake"

    @property
    def narrow(self) -> Path:
        """What the stream job reads."""
        return self.intake / "narrow"

    @property
    def job(self) -> Path:
        """Checkpoints and outputs of the stream job."""
        return self.root / "job"

    @property
    def ledger(self) -> Path:
        """The read-write ledger and its published versions."""
        return self.root / "ledger"

    @property
    def summary(self) -> Path:
        """The run's counts as JSON."""
        return self.root / "summary.json"

    @property
    def report(self) -> Path:
        """The run's page."""
        return self.root / "report.html"

    def clear(self, keep_tape: bool) -> None:
        """Remove a former run.

        Raises:
            InputError: the folder holds what no run makes; nothing was removed.
        """
        if not self.root.exists():
            return
        held = {path.name for path in self.root.iterdir()}
        if strange := sorted(name for name in held - _MADE if not name.startswith(("live-", "."))):
            raise InputError(
                f"{self.root}: expected the folder of a former run, or an empty one; it also holds "
                f"{strange[0]}, so nothing was removed; name another with --out"
            )
        for path in self.root.iterdir():
            if path.is_dir() and not path.is_symlink():
                if not (keep_tape and path == self.tape):
                    shutil.rmtree(path)
            else:
                path.unlink()
