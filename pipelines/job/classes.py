"""The job's Java classes, read and checked once: an archive every later start of the JVM maps.

Starting the mini-cluster means reading, checking and linking ten thousand classes out of 290 MB of
jars, a quarter of its CPU. `python -m pipelines.job.classes FOLDER` runs the job once over nothing,
lets the JVM list what it loaded and writes those classes down. Without the archive, or where it
does not fit, the JVM starts as it always did (docs/adr/0015-classes-are-mapped.md).
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pipelines.job.embedded import java_home, run_embedded
from pipelines.job.segments import NO_WATERMARK, write_segment
from pipelines.job.settings import JobSettings
from schemas.errors import YrdError
from schemas.narrow import NARROW


def archive_in(folder: Path, java: Path) -> Path:
    """Where the archive of this Java and these jars lies, made or not.

    The JVM takes an archive only with the very files it was made from, so they are in its name.
    """
    found = find_spec("pyflink")
    home = Path(found.origin).parent if found and found.origin else Path()
    parts = [str(home), (java / "release").read_text() if (java / "release").is_file() else ""]
    for jar in sorted([*home.glob("lib/*.jar"), *home.glob("opt/flink-python*.jar")]):
        stat = jar.stat()
        parts.append(f"{jar.name} {stat.st_size} {int(stat.st_mtime)}")
    return folder / f"classes-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:16]}.jsa"


def java_options(folder: Path, java: Path) -> tuple[str, ...]:
    """Options with which a JVM maps the archive; none where there is no archive."""
    archive = archive_in(folder, java).resolve()
    if not archive.is_file() or " " in str(archive):  # PyFlink parts options at blanks
        return ()
    return (f"-XX:SharedArchiveFile={archive}", "-Xshare:auto")


def make(folder: Path, java: Path) -> Path:
    """Make the archive if it is not there; costs some twenty CPU-seconds.

    Raises:
        YrdError: the JVM could not write it.
    """
    target = archive_in(folder, java).resolve()
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        listed, made = work / "listed", work / "made.jsa"
        for number in range(2):
            write_segment(work / "narrow", number, np.empty(0, NARROW), NO_WATERMARK)
        option = f"-XX:DumpLoadedClassList={listed}"
        run_embedded(
            JobSettings(work / "narrow", work / "job", java_home=java, java_options=(option,))
        )
        # What Flink loads by loaders of its own lies in jars it unpacks anew at every start.
        own = [text for text in listed.read_text().splitlines() if " source: " not in text]
        listed.write_text("\n".join(own) + "\n")
        command = [
            str(java / "bin" / "java"),
            "-Xshare:dump",
            "-Xmx1g",
            f"-XX:SharedClassListFile={listed}",
            f"-XX:SharedArchiveFile={made}",
            "-cp",
            _class_path(),
        ]
        done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our own Java
        if done.returncode or not made.is_file():
            raise YrdError("java: expected an archive of its classes; it starts without one too")
        made.replace(target)
    return target


def _class_path() -> str:
    """As PyFlink gives it to the JVM: an archive holds for one class path."""
    from pyflink import pyflink_gateway_server as gateway

    environment: dict[str, str] = {}
    gateway.prepare_environment_variables(environment)
    parts = (
        gateway.construct_flink_classpath(environment),
        gateway.construct_hadoop_classpath(environment),
    )
    return os.pathsep.join(parts)


if __name__ == "__main__":
    make(Path(sys.argv[1]), java_home(None))
