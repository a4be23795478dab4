"""What an intake unit leaves on disk: one file a table, each written whole or not at all.

<kind>/seg-00000.arrow      wide reports of a kind      (Arrow IPC stream); no file: no reports
feedback/seg-00000.arrow    answers other than ACK      (schemas.records.FEEDBACK)
quarantine/seg-00000.arrow  what waits for the operator (schemas.records.QUARANTINE)
submissions/seg-00000.arrow counts                      (schemas.records.SUBMISSION)
narrow/seg-00000.bin        on-time payments and withdrawn orders for the stream job

What a large submission left but its counts lies in pieces: seg-00000-0000.arrow and so on.

Reports have one column more, `acknowledged`: the record's ordinal in its submission where its
answer is a plain ACK, null where `feedback` has what it was told. A column without a value is not
written, most of a wide report has none; `read` puts it back.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pyarrow as pa

from pipelines.intake.enrich import Nothing
from pipelines.intake.intake import Taken, stream_rows
from pipelines.intake.large import TakenPiece
from pipelines.job.segments import write_rows, write_segment
from schemas.fields import IMPLEMENTED_KINDS, arrow_schema
from schemas.records import FEEDBACK, QUARANTINE, SUBMISSION

_ACKNOWLEDGED = pa.field("acknowledged", pa.int32())
_RECORDS = {"feedback": FEEDBACK, "quarantine": QUARANTINE, "submissions": SUBMISSION}
TABLES = (*IMPLEMENTED_KINDS, *_RECORDS)


def store(taken: Taken, folder: Path, number: int) -> None:
    """Write one unit's results. `submissions` comes last: where it exists, the unit is complete."""
    for kind, reports in taken.reports.items():
        if reports.num_rows:
            _write(_told(reports, taken.acknowledged[kind]), _path(folder, kind, number))
    _write(taken.answers, _path(folder, "feedback", number))
    _write(taken.quarantine, _path(folder, "quarantine", number))
    write_segment(folder / "narrow", number, taken.narrow, taken.watermark_us)
    _write(taken.submissions, _path(folder, "submissions", number))


class StoredPieces:
    """The pieces of one unit on disk (`pipelines.intake.large.Pieces`)."""

    def __init__(self, folder: Path, kind: str, number: int) -> None:
        self._folder, self._kind, self._number = folder, kind, number
        self._rows = folder / "narrow" / f"seg-{number:05d}.rows"
        self.drop()  # what a killed predecessor left

    def take(self, piece: TakenPiece) -> None:
        """Write one piece."""
        for name, table in (
            ("feedback", piece.answers),
            ("quarantine", piece.quarantine),
            (self._kind, _told(piece.reports, piece.acknowledged)),
        ):
            _write(table, _path(self._folder, name, self._number, self._count))
        with self._rows.open("ab") as file:
            file.write(stream_rows([piece]).tobytes())
        self._count += 1

    def drop(self) -> None:
        """Remove every piece."""
        self._count = 0
        for name in (self._kind, "feedback", "quarantine"):
            for path in (self._folder / name).glob(f"seg-{self._number:05d}-*"):
                path.unlink()
        self._rows.parent.mkdir(parents=True, exist_ok=True)
        self._rows.write_bytes(b"")

    def finish(self, taken: Taken) -> None:
        """Write the rest; `submissions` comes last, as of any unit."""
        folder, number = self._folder, self._number
        _write(taken.answers, _path(folder, "feedback", number))
        _write(taken.quarantine, _path(folder, "quarantine", number))
        write_rows(folder / "narrow", number, self._rows, taken.watermark_us)
        _write(taken.submissions, _path(folder, "submissions", number))


def pieces(folder: Path, number: int) -> Iterator[Mapping[str, pa.Table]]:
    """The pieces of a unit in order, each by table; none of a unit that was taken at once."""
    found = sorted((folder / "feedback").glob(f"seg-{number:05d}-*.arrow"))
    for piece, path in enumerate(found):
        (kind,) = [
            kind for kind in IMPLEMENTED_KINDS if _path(folder, kind, number, piece).is_file()
        ]
        yield {
            kind: _read(_path(folder, kind, number, piece), _reports(kind)),
            "feedback": _read(path, FEEDBACK),
            "quarantine": _read(_path(folder, "quarantine", number, piece), QUARANTINE),
        }


def stored(folder: Path, number: int) -> bool:
    """Whether a unit's results are complete."""
    return _path(folder, "submissions", number).is_file()


def read(folder: Path, name: str, number: int) -> pa.Table:
    """One table of one unit; of a kind of which the unit had no reports, an empty one."""
    path = _path(folder, name, number)
    schema = _RECORDS[name] if name in _RECORDS else _reports(name)
    if name in IMPLEMENTED_KINDS and not path.is_file():
        return schema.empty_table()
    return _read(path, schema)


@cache
def _reports(kind: str) -> pa.Schema:
    return arrow_schema(kind).append(_ACKNOWLEDGED)


def _told(reports: pa.Table, acknowledged: pa.Array) -> pa.Table:
    return reports.append_column(_ACKNOWLEDGED, acknowledged)


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        found = pa.ipc.open_stream(source).read_all()
    nothing, there = Nothing(found.num_rows), frozenset(found.schema.names)
    columns = [found[f.name] if f.name in there else nothing.of(f.type) for f in schema]
    return pa.table(columns, schema=schema)


def _path(folder: Path, name: str, number: int, piece: int | None = None) -> Path:
    within = "" if piece is None else f"-{piece:04d}"
    return folder / name / f"seg-{number:05d}{within}.arrow"


def _write(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if table.num_rows:
        places = range(table.num_columns)
        table = table.select([at for at in places if table[at].null_count < table.num_rows])
    part = path.with_suffix(".part")
    with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    part.replace(path)
