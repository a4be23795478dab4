"""Where a run keeps what it makes."""

from dataclasses import dataclass
from pathlib import Path


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
