"""Pairing: reports in, variants out, with the memory a late leg needs.

`merge` is pure but for `closed`, the memory of what was emitted, which the caller keeps and
persists: `Merged.opened` holds every entry added or changed, so appending those batches to state
and giving them to `Closed.restore` in order rebuilds the memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.pairing.kernel import CLOSED, RECON, key_order, merge_sorted, put_all
from schemas.narrow import NARROW, RULE_COLUMNS
from schemas.records import RECONCILIATION

SECOND = 1_000_000
DAY = 86_400 * SECOND
PAIR_MEMORY_US = 2 * DAY


class Closed:
    """What was emitted under each key, remembered for `memory_us` of event time after its start.

    An open-addressing table of CLOSED, rebuilt (and emptied of what is past remembering) when it
    is half full: 24 bytes a transaction, at most four times that.
    """

    def __init__(self, memory_us: int = PAIR_MEMORY_US) -> None:
        self.memory_us = memory_us
        self.table = np.zeros(1 << 10, CLOSED)
        self.used = 0

    def restore(self, batches: Iterable[bytes], watermark_us: int) -> None:
        """Rebuild from the `opened` batches of earlier merges, oldest first."""
        for batch in batches:
            entries = np.frombuffer(batch, CLOSED)
            self.room(len(entries), watermark_us)
            self.used += put_all(self.table, entries, watermark_us - self.memory_us)

    def expired(self, newest_start_us: int, watermark_us: int) -> bool:
        """Whether an `opened` batch whose newest start is this can be dropped from state."""
        return newest_start_us + self.memory_us < watermark_us

    def room(self, more: int, watermark_us: int) -> None:
        """Make sure `more` new keys fit, forgetting those no leg can belong to any more."""
        if 2 * (self.used + more) <= len(self.table):
            return
        alive_from = watermark_us - self.memory_us
        kept = self.table[(self.table["key"] != 0) & (self.table["start"] >= alive_from)]
        size = len(self.table)
        while size < 4 * (len(kept) + more):
            size *= 2
        self.table = np.zeros(size, CLOSED)
        self.used = put_all(self.table, kept, alive_from)


@dataclass(frozen=True, slots=True)
class Merged:
    """What one merge gave.

    `ready`: variants, NARROW, mask with bit 4. `rest`: rows to give again with the next ones.
    `opened`: CLOSED, for the caller's state. `recon`: RECON, one row a transaction completed.
    """

    ready: npt.NDArray[Any]
    rest: npt.NDArray[Any]
    opened: npt.NDArray[Any]
    recon: npt.NDArray[Any]


def merge(rows: npt.NDArray[Any], watermark_us: int, wait_us: int, closed: Closed) -> Merged:
    """Merge the legs that are complete at the watermark into variants.

    Args:
        rows: NARROW reports not merged yet (the last call's `rest` and what came since).
        watermark_us: every on-time report with an event time up to here is in `rows` or was.
        wait_us: the market's pair wait.
        closed: the memory; changed in place.

    Returns:
        Variants in key order: equal contents share one row with the union of their bits.
    """
    n = len(rows)
    # What a leg in hand may still belong to must not be forgotten, however far the watermark leapt.
    closed.room(n, min(watermark_us, int(rows["event_time"].min())) if n else watermark_us)
    out = np.empty(5 * n, NARROW)
    rest = np.empty(n, np.int64)
    opened = np.empty(n, CLOSED)
    recon = np.empty(n, RECON)
    ready, left, changed, groups, new = merge_sorted(
        rows, key_order(rows), watermark_us, wait_us, closed.memory_us, closed.table,
        out, rest, opened, recon,
    )  # fmt: skip
    closed.used += new
    return Merged(out[:ready], rows[rest[:left]], opened[:changed], recon[:groups])


def reconciliation(
    recon: npt.NDArray[Any], market_segment: str, expected_legs: int | npt.NDArray[Any]
) -> pa.Table:
    """Say in words what pairing found: RECONCILIATION, one row a transaction.

    Args:
        recon: RECON of one or more merges of one market.
        market_segment: e.g. "PYMT".
        expected_legs: how many reports the market's visibility row expects, of every transaction
            or of each.
    """
    fields, legs = recon["fields"], recon["legs"]
    status = np.where(
        fields != 0, "mismatched", np.where(legs < expected_legs, "one_sided", "paired")
    )
    distinct = {
        int(value): [name for bit, name in enumerate(RULE_COLUMNS) if int(value) >> bit & 1]
        for value in np.unique(fields)
    }
    names = [distinct[value] for value in fields.tolist()]
    return pa.table(
        {
            "transaction": recon["key"],
            "market_segment": [market_segment] * len(recon),
            "status": status.astype(object),
            "expected_legs": np.full(len(recon), expected_legs, np.int8),
            "legs": legs.astype(np.int8),
            "fields": names,
        },
        schema=RECONCILIATION,
    )


def definition() -> str:
    """The same relation in SQL, over `report` and `pairing_params` (definition.sql).

    `{contents}` and `{columns}` stand for the rule columns, so that they are written down once.
    """
    text = (Path(__file__).parent / "definition.sql").read_text(encoding="utf-8")
    contents = ",\n        ".join(
        f"coalesce(arg_min({name}, report) FILTER (WHERE {name} <> 0), 0) AS {name}"
        for name in RULE_COLUMNS
    )
    return text.replace("{contents}", contents).replace("{columns}", ", ".join(RULE_COLUMNS))
