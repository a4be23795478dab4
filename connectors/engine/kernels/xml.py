"""XML bytes to cells.

The scan checks what it reads, so a usual document needs no other parser. What it is not sure of
(comments, CDATA, instructions, names beyond ASCII, new prefixes, anything that is wrong) it leaves
to expat: the caller asks it, and scans again with `trusted`. It must never accept what expat
refuses; tests hold it to that on thousands of broken documents.
"""

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
    NAME_END,
    NAME_START,
    SEEN,
    TABLE_FULL,
    TOO_DEEP,
    add,
    find,
    forget,
    same,
)
from connectors.engine.kernels.xmlchecks import (
    AND,
    BLANK,
    BRACKET,
    FORBIDDEN,
    KINDS,
    LONG,
    OPEN,
    PLAIN,
    RETURN,
    character,
    plain_name,
    reference,
)

DOUBTFUL = -4  # expat must be asked

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
    instances, records, count, begin, trusted,
):  # fmt: skip
    """Append the cells of body[low:high].

    Arguments in brief:
        body: uint8.
        grid, names, size, progress: The node table (`nodes`) and how far each node is on each path.
        step_bytes, step_at, path_at: Steps of the wanted paths: path 0 is the record from the root,
            the others are groups below the record.
        cells: int32 (capacity, 5): start, end, node, record, instance.
        flags: uint8 (capacity).
        instances: int32 (capacity, 3): parent instance, group, record.
        records: int32 (capacity, 2): start, end.
        count: int64[3]: cells, records, instances so far; advanced.
        begin: Where to begin: at `low`, or without `trusted` at the `<` of the root, whose start
            tag expat has accepted.
        trusted: Expat has accepted the document; else the scan says DOUBTFUL of anything it does
            not know to be well-formed.

    Returns:
        -1 done, TABLE_FULL, TOO_DEEP, DOUBTFUL, or the position of a DOCTYPE.
    """
    k, nr, ni = count[0], count[1], count[2]
    stack = np.zeros(MAX_DEPTH + 2, np.int32)
    children = np.zeros(MAX_DEPTH + 2, np.bool_)
    outer = np.full(MAX_DEPTH + 2, -1, np.int32)
    depth = 0
    record = -1
    instance = -1
    i = begin
    if high - i >= 3 and body[i] == 239 and body[i + 1] == 187 and body[i + 2] == 191:
        i += 3
    text = i
    solid = False  # anything but white space since `text`
    flag = np.uint8(0)
    while i < high:
        kind = KINDS[body[i]]
        if kind != OPEN:
            if kind == PLAIN:
                solid = True
                i += 1
                continue
            if kind == BLANK:
                i += 1
                continue
            if kind in (RETURN, AND):
                flag |= RAW_TEXT
            if kind != RETURN and kind != FORBIDDEN:
                solid = True
            if trusted or kind == RETURN:
                i += 1
            elif kind == LONG:
                i = character(body, i, high)
            elif kind == AND:
                i = reference(body, i, high)
            elif kind == BRACKET and not (i + 2 < high and body[i + 1] == 93 and body[i + 2] == 62):
                i += 1
            else:
                return DOUBTFUL
            if i < 0:
                return DOUBTFUL
            continue
        if i + 1 >= high or (solid and depth == 0 and not trusted):
            return DOUBTFUL
        c = body[i + 1]
        if (c == 33 or c == 63) and not trusted:
            return DOUBTFUL
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
            after = i + 2
            if not trusted:
                length = grid[node, NAME_END] - grid[node, NAME_START]
                if depth == 0 or after + length >= high:
                    return DOUBTFUL
                if not same(
                    body, after, after + length, names, grid[node, NAME_START], grid[node, NAME_END]
                ):
                    return DOUBTFUL
                after += length
                while after < high and (
                    body[after] == 32 or body[after] == 10 or body[after] == 13 or body[after] == 9
                ):
                    after += 1
                if after >= high or body[after] != 62:
                    return DOUBTFUL
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
            i = after
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
        while i < high and body[i] > 32 and body[i] != 62 and body[i] != 47:
            i += 1
        parent = stack[depth]
        if not trusted and depth == 0 and children[0]:
            return DOUBTFUL
        children[depth] = True
        node = find(body, start, i, parent, 0, grid, names)
        if node < 0:
            if not trusted and not plain_name(body, start, i):
                return DOUBTFUL
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
        element = grid[0, SEEN] = (grid[0, SEEN] + 1) & 0x7FFFFFFF  # elements met by this table
        prefixed = False
        while True:
            gap = i
            while i < high and body[i] <= 32:
                if not trusted and KINDS[body[i]] == FORBIDDEN:
                    return DOUBTFUL
                i += 1
            if i >= high:
                return DOUBTFUL
            if body[i] == 62 or body[i] == 47:
                break
            start = i
            while i < high and body[i] != 61 and body[i] > 32:
                i += 1
            end = i
            if trusted:
                while body[i] != 34 and body[i] != 39:
                    i += 1
            else:
                while i < high and KINDS[body[i]] != FORBIDDEN and body[i] <= 32:
                    i += 1
                if gap == start or i >= high or body[i] != 61:
                    return DOUBTFUL
                i += 1
                while i < high and KINDS[body[i]] != FORBIDDEN and body[i] <= 32:
                    i += 1
                if i >= high or (body[i] != 34 and body[i] != 39):
                    return DOUBTFUL
            quote = body[i]
            i += 1
            value = i
            own = np.uint8(ATTRIBUTE)
            while i < high and body[i] != quote:
                kind = KINDS[body[i]]
                if kind == AND or body[i] < 32:
                    own |= RAW_TEXT
                if trusted or kind == PLAIN or (kind != LONG and kind != AND):
                    if not trusted and (kind in (OPEN, FORBIDDEN)):
                        return DOUBTFUL
                    i += 1
                    continue
                i = character(body, i, high) if kind == LONG else reference(body, i, high)
                if i < 0:
                    return DOUBTFUL
            if i >= high:
                return DOUBTFUL
            attribute = find(body, start, end, node, KIND_ATTRIBUTE, grid, names)
            if not trusted:
                if attribute < 0:
                    if not plain_name(body, start, end):
                        return DOUBTFUL
                elif depth > 1:
                    for j in range(start, end):
                        if body[j] == 58:
                            if prefixed:  # two prefixes may mean one namespace
                                return DOUBTFUL
                            prefixed = True
                if attribute >= 0 and grid[attribute, SEEN] == element:
                    return DOUBTFUL
            if attribute < 0:
                attribute = add(body, start, end, node, KIND_ATTRIBUTE, grid, names, size)
                if attribute < 0:
                    return TABLE_FULL
            grid[attribute, SEEN] = element
            cells[k, 0] = value
            cells[k, 1] = i
            cells[k, 2] = attribute
            cells[k, 3] = record
            cells[k, 4] = instance
            flags[k] = own
            k += 1
            i += 1
        if body[i] == 47:
            if not trusted and (i + 1 >= high or body[i + 1] != 62):
                return DOUBTFUL
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
    if not trusted and (depth != 0 or solid or i != high or not children[0]):
        return DOUBTFUL
    count[0], count[1], count[2] = k, nr, ni
    return -1


