"""The archive of the job's Java classes is used where it fits, and only there."""

from pathlib import Path

import pytest

from pipelines.job import classes
from pipelines.job.embedded import java_home
from pipelines.job.settings import JobSettings


def test_a_jvm_is_told_of_an_archive_only_if_there_is_one(tmp_path: Path) -> None:
    java = java_home(None)
    assert classes.java_options(tmp_path, java) == ()
    archive = classes.archive_in(tmp_path, java)
    archive.touch()
    assert classes.java_options(tmp_path, java) == (
        f"-XX:SharedArchiveFile={archive}",
        "-Xshare:auto",
    )
    assert classes.make(tmp_path, java) == archive  # made once


def test_an_archive_below_a_folder_with_blanks_is_left_alone(tmp_path: Path) -> None:
    """PyFlink parts the options of the JVM at blanks."""
    java = java_home(None)
    folder = tmp_path / "with blanks"
    folder.mkdir()
    classes.archive_in(folder, java).touch()
    assert classes.java_options(folder, java) == ()


@pytest.mark.parametrize("changed", ["release", "lib"])
def test_another_java_or_other_jars_have_another_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    java, home = tmp_path / "java", tmp_path / "pyflink"
    (home / "lib").mkdir(parents=True)
    java.mkdir()
    (java / "release").write_text("21.0.8")
    (home / "lib" / "flink-dist.jar").write_bytes(b"one")

    class Found:
        origin = str(home / "__init__.py")

    monkeypatch.setattr(classes, "find_spec", lambda name: Found)
    before = classes.archive_in(tmp_path, java)
    assert classes.archive_in(tmp_path, java) == before
    if changed == "release":
        (java / "release").write_text("21.0.9")
    else:
        (home / "lib" / "flink-dist.jar").write_bytes(b"another")
    assert classes.archive_in(tmp_path, java) != before


def test_options_of_the_jvm_survive_the_way_to_the_child(tmp_path: Path) -> None:
    settings = JobSettings(tmp_path, tmp_path / "job", java_options=("-Xshare:auto",))
    assert JobSettings.from_json(settings.to_json()).java_options == ("-Xshare:auto",)
