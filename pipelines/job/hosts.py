"""What one key of a keyed stage does, without Flink: keep batches, advance with the watermark.

A host keeps its state in stores (`pipelines.job.retained`), so a new host over the same stores goes
on where the old one stood. What hosts give all together depends on the rows alone; batching and the
steps of the watermark only decide which call gives it.
"""

import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.job.outputs import CUT_SHORT, crossing_parts
from pipelines.job.retained import BatchStore, Retained
from pipelines.lanes.entry import delayed
from pipelines.lanes.host import Kept, Meta, RuleHost
from pipelines.lanes.routing import route
from pipelines.pairing.kernel import CLOSED
from pipelines.pairing.pairing import Closed, merge
from pipelines.rules.registry import ParameterSet
from schemas.narrow import NARROW, of_orders

STEP_ROWS = 65_536  # reports merged at once, or up to twice as many
_PART = struct.Struct("<iI")
_KEPT = struct.Struct("<iqqHI")
Rows = npt.NDArray[Any]


def pack(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """Payloads of several buckets in one message.

    Example:
        >>> list(unpack(pack([(3, b"ab"), (5, b"")])))
        [(3, b'ab'), (5, b'')]
    """
    return b"".join(_PART.pack(bucket, len(payload)) + payload for bucket, payload in parts)


def unpack(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The payloads of a message with their buckets."""
    at = 0
    while at < len(message):
        bucket, size = _PART.unpack_from(message, at)
        at += _PART.size
        yield bucket, message[at : at + size]
        at += size


@dataclass(frozen=True)
class PairStep:
    """What the pair stage gives when the watermark moves.

    Args:
        messages: (lane of the rules stage, packed payloads).
        recon: RECON rows as bytes, one a completed transaction.
        counters: reports that no longer wait, transactions completed, variants.
    """

    messages: list[tuple[int, bytes]]
    recon: bytes
    counters: dict[str, int]


class PairHost:
    """One bucket of transaction ids.

    Args:
        rows: Store of reports (NARROW) that may not be merged yet.
        opened: Store of what was emitted (CLOSED).
        wait_us: The market's pair wait.
        lanes: How many keys the rules stage has.
        done_us: Watermark up to which an earlier host over these stores advanced, or None.
    """

    def __init__(
        self, rows: BatchStore, opened: BatchStore, wait_us: int, lanes: int, done_us: int | None
    ) -> None:
        self._wait_us, self._lanes = wait_us, lanes
        self._done_us = -1 if done_us is None else done_us
        self._rows = Retained(rows, _newest_report)
        self._opened = Retained(opened, _newest_start)
        self._closed = Closed()
        self._closed.restore(self._opened.take_restored(), self._done_us)
        # Among the reports kept are some that were merged already. Merging all of them once more
        # up to the same watermark gives nothing, because the memory of what was emitted holds
        # their bits, and leaves those that still wait.
        kept = [np.frombuffer(batch, NARROW) for batch in self._rows.take_restored()]
        self._pending: list[tuple[int, Rows]] = []
        if kept:
            merged = merge(np.concatenate(kept), self._done_us, wait_us, self._closed)
            if len(merged.rest):
                self._pending.append((int(merged.rest["event_time"].min()), merged.rest))

    @property
    def waiting(self) -> bool:
        """Whether reports wait for the watermark."""
        return bool(self._pending)

    def add(self, payload: bytes) -> int:
        """Take reports (NARROW, at least one); those behind the watermark take no part.

        Returns:
            How many were behind the watermark.
        """
        given: Rows = np.frombuffer(payload, NARROW)
        rows = delayed(given)
        if rows is not given:
            payload = rows.tobytes()
        behind = 0
        oldest = int(rows["event_time"].min())
        if oldest <= self._done_us:
            ahead = rows[rows["event_time"] > self._done_us]
            behind = len(rows) - len(ahead)
            if not len(ahead):
                return behind
            rows, payload = ahead, ahead.tobytes()
            oldest = int(rows["event_time"].min())
        self._rows.append(payload)
        self._pending.append((oldest, rows))
        return behind

    def steps(self, watermark_us: int) -> list[int]:
        """Watermarks to advance by, up to this one, so that each step merges a bounded many.

        A merge needs many times the memory of its rows, and one submission may hold millions. What
        steps give all together is what one would: every report up to the watermark is here.
        """
        times = [rows["event_time"] for _, rows in self._pending]
        times = [some[some <= watermark_us] for some in times]
        many = sum(map(len, times))
        if many <= 2 * STEP_ROWS:
            return [watermark_us]
        ordered = np.sort(np.concatenate(times))
        return [*np.unique(ordered[STEP_ROWS:-STEP_ROWS:STEP_ROWS]).tolist(), watermark_us]

    def advance(self, watermark_us: int) -> PairStep:
        """Merge what is complete."""
        counters: dict[str, int] = {}
        messages: list[tuple[int, bytes]] = []
        recon = b""
        candidates = self._take_candidates(watermark_us)
        if candidates:
            rows = np.concatenate(candidates)
            # Room is made by the watermark these reports have not passed yet: by the new one, a
            # transaction could be forgotten whose late leg is among them.
            self._closed.room(len(rows), self._done_us)
            merged = merge(rows, watermark_us, self._wait_us, self._closed)
            if len(merged.rest):
                self._pending.append((int(merged.rest["event_time"].min()), merged.rest))
            if len(merged.opened):
                self._opened.append(merged.opened.tobytes())
            messages = self._routed(merged.ready)
            told = _reconciled(merged.recon, rows)
            recon = told.tobytes()
            counters = {
                "reports": len(rows) - len(merged.rest),
                "transactions": len(told),
                "variants": len(merged.ready),
            }
        self._done_us = watermark_us
        self._rows.drop_while(lambda newest: newest + self._wait_us <= watermark_us)
        self._opened.drop_while(lambda newest: self._closed.expired(newest, watermark_us))
        return PairStep(messages, recon, {name: count for name, count in counters.items() if count})

    def _take_candidates(self, watermark_us: int) -> list[Rows]:
        """Reports not in front of the watermark: one in front of it completes nothing yet."""
        candidates, pending = [], []
        for oldest, rows in self._pending:
            if oldest > watermark_us:
                pending.append((oldest, rows))
                continue
            reached = rows["event_time"] <= watermark_us
            candidates.append(rows[reached])
            if not reached.all():
                ahead = rows[~reached]
                pending.append((int(ahead["event_time"].min()), ahead))
        self._pending = pending
        return candidates

    def _routed(self, variants: Rows) -> list[tuple[int, bytes]]:
        lanes: dict[int, list[tuple[int, bytes]]] = {}
        for bucket, payload in route(variants):
            lanes.setdefault(bucket % self._lanes, []).append((bucket, payload))
        return [(lane, pack(parts)) for lane, parts in lanes.items()]


class RulesHost:
    """One lane of the rules stage: several buckets of subjects, each with its own kernels.

    Args:
        kept: Store of what the rules still need.
        parameters: One parameter set for everything; None means those agreed.
        wait_us: The market's pair wait: variants lag the watermark by at most this.
        done_us: Watermark up to which an earlier host over this store advanced, or None.
    """

    def __init__(
        self,
        kept: BatchStore,
        parameters: ParameterSet | None,
        wait_us: int,
        done_us: int | None,
    ) -> None:
        self._parameters, self._wait_us = parameters, wait_us
        self._kept = Retained(kept, _metas)
        self._hosts: dict[int, RuleHost] = {}
        self._newest_us = -1
        self._done_us = -1 if done_us is None else done_us - wait_us
        restored: dict[int, list[bytes]] = {}
        for batch in self._kept.take_restored():
            for bucket, meta, payload in unpack_kept(batch):
                restored.setdefault(bucket, []).append(payload)
                self._newest_us = max(self._newest_us, meta.newest_us)
        for bucket, payloads in restored.items():
            self._host(bucket).restore(payloads, self._done_us)

    @property
    def waiting(self) -> bool:
        """Whether rows wait for the watermark."""
        return self._newest_us > self._done_us

    def add(self, message: bytes) -> int:
        """Take a message of the pair stage; what is behind is found when it is judged, so 0 are."""
        needed = []
        for bucket, payload in unpack(message):
            for kept in self._host(bucket).add(payload):
                needed.append(_pack_kept(bucket, kept))
                self._newest_us = max(self._newest_us, kept.meta.newest_us)
        if needed:
            self._kept.append(b"".join(needed))
        return 0

    def advance(self, watermark_us: int) -> list[bytes]:
        """Judge what is complete; crossings as Arrow IPC streams, none where there is none."""
        self._done_us = watermark_us - self._wait_us
        found: list[bytes] = []
        for host in self._hosts.values():
            crossings = host.advance(self._done_us)
            if crossings.num_rows:
                found += crossing_parts(crossings)
        for bucket, host in self._hosts.items():
            for kept in host.remembered():
                self._kept.put_in_place(bucket, _pack_kept(bucket, kept))
        self._kept.drop_while(
            lambda metas: all(self._hosts[bucket].expired(meta) for bucket, meta in metas)
        )
        return found

    def counters(self) -> dict[str, int]:
        """What is to be counted since this was asked last.

        Searches that stopped at their bound, and entries that came behind what was judged: the pair
        stage sends none, so if there are any its watermark was ahead of it.
        """
        cut: Counter[str] = Counter()
        for host in self._hosts.values():
            cut.update({CUT_SHORT + rule: more for rule, more in host.cut_short().items()})
            cut["behind"] += host.behind()
        return {name: count for name, count in cut.items() if count}

    def _host(self, bucket: int) -> RuleHost:
        host = self._hosts.get(bucket)
        if host is None:
            host = self._hosts[bucket] = RuleHost(bucket, self._parameters)
            host.restore((), self._done_us)  # what comes behind is behind in a new bucket too
        return host


def _reconciled(recon: Rows, rows: Rows) -> Rows:
    """RECON without orders: each is one broker's report, and no other side is waited for."""
    orders = of_orders(rows)
    if not orders.any():
        return recon
    return recon[~np.isin(recon["key"], rows["key"][orders])]


def _newest_report(batch: bytes) -> int:
    return int(np.frombuffer(batch, NARROW)["event_time"].max())


def _newest_start(batch: bytes) -> int:
    return int(np.frombuffer(batch, CLOSED)["start"].max())


def _pack_kept(bucket: int, kept: Kept) -> bytes:
    meta, rule = kept.meta, kept.meta.rule.encode()
    size = len(kept.payload)
    return (
        _KEPT.pack(bucket, meta.newest_us, meta.newest_ordinal, len(rule), size)
        + rule
        + kept.payload
    )


def unpack_kept(batch: bytes) -> Iterator[tuple[int, Meta, bytes]]:
    """What a batch of a lane's store holds: bucket, what must be known of it, entries."""
    at = 0
    while at < len(batch):
        bucket, newest_us, newest_ordinal, name, size = _KEPT.unpack_from(batch, at)
        at += _KEPT.size
        rule = batch[at : at + name].decode()
        at += name
        yield bucket, Meta(rule, newest_us, newest_ordinal), batch[at : at + size]
        at += size


def _metas(batch: bytes) -> list[tuple[int, Meta]]:
    return [(bucket, meta) for bucket, meta, _ in unpack_kept(batch)]
