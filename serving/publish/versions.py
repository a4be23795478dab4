"""Which version is current, and opening one.

A folder of versions holds `ledger_v<N>.duckdb` files that never change and `current.json`, which
names the one to open and is replaced in one step. Readers hold a version open as long as they
like: a version that is pruned meanwhile stays readable for those who have it open.
"""

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ledger import ddl, duck
from schemas.errors import InputError

MANIFEST = "current.json"
_NAME = re.compile(r"ledger_v([1-9][0-9]*)\.duckdb")


@dataclass(frozen=True, slots=True)
class Version:
    """One published version.

    `commits` is the writer's number of commits it holds, `known_at` the latest time of receipt in
    it (ISO 8601, empty if it holds nothing), `size` its bytes.
    """

    version: int
    file: str
    data_origin: str
    format: int
    schema_version: str
    commits: int
    reports: int
    known_at: str
    size: int


def numbers(folder: Path) -> dict[int, Path]:
    """Every version that lies in a folder, by number, ascending."""
    found = {}
    for path in folder.glob("ledger_v*.duckdb"):
        if match := _NAME.fullmatch(path.name):
            found[int(match[1])] = path
    return dict(sorted(found.items()))


def current(folder: Path) -> Version:
    """The version to open.

    Raises:
        InputError: nothing was published there, or the manifest is not one.
    """
    path = folder / MANIFEST
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        return Version(**{field.name: row[field.name] for field in fields(Version)})
    except FileNotFoundError:
        raise InputError(
            f"ledger: {folder}: expected a folder with {MANIFEST}; run `yrd demo` first or name "
            "another with --ledger"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"ledger: {path}: expected a manifest of versions; publish again"
        ) from None


def write_manifest(folder: Path, version: Version) -> None:
    """Make a version the current one, in one step."""
    draft = folder / f"{MANIFEST}.new"
    draft.write_text(json.dumps(asdict(version), indent=1) + "\n", encoding="utf-8")
    draft.replace(folder / MANIFEST)


def open_version(
    where: Path, memory_limit_mb: int = duck.MEMORY_LIMIT_MB
) -> tuple[duck.Connection, Version | None]:
    """Open the current version of a folder, or one version's file, read-only.

    Returns:
        The session, and the manifest's entry where the folder was named.

    Raises:
        InputError: nothing is published there, or it is no ledger of this version.
    """
    if where.is_file():
        connection = duck.open(where, read_only=True, memory_limit_mb=memory_limit_mb)
        return _checked(connection), None
    version = current(where)
    if not (where / version.file).is_file():  # replaced and pruned since its name was read
        version = current(where)
    connection = duck.open(where / version.file, read_only=True, memory_limit_mb=memory_limit_mb)
    return _checked(connection), version


def _checked(connection: duck.Connection) -> duck.Connection:
    try:
        ddl.check_format(connection)
    except BaseException:
        connection.close()
        raise
    return connection
