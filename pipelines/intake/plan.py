"""Which submissions are taken together, in which order, and which are repeats.

A plan is made once from the tape's envelopes (no bodies), so that workers can take units
independently and in any order without changing the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from connectors.ends.tape import Tape
from connectors.vault import INLINE_LIMIT

# A unit costs some 30 ms a feed whatever it holds, so a tape is cut into few: a quarter of it each,
# as much as memory well below a gibibyte allows, and no less than two workers need to share.
UNIT_BYTES = 48 << 20
_LEAST_BYTES = 24 << 20
_SHARES = 4
# A submission above this is taken alone and in pieces (pipelines.intake.large). So is a compressed
# one the vault holds, whatever its size: what it expands to is not known before.
LARGE_BYTES = 128 << 20
ENVELOPE = ("submitter", "received_at", "sha256", "size")


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one tape segment; `repeats` are those sent before by the same submitter."""

    segment: int
    rows: tuple[int, ...]
    repeats: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """What one intake call takes: `parts`, in order of arrival, make output segment `number`.

    `received_us` is when the last of them was received. `large` says that it is one submission
    taken in pieces, of `size` bytes.
    """

    number: int
    parts: tuple[Part, ...]
    submissions: int
    received_us: int
    size: int = 0
    large: bool = False


def plan(
    tape: Tape, shuffle: int | None = None, slack_us: int = 0, unit_bytes: int = UNIT_BYTES
) -> tuple[Unit, ...]:
    """Units of about `unit_bytes`, or of a quarter of a tape that is short, in order of arrival.

    Args:
        tape: The tape.
        shuffle: A seed: submissions overtake each other at random, by less than the slack. The
            result of a run must not depend on it.
        slack_us: How far they may overtake, microseconds of received time.
        unit_bytes: Submitted bytes after which a unit ends at the latest.
    """
    tables = [tape.outlines(n, ENVELOPE) for n in range(len(tape.segments()))]
    if not tables:
        return ()
    sizes = [table.num_rows for table in tables]
    everything = pa.concat_tables(tables).combine_chunks()
    segments = np.repeat(np.arange(len(tables)), sizes)
    rows = np.concatenate([np.arange(size) for size in sizes])
    repeat = _repeats(everything)
    order = np.arange(len(segments))
    received = everything["received_at"].cast(pa.int64()).to_numpy()
    if shuffle is not None:
        jitter = np.random.default_rng(shuffle).integers(0, max(slack_us, 1), len(received))
        order = np.argsort(received + jitter, kind="stable")
    bytes_of = everything["size"].to_numpy()[order]
    large = _large(tape, everything)[order]
    share = max(int(bytes_of[~large].sum()) // _SHARES, _LEAST_BYTES)
    cuts = _cuts(bytes_of, large, min(unit_bytes, share))
    return tuple(
        Unit(
            number,
            _parts(segments, rows, repeat, order[cuts[number] : cuts[number + 1]]),
            int(cuts[number + 1] - cuts[number]),
            int(received[order[cuts[number] : cuts[number + 1]]].max()),
            int(bytes_of[cuts[number] : cuts[number + 1]].sum()),
            bool(large[cuts[number]]),
        )
        for number in range(len(cuts) - 1)
    )


def _large(tape: Tape, everything: pa.Table) -> NDArray[np.bool_]:
    """Which submissions are taken in pieces."""
    sizes = everything["size"].to_numpy()
    out: NDArray[np.bool_] = sizes > LARGE_BYTES
    for row in np.flatnonzero((sizes > INLINE_LIMIT) & ~out).tolist():
        out[row] = tape.packed(everything["sha256"][row].as_py())
    return out


def _cuts(sizes: NDArray[Any], large: NDArray[np.bool_], unit_bytes: int) -> NDArray[Any]:
    """Where units begin, and the end: each holds one submission at least, a large one no other."""
    unit = np.cumsum(sizes) // unit_bytes
    begins = np.flatnonzero(np.diff(unit)) + 1
    alone = np.flatnonzero(large)
    return np.unique(np.concatenate([[0], begins, alone, alone + 1, [len(sizes)]]))


def _repeats(everything: pa.Table) -> NDArray[Any]:
    """True for every submission whose submitter sent the same bytes earlier on the tape."""
    seen: set[tuple[str, bytes]] = set()
    out = np.zeros(everything.num_rows, np.bool_)
    pairs = zip(everything["submitter"].to_pylist(), everything["sha256"].to_pylist(), strict=True)
    for number, pair in enumerate(pairs):
        out[number] = pair in seen
        seen.add(pair)
    return out


def _parts(
    segments: NDArray[Any],
    rows: NDArray[Any],
    repeat: NDArray[Any],
    chosen: Sequence[int] | NDArray[Any],
) -> tuple[Part, ...]:
    """Runs of submissions that lie in one tape segment, in order."""
    parts: list[Part] = []
    chosen = np.asarray(chosen)
    if not len(chosen):
        return ()
    breaks = np.flatnonzero(np.diff(segments[chosen])) + 1
    for run in np.split(chosen, breaks):
        taken = rows[run]
        parts.append(
            Part(
                int(segments[run[0]]),
                tuple(taken.tolist()),
                tuple(taken[repeat[run]].tolist()),
            )
        )
    return tuple(parts)
