"""What an intake unit leaves on disk: one file a table, each written whole or not at all.

<kind>/seg-00000.arrow      wide reports of a kind      (Arrow IPC stream); no file: no reports
feedback/seg-00000.arrow    answers                     (schemas.records.FEEDBACK)
quarantine/seg-00000.arrow  what waits for the operator (schemas.records.QUARANTINE)
submissions/seg-00000.arrow counts                      (schemas.records.SUBMISSION)
narrow/seg-00000.bin        on-time payments for the stream job (pipelines.job.segments)
"""

from pathlib import Path

import pyarrow as pa

from pipelines.intake.intake import Taken
from pipelines.job.segments import write_segment
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema

TABLES = (*IMPLEMENTED_KINDS, "feedback", "quarantine", "submissions")


def store(taken: Taken, folder: Path, number: int) -> None:
    """Write one unit's results. `submissions` comes last: where it exists, the unit is complete."""
    for kind, reports in taken.reports.items():
        if reports.num_rows:
            _write(reports, _path(folder, kind, number))
    _write(taken.feedback, _path(folder, "feedback", number))
    _write(taken.quarantine, _path(folder, "quarantine", number))
    write_segment(folder / "narrow", number, taken.narrow, taken.watermark_us)
    _write(taken.submissions, _path(folder, "submissions", number))


def stored(folder: Path, number: int) -> bool:
    """Whether a unit's results are complete."""
    return _path(folder, "submissions", number).is_file()


def read(folder: Path, name: str, number: int) -> pa.Table:
    """One table of one unit; of a kind of which the unit had no reports, an empty one."""
    path = _path(folder, name, number)
    if name in IMPLEMENTED_KINDS and not path.is_file():
        return arrow_schema(name).empty_table()
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def _path(folder: Path, name: str, number: int) -> Path:
    return folder / name / f"seg-{number:05d}.arrow"


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    part.replace(path)
