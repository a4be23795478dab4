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
    ROLE_OWN,
    ROLE_WHOLE,
    SIDES,
    THROUGH,
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
        groups = [rule.group, THROUGH[rule.group]] if rule.looks_through else [rule.group]
        for group in groups:
            reads = found.setdefault(group, np.zeros(32, np.bool_))
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
    of_groups = _of_groups(variants)
    for group, reads in (_all_read() if rules is None else _reads(rules)).items():
        through = group in THROUGH.values()
        if (group in OF_ORDERS and not orders) or (through and not len(of_groups)):
            continue
        rows = of_groups if through else variants
        subjects, others = (
            np.stack([_ids(rows, side[place]) for side in SIDES[group]]) for place in (0, 1)
        )
        entries = np.empty(subjects.size, ENTRY)
        cuts = np.zeros(BUCKETS + 1, np.int64)
        if group in OF_ORDERS:
            parts = np.stack([rows[name] for name in OF_ORDERS[group]])
            route_orders(rows, reads, subjects, parts, entries.view(ORDER), cuts)
        else:
            many = route_sides(rows, reads, subjects, others, group in WHOLE, entries, cuts)
            if through:
                _mark(entries[:many])
        first = GROUPS[group] * BUCKETS
        at = cuts.tolist()
        found += [
            (first + bucket, entries[at[bucket] : at[bucket + 1]].tobytes())
            for bucket in range(BUCKETS)
            if at[bucket + 1] > at[bucket]
        ]
    return found


def _ids(variants: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
    """A column of ids; `pair` and wholes are computed.

    A whole is a party's group or, without one, the party; ~group where both sides are one party.
    """
    if name == "pair":
        return pair_ids(variants["payer_party"], variants["payee_party"])
    ids: npt.NDArray[np.int64]
    if name.endswith("_whole"):
        party, group = (variants[name.replace("whole", of)] for of in ("party", "group"))
        ids = np.where(group != 0, group, party)
        return np.where(variants["payer_party"] == variants["payee_party"], ~ids, ids)
    ids = variants[name]
    return ids


def _of_groups(variants: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The rows that name a controller group, with parties in the place of accounts."""
    named = (variants["payer_group"] | variants["payee_group"]) != 0
    if not named.any():
        return variants[:0]
    rows = variants[named]
    for end in ("payer", "payee"):  # who is known by name only is in no group
        rows[f"{end}_group"][rows[f"{end}_party"] == 0] = 0
    rows["payer_account"], rows["payee_account"] = rows["payer_party"], rows["payee_party"]
    return rows


def _mark(entries: npt.NDArray[Any]) -> None:
    """Say of entries of controllers that they are, and which of them stay with one party."""
    own = entries["other"] < 0
    entries["other"][own] = ~entries["other"][own]
    entries["role"] |= np.where(own, ROLE_WHOLE | ROLE_OWN, ROLE_WHOLE).astype(np.uint8)
