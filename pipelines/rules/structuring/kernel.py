# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Structuring from party entries: near-line transfers by payer and by pair, five vantages at once.

State is a ring of daily counts and sums for each subject and vantage (the window is counted in
business days), and the near-line transfers themselves for the evidence. Transfers that are not
near a line cost one comparison.

Expects entries in (event_time, key) order whose business ordinals do not fall.
"""

from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import HIT, ROLE_IN, ROLE_PAYER_PERSON
from pipelines.rules.kernels.table import (
    build_table,
    pair_id,
    room_for_evidence,
    room_for_hit,
    slot_of,
)

VARIANTS = ("same_pair", "same_customer")
NEAR = np.dtype(
    [
        ("key", "<i8"),
        ("ordinal", "<i4"),
        ("prev_pair", "<i4"),  # the pair's near-line transfer before this one, -1 = none kept
        ("prev_party", "<i4"),
        ("mask", "u1"),
        ("spare", "u1", 3),
    ]
)
_IN, _PERSON = ROLE_IN, ROLE_PAYER_PERSON
_NO_HITS, _NO_EVIDENCE = np.empty(0, HIT), np.empty(0, np.int64)


@nb.njit(cache=True, nogil=True, inline="always")
def _near(e, limits):
    """Whether this rule needs an entry: outgoing, to another party, near the payer's line."""
    if e.role & _IN or e.other == e.subject or e.mask == 0:
        return False
    if e.role & _PERSON:
        return limits[0] <= e.amount_fen < limits[1]
    return limits[2] <= e.amount_fen < limits[3]


@nb.njit(cache=True, nogil=True)
def claim_near(entries, limits, classes, level):
    """Mark the near-line entries nobody claimed."""
    for i in range(len(entries)):
        if classes[i] == 0 and _near(entries[i], limits):
            classes[i] = level


@nb.njit(cache=True, nogil=True)
def count_near(entries, limits):
    """How many entries are near their line, and the newest business day of all."""
    count = 0
    newest = -(1 << 30)
    for i in range(len(entries)):
        count += _near(entries[i], limits)
        newest = max(newest, entries[i].ordinal)
    return count, newest


@nb.njit(cache=True, nogil=True)
def run_near(
    entries, limits, p,
    pair_keys, pair_slots, pair_subject, pair_last, pair_newest, pair_counts, pair_sums,
    party_keys, party_slots, party_subject, party_last, party_newest, party_counts, party_sums,
    used, near, hits, evidence,
):  # fmt: skip
    """Feed entries; return (hits, how many, evidence, how many).

    `p` is (window days, times a day, days running, band 2 lines, band 3 lines, evidence limit);
    `used` is (pair slots, party slots, near rows), written to.
    """
    window = p[0]
    n_hits = 0
    n_evidence = 0
    for i in range(len(entries)):
        e = entries[i]
        if not _near(e, limits):
            continue
        line = limits[1] if e.role & _PERSON else limits[3]
        here = used[2]
        used[2] += 1
        row = near[here]
        row.key = e.key
        row.ordinal = e.ordinal
        row.mask = e.mask
        row.prev_pair = -1
        row.prev_party = -1
        for variant in range(2):
            if variant == 0:
                if e.other == 0:
                    continue
                subject = pair_id(e.subject, e.other)
                slot = slot_of(pair_keys, pair_slots, used[0], subject)
                last, newest = pair_last, pair_newest
                counts, sums = pair_counts, pair_sums
                names = pair_subject
            else:
                subject = e.subject
                slot = slot_of(party_keys, party_slots, used[1], subject)
                last, newest = party_last, party_newest
                counts, sums = party_counts, party_sums
                names = party_subject
            if slot == used[variant]:
                used[variant] += 1
                names[slot] = subject
                last[slot] = e.ordinal
                newest[slot] = -1
                counts[slot] = 0
                sums[slot] = 0
            if variant == 0:
                row.prev_pair = newest[slot]
            else:
                row.prev_party = newest[slot]
            newest[slot] = here
            for day in range(max(last[slot] + 1, e.ordinal - window + 1), e.ordinal + 1):
                for v in range(5):
                    counts[slot, v, day % window] = 0
                    sums[slot, v, day % window] = 0
            last[slot] = max(last[slot], e.ordinal)
            today = e.ordinal % window
            for v in range(5):
                if e.mask >> v & 1 == 0:
                    continue
                counts[slot, v, today] += 1
                sums[slot, v, today] += e.amount_fen
                most = 0
                total = 0
                for day in range(window):
                    most = max(most, counts[slot, v, day])
                    total += sums[slot, v, day]
                running = 0
                while running < window and counts[slot, v, (e.ordinal - running) % window] > 0:
                    running += 1
                if most < p[1] and running < p[2]:
                    continue
                hits = room_for_hit(hits, n_hits)
                evidence = room_for_evidence(evidence, n_evidence, p[5])
                hit = hits[n_hits]
                n_hits += 1
                hit.subject = subject
                hit.instant = e.event_time
                hit.measure = total
                hit.variant = variant
                hit.vantage = v
                hit.band = 3 if total >= p[4] * line else (2 if total >= p[3] * line else 1)
                hit.first = n_evidence
                back = here
                while back >= 0 and near[back].ordinal > e.ordinal - window:
                    if near[back].mask >> v & 1:
                        if n_evidence - hit.first == p[5]:
                            break
                        evidence[n_evidence] = near[back].key
                        n_evidence += 1
                    back = near[back].prev_pair if variant == 0 else near[back].prev_party
                hit.count = n_evidence - hit.first
                evidence[hit.first : n_evidence].sort()
    return hits, n_hits, evidence, n_evidence


