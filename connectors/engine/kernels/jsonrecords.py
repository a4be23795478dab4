"""Where the records of a large JSON document lie, before any of it is scanned."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb

from connectors.engine.kernels.jsonvalues import string


@nb.njit(cache=True, nogil=True)
def find_objects(body, base, last, step_bytes, step_at, steps, state, limits):
    """Where the records of a large JSON document lie; the chunks are checked when scanned.

    A record is an object directly in the array at the record path.

    Arguments in brief:
        body: uint8, a piece of the document.
        base: Bytes in front of the piece.
        last: Whether nothing comes behind it.
        step_bytes, step_at, steps: Keys from the root to the array.
        state: int64 (6), 0 0 -1 0 0 0 at the start of the document; carried from piece to piece.
        limits: int64 (capacity, 2), filled with start and end of the records that end here.

    Returns:
        How many bytes are done (the next piece begins there: a text is not cut) and how many
        records end in them.
    """
    n = len(body)
    depth = state[0]
    matched = state[1]  # keys of the path that enclose this place
    in_array = state[2]  # depth of the record array, -1 outside
    pending = state[3] != 0  # the last key at this depth was the next step of the path
    begun = state[4]  # where the open record begins
    over = state[5] != 0  # the array has ended, or nothing behind can be read
    found = 0
    i = n if over else 0
    while i < n:
        c = body[i]
        if c == 34:
            end, _ = string(body, i + 1, n)
            if end < 0:
                if last:
                    over = True
                break
            if in_array < 0:
                after = end + 1
                while after < n and body[after] <= 32:
                    after += 1
                if after >= n and not last:
                    break
                if after < n and body[after] == 58:
                    pending = False
                    if depth == matched + 1 and matched < steps:
                        first = step_at[matched]
                        if end - i - 1 == step_at[matched + 1] - first:
                            pending = True
                            for j in range(end - i - 1):
                                if body[i + 1 + j] != step_bytes[first + j]:
                                    pending = False
            i = end + 1
            continue
        if c == 123 or c == 91:
            depth += 1
            if in_array < 0:
                if pending and c == 123:
                    matched += 1
                elif c == 91 and (
                    (pending and matched + 1 == steps) or (steps == 0 and depth == 1)
                ):
                    in_array = depth
                pending = False
            elif c == 123 and depth == in_array + 1:
                begun = base + i
        elif c == 125 or c == 93:
            if in_array >= 0:
                if c == 125 and depth == in_array + 1:
                    limits[found, 0] = begun
                    limits[found, 1] = base + i + 1
                    found += 1
                elif depth == in_array:
                    over = True
                    i = n
                    break
            elif matched > 0 and depth == matched + 1:
                matched -= 1
            depth -= 1
        i += 1
    state[0], state[1], state[2] = depth, matched, in_array
    state[3], state[4], state[5] = pending, begun, over
    return i, found
