"""FIX messages (`tag=value`, one separator) to cells.

A message begins with `8=<begin><separator>9=`, the mark. Where BodyLength (9) leads to a trailer
`10=ddd<separator>`, the message ends there whatever happened inside; else it ends at the first
trailer in front of the next mark, or at the next mark. So a damaged message costs no other one.
What lies between messages is a record of its own, without cells; line ends between them are none.

Tables have one row a group, row 0 being the message itself, and one column a tag.
"""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

TAGS = 100_000  # tags have one to five digits

# bits of a record's status
CHECK_SUM = 1
BODY_LENGTH = 2
GARBLED = 4  # a field that is no tag=value, no trailer, too many distinct tags
GROUP_COUNT = 8
REPEATED = 16  # a tag twice in one message, or in one instance of a group
GARBAGE = 32  # bytes between messages

# what a tag is in a group: a member, the member every instance begins with, or (from COUNT on) the
# count of the inner group `value - COUNT`; 0 = it does not belong there
MEMBER, FIRST, COUNT = 1, 2, 3
DEPTH = 8  # groups within groups

_EIGHT, _NINE, _ZERO, _EQUALS = 56, 57, 48, 61


@nb.njit(cache=True, nogil=True)
def next_mark(body, start, high, mark):
    """Where the next message begins, `high` if none does."""
    last = high - len(mark)
    i = start
    while i <= last:
        if body[i] == _EIGHT:
            same = True
            for j in range(1, len(mark)):
                if body[i + j] != mark[j]:
                    same = False
                    break
            if same:
                return i
        i += 1
    return high


@nb.njit(cache=True, nogil=True)
def _number(body, start, end):
    """A whole number of one to nine digits, -1 if it is none."""
    if end <= start or end - start > 9:
        return -1
    value = 0
    for i in range(start, end):
        if body[i] < 48 or body[i] > 57:
            return -1
        value = value * 10 + (body[i] - 48)
    return value


@nb.njit(cache=True, nogil=True)
def _trailer(body, at, high, separator):
    """Whether `10=ddd<separator>` stands at a place."""
    if at < 0 or at + 7 > high:
        return False
    if body[at] != 49 or body[at + 1] != _ZERO or body[at + 2] != _EQUALS:
        return False
    for i in range(at + 3, at + 6):
        if body[i] < 48 or body[i] > 57:
            return False
    return body[at + 6] == separator


@nb.njit(cache=True, nogil=True)
def _until(body, start, stop, separator):
    """Where the next separator stands, `stop` if there is none."""
    i, last = np.uint64(start), np.uint64(stop)
    while i < last and body[i] != separator:
        i += np.uint64(1)
    return np.int64(i)


@nb.njit(cache=True, nogil=True)
def _fields(
    body, low, stop, whole, separator, record, kind, numbers, fresh, seen, length_of,
    cells, instances, lines, levels, count,
):  # fmt: skip
    """Walk the fields of one message from `low` to its trailer.

    Returns (status, place of the trailer or -1). Cells and instances are added, `count` moves on.
    `whole` says that the trailer is known to stand at `stop`: another one, or the beginning of a
    message, in front of it is then no part of the message and gives (0, -1).
    """
    group, declared, found, instance, serial = levels
    group[0], instance[0] = 0, -1
    depth = 0
    count[3] += 1
    serial[0] = count[3]
    status = 0
    pending = -1  # length of the data field that must follow
    ended = whole
    i = low
    k = count[0]
    while i < stop:
        start = i
        tag = 0
        while i < stop and i - start < 6 and 48 <= body[i] <= 57:
            tag = tag * 10 + (body[i] - 48)
            i += 1
        if i == start or i - start > 5 or body[start] == _ZERO or i >= stop or body[i] != _EQUALS:
            count[0] = k
            return status | GARBLED, -1
        i += 1
        if tag == 10 or tag == 8:
            if whole:
                return 0, -1
            if tag == 8 or not _trailer(body, start, stop, separator):
                count[0] = k
                return status | GARBLED, -1
            stop = start
            ended = True
            break
        value = i
        if pending >= 0:
            if value + pending >= stop or body[value + pending] != separator:
                count[0] = k
                return status | GARBLED, -1
            i = value + pending
            pending = -1
        else:
            i = _until(body, i, stop, separator)
            if i >= stop:
                count[0] = k
                return status | GARBLED, -1
        end = i
        i += 1
        if length_of[tag]:
            pending = _number(body, value, end)
            if pending < 0:
                count[0] = k
                return status | GARBLED, -1
        role = 0
        while depth > 0:
            role = kind[group[depth], tag]
            if role == FIRST:
                found[depth] += 1
                made = count[2]
                instances[made, 0] = instance[depth - 1]
                instances[made, 1] = group[depth]
                instances[made, 2] = record
                instance[depth] = made
                count[2] += 1
                count[3] += 1
                serial[depth] = count[3]
                break
            if role != 0 and instance[depth] >= 0:
                break
            if found[depth] != declared[depth]:
                status |= GROUP_COUNT
            depth -= 1
        if depth == 0:
            role = kind[0, tag]
        place = group[depth]
        number = numbers[place, tag]
        if number == -1:
            if count[4] >= len(fresh):
                count[0] = k
                return status | GARBLED, -1
            fresh[count[4], 0] = place
            fresh[count[4], 1] = tag
            number = -2 - count[4]
            numbers[place, tag] = number
            count[4] += 1
        if seen[place, tag] == serial[depth]:
            if status & REPEATED == 0:
                lines[record] = number
            status |= REPEATED
        seen[place, tag] = serial[depth]
        cells[k, 0] = value
        cells[k, 1] = end
        cells[k, 2] = number
        cells[k, 3] = record
        cells[k, 4] = instance[depth]
        k += 1
        if role >= COUNT:
            if depth + 1 < DEPTH:
                depth += 1
                group[depth] = role - COUNT
                declared[depth] = _number(body, value, end)
                found[depth] = 0
                instance[depth] = -1
            else:
                status |= GROUP_COUNT
    count[0] = k
    while depth > 0:
        if found[depth] != declared[depth]:
            status |= GROUP_COUNT
        depth -= 1
    if pending >= 0 or not ended:
        return status | GARBLED, -1
    return status, stop


