"""JSON bytes to cells. The scanner is its own gate: strict RFC 8259, every position bounded.

Text must be valid UTF-8 (checked before). Numbers stay text: money is never a float.
"""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

from connectors.engine.kernels.jsonvalues import ESCAPED, NUMBER, literal, number, string
from connectors.engine.kernels.nodes import LAST, MAX_DEPTH, SEEN, TABLE_FULL, TOO_DEEP, add, find

# record status
FINE = 0
UNREADABLE = 1
REPEATED_KEY = 2
WRONG_COLUMNS = 3

_VALUE, _VALUE_OR_END, _KEY_OR_END, _KEY, _COLON, _AFTER = 0, 1, 2, 3, 4, 5


@nb.njit(cache=True, nogil=True)
def room_of(body):
    """How many cells and how many objects and lines a body can have at most."""
    values = 0
    objects = 0
    for c in body:
        values += (c == 58) | (c == 44) | (c == 91)
        objects += (c == 123) | (c == 10)
    return values + objects, objects


@nb.njit(cache=True, nogil=True)
def scan_json(
    body, low, high, grid, names, size, progress, step_bytes, step_at, steps, serial, cells, flags,
    instances, records, status, count,
):  # fmt: skip
    """Append the cells of the one JSON value in body[low:high].

    A record is an object at the record path (arrays on the way are transparent); an object in an
    array inside a record is a group instance. A repeated key marks its record, or, outside of
    records, ends the scan.

    Arguments in brief:
        body: uint8, valid UTF-8.
        grid, names, size: The node table.
        progress: int32 per node: steps of the record path matched so far, -1 off the path.
        step_bytes, step_at, steps: The record path.
        serial: int64[1]: objects met so far by this table.
        cells, flags, instances, records, count: As `scan_xml`.
        status: uint8 per record: FINE, REPEATED_KEY.

    Returns:
        -1 done, TABLE_FULL, TOO_DEEP, or the position that is not JSON.
    """
    k, nr, ni = count[0], count[1], count[2]
    container = np.zeros(MAX_DEPTH + 2, np.int32)
    is_object = np.zeros(MAX_DEPTH + 2, np.bool_)
    outer_instance = np.zeros(MAX_DEPTH + 2, np.int32)
    outer_record = np.zeros(MAX_DEPTH + 2, np.int32)
    identity = np.zeros(MAX_DEPTH + 2, np.int64)
    depth = 0
    node = 0
    record = -1
    instance = -1
    state = _VALUE
    i = low
    if high - low >= 3 and body[i] == 239 and body[i + 1] == 187 and body[i + 2] == 191:
        i += 3
    while i < high:
        c = body[i]
        if c == 32 or c == 10 or c == 13 or c == 9:
            i += 1
            continue
        if state == _AFTER:
            if depth == 0:
                return i
            if c == 44:
                state = _KEY if is_object[depth] else _VALUE
                node = container[depth]
                i += 1
                continue
            if (c == 125 and not is_object[depth]) or (c == 93 and is_object[depth]):
                return i
            if c != 125 and c != 93:
                return i
        elif state == _COLON:
            if c != 58:
                return i
            state = _VALUE
            i += 1
            continue
        elif state == _KEY or (state == _KEY_OR_END and c != 125):
            if c != 34:
                return i
            end, _ = string(body, i + 1, high)
            if end < 0:
                return i
            parent = container[depth]
            node = find(body, i + 1, end, parent, 0, grid, names)
            if node < 0:
                node = add(body, i + 1, end, parent, 0, grid, names, size)
                if node < 0:
                    return TABLE_FULL
                done = progress[parent]
                progress[node] = -1
                if 0 <= done < steps and (end - i - 1) == step_at[done + 1] - step_at[done]:
                    equal = True
                    for j in range(end - i - 1):
                        if body[i + 1 + j] != step_bytes[step_at[done] + j]:
                            equal = False
                    if equal:
                        progress[node] = done + 1
            grid[parent, LAST] = node
            if grid[node, SEEN] == identity[depth]:
                if record < 0:
                    return i
                status[record] = REPEATED_KEY
            grid[node, SEEN] = identity[depth]
            state = _COLON
            i = end + 1
            continue
        if c == 125 or c == 93:
            if state == _VALUE or (state == _VALUE_OR_END and c == 125):
                return i
            if (c == 125) != is_object[depth]:
                return i
            i += 1
            if record >= 0 and outer_record[depth] < 0:
                records[record, 1] = i
            instance = outer_instance[depth]
            record = outer_record[depth]
            depth -= 1
            node = container[depth] if depth > 0 else 0
            state = _AFTER
            continue
        if c == 123 or c == 91:
            depth += 1
            if depth > MAX_DEPTH:
                return TOO_DEEP
            container[depth] = node
            is_object[depth] = c == 123
            outer_instance[depth] = instance
            outer_record[depth] = record
            if c == 123:
                serial[0] += 1
                identity[depth] = serial[0] & 0x7FFFFFFF
                if record < 0 and progress[node] == steps:
                    record = nr
                    records[nr, 0] = i
                    records[nr, 1] = -1
                    status[nr] = FINE
                    nr += 1
                elif record >= 0 and depth > 1 and not is_object[depth - 1]:
                    instances[ni, 0] = instance
                    instances[ni, 1] = node
                    instances[ni, 2] = record
                    instance = ni
                    ni += 1
                state = _KEY_OR_END
            else:
                state = _VALUE_OR_END
            i += 1
            continue
        start = i
        flag = np.uint8(0)
        if c == 34:
            end, escaped = string(body, i + 1, high)
            if end < 0:
                return i
            start = i + 1
            i = end + 1
            if escaped:
                flag = np.uint8(ESCAPED)
        elif c == 45 or 48 <= c <= 57:
            end = number(body, i, high)
            if end < 0:
                return i
            i = end
            flag = np.uint8(NUMBER)
        else:
            end, kind = literal(body, i, high)
            if end < 0:
                return i
            i = end
            flag = np.uint8(kind)
        cells[k, 0] = start
        cells[k, 1] = end
        cells[k, 2] = node
        cells[k, 3] = record
        cells[k, 4] = instance
        flags[k] = flag
        k += 1
        if depth > 0:
            node = container[depth]
        state = _AFTER
    if state != _AFTER or depth != 0:
        return high
    count[0], count[1], count[2] = k, nr, ni
    return -1


