"""Cells to columns: order cells by path, pick one cell a record, copy its bytes out unescaped."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

from connectors.engine.kernels.xml import ATTRIBUTE

CSV, XML, JSON = 0, 1, 2  # how values are written
SPECIAL = 3  # flags of a value that is not copied as it is, whatever the style
REPEATED, NULLS = 1, 2


@nb.njit(cache=True, nogil=True)
def order_by_path(path, count, paths):
    """Stable counting sort: (order, cut); cells of path p are order[cut[p]:cut[p + 1]]."""
    cut = np.zeros(paths + 1, np.int64)
    for j in range(count):
        cut[path[j] + 1] += 1
    for p in range(paths):
        cut[p + 1] += cut[p]
    at = cut[:-1].copy()
    order = np.empty(count, np.int32)
    for j in range(count):
        p = path[j]
        order[at[p]] = j
        at[p] += 1
    return order, cut


@nb.njit(cache=True, nogil=True)
def pick(cells, order, low, high, chosen, repeated):
    """Put cells order[low:high] at their records; a second one marks `repeated`."""
    for j in range(low, high):
        cell = order[j]
        record = cells[cell, 3]
        if record >= 0:
            if chosen[record] >= 0:
                repeated[record] = True
            else:
                chosen[record] = cell


@nb.njit(cache=True, nogil=True)
def mark(cells, order, low, high, present):
    """Mark the records that have any of these cells."""
    for j in range(low, high):
        record = cells[order[j], 3]
        if record >= 0:
            present[record] = True


@nb.njit(cache=True, nogil=True)
def pick_all(cells, flags, wanted, null, chosen, sizes, told):
    """Put the first cell of each wanted path at its record, in one pass over the cells.

    Arguments in brief:
        wanted: int32 per path number: its row in `chosen`, -1 for none.
        null: Flag of a cell that stands for no value, 0 where there is none.
        chosen: int32 (paths, records), filled with -1 before.
        sizes: int64 per path: gets the bytes its chosen cells have.
        told: uint8 per path: gets REPEATED where a record has two cells, NULLS where one is null.
    """
    for cell in range(len(cells)):
        column = wanted[cells[cell, 2]]
        if column < 0:
            continue
        record = cells[cell, 3]
        if record < 0:
            continue
        if chosen[column, record] >= 0:
            told[column] |= REPEATED
            continue
        chosen[column, record] = cell
        sizes[column] += cells[cell, 1] - cells[cell, 0]
        if flags[cell] & null:
            told[column] |= NULLS


@nb.njit(cache=True, nogil=True)
def measure(cells, chosen):
    """Upper bound of the bytes of the chosen cells."""
    total = 0
    for row in range(len(chosen)):
        cell = chosen[row]
        if cell >= 0:
            total += cells[cell, 1] - cells[cell, 0]
    return total


@nb.njit(cache=True, nogil=True)
def _copied(body, start, end, out, to):
    """Copy bytes as they are; unsigned, because a signed index may count from the end."""
    at = np.uint64(to)
    for i in range(np.uint64(start), np.uint64(end)):
        out[at] = body[i]
        at += np.uint64(1)


@nb.njit(cache=True, nogil=True)
def copy_values(style, body, cells, flags, chosen, base, offsets, out, used):
    """Copy the values of several columns, record by record, so that each record is read once.

    Arguments in brief:
        style: CSV, XML or JSON: how a value that is not plain is written.
        chosen: int32 (columns, records): a cell each, -1 for none.
        base: int64 per column: where its bytes begin in `out`; no value is longer than its source.
        offsets: int32 (columns, records + 1), filled, counted from the base.
        out: uint8.
        used: int64 per column: gets its bytes.
    """
    columns, rows = chosen.shape
    for row in range(rows):
        for column in range(columns):
            at = used[column]
            offsets[column, row] = at
            cell = chosen[column, row]
            if cell < 0:
                continue
            start, end = cells[cell, 0], cells[cell, 1]
            to = base[column] + at
            if flags[cell] & SPECIAL == 0:
                _copied(body, start, end, out, to)
                used[column] = at + end - start
            elif style == XML:
                attribute = (flags[cell] & ATTRIBUTE) != 0
                used[column] = _xml(body, start, end, attribute, out, to) - base[column]
            elif style == JSON:
                used[column] = _json(body, start, end, out, to) - base[column]
            else:
                used[column] = _csv(body, start, end, out, to) - base[column]
    for column in range(columns):
        offsets[column, rows] = used[column]


@nb.njit(cache=True, nogil=True)
def _csv(body, i, end, out, at):
    """Copy a value with doubled quotes, made single; returns where it ends."""
    while i < end:
        out[at] = body[i]
        at += 1
        if body[i] == 34:
            i += 1
        i += 1
    return at


@nb.njit(cache=True, nogil=True)
def _utf8(out, at, point):
    if point < 0x80:
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at] = 0xC0 | (point >> 6)
        out[at + 1] = 0x80 | (point & 0x3F)
        return at + 2
    if point < 0x10000:
        out[at] = 0xE0 | (point >> 12)
        out[at + 1] = 0x80 | ((point >> 6) & 0x3F)
        out[at + 2] = 0x80 | (point & 0x3F)
        return at + 3
    out[at] = 0xF0 | (point >> 18)
    out[at + 1] = 0x80 | ((point >> 12) & 0x3F)
    out[at + 2] = 0x80 | ((point >> 6) & 0x3F)
    out[at + 3] = 0x80 | (point & 0x3F)
    return at + 4


@nb.njit(cache=True, nogil=True)
def _hex(c):
    return c - 48 if c < 58 else (c | 32) - 87


@nb.njit(cache=True, nogil=True)
def _xml(body, i, end, attribute, out, at):
    """Copy a value with markup, unescaped and trimmed; returns where it ends.

    Entities and character references are resolved, comments and instructions left out, line ends
    normalised.
    """
    begin = at
    while i < end:
        c = body[i]
        if c == 38:
            if body[i + 1] == 35:
                point = 0
                if body[i + 2] == 120:
                    i += 3
                    while body[i] != 59:
                        point = point * 16 + _hex(body[i])
                        i += 1
                else:
                    i += 2
                    while body[i] != 59:
                        point = point * 10 + (body[i] - 48)
                        i += 1
                at = _utf8(out, at, point)
            else:
                first, second = body[i + 1], body[i + 2]
                if first == 108:
                    out[at] = 60
                elif first == 103:
                    out[at] = 62
                elif first == 113:
                    out[at] = 34
                elif second == 109:
                    out[at] = 38
                else:
                    out[at] = 39
                at += 1
                while body[i] != 59:
                    i += 1
            i += 1
        elif c == 60:
            if body[i + 1] == 33 and body[i + 2] == 91:
                i += 9
                while not (body[i] == 93 and body[i + 1] == 93 and body[i + 2] == 62):
                    if body[i] == 13:
                        out[at] = 10
                        at += 1
                        if body[i + 1] == 10:
                            i += 1
                    else:
                        out[at] = body[i]
                        at += 1
                    i += 1
                i += 3
            elif body[i + 1] == 33:
                i += 4
                while not (body[i] == 45 and body[i + 1] == 45 and body[i + 2] == 62):
                    i += 1
                i += 3
            else:
                while not (body[i] == 63 and body[i + 1] == 62):
                    i += 1
                i += 2
        elif c == 13:
            out[at] = 32 if attribute else 10
            at += 1
            i += 1
            if i < end and body[i] == 10:
                i += 1
        elif attribute and c < 32:
            out[at] = 32
            at += 1
            i += 1
        else:
            out[at] = c
            at += 1
            i += 1
    if not attribute:
        while at > begin and out[at - 1] <= 32:
            at -= 1
        start = begin
        while start < at and out[start] <= 32:
            start += 1
        if start > begin:
            for j in range(start, at):
                out[begin + j - start] = out[j]
            at -= start - begin
    return at


@nb.njit(cache=True, nogil=True)
def _json(body, i, end, out, at):
    """Copy a value with escapes, resolved; returns where it ends."""
    while i < end:
        c = body[i]
        if c != 92:
            out[at] = c
            at += 1
            i += 1
            continue
        kind = body[i + 1]
        i += 2
        if kind == 117:
            point = 0
            for _ in range(4):
                point = point * 16 + _hex(body[i])
                i += 1
            if 0xD800 <= point < 0xDC00:
                low = 0
                i += 2
                for _ in range(4):
                    low = low * 16 + _hex(body[i])
                    i += 1
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)
            at = _utf8(out, at, point)
            continue
        if kind == 110:
            out[at] = 10
        elif kind == 116:
            out[at] = 9
        elif kind == 114:
            out[at] = 13
        elif kind == 98:
            out[at] = 8
        elif kind == 102:
            out[at] = 12
        else:
            out[at] = kind
        at += 1
    return at
