# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Withdrawn orders of a trading day: how many, and how many large, by account, client and group.

A day's counts are forgotten when the bucket's next trading day begins, so memory is that of one
day: a slot for each client (or group) and contract, one for each of its accounts (or clients) in
it, twice where some are large, and a row a cancel for the evidence.

Expects ORDER rows in (event_time, key) order whose trading days do not fall.
"""

from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import HIT, ORDER, ROLE_IN
from pipelines.rules.kernels.day import Day
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit, slot_of
from schemas.contracts import CONTRACT_CLASSES
from schemas.narrow import (
    CLASS_MASK,
    FLAG_HEDGE,
    FLAG_IMMEDIATE,
    FLAG_MARKET_MAKER,
    MOST_LOTS,
)

VARIANTS = (
    "frequent_account", "frequent_party", "frequent_group",
    "large_account", "large_party", "large_group",
)  # fmt: skip
CANCEL = np.dtype(
    [
        ("key", "<i8"),
        ("prev", "<i4", 2),  # of the client or group: the cancel before, the large one; -1 = none
        ("prev_part", "<i4", 2),  # the same of the account or client
        ("mask", "u1"),
        ("spare", "u1", 7),
    ]
)
_IN, _CLASS, _LOTS = ROLE_IN, CLASS_MASK, MOST_LOTS
_EXEMPT = FLAG_IMMEDIATE | FLAG_HEDGE | FLAG_MARKET_MAKER
_SHFE, _INE, _DCE, _CZCE, _, _CFFI = range(1, len(CONTRACT_CLASSES) + 1)


@nb.njit(cache=True, nogil=True, inline="always")
def _counts(e):
    """Whether a cancel counts at all: asked for, no exempt purpose, a contract of the register."""
    return e.terms & _EXEMPT == 0 and e.terms & _CLASS != 0 and e.mask != 0


@nb.njit(cache=True, nogil=True, inline="always")
def _mixed(a, b):
    """63 bits of two numbers, never 0."""
    x = np.uint64(a) ^ (np.uint64(b) * np.uint64(0x9E3779B97F4A7C15))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    key = np.int64((x ^ (x >> np.uint64(31))) >> np.uint64(1))
    return key if key != 0 else np.int64(1)


@nb.njit(cache=True, nogil=True)
def _lines(size, kind, p):
    """How many cancels and how many large ones are the line; 0 large: this one is none.

    `p` is (times, times of index futures, lots and times of SHFE and INE, share and times of DCE,
    lots and times of CZCE, share and times of CFFEX, ...); shares in basis points of the largest
    order.
    """
    lots = size & _LOTS
    most = size >> 32
    times = p[1] if kind == _CFFI else p[0]
    large = 0
    if kind <= _INE:
        if lots >= p[2]:
            large = p[3]
    elif kind == _DCE:
        if most > 0 and lots * 10_000 > most * p[4]:
            large = p[5]
    elif kind == _CZCE:
        if lots >= p[6]:
            large = p[7]
    elif most > 0 and lots * 10_000 >= most * p[8]:
        large = p[9]
    return times, large


@nb.njit(cache=True, nogil=True, inline="always")
def _band(count, line, p):
    """The highest band a count reaches, 0 = none."""
    return np.int64(count * 10_000 >= line * p[12]) + (count >= line * p[10])


@nb.njit(cache=True, nogil=True)
def claim_all(entries, classes, level):
    """Mark the cancels that count and that nobody claimed."""
    for i in range(len(entries)):
        if classes[i] == 0 and _counts(entries[i]):
            classes[i] = level


@nb.njit(cache=True, nogil=True)
def most_a_day(entries):
    """The most entries one trading day has."""
    most = 0
    count = 0
    day = np.int64(-(1 << 40))
    for i in range(len(entries)):
        count = count + 1 if entries[i].ordinal == day else 1
        day = np.int64(entries[i].ordinal)
        most = max(most, count)
    return most


@nb.njit(cache=True, nogil=True)
def run_cancels(entries, p, keys, slots, newest, counts, reached, ends, log, hits, evidence):
    """Feed entries; return (hits, how many, evidence, how many).

    `counts` is by slot and vantage; `reached` beside it says that one part of a whole reached the
    line by itself; `ends` is (day, slots used, log rows), written to. `p` as in `_lines`, then
    (band 2 lines, evidence limit, least bp, once a band).
    """
    day, used, n_log = ends[0], ends[1], ends[2]
    n_hits = 0
    n_evidence = 0
    for i in range(len(entries)):
        e = entries[i]
        if not _counts(e):
            continue
        if e.ordinal != day:
            day = np.int64(e.ordinal)
            keys[:] = 0
            used = 0
            n_log = 0
        grouped = e.role & _IN
        times, large = _lines(e.size, e.terms & _CLASS, p)
        row = log[n_log]
        row.key = e.key
        row.mask = e.mask
        here = n_log
        n_log += 1
        for kind in range(2):
            line = large if kind else times
            if kind == 1 and large == 0:
                row.prev[1] = -1
                row.prev_part[1] = -1
                continue
            at = _mixed(_mixed(e.contract, e.whole), kind << 1 | grouped)
            whole = slot_of(keys, slots, used, at)
            if whole == used:
                used += 1
                newest[whole] = -1
                counts[whole] = 0
                reached[whole] = 0
            part = slot_of(keys, slots, used, _mixed(e.part, at))
            if part == used:
                used += 1
                newest[part] = -1
                counts[part] = 0
            row.prev[kind] = newest[whole]
            row.prev_part[kind] = newest[part]
            newest[whole] = here
            newest[part] = here
            for v in range(5):
                if e.mask >> v & 1 == 0:
                    continue
                counts[part, v] += 1
                counts[whole, v] += 1
                if e.part != 0 and counts[part, v] >= line:
                    reached[whole, v] = 1
                for level in range(2):
                    if level == 0:
                        if grouped or e.part == 0:
                            continue
                        count = counts[part, v]
                    else:
                        if reached[whole, v]:
                            continue
                        count = counts[whole, v]
                    band = _band(count, line, p)
                    if band == 0 or (p[13] == 1 and band <= _band(count - 1, line, p)):
                        continue
                    hits = room_for_hit(hits, n_hits)
                    evidence = room_for_evidence(evidence, n_evidence, p[11])
                    hit = hits[n_hits]
                    n_hits += 1
                    hit.subject = e.whole if level else e.part
                    hit.instant = e.event_time
                    hit.measure = count
                    hit.variant = 3 * kind + (level + 1 if grouped else level)
                    hit.vantage = v
                    hit.band = band
                    hit.first = n_evidence
                    back = here
                    while back >= 0 and n_evidence - hit.first < p[11]:
                        if log[back].mask >> v & 1:
                            evidence[n_evidence] = log[back].key
                            n_evidence += 1
                        back = log[back].prev[kind] if level else log[back].prev_part[kind]
                    hit.count = n_evidence - hit.first
                    evidence[hit.first : n_evidence].sort()
    ends[0], ends[1], ends[2] = day, used, n_log
    return hits, n_hits, evidence, n_evidence


_NAMES = (
    "frequent_times", "frequent_times_index", "large_lots_shfe", "large_times_shfe",
    "large_share_dce_bp", "large_times_dce", "large_lots_czce", "large_times_czce",
    "large_share_cffex_bp", "large_times_cffex", "band_2_lines", "evidence_limit", "least_bp",
    "once_a_band",
)  # fmt: skip


class State(Day):
    """The rule's memory in one bucket.

    Args:
        parameters: the rule's values by name.
    """

    def __init__(self, parameters: Mapping[str, int]) -> None:
        super().__init__(
            CANCEL, 4, -(1 << 40),
            counts=np.zeros((0, 5), np.int32), reached=np.zeros((0, 5), np.uint8),
        )  # fmt: skip
        self.p = np.array([parameters[name] for name in _NAMES], np.int64)

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Mark the cancels this rule needs and nobody claimed: those that count."""
        claim_all(entries.view(ORDER), classes, level)

    def run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Feed entries in order; return HIT rows and the evidence they point into."""
        orders = entries.view(ORDER)
        self.make_room(most_a_day(orders))
        hits, n_hits, evidence, n_evidence = run_cancels(
            orders, self.p, self.keys, self.slots, self.newest, self.counts, self.reached,
            self.ends, self.log, np.empty(16, HIT), np.empty(256, np.int64),
        )  # fmt: skip
        return hits[:n_hits], evidence[:n_evidence]
