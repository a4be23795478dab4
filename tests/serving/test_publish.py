"""Versions: immutable, switched in one step, readable while the loader writes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import duck
from ledger.loader import Loader
from schemas.errors import InputError
from serving.publish import MANIFEST, current, open_version, publish
from serving.publish.versions import numbers
from tests.ledger.made import report, wide

WRITE = """
import sys
from pathlib import Path
from ledger.loader import Loader
from serving.publish import publish
from tests.ledger.made import report, wide
folder = Path(sys.argv[1])
with Loader(folder / "writer.duckdb", "SIMULATED", commit_rows=10) as loader:
    position = 0
    for line in sys.stdin:
        rows = [report(position * 10 + n) for n in range(10)]
        loader.load_segment("test", position, {"event": wide(rows)})
        position += 1
        if line.strip() == "publish":
            publish(loader, folder)
        print(position, flush=True)
"""


def test_published_versions_are_asked_while_a_loader_process_writes(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def step(what: str) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(what + "\n")
        process.stdin.flush()
        assert process.stdout.readline().strip().isdigit()

    def count(connection: duck.Connection) -> int:
        return int(connection.scalar("SELECT count(*) FROM event"))

    step("publish")
    step("load")
    first, version = open_version(tmp_path)
    assert version is not None
    assert (version.version, version.reports, count(first)) == (1, 10, 10)
    with pytest.raises(InputError, match="another process writes it"):
        duck.open(tmp_path / "writer.duckdb", read_only=True)
    step("publish")
    step("load")
    second, _ = open_version(tmp_path)
    assert (count(first), count(second)) == (10, 30)
    with pytest.raises(InputError, match="another process writes it"):
        Loader(tmp_path / "writer.duckdb", "SIMULATED")
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()
    first.close()
    second.close()


def test_old_versions_are_pruned_and_stay_readable_for_who_has_them_open(tmp_path: Path) -> None:
    with Loader(tmp_path / "writer.duckdb", "SIMULATED") as loader:
        for position in range(5):
            loader.load_segment("test", position, {"event": wide([report(position)])})
            publish(loader, tmp_path)
            if position == 0:
                first, _ = open_version(tmp_path)
    assert list(numbers(tmp_path)) == [3, 4, 5]
    assert current(tmp_path).version == 5
    assert first.scalar("SELECT count(*) FROM event") == 1
    first.close()
    newest, _ = open_version(tmp_path)
    assert newest.scalar("SELECT count(*) FROM event") == 5
    newest.close()


def test_a_publisher_that_died_halfway_leaves_the_former_version_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loader(tmp_path / "writer.duckdb", "SIMULATED") as loader:
        publish(loader, tmp_path)
        loader.load_segment("test", 0, {"event": wide([report(0)])})

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("serving.publish.publisher.write_manifest", die)
            with pytest.raises(KeyboardInterrupt):
                publish(loader, tmp_path)
        (tmp_path / "ledger_v9.part").write_bytes(b"half")
        assert current(tmp_path).reports == 0
        publish(loader, tmp_path)
    assert current(tmp_path).reports == 1
    assert list(tmp_path.glob("*.part")) == []


def test_a_copy_that_cannot_be_written_is_said_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schemas.errors import PrerequisiteError

    with Loader(tmp_path / "writer.duckdb", "SIMULATED") as loader:
        publish(loader, tmp_path)
        monkeypatch.setattr("serving.publish.copying.__file__", str(tmp_path / "missing.py"))
        with pytest.raises(PrerequisiteError, match="former version stays current"):
            publish(loader, tmp_path)
    assert current(tmp_path).version == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}'])
def test_a_manifest_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(InputError, match="manifest"):
        current(tmp_path)


def test_a_folder_without_versions_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="yrd demo"):
        open_version(tmp_path)


def test_the_manifest_states_what_a_version_holds(published: Path) -> None:
    told = json.loads((published / MANIFEST).read_text())
    connection, version = open_version(published)
    with connection:
        reports = connection.scalar(
            "SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM position)"
        )
    assert version is not None
    assert told["reports"] == version.reports == reports
    assert told["data_origin"] == "SIMULATED"
    assert told["size"] == (published / told["file"]).stat().st_size
