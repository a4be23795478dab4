# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Large value from party entries: one-sided sums of a day, by institution and over institutions.

A day's sums are forgotten when the bucket's next day begins, so memory is that of one day: a slot
for each customer, side and line, one for each institution of it, and a row a transfer for the
evidence.

Expects entries in (event_time, key) order.
"""

from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import (
    HIT,
    ROLE_CROSS_BORDER,
    ROLE_IN,
    ROLE_PAYEE_PERSON,
    ROLE_PAYER_PERSON,
    ROLE_WHOLE,
)
from pipelines.rules.kernels.day import Day
from pipelines.rules.kernels.table import room_for_evidence, room_for_hit, slot_of
from schemas.agents import REGION_BITS

VARIANTS = ("per_institution", "over_institutions")
DAY = np.dtype(
    [
        ("key", "<i8"),
        ("prev", "<i4"),  # the customer's transfer before this one, -1 = none
        ("prev_own", "<i4"),  # the same at this institution
        ("own", "<i4"),  # slot of the institution's sum
        ("mask", "u1"),
        ("foreign", "u1"),  # the other side is another party
        ("spare", "<u2"),
    ]
)
_IN, _PAYER, _PAYEE, _ABROAD = ROLE_IN, ROLE_PAYER_PERSON, ROLE_PAYEE_PERSON, ROLE_CROSS_BORDER
_WHOLE = ROLE_WHOLE
_BITS = REGION_BITS
_MIX = 93_824_992_236_885  # odd, and times 65,535 below 63 bits
_DAY_US, _BEIJING_US = 86_400_000_000, 28_800_000_000


@nb.njit(cache=True, nogil=True, inline="always")
def _day_of(instant):
    """The Beijing day of an instant, counted from 1970."""
    return (instant + _BEIJING_US) // _DAY_US


@nb.njit(cache=True, nogil=True, inline="always")
def _slot_key(subject, institution, code):
    """The key of a sum: of a customer at an institution (0: over all), one side, one line."""
    key = subject ^ ((institution << 3 | code) * _MIX)
    return key if key != 0 else 1


@nb.njit(cache=True, nogil=True, inline="always")
def _band(total, line, p):
    """The highest band a sum reaches, 0 = none."""
    return np.int64(total * 10_000 >= line * p[4]) + (total >= line * p[0]) + (total >= line * p[1])


@nb.njit(cache=True, nogil=True)
def claim_all(entries, classes, level):
    """Mark the entries whose institution is known and that nobody claimed."""
    for i in range(len(entries)):
        if classes[i] == 0 and entries[i].agent != 0 and entries[i].mask != 0:
            classes[i] = level


@nb.njit(cache=True, nogil=True)
def most_a_day(entries):
    """The most entries one day has."""
    most = 0
    count = 0
    day = np.int64(-1)
    for i in range(len(entries)):
        today = _day_of(entries[i].event_time)
        count = count + 1 if today == day else 1
        day = today
        most = max(most, count)
    return most


@nb.njit(cache=True, nogil=True)
def run_day(entries, lines, p, keys, slots, newest, sums, ends, log, hits, evidence):
    """Feed entries; return (hits, how many, evidence, how many).

    `lines` is by kind (person, person across the border, other); `p` is (band 2 lines, band 3
    lines, raise reports, evidence limit, least bp, once a band); `sums` is by slot, vantage and
    (all, with others) where the slot is an institution's, (not reported, unused) where it is the
    customer's; `ends` is (day, slots used, log rows), written to.
    """
    day, used, n_log = ends[0], ends[1], ends[2]
    n_hits = 0
    n_evidence = 0
    for i in range(len(entries)):
        e = entries[i]
        if e.agent == 0 or e.mask == 0:
            continue
        today = _day_of(e.event_time)
        if today != day:
            day = today
            keys[:] = 0
            used = 0
            n_log = 0
        side = e.role & _IN
        kind = 2
        if e.role & (_PAYEE if side else _PAYER):
            kind = 1 if e.role & _ABROAD else 0
        line = lines[kind]
        code = side << 2 | kind
        whole = slot_of(keys, slots, used, _slot_key(e.subject, 0, code))
        if whole == used:
            used += 1
            newest[whole] = -1
            sums[whole] = 0
        # an institution reports each customer, whoever controls it
        customer = e.account if e.role & _WHOLE else e.subject
        own = slot_of(keys, slots, used, _slot_key(customer, np.int64(e.agent) >> _BITS, code))
        if own == used:
            used += 1
            newest[own] = -1
            sums[own] = 0
        foreign = e.other != e.subject
        row = log[n_log]
        row.key = e.key
        row.prev = newest[whole]
        row.prev_own = newest[own]
        row.own = own
        row.mask = e.mask
        row.foreign = foreign
        newest[whole] = n_log
        newest[own] = n_log
        n_log += 1
        for v in range(5):
            if e.mask >> v & 1 == 0:
                continue
            before = sums[own, v, 0]
            after = before + e.amount_fen
            sums[own, v, 0] = after
            for variant in range(2):
                if variant == 0:
                    total = after
                    band = _band(after, line, p)
                    was = before
                    if p[2] == 0:
                        continue
                else:
                    if before >= line:
                        continue
                    if after >= line:
                        sums[whole, v, 0] -= sums[own, v, 1]
                        continue
                    if not foreign or e.amount_fen <= 0:
                        continue
                    sums[own, v, 1] += e.amount_fen
                    was = sums[whole, v, 0]
                    total = was + e.amount_fen
                    sums[whole, v, 0] = total
                    band = _band(total, line, p)
                if band == 0 or (p[5] == 1 and band <= _band(was, line, p)):
                    continue
                hits = room_for_hit(hits, n_hits)
                evidence = room_for_evidence(evidence, n_evidence, p[3])
                hit = hits[n_hits]
                n_hits += 1
                hit.subject = e.subject
                hit.instant = e.event_time
                hit.measure = total
                hit.variant = variant
                hit.vantage = v
                hit.band = band
                hit.first = n_evidence
                back = n_log - 1
                while back >= 0 and n_evidence - hit.first < p[3]:
                    one = log[back]
                    counts = one.mask >> v & 1 == 1
                    if variant == 1:
                        counts = counts and one.foreign and sums[one.own, v, 0] < line
                    if counts:
                        evidence[n_evidence] = one.key
                        n_evidence += 1
                    back = one.prev_own if variant == 0 else one.prev
                hit.count = n_evidence - hit.first
                evidence[hit.first : n_evidence].sort()
    ends[0], ends[1], ends[2] = day, used, n_log
    return hits, n_hits, evidence, n_evidence


class State(Day):
    """The rule's memory in one bucket.

    Args:
        parameters: the rule's values by name.
    """

    def __init__(self, parameters: Mapping[str, int]) -> None:
        super().__init__(DAY, 2, -1, sums=np.zeros((0, 5, 2), np.int64))
        self.lines, self.p = (
            np.array([parameters[name] for name in names], np.int64)
            for names in (
                ("line_person_fen", "line_person_abroad_fen", "line_other_fen"),
                (
                    "band_2_lines",
                    "band_3_lines",
                    "raise_reports",
                    "evidence_limit",
                    "least_bp",
                    "once_a_band",
                ),
            )
        )

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Mark the entries this rule needs and nobody claimed: those of known institutions."""
        claim_all(entries, classes, level)

    def run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Feed entries in order; return HIT rows and the evidence they point into."""
        self.make_room(most_a_day(entries))
        hits, n_hits, evidence, n_evidence = run_day(
            entries, self.lines, self.p, self.keys, self.slots, self.newest, self.sums, self.ends,
            self.log, np.empty(16, HIT), np.empty(256, np.int64),
        )  # fmt: skip
        return hits[:n_hits], evidence[:n_evidence]