@nb.njit(cache=True, nogil=True)
def _message(
    body, begin, high, mark, separator, record, tolerated, kind, numbers, fresh, seen, length_of,
    cells, instances, lines, levels, count,
):  # fmt: skip
    """One message whose mark stands at `begin`; returns (status, end)."""
    cell, instance = count[0], count[2]
    at = begin + len(mark)
    start = at
    while at < high and at - start < 9 and 48 <= body[at] <= 57:
        at += 1
    length = _number(body, start, at)
    if at >= high or body[at] != separator:
        length = -1
    low = at + 1
    stop = low + length
    whole = length > 0 and _trailer(body, stop, high, separator) and body[stop - 1] == separator
    trailer = -1
    status = 0
    if whole:
        status, trailer = _fields(
            body, low, stop, True, separator, record, kind, numbers, fresh, seen, length_of,
            cells, instances, lines, levels, count,
        )  # fmt: skip
        if trailer < 0 and status == 0:
            whole = False
            count[0], count[2] = cell, instance
    end = stop + 7
    if not whole:
        end = next_mark(body, begin + 1, high, mark)
        status = BODY_LENGTH
        if length < 0:
            while at < end and body[at] != separator:
                at += 1
            low = at + 1
        more, trailer = _fields(
            body, low, end, False, separator, record, kind, numbers, fresh, seen, length_of,
            cells, instances, lines, levels, count,
        )  # fmt: skip
        status |= more
        if trailer >= 0:
            end = trailer + 7
    if trailer >= 0:
        total = np.uint32(0)
        for c in body[begin:trailer]:
            total += np.uint32(c)
        if total & np.uint32(255) != _number(body, trailer + 3, trailer + 6):
            status |= CHECK_SUM
    if status & (CHECK_SUM | BODY_LENGTH | GARBLED) & ~tolerated:
        count[0], count[2] = cell, instance  # nothing in it can be trusted
    return status, end


@nb.njit(cache=True, nogil=True)
def scan_fix(
    body, bounds, wanted, mark, separator, tolerated, kind, numbers, fresh, seen, length_of,
    cells, instances, records, status, lines, cuts, owners, count,
):  # fmt: skip
    """Scan all units in one call.

    Args: unit u is body[bounds[u]:bounds[u + 1]], and is left out unless wanted[u]; `tolerated` are
    status bits with which cells are kept; `numbers` (group, tag) holds the path number of a tag,
    -1 where it has none yet: then (group, tag) goes to `fresh` at f and the cells get -2 - f;
    `seen` (group, tag) remembers where a tag was last met; `lines` gets the path number of a
    record's first repeated tag; `count` is (cells, records, instances, serial, fresh). After unit
    u, cuts[u + 1] and owners[u + 1] are the cells and records so far.
    """
    levels = np.zeros((5, DEPTH), np.int64)
    for unit in range(len(bounds) - 1):
        i = bounds[unit]
        high = bounds[unit + 1] if wanted[unit] else i
        while i < high:
            if body[i] == 10 or body[i] == 13:
                i += 1
                continue
            record = count[1]
            begin = next_mark(body, i, high, mark)
            if begin > i:
                end = begin
                while end > i and (body[end - 1] == 10 or body[end - 1] == 13):
                    end -= 1
                status[record] = GARBAGE
            else:
                status[record], end = _message(
                    body, begin, high, mark, separator, record, tolerated, kind, numbers, fresh,
                    seen, length_of, cells, instances, lines, levels, count,
                )  # fmt: skip
            records[record, 0] = i
            records[record, 1] = end
            count[1] += 1
            i = end
        cuts[unit + 1] = count[0]
        owners[unit + 1] = count[1]
