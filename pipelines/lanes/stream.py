"""The stream lane without Flink: a plain run of the whole, over batches or over all at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.lanes.closings import END_OF_TIME
from pipelines.lanes.entry import BUCKETS, ENTRY, GROUPS, delayed
from pipelines.lanes.host import RuleHost
from pipelines.lanes.routing import route
from pipelines.pairing.pairing import PAIR_MEMORY_US, Closed, merge
from pipelines.rules.registry import InForce, Rule
from schemas.narrow import NARROW
from schemas.records import CROSSING
from schemas.visibility import pair_wait_us

_MARKET = "PYMT"  # whose reports this lane pairs


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


def needed(
    narrow: npt.NDArray[Any], rules: Sequence[Rule], parameters: InForce | None
) -> Mapping[str, npt.NDArray[np.int64]]:
    """The transactions that each rule claims of reports that are all there, by its name, sorted.

    What a rule does not claim changes nothing it says of its own key group.
    """
    merged = merge(delayed(narrow), END_OF_TIME, pair_wait_us(_MARKET), Closed(PAIR_MEMORY_US))
    found = {}
    for rule in rules:
        first = GROUPS[rule.group] * BUCKETS
        entries = b"".join(
            payload
            for bucket_key, payload in route(merged.ready, (rule,))
            if first <= bucket_key < first + BUCKETS
        )
        kept = RuleHost(first, parameters, (rule,)).add(entries)
        found[rule.name] = np.unique(
            np.frombuffer(b"".join(one.payload for one in kept), ENTRY)["key"]
        )
    return found


def _ordered(crossings: pa.Table) -> pa.Table:
    names = ("rule", "variant", "subject", "instant", "vantage", "measure")
    return crossings.sort_by([(name, "ascending") for name in names])
