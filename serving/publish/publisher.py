"""From the writer's file to the next immutable version.

The writer brings its file up to date, the file is copied under the next number, and the manifest
moves on. A process that dies anywhere in between leaves the former version current; what it left
half-written is removed by the next publication.
"""

import subprocess
import sys
from pathlib import Path

from ledger import ddl
from ledger.loader import Loader
from schemas.errors import PrerequisiteError
from schemas.fields import SCHEMA_VERSION
from serving.publish import copying
from serving.publish.versions import Version, current, numbers, write_manifest

KEEP = 3
_FACTS = """
SELECT
    (SELECT count(*) FROM event) + (SELECT count(*) FROM position),
    (SELECT coalesce(max(commit_number), 0) FROM load_offset),
    (SELECT coalesce(strftime(max(received_at), '%Y-%m-%dT%H:%M:%S.%fZ'), '') FROM submission)
"""


def publish(loader: Loader, folder: Path, keep: int = KEEP) -> Version:
    """Publish what the loader holds as the next version.

    Blocks the loader for the checkpoint and the copy (docs/adr/0020: about 1 s/GB). Old versions
    beyond `keep` are removed; readers that have one open keep it.

    Args:
        loader: The one writer; what waits in it is committed first.
        folder: Where versions lie; made if it is not there.
        keep: How many versions to keep, the new one included.

    Raises:
        PrerequisiteError: the copy could not be written, for example because the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.part"):
        left.unlink()
    loader.checkpoint()
    reports, commits, known_at = loader.connection.rows(_FACTS)[0]
    number = max(numbers(folder), default=0) + 1
    path = folder / f"ledger_v{number}.duckdb"
    part = path.with_suffix(".part")
    done = subprocess.run(  # noqa: S603 - our own module, two paths
        [sys.executable, copying.__file__, str(loader.path), str(part)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        part.unlink(missing_ok=True)
        raise PrerequisiteError(
            f"ledger: {path}: expected room for a copy of {loader.path.name}; make room and "
            "publish again (the former version stays current)"
        )
    part.replace(path)
    version = Version(
        version=number,
        file=path.name,
        data_origin=loader.data_origin,
        format=ddl.FORMAT,
        schema_version=SCHEMA_VERSION,
        commits=commits,
        reports=reports,
        known_at=known_at,
        size=path.stat().st_size,
    )
    write_manifest(folder, version)
    prune(folder, keep)
    return version


def prune(folder: Path, keep: int) -> list[Path]:
    """Remove all but the `keep` newest versions, never the current one."""
    named = current(folder).version
    old = [path for number, path in list(numbers(folder).items())[:-keep] if number != named]
    for path in old:
        path.unlink()
    return old
