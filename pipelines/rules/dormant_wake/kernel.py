# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Dormant wake from party entries: last uses for good, sums only of what has just woken.

Of every account and customer only the day of its last use is kept, by vantage; of those that woke,
sums since then and the transfers behind them until the window is over. As last uses are needed for
years, they are not rebuilt from transfers: `remember` writes all of it down as rows, `recall` reads
them, and transfers up to the instant they were written at are passed over.

Expects entries in (event_time, key) order whose business ordinals do not fall.
"""

from collections.abc import Mapping
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import (
    HIT,
    MEMO,
    ROLE_IN,
    ROLE_PAYEE_PERSON,
    ROLE_PAYER_PERSON,
    memos,
)
from pipelines.rules.kernels.table import (
    larger_table,
    place_again,
    room_for_evidence,
    room_for_hit,
    slot_of,
)
from schemas.agents import REGION_MASK

VARIANTS = ("account", "customer")
WOKEN = np.dtype([("key", "<i8"), ("prev", "<i4"), ("mask", "u1"), ("spare", "u1", 3)])
NEVER = -(1 << 30)
_NONE = 1 << 30  # the first row of a window that is not open
_IN, _PAYER, _PAYEE, _HOME = ROLE_IN, ROLE_PAYER_PERSON, ROLE_PAYEE_PERSON, REGION_MASK
_ACCOUNT = 0x2AAAAAAAAAAAAAAA  # sets the ids of accounts apart from those of their holders
_DAY_US, _BEIJING_US = 86_400_000_000, 28_800_000_000
_LAST, _SUMS, _EVIDENCE = 0, 1, 2  # kinds of MEMO rows
_AT_ONCE = 512  # entries a step makes room for


@nb.njit(cache=True, nogil=True, inline="always")
def _seen_by(e):
    """The vantages that see every use of an entry's account: its bank's own region, and all."""
    home = e.agent & _HOME
    return e.mask & (1 << (home - 1) | 16) if home != 0 else 0


@nb.njit(cache=True, nogil=True)
def claim_uses(entries, classes, level):
    """Mark the uses of accounts at banks of the four regions that nobody claimed."""
    for i in range(len(entries)):
        if classes[i] == 0 and _seen_by(entries[i]) != 0:
            classes[i] = level


@nb.njit(cache=True, nogil=True, inline="always")
def _band(total, line, p):
    """The highest band a sum reaches, 0 = none."""
    return np.int64(total * 10_000 >= line * p[4]) + (total >= line * p[5]) + (total >= line * p[6])


@nb.njit(cache=True, nogil=True)
def run_uses(
    entries, p, keys, slots, last, at, ordinal, start, sums, newest, log, used, hits, evidence
):
    """Feed entries; return (hits, how many, evidence, how many).

    `p` is (dormant days, window days, line of persons, line of others, heavy bp, band 2 lines,
    band 3 lines, once a band, evidence limit, passed over up to us); `last` is by slot and vantage,
    `at` by slot the place among the woken (-1 = none); `ordinal`, `start` (first row of the log)
    and `sums` (in, out) are by place and vantage; `used` is (slots, woken, log rows), written to.
    """
    n_hits = 0
    n_evidence = 0
    for i in range(len(entries)):
        e = entries[i]
        seen = _seen_by(e)
        if seen == 0 or e.event_time <= p[9]:
            continue
        day = (e.event_time + _BEIJING_US) // _DAY_US
        side = 0 if e.role & _IN else 1
        line = p[2] if e.role & (_PAYER if side else _PAYEE) else p[3]
        for variant in range(2):
            subject = e.subject if variant else e.account
            if subject == 0:
                continue
            slot = slot_of(keys, slots, used[0], subject if variant else subject ^ _ACCOUNT)
            if slot == used[0]:
                used[0] += 1
                last[slot] = NEVER
                at[slot] = -1
            for v in range(5):
                if seen >> v & 1 == 0:
                    continue
                if last[slot, v] != NEVER and day - last[slot, v] >= p[0]:
                    if at[slot] < 0:
                        at[slot] = used[1]
                        ordinal[used[1]] = NEVER
                        start[used[1]] = _NONE
                        newest[used[1]] = -1
                        used[1] += 1
                    ordinal[at[slot], v] = e.ordinal
                    start[at[slot], v] = used[2]
                    sums[at[slot], v] = 0
                last[slot, v] = day
            if at[slot] < 0 or e.other == e.subject:
                continue
            here = at[slot]
            if e.ordinal >= ordinal[here].max() + p[1]:
                at[slot] = -1
                continue
            row = log[used[2]]
            row.key = e.key
            row.prev = newest[here]
            row.mask = seen
            newest[here] = used[2]
            used[2] += 1
            for v in range(5):
                if seen >> v & 1 == 0 or e.ordinal >= ordinal[here, v] + p[1]:
                    continue
                was = max(sums[here, v, 0], sums[here, v, 1])
                sums[here, v, side] += e.amount_fen
                total = max(sums[here, v, 0], sums[here, v, 1])
                band = _band(total, line, p)
                if band == 0 or (p[7] == 1 and band <= _band(was, line, p)):
                    continue
                hits = room_for_hit(hits, n_hits)
                evidence = room_for_evidence(evidence, n_evidence, p[8])
                hit = hits[n_hits]
                n_hits += 1
                hit.subject = subject
                hit.instant = e.event_time
                hit.measure = total
                hit.variant = variant
                hit.vantage = v
                hit.band = band
                hit.first = n_evidence
                back = newest[here]
                while back >= start[here, v] and n_evidence - hit.first < p[8]:
                    if log[back].mask >> v & 1:
                        evidence[n_evidence] = log[back].key
                        n_evidence += 1
                    back = log[back].prev
                hit.count = n_evidence - hit.first
                evidence[hit.first : n_evidence].sort()
    return hits, n_hits, evidence, n_evidence


@nb.njit(cache=True, nogil=True)
def evidence_of(here, first, newest, log):
    """The transfers behind open windows, each subject's oldest first.

    `here` are places among the woken, `first` beside them and by vantage the first row of the log
    that a window may name. Returns (which of `here`, key, vantages that name it).
    """
    count = 0
    for k in range(len(here)):
        back = newest[here[k]]
        while back >= first[k].min():
            count += 1
            back = log[back].prev
    whose = np.empty(count, np.int64)
    keys = np.empty(count, np.int64)
    masks = np.empty(count, np.uint8)
    end = 0
    for k in range(len(here)):
        begin = end
        back = newest[here[k]]
        while back >= first[k].min():
            mask = 0
            for v in range(5):
                if first[k, v] <= back:
                    mask |= log[back].mask & 1 << v
            whose[end] = k
            keys[end] = log[back].key
            masks[end] = mask
            end += 1
            back = log[back].prev
        keys[begin:end] = keys[begin:end][::-1].copy()
        masks[begin:end] = masks[begin:end][::-1].copy()
    return whose, keys, masks


class State:
    """The rule's memory in one bucket.

    Args:
        parameters: the rule's values by name.
    """

    def __init__(self, parameters: Mapping[str, int]) -> None:
        self.window = parameters["window_days"]
        self.p = np.array(
            [
                parameters["dormant_days"],
                self.window,
                parameters["line_person_fen"],
                parameters["line_other_fen"],
                parameters["heavy_bp"],
                parameters["band_2_lines"],
                parameters["band_3_lines"],
                parameters["once_a_band"],
                parameters["evidence_limit"],
                -(1 << 62),
            ],
            np.int64,
        )
        self._clear()

    def _clear(self) -> None:
        self.keys, self.slots = np.zeros(256, np.int64), np.zeros(256, np.int32)
        self.last, self.at = np.zeros((64, 5), np.int32), np.zeros(64, np.int32)
        self.ordinal, self.start = np.zeros((2, 16, 5), np.int32)
        self.sums, self.newest = np.zeros((16, 5, 2), np.int64), np.zeros(16, np.int32)
        self.log = np.zeros(64, WOKEN)
        self.used = np.zeros(3, np.int64)
        self.newest_ordinal = NEVER

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Mark the entries this rule needs and nobody claimed."""
        claim_uses(entries, classes, level)

    def run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Feed entries in order; return HIT rows and the evidence they point into."""
        found = [self._run(entries[at : at + _AT_ONCE]) for at in range(0, len(entries), _AT_ONCE)]
        if len(found) == 1:
            return found[0]
        counts = np.cumsum([0, *(len(evidence) for _, evidence in found)])
        for (hits, _), first in zip(found, counts.tolist(), strict=False):
            hits["first"] += first
        return (
            np.concatenate([np.empty(0, HIT), *(hits for hits, _ in found)]),
            np.concatenate([np.empty(0, np.int64), *(evidence for _, evidence in found)]),
        )

    def _run(self, entries: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        self._room(len(entries))
        hits, n_hits, evidence, n_evidence = run_uses(
            entries, self.p, self.keys, self.slots, self.last, self.at, self.ordinal, self.start,
            self.sums, self.newest, self.log, self.used, np.empty(16, HIT), np.empty(256, np.int64),
        )  # fmt: skip
        self.newest_ordinal = max(self.newest_ordinal, int(entries["ordinal"].max()))
        return hits[:n_hits], evidence[:n_evidence]

    def _room(self, more: int) -> None:
        """Make room for two subjects an entry, and among the woken once the window is over."""
        count = int(self.used[0])
        if count + 2 * more > len(self.at):
            size = 2 * (count + 2 * more)
            last, at = np.zeros((size, 5), np.int32), np.zeros(size, np.int32)
            last[:count], at[:count] = self.last[:count], self.at[:count]
            self.last, self.at = last, at
            self.keys, self.slots = larger_table(self.keys, self.slots, size)
        woken, rows = self.used[1:].tolist()
        if woken + 2 * more > len(self.newest) or rows + 2 * more > len(self.log):
            self._let_go(more)

    def _let_go(self, more: int) -> None:
        """Forget wakes whose window is over, and transfers no open one may name."""
        woken, rows = self.used[1:].tolist()
        over = self.ordinal[:woken] + self.window <= self.newest_ordinal
        self.start[:woken][over] = _NONE
        alive = ~over.all(axis=1)
        place = np.append(np.where(alive, np.cumsum(alive) - 1, -1), -1).astype(np.int32)
        count = int(self.used[0])
        self.at[:count] = place[self.at[:count]]
        of = np.full(rows, -1, np.int64)  # whose transfer a row of the log is
        for here in np.flatnonzero(alive).tolist():
            back = int(self.newest[here])
            while back >= int(self.start[here].min()):
                of[back] = here
                back = int(self.log["prev"][back])
        keep = of >= 0
        moved = np.append(np.cumsum(keep) - 1, -1).astype(np.int64)
        # the first row kept from each row on
        later = np.append(np.cumsum(keep) - keep, int(keep.sum()))
        kept = self.log[:rows][keep]
        before = np.where(kept["prev"] >= 0, kept["prev"], -1)
        kept["prev"] = np.where((before >= 0) & np.append(keep, False)[before], moved[before], -1)
        size = max(16, 2 * (int(alive.sum()) + 2 * more))
        fresh = {
            "ordinal": self.ordinal[:woken][alive],
            "start": later[np.minimum(self.start[:woken][alive], rows)],
            "sums": self.sums[:woken][alive],
            "newest": moved[self.newest[:woken][alive]],
        }
        for name, values in fresh.items():
            old = getattr(self, name)
            setattr(self, name, np.zeros((size, *old.shape[1:]), old.dtype))
            getattr(self, name)[: len(values)] = values
        self.log = np.zeros(max(64, 2 * (len(kept) + 2 * more)), WOKEN)
        self.log[: len(kept)] = kept
        self.used[1], self.used[2] = int(alive.sum()), len(kept)

    def remember(self) -> npt.NDArray[Any]:
        """All that later crossings may need, as MEMO rows."""
        taken = np.flatnonzero(self.keys)
        slot = self.slots[taken]
        rows = np.zeros(len(taken), MEMO)
        rows["subject"], rows["kind"] = self.keys[taken], _LAST
        rows["days"] = np.maximum(self.last[slot], 0)  # 0 stands for never
        here = self.at[slot]
        woken = np.flatnonzero(here >= 0)
        here, subject = here[woken], rows["subject"][woken]
        open_days = self.ordinal[here] + self.window > self.newest_ordinal
        kept = open_days.any(axis=1)
        here, subject, open_days = here[kept], subject[kept], open_days[kept]
        sums = np.zeros((len(here), 5), MEMO)
        sums["subject"], sums["kind"], sums["vantage"] = subject[:, None], _SUMS, np.arange(5)
        sums["ordinal"], sums["value"] = self.ordinal[here], self.sums[here]
        first = np.where(open_days, self.start[here], _NONE)
        whose, key, mask = evidence_of(here, first, self.newest, self.log)
        transfers = np.zeros(len(key), MEMO)
        transfers["subject"], transfers["kind"] = subject[whose], _EVIDENCE
        transfers["value"][:, 0], transfers["vantage"] = key, mask
        return memos([rows, sums.reshape(-1), transfers])

    def recall(self, rows: npt.NDArray[Any], up_to_us: int) -> None:
        """Take back what `remember` wrote when everything up to an instant (us) had been fed."""
        self._clear()
        self.p[9] = up_to_us
        uses = rows[rows["kind"] == _LAST]
        sums = rows[rows["kind"] == _SUMS]
        transfers = rows[rows["kind"] == _EVIDENCE]
        self._room(max(len(uses), len(sums), len(transfers)))
        place_again(self.keys, self.slots, uses["subject"], np.arange(len(uses), dtype=np.int32))
        days = uses["days"].astype(np.int32)
        self.last[: len(uses)] = np.where(days == 0, NEVER, days)
        self.at[: len(uses)] = -1
        slot = {int(subject): number for number, subject in enumerate(uses["subject"])}
        woken = sums["subject"][::5]
        for here, subject in enumerate(woken.tolist()):
            self.at[slot[subject]] = here
        count = len(woken)
        self.ordinal[:count] = sums["ordinal"].reshape(-1, 5)
        self.sums[:count] = sums["value"].reshape(-1, 5, 2)
        self.newest[:count] = -1
        for number, row in enumerate(transfers):
            here = int(self.at[slot[int(row["subject"])]])
            self.log[number] = (row["value"][0], self.newest[here], row["vantage"], (0, 0, 0))
            self.newest[here] = number
        self.used[:] = len(uses), count, len(transfers)
        open_days = self.ordinal[:count]
        self.newest_ordinal = int(open_days.max()) if count else NEVER