@nb.njit(cache=True, nogil=True)
def scan_documents(
    body, bounds, first, last, root, grid, names, size, progress, step_bytes, step_at, path_at,
    cells, flags, instances, records, count, unit_cells, unit_records,
):  # fmt: skip
    """Append the cells of documents `first` to `last` that begin alike, as `scan_xml` untrusted.

    Arguments in brief:
        bounds: int64: document n is body[bounds[n]:bounds[n + 1]].
        root: How far behind its begin the `<` of each root element lies.
        unit_cells, unit_records: int64: at n + 1 the cells and records after document n.

    Returns:
        The first document that was not taken (in doubt, without a record, beyond a limit), whose
        traces are removed; `last` when all were.
    """
    for number in range(first, last):
        low, high = bounds[number], bounds[number + 1]
        nodes, used = size[0], size[1]
        found = count[1]
        code = scan_xml(
            body, low, high, grid, names, size, progress, step_bytes, step_at, path_at, cells,
            flags, instances, records, count, low + root, False,
        )  # fmt: skip
        if code != -1 or count[1] == found:
            if code == -1:
                count[0], count[1] = unit_cells[number], unit_records[number]
            forget(grid, size, nodes, used)
            return number
        unit_cells[number + 1] = count[0]
        unit_records[number + 1] = count[1]
    return last