@nb.njit(cache=True, nogil=True)
def scan_lines(
    body, low, high, grid, names, size, progress, step_bytes, step_at, steps, serial, cells, flags,
    instances, records, status, lines, count,
):  # fmt: skip
    """Append the cells of NDJSON: one object a line, so a broken line costs one record.

    A line that is not one JSON object becomes a record without cells and status UNREADABLE. Blank
    lines are no records. `lines` gets each record's line number from 1.

    Returns:
        -1 done, or TABLE_FULL.
    """
    i = low
    line = 0
    if high - low >= 3 and body[i] == 239 and body[i + 1] == 187 and body[i + 2] == 191:
        i += 3
    while i < high:
        end = i
        while end < high and body[end] != 10:
            end += 1
        line += 1
        start = i
        while start < end and (body[start] == 32 or body[start] == 9 or body[start] == 13):
            start += 1
        i = end + 1
        if start == end:
            continue
        before = count[1]
        code = low
        if body[start] == 123:
            code = scan_json(
                body, start, end, grid, names, size, progress, step_bytes, step_at, steps, serial,
                cells, flags, instances, records, status, count,
            )  # fmt: skip
        if code == TABLE_FULL:
            return TABLE_FULL
        if code != -1 or count[1] != before + 1:
            count[1] = before + 1
            records[before, 0] = start
            status[before] = UNREADABLE
        records[before, 1] = end
        lines[before] = line
    return -1
