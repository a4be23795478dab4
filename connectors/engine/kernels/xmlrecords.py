"""What is known of XML bytes before their scan: where records lie, how much room cells need."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

from connectors.engine.kernels.nodes import same


@nb.njit(cache=True, nogil=True)
def room_of(body):
    """How many cells and how many elements a body can have at most."""
    opened = 0
    others = 0
    before = np.uint8(0)
    for c in body:
        opened += c == 60
        others += (c == 61) | ((c == 62) & (before == 47))
        before = c
    return opened + others, opened


@nb.njit(cache=True, nogil=True)
def find_records(body, base, last, step_bytes, step_at, steps, state, limits):
    """Where the records of a well-formed document lie, without its cells, piece by piece.

    Arguments in brief:
        body: uint8, a piece of the document; expat has accepted the whole.
        base: Bytes in front of the piece.
        last: Whether nothing comes behind it.
        step_bytes, step_at, steps: Local names from the root to the record.
        state: int64 (4), zeros at the start of the document; carried from piece to piece.
        limits: int64 (capacity, 2), filled with start and end of the records that end here.

    Returns:
        How many bytes are done (the next piece begins there: markup is not cut) and how many
        records end in them.
    """
    n = len(body)
    depth, matched, around, begun = state[0], state[1], state[2], state[3]
    # depth: open elements; matched: how many of them are on the path; around: how many are an
    # envelope around the path's first; begun: where the open record begins
    found = 0
    i = 0
    while i < n:
        if body[i] != 60:
            i += 1
            continue
        mark = i
        if i + 4 > n and not last:
            break
        c = body[i + 1]
        if c == 33:
            end = np.uint8(45) if body[i + 2] == 45 else np.uint8(93)
            i += 4 if end == 45 else 9
            while i + 2 < n and not (body[i] == end and body[i + 1] == end and body[i + 2] == 62):
                i += 1
            if i + 2 >= n:
                i = mark
                break
            i += 3
            continue
        if c == 63:
            i += 2
            while i + 1 < n and not (body[i] == 63 and body[i + 1] == 62):
                i += 1
            if i + 1 >= n:
                i = mark
                break
            i += 2
            continue
        i += 1
        local = i
        while i < n and body[i] > 32 and body[i] != 62 and (body[i] != 47 or i == mark + 1):
            if body[i] == 58:
                local = i + 1
            i += 1
        end_of_name = i
        while i < n and body[i] != 62:
            if body[i] == 34 or body[i] == 39:
                quote = body[i]
                i += 1
                while i < n and body[i] != quote:
                    i += 1
            i += 1
        if i >= n:
            i = mark
            break
        i += 1
        if c != 47:
            depth += 1
            if matched == 0:
                around = depth - 1
            if (
                depth == around + matched + 1
                and matched < steps
                and same(
                    body, local, end_of_name, step_bytes, step_at[matched], step_at[matched + 1]
                )
            ):
                matched += 1
                if matched == steps:
                    begun = base + mark
        if c == 47 or body[i - 2] == 47:
            if matched > 0 and depth == around + matched:
                if matched == steps:
                    limits[found, 0] = begun
                    limits[found, 1] = base + i
                    found += 1
                matched -= 1
            depth -= 1
    state[0], state[1], state[2], state[3] = depth, matched, around, begun
    return i, found
