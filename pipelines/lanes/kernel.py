# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Routing variants to buckets, and putting a bucket's entries in order. No I/O, no clock."""

import numba as nb
import numpy as np

from pipelines.lanes.entry import BUCKETS, ENTRY, ROLE_IN
from schemas.narrow import (
    CLASS_MASK,
    CLASS_SHIFT,
    FLAG_CANCELLED,
    FLAG_CROSS_BORDER,
    FLAG_HEDGE,
    FLAG_IMMEDIATE,
    FLAG_MARKET_MAKER,
    FLAG_PAYEE_PERSON,
    FLAG_PAYER_PERSON,
)

_PAYER_PERSON, _PAYEE_PERSON, _IN = FLAG_PAYER_PERSON, FLAG_PAYEE_PERSON, ROLE_IN
_CROSS_BORDER = FLAG_CROSS_BORDER
_CANCELLED = FLAG_CANCELLED
_TERMS = FLAG_IMMEDIATE | FLAG_HEDGE | FLAG_MARKET_MAKER
_CLASS_SHIFT, _CLASS_MASK = CLASS_SHIFT, CLASS_MASK


@nb.njit(cache=True, nogil=True)
def route_sides(variants, reads, subjects, others, whole, entries, cuts):
    """Explode variants into one entry for each side that has a subject, by bucket.

    Args:
        variants: NARROW.
        reads: for each event code whether a rule of this group reads it (bool, 32).
        subjects: int64, (sides, variants); 0 = absent: that side takes no part.
        others: int64 beside them; the second side is the payee's.
        whole: everything goes to bucket 0; both subject and other must be there.
        entries: room for one ENTRY row a side and variant.
        cuts: int64, BUCKETS + 1: written; bucket b is `entries[cuts[b]:cuts[b + 1]]`.

    Returns:
        How many entries were written.
    """
    sides = len(subjects)
    cuts[:] = 0
    for i in range(len(variants)):
        row = variants[i]
        if 0 <= row.event_code < len(reads) and reads[row.event_code] and row.mask != 0:
            for side in range(sides):
                if subjects[side, i] != 0 and not (whole and others[side, i] == 0):
                    cuts[(0 if whole else subjects[side, i] % BUCKETS) + 1] += 1
    for b in range(BUCKETS):
        cuts[b + 1] += cuts[b]
    at = cuts[:BUCKETS].copy()
    for i in range(len(variants)):
        row = variants[i]
        if not (0 <= row.event_code < len(reads) and reads[row.event_code] and row.mask != 0):
            continue
        role = 0
        if row.flags & _PAYER_PERSON:
            role |= 2
        if row.flags & _PAYEE_PERSON:
            role |= 4
        if row.flags & _CROSS_BORDER:
            role |= 8
        for side in range(sides):
            subject = subjects[side, i]
            if subject == 0 or (whole and others[side, i] == 0):
                continue
            bucket = 0 if whole else subject % BUCKETS
            entry = entries[at[bucket]]
            at[bucket] += 1
            entry.subject = subject
            entry.event_time = row.event_time
            entry.key = row.key
            entry.amount_fen = row.amount_fen
            entry.other = others[side, i]
            entry.ordinal = row.business_ordinal
            entry.event_code = row.event_code
            entry.mask = row.mask
            entry.role = role | (_IN if side else 0)
            entry.account = row.payee_account if side else row.payer_account
            entry.agent = row.payee_agent if side else row.payer_agent
    return cuts[BUCKETS]


