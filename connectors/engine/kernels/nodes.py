"""The node table: every distinct path met so far, kept over the documents of one dialect.

A node is (parent node, name). Its name bytes are copied into `names`, so the table outlives the
document that showed it first. `grid` (int32) has one row a node and the columns named below.
"""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb

PARENT, FIRST, NEXT, LAST, NAME_START, NAME_END, KIND, GROUP, SEEN = range(9)
WIDTH = 9
KIND_ATTRIBUTE = 1
KIND_RECORD = 2

TABLE_FULL = -2
TOO_DEEP = -3
MAX_DEPTH = 250


@nb.njit(cache=True, nogil=True)
def same(a, a_start, a_end, b, b_start, b_end):
    """Whether two byte ranges are equal."""
    if a_end - a_start != b_end - b_start:
        return False
    for i in range(a_end - a_start):  # noqa: SIM110 - numba compiles loops, not generators
        if a[a_start + i] != b[b_start + i]:
            return False
    return True


@nb.njit(cache=True, nogil=True)
def find(body, start, end, parent, attribute, grid, names):
    """The child of `parent` with this name, -1 if there is none yet.

    Documents of one feed repeat their order, so the one after the last child met is tried first.
    """
    last = grid[parent, LAST]
    if last >= 0:
        after = grid[last, NEXT]
        if (
            after >= 0
            and (grid[after, KIND] & 1) == attribute
            and same(body, start, end, names, grid[after, NAME_START], grid[after, NAME_END])
        ):
            return after
    node = grid[parent, FIRST]
    while node >= 0:
        if (grid[node, KIND] & 1) == attribute and same(
            body, start, end, names, grid[node, NAME_START], grid[node, NAME_END]
        ):
            return node
        node = grid[node, NEXT]
    return -1


@nb.njit(cache=True, nogil=True)
def add(body, start, end, parent, attribute, grid, names, size):
    """Add a child; `size` holds (nodes, name bytes). Returns the node or TABLE_FULL."""
    length = end - start
    if size[0] >= grid.shape[0] or size[1] + length > len(names):
        return TABLE_FULL
    node = size[0]
    size[0] += 1
    grid[node, PARENT] = parent
    grid[node, FIRST] = -1
    grid[node, NEXT] = -1
    grid[node, LAST] = -1
    grid[node, NAME_START] = size[1]
    grid[node, NAME_END] = size[1] + length
    grid[node, KIND] = attribute
    grid[node, GROUP] = -1
    grid[node, SEEN] = -1
    for i in range(length):
        names[size[1] + i] = body[start + i]
    size[1] += length
    child = grid[parent, FIRST]
    if child < 0:
        grid[parent, FIRST] = node
    else:
        while grid[child, NEXT] >= 0:
            child = grid[child, NEXT]
        grid[child, NEXT] = node
    return node


@nb.njit(cache=True, nogil=True)
def forget(grid, size, nodes, used):
    """Take the newest nodes out again, so that there are `nodes` with `used` name bytes."""
    for node in range(size[0] - 1, nodes - 1, -1):
        parent = grid[node, PARENT]
        child = grid[parent, FIRST]
        if child == node:
            grid[parent, FIRST] = -1
        else:
            while grid[child, NEXT] != node:
                child = grid[child, NEXT]
            grid[child, NEXT] = -1
        grid[parent, LAST] = -1
    size[0], size[1] = nodes, used
