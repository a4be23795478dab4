# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Pass-through from party entries: sums in and out of a sliding day, five vantages at once.

A ring holds the bucket's transfers of the window; each subject's transfers are linked from the
newest back, so that the closer look (other parties, order, evidence) is taken only at a payment
whose sums already fit.

Expects entries in (event_time, key) order.
"""

from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import HIT, ROLE_IN
from pipelines.rules.kernels.ring import Ring
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit, slot_of
from schemas.errors import ConfigurationError

VARIANTS = ("pass_through",)
MOST = 1 << 20  # ids of scratch for telling other parties apart
MOVE = np.dtype(
    [
        ("event_time", "<i8"),
        ("amount_fen", "<i8"),
        ("key", "<i8"),
        ("other", "<i8"),
        ("prev", "<i8"),  # the subject's transfer before this one, by its number in the ring
        ("slot", "<i4"),
        ("mask", "u1"),
        ("role", "u1"),
        ("spare", "<u2"),
    ]
)
_IN = ROLE_IN


@nb.njit(cache=True, nogil=True)
def claim_moves(entries, classes, level):
    """Mark the transfers with another party that nobody claimed."""
    for i in range(len(entries)):
        if classes[i] == 0 and entries[i].other != entries[i].subject and entries[i].mask != 0:
            classes[i] = level


@nb.njit(cache=True, nogil=True)
def _look(ring, low, newest, v, coming, going, others, p):
    """The closer look: few enough other parties that matter, and never notably more out than in.

    Returns:
        Whether the window passes. `others` is scratch for the ids told apart.
    """
    size = len(ring) - 1
    distinct = 0
    in_after = 0
    out_after = 0
    at = newest
    while at >= low:
        move = ring[at & size]
        if move.mask >> v & 1:
            known = move.amount_fen * 10_000 < coming * p[9]  # too small to count
            for k in range(distinct):
                if known or others[k] == move.other:
                    known = True
                    break
            if not known:
                if distinct == p[4]:
                    return False
                others[distinct] = move.other
                distinct += 1
            if move.role & _IN:
                in_after += move.amount_fen
            else:
                ahead = (going - out_after) - (coming - in_after)
                if p[8] and ahead * 10_000 > coming * p[10]:
                    return False
                out_after += move.amount_fen
        at = move.prev
    return True


@nb.njit(cache=True, nogil=True)
def run_pass(
    entries, p, keys, slots, subject, newest, live, sums, counts, ring, ends, hits, evidence, others
):
    """Feed entries; return (hits, how many, evidence, how many).

    `p` is (window us, least in, ratio low bp, ratio high bp, most other parties, most transfers,
    band 2 in, band 3 in, in before out, small bp, overdraw bp); `ends` is (oldest in the ring,
    next number, slots used), written to; `sums` and `counts` are by slot and vantage, `sums` with
    (in, out) last.
    """
    size = len(ring) - 1
    low, head, used = ends[0], ends[1], ends[2]
    n_hits = 0
    n_evidence = 0
    for i in range(len(entries)):
        e = entries[i]
        if e.other == e.subject or e.mask == 0:
            continue
        horizon = e.event_time - p[0]
        while low < head and ring[low & size].event_time <= horizon:
            old = ring[low & size]
            live[old.slot] -= 1
            side = 0 if old.role & _IN else 1
            for v in range(5):
                if old.mask >> v & 1:
                    sums[old.slot, v, side] -= old.amount_fen
                    counts[old.slot, v] -= 1
            low += 1
        slot = slot_of(keys, slots, used, e.subject)
        if slot == used:
            used += 1
            subject[slot] = e.subject
            newest[slot] = -1
            live[slot] = 0
            sums[slot] = 0
            counts[slot] = 0
        move = ring[head & size]
        move.event_time = e.event_time
        move.amount_fen = e.amount_fen
        move.key = e.key
        move.other = e.other
        move.prev = newest[slot]
        move.slot = slot
        move.mask = e.mask
        move.role = e.role
        newest[slot] = head
        head += 1
        live[slot] += 1
        side = 0 if e.role & _IN else 1
        for v in range(5):
            if e.mask >> v & 1 == 0:
                continue
            sums[slot, v, side] += e.amount_fen
            counts[slot, v] += 1
            if side == 0:
                continue
            coming = sums[slot, v, 0]
            going = sums[slot, v, 1]
            if coming < p[1] or counts[slot, v] > p[5]:
                continue
            if going * 10_000 < coming * p[2] or going * 10_000 > coming * p[3]:
                continue
            if e.amount_fen * 10_000 < coming * p[9]:
                continue
            if not _look(ring, low, newest[slot], v, coming, going, others, p):
                continue
            hits = room_for_hit(hits, n_hits)
            evidence = room_for_evidence(evidence, n_evidence, counts[slot, v])
            hit = hits[n_hits]
            n_hits += 1
            hit.subject = e.subject
            hit.instant = e.event_time
            hit.measure = going
            hit.variant = 0
            hit.vantage = v
            hit.band = 3 if coming >= p[7] else (2 if coming >= p[6] else 1)
            hit.first = n_evidence
            at = newest[slot]
            while at >= low:
                large = ring[at & size].amount_fen * 10_000 >= coming * p[9]
                if large and ring[at & size].mask >> v & 1:
                    evidence[n_evidence] = ring[at & size].key
                    n_evidence += 1
                at = ring[at & size].prev
            hit.count = n_evidence - hit.first
            evidence[hit.first : n_evidence].sort()
    ends[0], ends[1], ends[2] = low, head, used
    return hits, n_hits, evidence, n_evidence


class State(Ring):
    """The rule's memory in one bucket.

    Args:
        parameters: the rule's values by name.
    """

    def __init__(self, parameters: Mapping[str, int]) -> None:
        super().__init__(
            MOVE, sums=np.zeros((0, 5, 2), np.int64), counts=np.zeros((0, 5), np.int32)
        )
        self.p = np.array(
            [
                parameters[name]
                for name in (
                    "window_us",
                    "least_in_fen",
                    "ratio_low_bp",
                    "ratio_high_bp",
                    "most_counterparties",
                    "most_transfers",
                    "band_2_in_fen",
                    "band_3_in_fen",
                    "in_before_out",
                    "small_bp",
                    "overdraw_bp",
                )
            ],
            np.int64,
        )
        most = min(parameters["most_counterparties"], parameters["most_transfers"])
        if most > MOST:
            raise ConfigurationError(
                f"pass_through: most_counterparties: expected at most {MOST:,} in the stream lane; "
                "lower it or most_transfers"
            )
        self.others = np.empty(most + 1, np.int64)

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Mark the entries this rule needs and nobody claimed: transfers with another party."""
        claim_moves(entries, classes, level)

    def run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Feed entries in order; return HIT rows and the evidence they point into."""
        if len(entries) == 0:
            return np.empty(0, HIT), np.empty(0, np.int64)
        self.make_room(len(entries))
        hits, n_hits, evidence, n_evidence = run_pass(
            entries, self.p, self.keys, self.slots, self.subject, self.newest, self.live,
            self.sums, self.counts, self.ring, self.ends, np.empty(16, HIT),
            np.empty(256, np.int64), self.others,
        )  # fmt: skip
        return hits[:n_hits], evidence[:n_evidence]
