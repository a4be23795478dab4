"""The stream lane without Flink: routing, one host a bucket, and a plain run of the whole.

The job gives `route`'s payloads to the host of their bucket key, calls `advance` when its watermark
moves, keeps what `add` returns in its state and drops what `expired` names. Rules meet their data
in (event time, key) order whatever the batching, so crossings depend on the input alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.lanes.entry import (
    BUCKETS,
    CUT,
    ENTRY,
    GROUP_NAMES,
    GROUPS,
    MEMO,
    OF_ORDERS,
    ORDER,
    SIDES,
    WHOLE,
    delay_us,
    delayed,
    memos,
)
from pipelines.lanes.judged import Judged
from pipelines.lanes.kernel import route_orders, route_sides, sort_out, take_ready
from pipelines.pairing.pairing import PAIR_MEMORY_US, Closed, merge
from pipelines.rules.kernels.graph import LOOKS_BACK_US
from pipelines.rules.kernels.graph_state import GraphState
from pipelines.rules.kernels.table import pair_ids
from pipelines.rules.parameter_sets import judgements
from pipelines.rules.registry import Horizon, InForce, Rule, in_force, load_rules
from schemas.narrow import EVENT_CODES, NARROW, of_orders
from schemas.records import CROSSING
from schemas.visibility import pair_wait_us

END_OF_TIME = 1 << 62
_MARKET = "PYMT"  # whose reports this lane pairs
MEMORY = "memory"  # as `Meta.rule`: what rules wrote down themselves
_DAY_US, _BEIJING_US = 86_400_000_000, 28_800_000_000
_NO_DAY_US = 1 << 60  # beyond: the end of a stream, after which nothing is taken up again


class KernelState(Protocol):
    """What a rule's `kernel.State(parameters)` offers; entries are ENTRY rows in order."""

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Set the class of every entry the rule needs and nobody claimed (0) to `level`.

        Dropping what no rule claims changes nothing any rule says.
        """

    def run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Feed entries; return HIT rows and the evidence (int64) they point into."""


