"""XML bytes to cells. Expat must have accepted the document first: nothing is checked here."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

from connectors.engine.kernels.nodes import (
    GROUP,
    KIND,
    KIND_ATTRIBUTE,
    KIND_RECORD,
    LAST,
    MAX_DEPTH,
    TABLE_FULL,
    TOO_DEEP,
    add,
    find,
    same,
)

# cell flags
RAW_TEXT = 1  # an entity or a carriage return is in it
MARKUP = 2  # a comment, CDATA section or processing instruction is in it
CONTAINER = 4  # text beside child elements
ATTRIBUTE = 8


@nb.njit(cache=True, nogil=True)
def _steps(body, start, end, parent, node, grid, progress, step_bytes, step_at, path_at):
    """Advance each wanted path by this element; marks the record and the groups."""
    local = start
    for i in range(start, end):
        if body[i] == 58:
            local = i + 1
            break
    for path in range(len(path_at) - 1):
        progress[node, path] = -1
    for path in range(len(path_at) - 1):
        done = progress[parent, path]
        length = path_at[path + 1] - path_at[path]
        if done < 0 or done >= length:
            continue
        first = step_at[path_at[path] + done]
        last = step_at[path_at[path] + done + 1]
        if not same(body, local, end, step_bytes, first, last):
            if path == 0 and done == 0:
                progress[node, 0] = 0  # an envelope around the document
            continue
        progress[node, path] = done + 1
        if done + 1 == length:
            if path == 0:
                grid[node, KIND] |= KIND_RECORD
                for group in range(1, len(path_at) - 1):
                    progress[node, group] = 0
            else:
                grid[node, GROUP] = path - 1


@nb.njit(cache=True, nogil=True)
def scan_xml(
    body, low, high, grid, names, size, progress, step_bytes, step_at, path_at, cells, flags,
    instances, records, count,
):  # fmt: skip
    """Append the cells of body[low:high].

    Arguments in brief:
        body: uint8; well-formed between low and high.
        grid, names, size, progress: The node table (`nodes`) and how far each node is on each path.
        step_bytes, step_at, path_at: Steps of the wanted paths: path 0 is the record from the root,
            the others are groups below the record.
        cells: int32 (capacity, 5): start, end, node, record, instance.
        flags: uint8 (capacity).
        instances: int32 (capacity, 3): parent instance, group, record.
        records: int32 (capacity, 2): start, end.
        count: int64[3]: cells, records, instances so far; advanced.

    Returns:
        -1 done, TABLE_FULL, TOO_DEEP, or the position of a DOCTYPE.
    """
    k, nr, ni = count[0], count[1], count[2]
    stack = np.zeros(MAX_DEPTH + 2, np.int32)
    children = np.zeros(MAX_DEPTH + 2, np.bool_)
    outer = np.full(MAX_DEPTH + 2, -1, np.int32)
    depth = 0
    record = -1
    instance = -1
    i = low
    if high - low >= 3 and body[i] == 239 and body[i + 1] == 187 and body[i + 2] == 191:
        i += 3
    text = i
    solid = False  # anything but white space since `text`
    flag = np.uint8(0)
    while i < high:
        c = body[i]
        if c != 60:
            if c > 32:
                solid = True
            if c == 38 or c == 13:
                flag |= RAW_TEXT
            i += 1
            continue
        c = body[i + 1]
        if c == 33:
            if body[i + 2] == 45:
                i += 4
                while not (body[i] == 45 and body[i + 1] == 45 and body[i + 2] == 62):
                    i += 1
                i += 3
                flag |= MARKUP
                continue
            if body[i + 2] == 91:
                i += 9
                while not (body[i] == 93 and body[i + 1] == 93 and body[i + 2] == 62):
                    i += 1
                i += 3
                flag |= MARKUP
                solid = True
                continue
            return i
        if c == 63:
            i += 2
            while not (body[i] == 63 and body[i + 1] == 62):
                i += 1
            i += 2
            flag |= MARKUP
            continue
        if c == 47:
            node = stack[depth]
            if not children[depth] or solid:
                start = text
                end = i
                if flag == 0:
                    while start < end and body[start] <= 32:
                        start += 1
                    while end > start and body[end - 1] <= 32:
                        end -= 1
                cells[k, 0] = start
                cells[k, 1] = end
                cells[k, 2] = node
                cells[k, 3] = record
                cells[k, 4] = instance
                flags[k] = flag | (CONTAINER if children[depth] else 0)
                k += 1
            while body[i] != 62:
                i += 1
            i += 1
            if (grid[node, KIND] & KIND_RECORD) != 0:
                records[record, 1] = i
                record = -1
            if grid[node, GROUP] >= 0:
                instance = outer[depth]
            depth -= 1
            text = i
            solid = False
            flag = np.uint8(0)
            continue
        if solid and depth > 0:  # text in front of a child: a cell of its own, never dropped
            cells[k, 0] = text
            cells[k, 1] = i
            cells[k, 2] = stack[depth]
            cells[k, 3] = record
            cells[k, 4] = instance
            flags[k] = flag | CONTAINER
            k += 1
        i += 1
        start = i
        while body[i] > 32 and body[i] != 62 and body[i] != 47:
            i += 1
        parent = stack[depth]
        children[depth] = True
        node = find(body, start, i, parent, 0, grid, names)
        if node < 0:
            node = add(body, start, i, parent, 0, grid, names, size)
            if node < 0:
                return TABLE_FULL
            _steps(body, start, i, parent, node, grid, progress, step_bytes, step_at, path_at)
        grid[parent, LAST] = node
        depth += 1
        if depth > MAX_DEPTH:
            return TOO_DEEP
        stack[depth] = node
        children[depth] = False
        if (grid[node, KIND] & KIND_RECORD) != 0:
            record = nr
            records[nr, 0] = start - 1
            records[nr, 1] = -1
            nr += 1
        if grid[node, GROUP] >= 0:
            outer[depth] = instance
            instances[ni, 0] = instance
            instances[ni, 1] = grid[node, GROUP]
            instances[ni, 2] = record
            instance = ni
            ni += 1
        while True:
            while body[i] <= 32:
                i += 1
            if body[i] == 62 or body[i] == 47:
                break
            start = i
            while body[i] != 61 and body[i] > 32:
                i += 1
            end = i
            while body[i] != 34 and body[i] != 39:
                i += 1
            quote = body[i]
            i += 1
            value = i
            own = np.uint8(ATTRIBUTE)
            while body[i] != quote:
                if body[i] == 38 or body[i] < 32:
                    own |= RAW_TEXT
                i += 1
            attribute = find(body, start, end, node, KIND_ATTRIBUTE, grid, names)
            if attribute < 0:
                attribute = add(body, start, end, node, KIND_ATTRIBUTE, grid, names, size)
                if attribute < 0:
                    return TABLE_FULL
            cells[k, 0] = value
            cells[k, 1] = i
            cells[k, 2] = attribute
            cells[k, 3] = record
            cells[k, 4] = instance
            flags[k] = own
            k += 1
            i += 1
        if body[i] == 47:
            cells[k, 0] = i
            cells[k, 1] = i
            cells[k, 2] = node
            cells[k, 3] = record
            cells[k, 4] = instance
            flags[k] = 0
            k += 1
            i += 2
            if (grid[node, KIND] & KIND_RECORD) != 0:
                records[record, 1] = i
                record = -1
            if grid[node, GROUP] >= 0:
                instance = outer[depth]
            depth -= 1
        else:
            i += 1
        text = i
        solid = False
        flag = np.uint8(0)
    count[0], count[1], count[2] = k, nr, ni
    return -1


@nb.njit(cache=True, nogil=True)
def find_records(body, step_bytes, step_at, steps, limits):
    """Where the records of a well-formed document lie, without its cells.

    Arguments in brief:
        body: uint8; expat has accepted it.
        step_bytes, step_at, steps: Local names from the root to the record.
        limits: int64 (capacity, 2), filled with start and end.

    Returns:
        How many records there are.
    """
    n = len(body)
    depth = 0
    matched = 0  # how many open elements are on the path
    around = 0  # how many open elements are an envelope around the path's first
    found = 0
    i = 0
    while i < n:
        if body[i] != 60:
            i += 1
            continue
        c = body[i + 1]
        if c == 33:
            if body[i + 2] == 45:
                i += 4
                while not (body[i] == 45 and body[i + 1] == 45 and body[i + 2] == 62):
                    i += 1
                i += 3
            else:
                i += 9
                while not (body[i] == 93 and body[i + 1] == 93 and body[i + 2] == 62):
                    i += 1
                i += 3
            continue
        if c == 63:
            i += 2
            while not (body[i] == 63 and body[i + 1] == 62):
                i += 1
            i += 2
            continue
        if c == 47:
            while body[i] != 62:
                i += 1
            i += 1
            if matched > 0 and depth == around + matched:
                if matched == steps:
                    limits[found, 1] = i
                    found += 1
                matched -= 1
            depth -= 1
            continue
        begin = i
        i += 1
        local = i
        while body[i] > 32 and body[i] != 62 and body[i] != 47:
            if body[i] == 58:
                local = i + 1
            i += 1
        end = i
        depth += 1
        if matched == 0:
            around = depth - 1
        if (
            depth == around + matched + 1
            and matched < steps
            and same(body, local, end, step_bytes, step_at[matched], step_at[matched + 1])
        ):
            matched += 1
            if matched == steps:
                limits[found, 0] = begin
        while body[i] != 62 and body[i] != 47:
            if body[i] == 34 or body[i] == 39:
                quote = body[i]
                i += 1
                while body[i] != quote:
                    i += 1
            i += 1
        if body[i] == 47:
            i += 2
            if matched > 0 and depth == around + matched:
                if matched == steps:
                    limits[found, 1] = i
                    found += 1
                matched -= 1
            depth -= 1
        else:
            i += 1
    return found