@nb.njit(cache=True, nogil=True)
def route_orders(variants, reads, wholes, parts, orders, cuts):
    """As `route_sides`, for withdrawn orders: one ORDER a side that names somebody, by bucket.

    Args:
        variants: NARROW.
        reads: for each event code whether a rule of this group reads it (bool, 32).
        wholes: int64, (sides, variants); 0 = absent: that side takes no part.
        parts: int64 beside them: what each whole is made of.
        orders: room for one ORDER row a side and variant.
        cuts: int64, BUCKETS + 1: written; bucket b is `orders[cuts[b]:cuts[b + 1]]`.

    Returns:
        How many entries were written.
    """
    sides = len(wholes)
    cuts[:] = 0
    for i in range(len(variants)):
        row = variants[i]
        if row.flags & _CANCELLED and reads[row.event_code] and row.mask != 0:
            for side in range(sides):
                if wholes[side, i] != 0:
                    cuts[wholes[side, i] % BUCKETS + 1] += 1
    for b in range(BUCKETS):
        cuts[b + 1] += cuts[b]
    if cuts[BUCKETS] == 0:
        return 0
    at = cuts[:BUCKETS].copy()
    for i in range(len(variants)):
        row = variants[i]
        if not (row.flags & _CANCELLED and reads[row.event_code] and row.mask != 0):
            continue
        for side in range(sides):
            whole = wholes[side, i]
            if whole == 0:
                continue
            order = orders[at[whole % BUCKETS]]
            at[whole % BUCKETS] += 1
            order.whole = whole
            order.event_time = row.event_time
            order.key = row.key
            order.size = row.range_start
            order.contract = row.instrument
            order.ordinal = row.business_ordinal
            order.event_code = row.event_code
            order.mask = row.mask
            order.role = _IN if side else 0
            order.part = parts[side, i]
            order.terms = row.flags & _TERMS | (row.flags >> _CLASS_SHIFT & _CLASS_MASK)
    return cuts[BUCKETS]


@nb.njit(cache=True, nogil=True)
def _before(a, b):
    """Whether entry a comes before b in (event_time, key, role) order."""
    if a.event_time != b.event_time:
        return a.event_time < b.event_time
    if a.key != b.key:
        return a.key < b.key
    return a.role < b.role


@nb.njit(cache=True, nogil=True)
def take_ready(entries, watermark):
    """Entries with an event time up to the watermark in order, and the others as they are.

    Returns:
        (ready, rest, the newest business day among the ready ones).
    """
    n = len(entries)
    ready = 0
    ordinal = -(1 << 30)
    for i in range(n):
        if entries[i].event_time <= watermark:
            ready += 1
            ordinal = max(ordinal, entries[i].ordinal)
    times = np.empty(ready, np.int64)
    where = np.empty(ready, np.int64)
    rest = np.empty(n - ready, ENTRY)
    k = r = 0
    ordered = True
    for i in range(n):
        if entries[i].event_time <= watermark:
            times[k] = entries[i].event_time
            where[k] = i
            if k > 0 and times[k] < times[k - 1]:
                ordered = False
            k += 1
        else:
            rest[r] = entries[i]
            r += 1
    if not ordered:
        where = where[np.argsort(times, kind="mergesort")]
    for a in range(1, ready):  # only ties are left to order: short moves
        x = where[a]
        b = a - 1
        while b >= 0 and _before(entries[x], entries[where[b]]):
            where[b + 1] = where[b]
            b -= 1
        where[b + 1] = x
    out = np.empty(ready, ENTRY)
    for i in range(ready):
        out[i] = entries[where[i]]
    return out, rest, ordinal


@nb.njit(cache=True, nogil=True)
def sort_out(entries, classes, count):
    """Put entries together by class; those of class 0 are dropped.

    Args:
        entries: ENTRY.
        classes: uint8 beside them, 0 to `count`.
        count: how many classes.

    Returns:
        (entries by class, where each class ends, newest event time and newest business day of
        each class; the last three have `count` places).
    """
    ends = np.zeros(count, np.int64)
    newest = np.full(count, -(1 << 62), np.int64)
    ordinal = np.full(count, -(1 << 30), np.int64)
    for i in range(len(entries)):
        c = classes[i]
        if c != 0:
            ends[c - 1] += 1
            newest[c - 1] = max(newest[c - 1], entries[i].event_time)
            ordinal[c - 1] = max(ordinal[c - 1], entries[i].ordinal)
    at = np.zeros(count, np.int64)
    for c in range(1, count):
        at[c] = ends[c - 1]
        ends[c] += ends[c - 1]
    out = np.empty(ends[count - 1], ENTRY)
    for i in range(len(entries)):
        c = classes[i]
        if c != 0:
            out[at[c - 1]] = entries[i]
            at[c - 1] += 1
    return out, ends, newest, ordinal