class Remembering(Protocol):
    """What a state offers besides if its rule says `memory = true`."""

    def remember(self) -> npt.NDArray[Any]:
        """All that later crossings may need of what was fed, as MEMO rows."""

    def recall(self, rows: npt.NDArray[Any], up_to_us: int) -> None:
        """Take back what was remembered when everything up to an instant had been fed."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What a host must know to say when a kept batch can go: small, pickles as a tuple."""

    rule: str  # whose horizon keeps it: a rule, or `graph` for the rules on it
    newest_us: int
    newest_ordinal: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch to keep in state until `RuleHost.expired(meta)`."""

    meta: Meta
    payload: bytes


@cache
def stream_rules() -> tuple[Rule, ...]:
    """The rules of the stream lane, those first that keep entries longest."""
    rules = [rule for rule in load_rules().values() if rule.lane == "stream"]
    return tuple(
        sorted(rules, key=lambda r: (-r.kept_for.business_days, -r.kept_for.microseconds, r.name))
    )


@cache
def _all_read() -> Mapping[str, npt.NDArray[Any]]:
    return _reads(stream_rules())


def _reads(rules: tuple[Rule, ...]) -> Mapping[str, npt.NDArray[Any]]:
    """Key groups the rules are routed by, each with the event codes they read (bool, 32)."""
    found: dict[str, npt.NDArray[Any]] = {}
    for rule in rules:
        reads = found.setdefault(rule.group, np.zeros(32, np.bool_))
        reads[[EVENT_CODES[code] for code in rule.reads]] = True
    return MappingProxyType({name: found[name] for name in GROUP_NAMES if name in found})


def route(
    variants: npt.NDArray[Any], rules: tuple[Rule, ...] | None = None
) -> list[tuple[int, bytes]]:
    """Explode variants into entries for the rules' key groups.

    Args:
        variants: NARROW rows of `pairing.merge`.
        rules: of the stream lane; None means all there are.

    Returns:
        (bucket key, ENTRY bytes) for each bucket that gets any; only event codes a rule reads.
        Groups of orders get ORDER bytes, and none where no variant speaks of one.
    """
    found = []
    orders = bool(of_orders(variants).any())
    for group, reads in (_all_read() if rules is None else _reads(rules)).items():
        if group in OF_ORDERS and not orders:
            continue
        subjects, others = (
            np.stack([_ids(variants, side[place]) for side in SIDES[group]]) for place in (0, 1)
        )
        entries = np.empty(subjects.size, ENTRY)
        cuts = np.zeros(BUCKETS + 1, np.int64)
        if group in OF_ORDERS:
            parts = np.stack([variants[name] for name in OF_ORDERS[group]])
            route_orders(variants, reads, subjects, parts, entries.view(ORDER), cuts)
        else:
            route_sides(variants, reads, subjects, others, group in WHOLE, entries, cuts)
        first = GROUPS[group] * BUCKETS
        at = cuts.tolist()
        found += [
            (first + bucket, entries[at[bucket] : at[bucket + 1]].tobytes())
            for bucket in range(BUCKETS)
            if at[bucket + 1] > at[bucket]
        ]
    return found


def _ids(variants: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
    """A column of ids; `pair` is computed."""
    if name == "pair":
        return pair_ids(variants["payer_party"], variants["payee_party"])
    ids: npt.NDArray[np.int64] = variants[name]
    return ids


@dataclass(frozen=True, slots=True)
class _Part:
    """One state of a host: of a rule, or of all rules on the graph, who share it."""

    name: str  # as `Meta.rule`
    horizon: Horizon  # how far back the state looks
    rules: tuple[Rule, ...]
    state: KernelState | GraphState

    def run(self, entries: npt.NDArray[Any]) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        """Feed entries; what each rule found."""
        if isinstance(self.state, GraphState):
            return self.state.run(entries)
        return [self.state.run(entries)]


def _parts(rules: tuple[Rule, ...], sets: InForce) -> tuple[_Part, ...]:
    whole = tuple(rule for rule in rules if rule.group in WHOLE)
    parts = [
        _Part(rule.name, rule.kept_for, (rule,), _state(rule, sets))
        for rule in rules
        if rule.group not in WHOLE
    ]
    if whole:
        looks_back = Horizon(0, LOOKS_BACK_US)
        parts.append(_Part(whole[0].group, looks_back, whole, GraphState(whole, sets)))
    return tuple(parts)


def _day(instant: int) -> int:
    return (instant + _BEIJING_US) // _DAY_US


def _state(rule: Rule, sets: InForce) -> KernelState:
    make: Callable[[Mapping[str, int]], KernelState]
    make = import_module(f"pipelines.rules.{rule.name}.kernel").State
    runs = judgements(rule, sets)
    if len(runs) == 1 and runs[0].takes_all:
        return make(runs[0].values)
    return Judged(runs, make)


class RuleHost:
    """Every stream rule of one key group over one bucket's subjects.

    Args:
        bucket_key: `group * BUCKETS + bucket`.
        parameters: what is in force: one set, or several; None means those agreed.
        rules: of the stream lane; None means all there are.

    Not safe for two threads at once; kernels release the GIL.
    """

    def __init__(
        self,
        bucket_key: int,
        parameters: InForce | None = None,
        rules: tuple[Rule, ...] | None = None,
    ) -> None:
        agreed = in_force(parameters)
        group = GROUP_NAMES[bucket_key // BUCKETS]
        asked = stream_rules() if rules is None else rules
        mine = tuple(rule for rule in asked if rule.group == group)
        self._delay_us = delay_us(group)
        self._parts = _parts(mine, agreed)
        self._horizons = {part.name: part.horizon for part in self._parts}
        self._lasting = tuple(part for part in self._parts if part.rules[0].memory)
        self._remembered_us = -END_OF_TIME  # what was fed up to here is written down
        self._waiting: list[npt.NDArray[Any]] = []
        self._processed_us = -END_OF_TIME
        self._ordinal = -(1 << 30)
        self._cut_before: Mapping[str, int] = {}

    @property
    def processed_up_to(self) -> int:
        """The watermark of the last `advance`, us: what `restore` wants back."""
        return self._processed_us

    def add(self, payload: bytes) -> tuple[Kept, ...]:
        """Take a routed payload; return what must be kept in state for a restore.

        An entry is kept once, with the rule that looks furthest back among those that need it;
        an entry no rule needs is dropped here.
        """
        entries = np.frombuffer(payload, ENTRY)
        classes = np.zeros(len(entries), np.uint8)
        for level, part in enumerate(self._parts, start=1):
            part.state.claim(entries, classes, level)
        needed, ends, newest, ordinal = sort_out(entries, classes, len(self._parts))
        if not len(needed):
            return ()
        self._waiting.append(needed)
        kept = []
        first = 0
        for part, end, time, day in zip(
            self._parts, ends.tolist(), newest.tolist(), ordinal.tolist(), strict=True
        ):
            if end > first:
                kept.append(Kept(Meta(part.name, time, day), needed[first:end].tobytes()))
            first = end
        return tuple(kept)

    def advance(self, watermark_us: int) -> pa.RecordBatch:
        """Process what is complete at the watermark; return its crossings (CROSSING)."""
        self._processed_us = max(self._processed_us, watermark_us)
        return as_crossings(self._run(self._processed_us))

    def expired(self, meta: Meta) -> bool:
        """Whether a kept batch can no longer matter, given what was processed.

        Entries not processed yet are never expired; business days count from the newest one
        processed in this bucket.
        """
        if meta.rule == MEMORY:
            return meta.newest_us < self._remembered_us
        horizon = self._horizons[meta.rule]
        if meta.newest_us > self._processed_us:
            return False
        if self._lasting and meta.newest_us > self._remembered_us:
            return False
        if horizon.microseconds:
            return meta.newest_us + horizon.microseconds <= self._processed_us
        return meta.newest_ordinal + horizon.business_days <= self._ordinal

    def remembered(self) -> tuple[Kept, ...]:
        """What rules with a memory write down, once a Beijing day; to be kept like entries.

        Asked for after every `advance` and before anything expires: entries go only when what they
        said is written down, and what was written down before goes with the next time.
        """
        now = self._processed_us
        same_day = _day(now) == _day(self._remembered_us)
        if not self._lasting or same_day or not 0 <= now < _NO_DAY_US:
            return ()
        self._remembered_us = now
        written = []
        for code, part in enumerate(self._lasting, start=1):
            rows = cast(Remembering, part.state).remember()
            rows["stamp"], rows["event_code"] = now, -code
            written.append(rows)
        rows = memos(written)
        if not len(rows):
            return ()
        return (Kept(Meta(MEMORY, now, self._ordinal), rows.tobytes()),)

    def cut_short(self) -> Mapping[str, int]:
        """By rule, how many searches stopped at their bound since this was asked last."""
        now: dict[str, int] = {}
        for part in self._parts:
            if isinstance(part.state, GraphState):
                now |= part.state.cut_short()
        before, self._cut_before = self._cut_before, now
        return {rule: more for rule in now if (more := now[rule] - before.get(rule, 0))}

    def _recall(self, rows: npt.NDArray[Any]) -> None:
        """Give the rules back what they wrote down last."""
        if len(rows):
            told = rows.view(MEMO)
            told = told[told["stamp"] == told["stamp"].max()]
            self._remembered_us = int(told["stamp"][0])
            for code, part in enumerate(self._lasting, start=1):
                mine = told[told["event_code"] == -code]
                cast(Remembering, part.state).recall(mine, self._remembered_us)

    def restore(self, batches: Iterable[bytes], processed_up_to: int) -> None:
        """Rebuild from kept batches: what was processed is replayed in silence.

        Args:
            batches: payloads of `Kept`, in any order.
            processed_up_to: the watermark of the last `advance` before.
        """
        rows = np.concatenate([np.empty(0, ENTRY), *(np.frombuffer(b, ENTRY) for b in batches)])
        self._recall(rows[rows["event_code"] < 0])
        self._waiting = [rows[rows["event_code"] >= 0]]
        self._processed_us = processed_up_to
        self._run(processed_up_to)
        self.cut_short()  # those were counted when they were searched first

    def _run(self, watermark_us: int) -> list[tuple[Rule, npt.NDArray[Any], npt.NDArray[Any]]]:
        if not self._waiting:
            return []
        waiting = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        ready, rest, ordinal = take_ready(waiting, watermark_us)
        self._waiting = [rest] if len(rest) else []
        found = []
        if len(ready):
            if self._delay_us:
                ready["event_time"] -= self._delay_us
            for part in self._parts:
                for rule, (hits, evidence) in zip(part.rules, part.run(ready), strict=True):
                    if len(hits):
                        found.append((rule, hits, evidence))
            self._ordinal = max(self._ordinal, ordinal)
        return found


_EMPTY = pa.RecordBatch.from_pylist([], schema=CROSSING)


def as_crossings(found: list[tuple[Rule, npt.NDArray[Any], npt.NDArray[Any]]]) -> pa.RecordBatch:
    """Crossings as Arrow, in (rule, the kernel's own) order. Crossings are few: lists will do."""
    if not found:
        return _EMPTY
    rules: list[str] = []
    variants: list[str] = []
    for rule, some, _ in found:
        labels = [variant.name for variant in rule.variants]
        rules += [rule.name] * len(some)
        variants += [labels[number] for number in (some["variant"] & ~np.uint8(CUT)).tolist()]
    hits = found[0][1] if len(found) == 1 else np.concatenate([one for _, one, _ in found])
    evidence = found[0][2] if len(found) == 1 else np.concatenate([ids for _, _, ids in found])
    # evidence lies in the order of the hits, without gaps
    offsets = np.zeros(len(hits) + 1, np.int32)
    np.cumsum(hits["count"], out=offsets[1:])
    columns = [
        pa.array(hits[name]) for name in ("vantage", "subject", "instant", "measure", "band")
    ]
    lists = pa.ListArray.from_arrays(offsets, evidence)
    names = [pa.array(rules, pa.string()), pa.array(variants, pa.string())]
    cut = pa.array(hits["variant"] >= CUT)
    return pa.RecordBatch.from_arrays([*names, *columns, lists, cut], schema=CROSSING)


def run_plain(
    narrow: Iterable[npt.NDArray[Any]],
    watermarks: Iterable[int],
    parameters: InForce | None = None,
    *,
    wait_us: int | None = None,
    memory_us: int = PAIR_MEMORY_US,
) -> pa.Table:
    """The stream lane in one process, without Flink: what the job must equal.

    Args:
        narrow: NARROW batches in arrival order.
        watermarks: beside each batch, the watermark after it; the end of the stream is implied.
        parameters: what is in force: one set, or several; None means those agreed.
        wait_us: the market's pair wait; None means that of payments.
        memory_us: how long a transaction is remembered for late legs.

    Returns:
        CROSSING rows, in (rule, variant, subject, instant, vantage) order.
    """
    wait = pair_wait_us(_MARKET) if wait_us is None else wait_us
    closed = Closed(memory_us)
    hosts: dict[int, RuleHost] = {}
    found: list[pa.RecordBatch] = []
    rest = np.empty(0, NARROW)

    def step(rows: npt.NDArray[Any], watermark: int) -> npt.NDArray[Any]:
        merged = merge(rows, watermark, wait, closed)
        for bucket_key, payload in route(merged.ready):
            if bucket_key not in hosts:
                hosts[bucket_key] = RuleHost(bucket_key, parameters)
            hosts[bucket_key].add(payload)
        for host in hosts.values():
            # pairing holds a transaction for the wait: later variants are not older than this
            batch = host.advance(watermark - wait if watermark < END_OF_TIME else watermark)
            if batch.num_rows:
                found.append(batch)
        return merged.rest

    for batch, watermark in zip(narrow, watermarks, strict=True):
        rows = delayed(batch)
        rest = step(np.concatenate([rest, rows]) if len(rest) else rows, watermark)
    step(rest, END_OF_TIME)
    return _ordered(pa.Table.from_batches(found, CROSSING))


def run_once(
    narrow: npt.NDArray[Any],
    parameters: InForce | None = None,
    *,
    wait_us: int | None = None,
    memory_us: int = PAIR_MEMORY_US,
    rules: tuple[Rule, ...] | None = None,
) -> pa.Table:
    """The stream lane over reports that are all there, one host a key group: what `run_plain` says.

    Args and order of the CROSSING rows are those of `run_plain`; `rules` None means all there are.
    """
    if not len(narrow):
        return CROSSING.empty_table()
    wait = pair_wait_us(_MARKET) if wait_us is None else wait_us
    merged = merge(delayed(narrow), END_OF_TIME, wait, Closed(memory_us))
    hosts: dict[int, RuleHost] = {}
    for bucket_key, payload in route(merged.ready, rules):
        first = bucket_key // BUCKETS * BUCKETS
        if first not in hosts:
            hosts[first] = RuleHost(first, parameters, rules)
        hosts[first].add(payload)
    found = [host.advance(END_OF_TIME) for host in hosts.values()]
    return _ordered(pa.Table.from_batches(found, CROSSING))


def _ordered(crossings: pa.Table) -> pa.Table:
    names = ("rule", "variant", "subject", "instant", "vantage", "measure")
    return crossings.sort_by([(name, "ascending") for name in names])