class _Slots:
    """Subjects of one variant: table, and per slot the last day, newest transfer, day rings."""

    subject: npt.NDArray[Any]
    last: npt.NDArray[Any]
    newest: npt.NDArray[Any]
    counts: npt.NDArray[Any]
    sums: npt.NDArray[Any]

    def __init__(self, window: int) -> None:
        self.window = window
        self.resize(np.empty(0, np.int64), 64)

    def resize(self, kept: npt.NDArray[Any], size: int) -> None:
        """Keep the slots `kept`, in order, in arrays of `size`."""
        old = self.__dict__
        for name, dtype, shape in (
            ("subject", np.int64, ()),
            ("last", np.int32, ()),
            ("newest", np.int32, ()),
            ("counts", np.int32, (5, self.window)),
            ("sums", np.int64, (5, self.window)),
        ):
            fresh = np.zeros((size, *shape), dtype)
            if len(kept):
                fresh[: len(kept)] = old[name][kept]
            setattr(self, name, fresh)
        places = 128
        while places < 4 * size:
            places *= 2
        self.keys, self.slots = build_table(self.subject[: len(kept)], places)


class State:
    """The rule's memory in one bucket.

    Args:
        parameters: the rule's values by name.
    """

    def __init__(self, parameters: Mapping[str, int]) -> None:
        person, other = parameters["line_person_fen"], parameters["line_other_fen"]
        low = parameters["near_low_bp"]
        self.window = parameters["window_days"]
        self.limits = np.array(
            [-(-person * low // 10_000), person, -(-other * low // 10_000), other], np.int64
        )
        self.p = np.array(
            [
                parameters[name]
                for name in (
                    "window_days",
                    "times_a_day",
                    "days_running",
                    "band_2_lines",
                    "band_3_lines",
                    "evidence_limit",
                )
            ],
            np.int64,
        )
        self.pair, self.party = _Slots(self.window), _Slots(self.window)
        self.used = np.zeros(3, np.int64)
        self.near = np.zeros(64, NEAR)
        self.newest_ordinal = -(1 << 30)

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Mark the entries this rule needs and nobody claimed: near-line transfers going out."""
        claim_near(entries, self.limits, classes, level)

    def run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Feed entries in order; return HIT rows and the evidence they point into."""
        more, newest = count_near(entries, self.limits)
        if more == 0:
            return _NO_HITS, _NO_EVIDENCE
        self._room(more)
        a, b = self.pair, self.party
        hits, n_hits, evidence, n_evidence = run_near(
            entries, self.limits, self.p,
            a.keys, a.slots, a.subject, a.last, a.newest, a.counts, a.sums,
            b.keys, b.slots, b.subject, b.last, b.newest, b.counts, b.sums,
            self.used, self.near, np.empty(16, HIT), np.empty(256, np.int64),
        )  # fmt: skip
        self.newest_ordinal = max(self.newest_ordinal, newest)
        return hits[:n_hits], evidence[:n_evidence]

    def _room(self, more: int) -> None:
        """Make room, dropping what the window has left behind."""
        # a near-line row adds at most one slot to each variant
        slots_fit = max(self.used[0], self.used[1]) + more <= len(self.pair.subject)
        if slots_fit and self.used[2] + more <= len(self.near):
            return
        oldest = self.newest_ordinal - self.window + 1
        count = int(self.used[2])
        near = self.near[:count]
        keep = near["ordinal"] >= oldest
        place = np.append(np.cumsum(keep) - 1, -1).astype(np.int32)
        place[:-1][~keep] = -1  # a link to a dropped transfer ends there; -1 stays -1
        kept = near[keep]
        kept["prev_pair"] = place[kept["prev_pair"]]
        kept["prev_party"] = place[kept["prev_party"]]
        size = max(64, 2 * (len(kept) + more))
        self.near = np.zeros(size, NEAR)
        self.near[: len(kept)] = kept
        self.used[2] = len(kept)
        for which, slots in enumerate((self.pair, self.party)):
            alive = np.flatnonzero(slots.last[: self.used[which]] >= oldest)
            slots.newest[: self.used[which]] = place[slots.newest[: self.used[which]]]
            slots.resize(alive, size)
            self.used[which] = len(alive)
