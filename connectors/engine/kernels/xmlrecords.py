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
