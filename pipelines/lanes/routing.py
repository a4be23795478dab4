"""The way into the stream lane: its rules, and what goes to the bucket of which key group."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import (
    BUCKETS,
    ENTRY,
    GROUP_NAMES,
    GROUPS,
    OF_ORDERS,
    ORDER,
    SIDES,
    WHOLE,
)
from pipelines.lanes.kernel import route_orders, route_sides
from pipelines.rules.kernels.table import pair_ids
from pipelines.rules.registry import Rule, load_rules
from schemas.narrow import EVENT_CODES, of_orders


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
