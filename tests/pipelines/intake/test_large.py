"""A large submission is taken in pieces, and nothing but the number of files tells it apart."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.ends.tape import Tape, TapeWriter
from connectors.feeds.registry import FOLDER
from ledger.loader import Loader
from pipelines.intake import plan as planning
from pipelines.intake.plan import plan
from pipelines.intake.store import pieces, read, store
from pipelines.job.segments import read_segment, segment_path
from schemas.fields import IMPLEMENTED_KINDS
from yrd.processes.building import build_intake
from yrd.processes.loading import UnitLoader
from yrd.processes.taking import take_large
from yrd.settings import Settings

RECEIVED = datetime(2026, 6, 15, 3, tzinfo=UTC)
MANY = 600


def document(control: int = MANY) -> bytes:
    """A submission above half a megabyte: good records, wrong ones, and repeats of one trade."""
    text = (FOLDER / "pacs008/examples/plain.xml").read_bytes()
    close = b"</CdtTrfTxInf>"
    first = text.index(b"<CdtTrfTxInf>")
    record = text[first : text.index(close) + len(close)]
    head = re.sub(rb"<(CtrlSum|TtlIntrBkSttlmAmt)\b.*?</\1>", b"", text[:first])
    head = head.replace(b"<NbOfTxs>2<", b"<NbOfTxs>%d<" % control)
    records = []
    uetr = re.search(rb"<UETR>(.{8})", record)
    assert uetr is not None
    for number in range(MANY):
        one = record if number % 50 == 7 else record.replace(uetr[1], b"%08x" % number)
        if number % 40 == 3:
            one = re.sub(rb"(<IntrBkSttlmAmt[^>]*>)[^<]*", rb"\1-1x", one)
        records.append(one)
    return head + b"\n".join(records) + text[text.rindex(close) + len(close) :]


def tape_of(folder: Path, *bodies: bytes) -> Tape:
    small = (FOLDER / "pacs008/examples/plain.xml").read_bytes()
    with TapeWriter(folder, "SIMULATED") as writer:
        for number, body in enumerate((small, *bodies, small)):
            writer.add("pacs008", "381290000019", RECEIVED + timedelta(seconds=number), body)
    return Tape(folder)


def ledger_rows(folder: Path, intake_folder: Path, units: int) -> dict[str, list[object]]:
    with Loader(folder / "ledger.duckdb", "SIMULATED") as loader:
        for _ in range(2):  # the second time changes nothing
            for number in range(units):
                UnitLoader(loader).take_unit("tape", intake_folder, number)
        loader.flush()
        sql = loader.connection.sql
        return {
            "event": sql(
                "SELECT record_place, report, revision_number, is_duplicate FROM ("
                "SELECT source_record_locator AS record_place, * FROM event) "
                "ORDER BY received_at, record_place, report"
            ).to_pylist(),
            "submission": sql(
                "SELECT * EXCLUDE (segment, position) FROM submission ORDER BY received_at"
            ).to_pylist(),
        }


@pytest.mark.parametrize(
    ("bodies", "status"),
    [
        ((document(),), ["decoded", "decoded", "duplicate"]),
        ((document(MANY + 1),), ["decoded", "held", "duplicate"]),
        ((document(), document()), ["decoded", "decoded", "duplicate", "duplicate"]),
    ],
    ids=["whole", "control total differs", "sent again"],
)
def test_pieces_give_what_a_submission_taken_at_once_gives(
    bodies: tuple[bytes, ...], status: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = tape_of(tmp_path / "tape", *bodies)
    intake = build_intake(Settings(), "SIMULATED")
    (unit,) = plan(tape)
    assert not unit.large
    store(intake.take(tape, unit), tmp_path / "once", 0)

    monkeypatch.setattr(planning, "LARGE_BYTES", 100_000)
    monkeypatch.setattr("connectors.engine.engine.CHUNK_BYTES", 100_000)
    units = plan(tape)
    assert [unit.large for unit in units] == [False, *(True for _ in bodies), False]
    done = _Counter()
    for unit in units:
        if unit.large:
            take_large(tape, intake, unit, tmp_path / "pieces", done)  # type: ignore[arg-type]
        else:
            store(intake.take(tape, unit), tmp_path / "pieces", unit.number)
    found = [dict(piece) for unit in units for piece in pieces(tmp_path / "pieces", unit.number)]
    assert (len(found) > 3) == (status[1] == "decoded")
    assert 0.9 < done.value / sum(map(len, bodies)) <= 1

    for name in (*IMPLEMENTED_KINDS, "quarantine", "submissions"):
        parts = [read(tmp_path / "pieces", name, unit.number) for unit in units]
        parts += [piece[name] for piece in found if name in piece]
        told = pa.concat_tables(parts)
        left_out = [n for n in ("segment", "position") if n in told.schema.names]
        once = read(tmp_path / "once", name, 0).drop_columns(left_out)
        key = "received_at"
        assert _sorted(told.drop_columns(left_out), key) == _sorted(once, key)
    answers = [read(tmp_path / "pieces", "feedback", unit.number) for unit in units]
    answers += [piece["feedback"] for piece in found]
    once = read(tmp_path / "once", "feedback", 0)
    assert _sorted(pa.concat_tables(answers), "received_at") == _sorted(once, "received_at")
    narrow = [
        row
        for unit in units
        for row in read_segment(segment_path(tmp_path / "pieces/narrow", unit.number)).rows.tolist()
    ]
    assert narrow == read_segment(segment_path(tmp_path / "once/narrow", 0)).rows.tolist()
    statuses = read(tmp_path / "once", "submissions", 0)["status"].to_pylist()
    assert statuses == status
    one = ledger_rows(tmp_path / "a", tmp_path / "once", 1)
    assert ledger_rows(tmp_path / "b", tmp_path / "pieces", len(units)) == one
    if status[1] == "decoded":
        assert any(row["duplicates"] for row in one["submission"][1:2])  # type: ignore[index]


class _Counter:
    """As the number processes share."""

    value = 0

    def get_lock(self) -> "_Counter":
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _sorted(table: pa.Table, key: str) -> list[str]:
    return sorted(str(row) for row in table.to_pylist() if row[key])
