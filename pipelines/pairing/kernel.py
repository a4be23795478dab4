# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Merging legs in one pass over rows sorted by key. No I/O, no clock, no Flink.

`merge_sorted` walks each key's legs in event time. Legs within the wait of the first one are one
group: if they agree on the rule columns the group is one row with every bit, otherwise a row for
each distinct content. A leg that comes after the wait adds only region bits nobody had yet.
"""

import numba as nb
import numpy as np

from schemas.narrow import RULE_COLUMNS

# What is remembered of a transaction that was emitted: `bits` are the vantages it went to.
CLOSED = np.dtype([("key", "<i8"), ("start", "<i8"), ("bits", "<i8")])
# One emitted group: how many legs it had and which rule columns (bit = position) disagreed.
RECON = np.dtype([("key", "<i8"), ("event_time", "<i8"), ("fields", "<u4"), ("legs", "<i4")])

JOINT = 16
FEW = 32  # up to here insertion beats a sort; beyond it would be quadratic

# The rule columns as (offset, kind) into a row's eight-byte words would be fast but unreadable;
# numba resolves the field names below at compile time, so nothing is lost by spelling them out.
if RULE_COLUMNS != (
    "event_time", "amount_fen", "payer_account", "payee_account", "payer_party", "payee_party",
    "payer_group", "payee_group", "asset", "range_start", "instrument", "business_ordinal",
    "event_code", "flags", "payer_agent", "payee_agent",
):  # fmt: skip
    raise RuntimeError("pairing: schemas.narrow.RULE_COLUMNS changed; change `_differ` and `_fill`")


@nb.njit(cache=True, nogil=True)
def _differ(a, b):
    """Bits of the rule columns in which two rows differ."""
    bits = 0
    if a.event_time != b.event_time:
        bits |= 1
    if a.amount_fen != b.amount_fen:
        bits |= 2
    if a.payer_account != b.payer_account:
        bits |= 4
    if a.payee_account != b.payee_account:
        bits |= 8
    if a.payer_party != b.payer_party:
        bits |= 16
    if a.payee_party != b.payee_party:
        bits |= 32
    if a.payer_group != b.payer_group:
        bits |= 64
    if a.payee_group != b.payee_group:
        bits |= 128
    if a.asset != b.asset:
        bits |= 256
    if a.range_start != b.range_start:
        bits |= 512
    if a.instrument != b.instrument:
        bits |= 1024
    if a.business_ordinal != b.business_ordinal:
        bits |= 2048
    if a.event_code != b.event_code:
        bits |= 4096
    if a.flags != b.flags:
        bits |= 8192
    if a.payer_agent != b.payer_agent:
        bits |= 16384
    if a.payee_agent != b.payee_agent:
        bits |= 32768
    return bits


@nb.njit(cache=True, nogil=True)
def _fill(to, leg):
    """Give `to` what it lacks (0 = absent) from a leg with a higher report id."""
    if to.event_time == 0:
        to.event_time = leg.event_time
    if to.amount_fen == 0:
        to.amount_fen = leg.amount_fen
    if to.payer_account == 0:
        to.payer_account = leg.payer_account
    if to.payee_account == 0:
        to.payee_account = leg.payee_account
    if to.payer_party == 0:
        to.payer_party = leg.payer_party
    if to.payee_party == 0:
        to.payee_party = leg.payee_party
    if to.payer_group == 0:
        to.payer_group = leg.payer_group
    if to.payee_group == 0:
        to.payee_group = leg.payee_group
    if to.asset == 0:
        to.asset = leg.asset
    if to.range_start == 0:
        to.range_start = leg.range_start
    if to.instrument == 0:
        to.instrument = leg.instrument
    if to.business_ordinal == 0:
        to.business_ordinal = leg.business_ordinal
    if to.event_code == 0:
        to.event_code = leg.event_code
    if to.flags == 0:
        to.flags = leg.flags
    if to.payer_agent == 0:
        to.payer_agent = leg.payer_agent
    if to.payee_agent == 0:
        to.payee_agent = leg.payee_agent


@nb.njit(cache=True, nogil=True)
def _place(table, key):
    """Where `key` is, or where it would go, in the open-addressing table (key 0 = free)."""
    mask = len(table) - 1
    place = (key ^ (key >> 31)) & mask
    while table[place].key != 0 and table[place].key != key:
        place = (place + 1) & mask
    return place


@nb.njit(cache=True, nogil=True)
def put_all(table, entries, alive_from):
    """Insert remembered transactions that started at or after `alive_from`; the newest wins.

    Returns:
        How many keys became new in the table.
    """
    new = 0
    for i in range(len(entries)):
        if entries[i].start >= alive_from and entries[i].key != 0:
            place = _place(table, entries[i].key)
            if table[place].key == 0:
                new += 1
            elif table[place].start > entries[i].start:
                continue
            if table[place].key == 0 or table[place].start < entries[i].start:
                table[place] = entries[i]
            else:
                table[place].bits |= entries[i].bits
    return new


@nb.njit(cache=True, nogil=True)
def _sort_legs(rows, order, i, j, by_time):
    """Sort `order[i:j]` by (event_time, report), or by report alone. Stable."""
    if j - i > FEW:
        part = order[i:j].copy()
        values = np.empty(j - i, np.int64)
        for level in range(2 if by_time else 1):
            for a in range(j - i):
                leg = rows[part[a]]
                values[a] = leg.report if level == 0 else leg.event_time
            part = part[np.argsort(values, kind="mergesort")]
        order[i:j] = part
        return
    for a in range(i + 1, j):
        x = order[a]
        b = a - 1
        while b >= i:
            y = order[b]
            if by_time and rows[y].event_time != rows[x].event_time:
                if rows[y].event_time < rows[x].event_time:
                    break
            elif rows[y].report <= rows[x].report:
                break
            order[b + 1] = y
            b -= 1
        order[b + 1] = x


@nb.njit(cache=True, nogil=True)
def key_order(rows):
    """Order of the rows by (key, event_time, report)."""
    n = len(rows)
    keys = np.empty(n, np.int64)
    for i in range(n):
        keys[i] = rows[i].key
    order = np.argsort(keys, kind="mergesort")
    i = 0
    while i < n:
        j = i + 1
        while j < n and keys[order[j]] == keys[order[i]]:
            j += 1
        if j - i > 1:
            _sort_legs(rows, order, i, j, True)
        i = j
    return order


@nb.njit(cache=True, nogil=True)
def _merge_group(rows, order, i, j, out, k, by_report):
    """Write the variants of the legs `order[i:j]`; return (rows written, bits, differing)."""
    n = j - i
    union = 0
    for a in range(n):
        union |= rows[order[i + a]].mask
        by_report[a] = order[i + a]
    _sort_legs(rows, by_report, 0, n, False)  # the order in which legs fill each other
    differing = 0
    for a in range(1, n):
        differing |= _differ(rows[by_report[0]], rows[by_report[a]])
    if differing == 0:
        out[k] = rows[by_report[0]]
        out[k].mask = union | JOINT
        return 1, union | JOINT, 0
    written = 0
    for vantage in range(5):
        bit = 1 << vantage
        if vantage < 4 and union & bit == 0:
            continue
        row = out[k + written]
        started = False
        for a in range(n):
            leg = rows[by_report[a]]
            if vantage == 4 or leg.mask & bit:
                if started:
                    _fill(row, leg)
                else:
                    out[k + written] = leg
                    started = True
        same = -1
        for b in range(written):
            if _differ(out[k + b], row) == 0:
                same = b
                break
        if same < 0:
            row.mask = bit
            written += 1
        else:
            into = out[k + same]
            if row.report < into.report:  # the row names the lowest report behind it
                mask = into.mask
                out[k + same] = row
                out[k + same].mask = mask
            out[k + same].mask |= bit
    return written, union | JOINT, differing


@nb.njit(cache=True, nogil=True)
def merge_sorted(rows, order, watermark, wait, memory, table, out, rest, opened, recon):
    """Merge what is complete at `watermark`.

    Args:
        rows: NARROW rows, any order.
        order: `key_order(rows)`.
        watermark: every row with an event time up to here has arrived; us.
        wait: how long after the first leg a leg still merges; us.
        memory: how long after the first leg a later leg still belongs to it; us.
        table: open-addressing table of CLOSED with room for one more entry a row; written to.
        out: room for five variants a row.
        rest: room for every row: indices of rows that must be given again.
        opened: room for every row: entries added to or changed in the table.
        recon: room for every row.

    Returns:
        (variants, rest rows, opened, recon rows, new keys in the table).
    """
    k = r = o = c = new = 0
    n = len(order)
    by_report = np.empty(n, np.int64)
    a = 0
    while a < n:
        key = rows[order[a]].key
        b = a + 1
        while b < n and rows[order[b]].key == key:
            b += 1
        place = _place(table, key)
        entry = table[place]
        i = a
        while i < b:
            leg = rows[order[i]]
            if entry.key == key and leg.event_time <= entry.start + memory:
                if leg.event_time > watermark:
                    break
                bits = leg.mask & ~entry.bits
                if bits != 0:
                    out[k] = leg
                    out[k].mask = bits
                    k += 1
                    entry.bits |= bits
                    opened[o] = entry
                    o += 1
                i += 1
                continue
            if leg.event_time + wait > watermark:
                break
            j = i + 1
            while j < b and rows[order[j]].event_time <= leg.event_time + wait:
                j += 1
            written, bits, differing = _merge_group(rows, order, i, j, out, k, by_report)
            k += written
            if entry.key == 0:
                new += 1
            entry.key = key
            entry.start = leg.event_time
            entry.bits = bits
            opened[o] = entry
            o += 1
            recon[c].key = key
            recon[c].event_time = leg.event_time
            recon[c].fields = differing
            recon[c].legs = j - i
            c += 1
            i = j
        while i < b:
            rest[r] = order[i]
            r += 1
            i += 1
        a = b
    return k, r, o, c, new
