"""The loader of a run: stored intake units into the ledger, once each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.loader import Loader
from pipelines.intake.store import pieces, read
from schemas.fields import IMPLEMENTED_KINDS

WRITTEN = "writer.duckdb"  # the read-write file; readers open published versions only
# stored table -> ledger table
_TABLES = {
    "submissions": "submission",
    "feedback": "feedback",
    "quarantine": "quarantine",
} | {kind: kind for kind in IMPLEMENTED_KINDS}


@dataclass(frozen=True, slots=True)
class UnitLoader:
    """Loads stored units."""

    loader: Loader

    def take_unit(self, source: str, folder: Path, number: int) -> None:
        """Load one unit, unless it was loaded before.

        The account of a large submission comes first and its pieces behind it, each a position of
        a source of its own: repeats found in them are told in the account.
        """
        if number not in self.loader.loaded(source):
            tables = {name: read(folder, stored, number) for stored, name in _TABLES.items()}
            self.loader.load_segment(source, number, tables)
        for piece, some in enumerate(pieces(folder, number)):
            self.loader.load_segment(f"{source} unit {number}", piece, some)


@contextmanager
def open_loader(folder: Path, data_origin: str) -> Iterator[UnitLoader]:
    """The loader of a run's ledger folder; commits and closes at the end."""
    with Loader(folder / WRITTEN, data_origin) as loader:
        yield UnitLoader(loader)
