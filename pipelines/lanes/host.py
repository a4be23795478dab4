"""One bucket of the stream lane: its rules' kernels, what they wait for, what must be kept.

The job gives routed payloads to the host of their bucket key, calls `advance` when its watermark
moves, keeps what `add` returns in its state and drops what `expired` names. Rules meet their data
in (event time, key) order whatever the batching, so crossings depend on the input alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.lanes.closings import END_OF_TIME
from pipelines.lanes.entry import (
    BUCKETS,
    CUT,
    ENTRY,
    GROUP_NAMES,
    MEMO,
    THROUGH,
    WHOLE,
    delay_us,
    memos,
)
from pipelines.lanes.judged import Judged
from pipelines.lanes.kernel import sort_out, take_ready
from pipelines.lanes.routing import stream_rules
from pipelines.lanes.through import Through
from pipelines.rules.kernels.graph import LOOKS_BACK_US
from pipelines.rules.kernels.graph_state import GraphState
from pipelines.rules.parameter_sets import judgements
from pipelines.rules.registry import Horizon, InForce, Rule, in_force
from schemas.records import CROSSING

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


def _parts(rules: tuple[Rule, ...], sets: InForce, through: bool) -> tuple[_Part, ...]:
    whole = tuple(rule for rule in rules if rule.group in WHOLE)
    parts = [
        _Part(rule.name, rule.kept_for, (rule,), _state(rule, sets, through))
        for rule in rules
        if rule.group not in WHOLE
    ]
    if whole:
        looks_back = Horizon(0, LOOKS_BACK_US)
        parts.append(_Part(whole[0].group, looks_back, whole, GraphState(whole, sets)))
    return tuple(parts)


def _day(instant: int) -> int:
    return (instant + _BEIJING_US) // _DAY_US


def _state(rule: Rule, sets: InForce, through: bool) -> KernelState:
    kernel: Callable[[Mapping[str, int]], KernelState]
    kernel = import_module(f"pipelines.rules.{rule.name}.kernel").State

    def make(values: Mapping[str, int]) -> KernelState:
        return Through(rule, values, kernel) if through else kernel(values)

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
        through = group in THROUGH.values()
        mine = tuple(
            rule
            for rule in asked
            if (rule.looks_through and THROUGH[rule.group] == group)
            or (not through and rule.group == group)
        )
        self._delay_us = delay_us(group)
        self._parts = _parts(mine, agreed, through)
        self._horizons = {part.name: part.horizon for part in self._parts}
        self._lasting = tuple(part for part in self._parts if part.rules[0].memory)
        self._remembered_us = -END_OF_TIME  # what was fed up to here is written down
        self._waiting: list[npt.NDArray[Any]] = []
        self._processed_us = -END_OF_TIME
        self._ordinal = -(1 << 30)
        self._behind = 0
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
        before, self._processed_us = self._processed_us, max(self._processed_us, watermark_us)
        return as_crossings(self._run(self._processed_us, before))

    def behind(self) -> int:
        """How many entries came behind what was processed since this was asked last.

        None does unless a watermark was promised wrongly: rules met them out of their order.
        """
        behind, self._behind = self._behind, 0
        return behind

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
        self._run(processed_up_to, -END_OF_TIME)
        self.cut_short()  # those were counted when they were searched first

    def _run(
        self, watermark_us: int, before_us: int
    ) -> list[tuple[Rule, npt.NDArray[Any], npt.NDArray[Any]]]:
        if not self._waiting:
            return []
        waiting = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        ready, rest, ordinal = take_ready(waiting, watermark_us)
        self._waiting = [rest] if len(rest) else []
        found = []
        if len(ready):
            self._behind += int(np.searchsorted(ready["event_time"], before_us, "right"))
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
