"""A folder of files as submissions.

Who sent a file, when it came and which feed it is are said beside it, in `<file>.meta.json`
(`{"feed": ..., "submitter": ..., "received_at": "2026-06-15T02:30:00Z"}`), or in its name:
`<feed>__<submitter>__<yyyymmddTHHMMSSZ>__<anything>`. Nothing is guessed from content or mtime.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from schemas.errors import InputError
from schemas.records import RAW

SIDECAR = ".meta.json"
_HINT = (
    f"write <file>{SIDECAR} with feed, submitter and received_at, or name the file "
    "<feed>__<submitter>__<yyyymmddTHHMMSSZ>__<anything>"
)


def read_folder(folder: Path, data_origin: str) -> pa.Table:
    """Every file of a folder as rows of `RAW`, ordered by receipt, then by name.

    Hidden files and sidecars are no submissions. Bodies are in the rows whatever their size.

    Raises:
        InputError: the folder is absent, or a file does not say feed, submitter and receipt.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of submitted files")
    rows = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith(SIDECAR) or not path.is_file():
            continue
        feed, submitter, received_at = _about(path)
        body = path.read_bytes()
        rows.append(
            {
                "feed": feed,
                "submitter": submitter,
                "received_at": received_at,
                "data_origin": data_origin,
                "sha256": hashlib.sha256(body).digest(),
                "size": len(body),
                "file_name": path.name,
                "body": body,
            }
        )
    rows.sort(key=lambda row: (row["received_at"], row["file_name"]))
    return pa.Table.from_pylist(rows, schema=RAW)


def _about(path: Path) -> tuple[str, str, datetime]:
    sidecar = path.with_name(path.name + SIDECAR)
    if sidecar.is_file():
        try:
            told = json.loads(sidecar.read_text(encoding="utf-8"))
            feed, submitter = str(told["feed"]), str(told["submitter"])
            received_at = datetime.fromisoformat(told["received_at"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{sidecar}: expected feed, submitter, received_at; {_HINT}"
            ) from error
    else:
        parts = path.name.split("__")
        try:
            feed, submitter, stamp = parts[:3]
            received_at = datetime.strptime(stamp.split(".")[0], "%Y%m%dT%H%M%S%z")
        except ValueError as error:
            raise InputError(
                f"{path}: name: expected feed, submitter and receipt; {_HINT}"
            ) from error
    if received_at.tzinfo is None:
        raise InputError(
            f"{sidecar}: received_at: expected a time zone, such as 2026-06-15T02:30:00Z"
        )
    return feed, submitter, received_at
