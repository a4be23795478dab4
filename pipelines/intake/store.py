"""What an intake unit leaves on disk: one file a table, each written whole or not at all.

event/seg-00000.arrow       wide event reports          (Arrow IPC stream)
position/seg-00000.arrow    wide position reports
feedback/seg-00000.arrow    answers                     (schemas.records.FEEDBACK)
quarantine/seg-00000.arrow  what waits for the operator (schemas.records.QUARANTINE)
submissions/seg-00000.arrow counts                      (schemas.records.SUBMISSION)
narrow/seg-00000.bin        on-time payments for the stream job (pipelines.job.segments)
"""

from pathlib import Path

import pyarrow as pa

from pipelines.intake.intake import Taken
from pipelines.job.segments import write_segment

TABLES = ("event", "position", "feedback", "quarantine", "submissions")


def store(taken: Taken, folder: Path, number: int) -> None:
    """Write one unit's results. `submissions` comes last: where it exists, the unit is complete."""
    for name in TABLES[:-1]:
        _write(getattr(taken, name), _path(folder, name, number))
    write_segment(folder / "narrow", number, taken.narrow, taken.watermark_us)
    _write(taken.submissions, _path(folder, "submissions", number))


def stored(folder: Path, number: int) -> bool:
    """Whether a unit's results are complete."""
    return _path(folder, "submissions", number).is_file()


def read(folder: Path, name: str, number: int) -> pa.Table:
    """One table of one unit."""
    with pa.memory_map(str(_path(folder, name, number))) as source:
        return pa.ipc.open_stream(source).read_all()


def _path(folder: Path, name: str, number: int) -> Path:
    return folder / name / f"seg-{number:05d}.arrow"


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    part.replace(path)
