"""The rules on the graph: what each costs a transaction, over five vantages.

`python -m benchmarks graphs` feeds one `GraphState` with all rules, with each rule alone and with
none (keeping edges and degrees), in order of time, and takes differences. The markets: the demo
tape, two made ones of different density, and the transfer tables of AMLSim and AMLGentex where
`YRD_TEST_DATA` has them. All are past the rules' time of learning for half of their length at
least, but the demo tape, of which this is said.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.markets import MadeMarket
from benchmarks.rules import END, narrow, on_time
from benchmarks.sizes import Bench
from pipelines.lanes.entry import ENTRY
from pipelines.lanes.kernel import take_ready
from pipelines.lanes.routing import route, stream_rules
from pipelines.pairing.pairing import Closed, merge
from pipelines.rules.kernels.graph import day_of
from pipelines.rules.kernels.graph_state import GraphState
from pipelines.rules.registry import Rule, in_force
from schemas.visibility import pair_wait_us

Entries = npt.NDArray[Any]
AT_ONCE = 4_096
TABLES = ("amlsim", "amlgentex")


def graphs(bench: Bench) -> dict[str, Any]:
    """CPU us a transaction by rule and market, and how many searches were cut short."""
    rules = tuple(rule for rule in stream_rules() if rule.group == "graph")
    out: dict[str, Any] = {}
    for name, entries in markets(bench).items():
        if not len(entries):
            out[f"{name}: transactions"] = 0
            continue
        days = day_of.py_func(entries["event_time"][[0, -1]])
        out |= {
            f"{name}: transactions": len(entries),
            f"{name}: days": int(days[1] - days[0]) + 1,
            **{f"{name}: {key}": value for key, value in costs(entries, rules).items()},
        }
    return out


def markets(bench: Bench) -> Mapping[str, Entries]:
    """Entries of the graph by market, in order of time."""
    rows = {
        "demo tape": on_time(narrow(bench)),
        "made, a payment in 90 days": _rows(MadeMarket(100_000, bench.small // 72)),
        "made, nine in 90 days": _rows(MadeMarket(20_000, bench.small // 40)),
    }
    return {**{name: entries_of(some) for name, some in rows.items()}, **tables()}


def _rows(market: MadeMarket) -> npt.NDArray[Any]:
    return np.concatenate(list(market.days(0, 90)))


def entries_of(rows: npt.NDArray[Any]) -> Entries:
    """Reports as entries of the graph, in order of time."""
    rules = tuple(rule for rule in stream_rules() if rule.group == "graph")
    merged = merge(rows, END, pair_wait_us("PYMT"), Closed())
    parts = [np.frombuffer(some, ENTRY) for _, some in route(merged.ready, rules)]
    if not parts:
        return np.empty(0, ENTRY)
    entries: Entries
    entries, _, _ = take_ready(np.concatenate(parts), END)
    return entries


def tables() -> Mapping[str, Entries]:
    """The transfer tables of others, where they are."""
    from replay.scoring.market import market_of
    from replay.scoring.regions import assign
    from replay.scoring.tables import read_table

    found = {}
    folder = Path(os.environ.get("YRD_TEST_DATA", "../shared/data")) / "aml"
    for name in TABLES:
        for path in sorted(folder.rglob(f"{name}_delta.parquet"))[:1]:
            transfers = read_table(path)
            market = market_of(transfers, assign(transfers, "bank", None).region)
            found[name] = entries_of(market.narrow)
    return found


def costs(entries: Entries, rules: tuple[Rule, ...]) -> dict[str, Any]:
    """CPU us a transaction of all rules, of edges alone, and of each rule beside them."""
    fed(entries[:AT_ONCE], rules)  # compiled kernels are loaded
    whole, crossings, state = fed(entries, rules)
    bare, _, _ = fed(entries, ())
    out: dict[str, Any] = {
        "all rules, us": _us(whole, entries),
        "edges and degrees, us": _us(bare, entries),
    }
    for rule in rules:
        alone, _, _ = fed(entries, (rule,))
        out[f"{rule.name}, us"] = _us(alone - bare, entries)
    del state
    return out | {"crossings": crossings}


def fed(entries: Entries, rules: tuple[Rule, ...]) -> tuple[float, int, GraphState]:
    """CPU-seconds of a fresh state over the entries, its crossings, and the state."""
    state = GraphState(rules, in_force(None))
    crossings = 0
    began = time.process_time()
    for first in range(0, len(entries), AT_ONCE):
        crossings += sum(len(hits) for hits, _ in state.run(entries[first : first + AT_ONCE]))
    return time.process_time() - began, crossings, state


def _us(seconds: float, entries: Entries) -> float:
    return round(seconds / len(entries) * 1e6, 2)
