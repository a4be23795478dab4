# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Public to private from party entries: sums in, and out to persons, of three sliding days.

A ring holds what the window still needs of the bucket; each subject's movements are linked from the
newest back, so that persons are told apart and evidence is gathered only at a payment whose sums
already fit. Payments of persons, wages and payments to firms cost one comparison.

Expects entries in (event_time, key) order.
"""

from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import (
    HIT,
    ROLE_IN,
    ROLE_OWN,
    ROLE_PAYEE_PERSON,
    ROLE_PAYER_PERSON,
    ROLE_WHOLE,
)
from pipelines.rules.kernels.ring import Ring
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit, slot_of
from schemas.errors import ConfigurationError

VARIANTS = ("public_to_private",)
MOST = 1 << 20  # ids of scratch for telling persons apart
MOVE = np.dtype(
    [
        ("event_time", "<i8"),
        ("amount_fen", "<i8"),
        ("key", "<i8"),
        ("other", "<i8"),
        ("prev", "<i8"),  # the subject's movement before this one, by its number in the ring
        ("slot", "<i4"),
        ("mask", "u1"),
        ("out", "u1"),
        ("spare", "<u2"),
    ]
)
_IN, _PAYER, _PAYEE = ROLE_IN, ROLE_PAYER_PERSON, ROLE_PAYEE_PERSON
_WHOLE, _OWN = ROLE_WHOLE, ROLE_OWN


@nb.njit(cache=True, nogil=True, inline="always")
def _moves(e, p):
    """Whether this rule needs an entry: a firm's inflow, or its payment to a person.

    A controller may be a person of its group: what the group's firms pay it has left the firms.
    """
    if e.mask == 0:
        return False
    if e.other == e.subject and (e.role & _IN or e.role & (_WHOLE | _OWN) != _WHOLE):
        return False
    if e.role & _IN:
        return e.role & _PAYEE == 0
    return e.role & _PAYER == 0 and e.role & _PAYEE != 0 and e.amount_fen >= p[6]


@nb.njit(cache=True, nogil=True)
def claim_moves(entries, p, classes, level):
    """Mark what this rule needs and nobody claimed."""
    for i in range(len(entries)):
        if classes[i] == 0 and _moves(entries[i], p):
            classes[i] = level


@nb.njit(cache=True, nogil=True)
def count_moves(entries, p):
    """How many entries this rule needs."""
    count = 0
    for i in range(len(entries)):
        count += _moves(entries[i], p)
    return count


@nb.njit(cache=True, nogil=True)
def _few(ring, low, newest, v, persons, most):
    """Whether at most so many persons were paid; `persons` is scratch for the ids told apart."""
    size = len(ring) - 1
    distinct = 0
    at = newest
    while at >= low:
        move = ring[at & size]
        if move.out and move.mask >> v & 1:
            known = False
            for k in range(distinct):
                if persons[k] == move.other:
                    known = True
                    break
            if not known:
                if distinct == most:
                    return False
                persons[distinct] = move.other
                distinct += 1
        at = move.prev
    return True


@nb.njit(cache=True, nogil=True)
def run_moves(
    entries, p, keys, slots, subject, newest, live, sums, ring, ends, hits, evidence, persons
):
    """Feed entries; return (hits, how many, evidence, how many).

    `p` is (window us, least in, ratio bp, band 2 bp, band 3 bp, ratio high bp, least each, most
    persons, small bp); `ends` is (oldest in the ring, next number, slots used), written to; `sums`
    is by slot, vantage and (in, out).
    """
    size = len(ring) - 1
    low, head, used = ends[0], ends[1], ends[2]
    n_hits = 0
    n_evidence = 0
    for i in range(len(entries)):
        e = entries[i]
        if not _moves(e, p):
            continue
        horizon = e.event_time - p[0]
        while low < head and ring[low & size].event_time <= horizon:
            old = ring[low & size]
            live[old.slot] -= 1
            for v in range(5):
                if old.mask >> v & 1:
                    sums[old.slot, v, old.out] -= old.amount_fen
            low += 1
        slot = slot_of(keys, slots, used, e.subject)
        if slot == used:
            used += 1
            subject[slot] = e.subject
            newest[slot] = -1
            live[slot] = 0
            sums[slot] = 0
        out = 0 if e.role & _IN else 1
        move = ring[head & size]
        move.event_time = e.event_time
        move.amount_fen = e.amount_fen
        move.key = e.key
        move.other = e.other
        move.prev = newest[slot]
        move.slot = slot
        move.mask = e.mask
        move.out = out
        newest[slot] = head
        head += 1
        live[slot] += 1
        for v in range(5):
            if e.mask >> v & 1 == 0:
                continue
            sums[slot, v, out] += e.amount_fen
            if out == 0:
                continue
            coming = sums[slot, v, 0]
            going = sums[slot, v, 1]
            if coming < p[1]:
                continue
            if going * 10_000 < coming * p[2] or going * 10_000 > coming * p[5]:
                continue
            if not _few(ring, low, newest[slot], v, persons, p[7]):
                continue
            hits = room_for_hit(hits, n_hits)
            hit = hits[n_hits]
            n_hits += 1
            hit.subject = e.subject
            hit.instant = e.event_time
            hit.measure = going
            hit.variant = 0
            hit.vantage = v
            hit.band = 1 + (going * 10_000 >= coming * p[3]) + (going * 10_000 >= coming * p[4])
            hit.first = n_evidence
            at = newest[slot]
            while at >= low:
                one = ring[at & size]
                if one.mask >> v & 1 and one.amount_fen * 10_000 >= coming * p[8]:
                    evidence = room_for_evidence(evidence, n_evidence, 1)
                    evidence[n_evidence] = one.key
                    n_evidence += 1
                at = one.prev
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
        super().__init__(MOVE, sums=np.zeros((0, 5, 2), np.int64))
        self.p = np.array(
            [
                parameters[name]
                for name in (
                    "window_us",
                    "least_in_fen",
                    "ratio_bp",
                    "band_2_bp",
                    "band_3_bp",
                    "ratio_high_bp",
                    "least_each_fen",
                    "most_persons",
                    "small_bp",
                )
            ],
            np.int64,
        )
        most = parameters["most_persons"]
        if most > MOST:
            raise ConfigurationError(
                f"public_to_private: most_persons: expected at most {MOST:,} in the stream lane; "
                "lower it"
            )
        self.persons = np.empty(most + 1, np.int64)

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Mark the entries this rule needs and nobody claimed."""
        claim_moves(entries, self.p, classes, level)

    def run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Feed entries in order; return HIT rows and the evidence they point into."""
        more = count_moves(entries, self.p)
        if more == 0:
            return np.empty(0, HIT), np.empty(0, np.int64)
        self.make_room(more)
        hits, n_hits, evidence, n_evidence = run_moves(
            entries, self.p, self.keys, self.slots, self.subject, self.newest, self.live,
            self.sums, self.ring, self.ends, np.empty(16, HIT), np.empty(256, np.int64),
            self.persons,
        )  # fmt: skip
        return hits[:n_hits], evidence[:n_evidence]
