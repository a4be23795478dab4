"""Tape, folder and vault give back exactly what was put in, or say what is wrong."""

import hashlib
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.ends import kafka
from connectors.ends.folder import record, sent
from connectors.ends.tape import Tape, TapeWriter
from connectors.vault import INLINE_LIMIT, Reading, Vault
from schemas.errors import InputError, PrerequisiteError
from schemas.records import RAW

START = datetime(2026, 6, 15, 2, 0, tzinfo=UTC)


def make_tape(folder: Path, bodies: list[bytes]) -> list[bytes]:
    with TapeWriter(folder, "SIMULATED", seed=7) as tape:
        return [
            tape.add("pacs008", "105290071008", START + timedelta(seconds=i), body, f"{i}.xml")
            for i, body in enumerate(bodies)
        ]


def test_a_tape_returns_every_submission_in_order_with_its_body(tmp_path: Path) -> None:
    bodies = [b"small %d" % i for i in range(600)] + [b"L" * (INLINE_LIMIT + 1)]
    digests = make_tape(tmp_path / "tape", bodies)
    readings: list[Reading] = []
    tape = Tape(tmp_path / "tape", readings.append)
    tables = [tape.read(i) for i in range(len(tape.segments()))]
    assert len(tables) > 1
    assert all(table.schema == RAW for table in tables)
    assert [b for table in tables for b in table["body"].to_pylist()] == bodies
    assert [b for table in tables for b in table["sha256"].to_pylist()] == digests
    assert sum(segment.submissions for segment in tape.segments()) == len(bodies)
    assert sum(segment.bytes for segment in tape.segments()) == sum(map(len, bodies))
    assert tape.manifest["feeds"] == ["pacs008"]
    assert tape.manifest["seed"] == 7
    assert [r.sha256 for r in readings] == [digests[-1].hex()]  # only the big one, and it is told


def test_a_tape_half_written_or_changed_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "half"
    writer = TapeWriter(folder, "SIMULATED")
    writer.add("pacs008", "x", START, b"1")
    with pytest.raises(InputError, match="finished tape"):
        Tape(folder)
    with pytest.raises(InputError, match="order of receipt"):
        writer.add("pacs008", "x", START - timedelta(seconds=1), b"2")
    writer.close()
    segment = folder / Tape(folder).segments()[0].name
    segment.write_bytes(segment.read_bytes()[:-1] + b"!")
    with pytest.raises(InputError, match="bytes the manifest names"):
        Tape(folder).read(0)
    with pytest.raises(InputError, match="empty or absent"):
        TapeWriter(folder, "SIMULATED")
    with pytest.raises(InputError, match="data_origin"):
        TapeWriter(tmp_path / "other", "INVENTED")


def test_the_vault_logs_before_it_returns_and_notices_changed_bytes(tmp_path: Path) -> None:
    log: list[Reading] = []
    vault = Vault(tmp_path, log.append)
    digest = vault.put(b"account 6222")
    assert vault.put(b"account 6222") == digest == hashlib.sha256(b"account 6222").digest()
    assert digest in vault
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [digest.hex()]
    assert vault.get(digest, "alert verify") == b"account 6222"
    assert log == [Reading(digest.hex(), "alert verify")]
    vault.path(digest).write_bytes(b"account 6223")
    with pytest.raises(InputError, match="were changed"):
        vault.get(digest, "alert verify")
    with pytest.raises(InputError, match="expected in the vault"):
        vault.get(bytes(32), "alert verify")
    with pytest.raises(InputError, match="were changed"):
        vault.stored(digest, "intake")
    body = bytes(range(256)) * 40_000
    (tmp_path / "large").write_bytes(body)
    digest = vault.put_file(tmp_path / "large")
    log.clear()
    stored = vault.stored(digest, "intake")
    assert log == [Reading(digest.hex(), "intake")]
    assert (len(stored), bytes(stored), stored[255:258]) == (len(body), body, b"\xff\0\1")
    assert stored[-2:] + stored[len(body) :] == b"\xfe\xff"


def test_a_reading_that_cannot_be_logged_does_not_happen(tmp_path: Path) -> None:
    def refuse(_: Reading) -> None:
        raise OSError("log is full")

    vault = Vault(tmp_path, refuse)
    digest = vault.put(b"x")
    with pytest.raises(OSError, match="log is full"):
        vault.get(digest, "test")


def test_a_folder_says_who_sent_each_file(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(b"later")
    told = {"feed": "loan_register", "submitter": "S2", "received_at": "2026-06-15T11:00:00+08:00"}
    (tmp_path / "b.csv.meta.json").write_text(json.dumps(told))
    (tmp_path / "pacs008__S1__20260615T020000Z__a.xml").write_bytes(b"first")
    large = "pacs008__S1__20260615T040000Z__b.xml"
    (tmp_path / large).write_bytes(b"<" * (INLINE_LIMIT + 1))
    done: list[int] = []
    with TapeWriter(tmp_path / ".tape", "PUBLIC") as tape:
        record(sent(tmp_path), tape, done.append)
    table = Tape(tmp_path / ".tape").read(0)
    assert table["body"].to_pylist() == [b"first", b"later", b"<" * (INLINE_LIMIT + 1)]
    assert table["size"].to_pylist() == [5, 5, INLINE_LIMIT + 1]
    assert table["file_name"].to_pylist()[1:] == ["b.csv", large]
    assert table["feed"].to_pylist() == ["pacs008", "loan_register", "pacs008"]
    assert table["received_at"].to_pylist()[:2] == [START, START + timedelta(hours=1)]
    assert done == sorted(done)
    assert done[-1] == INLINE_LIMIT + 11
    (tmp_path / "c.csv").write_bytes(b"nobody's")
    with pytest.raises(InputError, match="feed, submitter and receipt"):
        sent(tmp_path)


def test_without_a_broker_the_cure_is_named_and_no_thread_left_behind() -> None:
    before = threading.enumerate()
    with pytest.raises(PrerequisiteError, match="yrd up"):
        kafka.partitions("127.0.0.1:1", ["any"])
    assert threading.enumerate() == before
