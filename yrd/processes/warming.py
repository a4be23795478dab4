"""Compiled kernels, made once for all processes that need them.

On a fresh clone the kernels of intake take a quarter of a minute of CPU time to compile; numba
keeps them on disk. Workers that started together would each compile all of them: instead the first
one takes every feed's plain example while the others wait, and they load the kernels from there.
"""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from connectors.feeds import registry
from schemas.records import RAW

if TYPE_CHECKING:
    from pipelines.intake.intake import Intake

_RECEIVED = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)  # when the examples were written for
_SUBMITTER = "381290000019"


def warm(intake: "Intake", data_origin: str, feeds: Collection[str] | None = None) -> None:
    """Take the plain examples of feeds and drop what comes of it: compiles or loads kernels.

    `feeds` are those that will come; None means all.
    """
    rows = []
    for path in sorted(Path(registry.__file__).parent.glob("*/examples/plain.*")):
        wanted = feeds is None or path.parents[1].name in feeds
        if wanted and path.name.count(".") == 1:  # beside it lies what it must become
            body = path.read_bytes()
            row = {"feed": path.parents[1].name, "submitter": _SUBMITTER, "received_at": _RECEIVED}
            row |= {"data_origin": data_origin, "sha256": hashlib.sha256(body).digest()}
            rows.append(row | {"size": len(body), "file_name": path.name, "body": body})
    if rows:
        raw = pa.Table.from_pylist(rows, RAW)
        intake.process(raw, np.zeros(len(rows), np.bool_), 0)
