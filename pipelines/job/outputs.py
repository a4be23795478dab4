"""What the job writes: lines of text, `<kind> <base64>`, in files or as Kafka messages.

The file sink makes a file visible under its final name only with the checkpoint that covers it, so
a reader that takes finished files only sees each line once, whatever failed in between.
"""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.pairing.kernel import RECON
from schemas.errors import InputError
from schemas.records import CROSSING

CROSSINGS = "crossings"
RECONCILIATION = "reconciliation"
COUNTERS = "counters"
CUT_SHORT = "searches cut short: "  # of a counter, before the rule's name
_KINDS = (CROSSINGS, RECONCILIATION, COUNTERS)


@dataclass(frozen=True)
class Outputs:
    """Everything a run has made visible so far.

    Args:
        crossings: schema CROSSING, any order.
        recon: dtype RECON, any order, one row a completed transaction;
            `pipelines.pairing.pairing.reconciliation` says it in words.
        counters: `reports` in, `transactions` completed, `variants` out of the pair stage,
            `behind` (reports that came behind the watermark
            and took no part: 0 unless the watermark was promised wrongly), and by rule how many
            searches stopped at their bound (`CUT_SHORT`), if any did.
    """

    crossings: pa.Table
    recon: npt.NDArray[Any]
    counters: Counter[str] = field(default_factory=Counter)

    def cut_short(self) -> dict[str, int]:
        """By rule, how many searches stopped at their bound, those that found nothing included."""
        return {
            name.removeprefix(CUT_SHORT): count
            for name, count in sorted(self.counters.items())
            if name.startswith(CUT_SHORT)
        }


# A Kafka producer refuses messages above a mebibyte unless told otherwise; base64 adds a third.
LINE_BYTES = 512 << 10


def recon_parts(recon: bytes) -> Iterator[bytes]:
    """RECON rows in parts of at most `LINE_BYTES`."""
    size = LINE_BYTES // RECON.itemsize * RECON.itemsize
    for start in range(0, len(recon), size):
        yield recon[start : start + size]


def crossing_parts(crossings: pa.RecordBatch) -> Iterator[bytes]:
    """Crossings as Arrow IPC streams of at most `LINE_BYTES` each; a single row is never cut."""
    payload = table_bytes(crossings)
    if len(payload) <= LINE_BYTES or crossings.num_rows == 1:
        yield payload
        return
    half = crossings.num_rows // 2
    yield from crossing_parts(crossings.slice(0, half))
    yield from crossing_parts(crossings.slice(half))


def line(kind: str, payload: bytes) -> str:
    """One line of output, without its end."""
    return f"{kind} {base64.b64encode(payload).decode()}"


def table_bytes(table: pa.Table | pa.RecordBatch) -> bytes:
    """A table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write(table)
    return bytes(sink.getvalue())


def parse(lines: Iterable[str]) -> Outputs:
    """Collect lines.

    Raises:
        InputError: a line is no output of this version of the job.
    """
    crossings = [CROSSING.empty_table()]
    recon = [np.empty(0, RECON)]
    counters: Counter[str] = Counter()
    for number, text in enumerate(lines, start=1):
        kind, _, encoded = text.rstrip("\n").partition(" ")
        if kind not in _KINDS:
            raise InputError(f"job output, line {number}: expected one of {', '.join(_KINDS)}")
        try:
            payload = base64.b64decode(encoded, validate=True)
            if kind == COUNTERS:
                counters.update(json.loads(payload))
            elif kind == RECONCILIATION:
                recon.append(np.frombuffer(payload, RECON))
            else:
                crossings.append(pa.ipc.open_stream(payload).read_all())
        except (binascii.Error, pa.ArrowInvalid, ValueError) as error:
            raise InputError(f"job output, line {number}: expected a whole {kind} line") from error
    return Outputs(pa.concat_tables(crossings), np.concatenate(recon), counters)


def finished_files(folder: Path) -> list[Path]:
    """The output files a checkpoint has covered; files being written begin with a dot."""
    return sorted(
        path
        for path in folder.glob("*")
        if path.is_file() and not path.name.startswith(".") and "inprogress" not in path.name
    )


def collect(folder: Path) -> Outputs:
    """Read the finished files of a run's output folder."""
    return parse(_lines(folder))


def _lines(folder: Path) -> Iterator[str]:
    for path in finished_files(folder):
        with path.open(encoding="ascii") as file:
            yield from file
