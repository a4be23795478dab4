"""Entries of repeated groups picked by what they say they are: `party[452=119]/448`."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

SLOTS = 512  # of the table of codes; at most half are used
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@nb.njit(cache=True, nogil=True)
def short_codes(body, cells, chosen, slots, keys, out):
    """Number the distinct values of cells that are plain ASCII of at most eight bytes.

    Args: `slots` (SLOTS, filled with -1) and `keys` (SLOTS // 2, uint64) take the table; out[j]
    gets the number of the value of chosen[j], -1 where it is blank.

    Returns the count of distinct values, -1 where one is longer, no plain text, or there are more.
    """
    count = 0
    for j in range(len(chosen)):
        start = cells[chosen[j], 0]
        length = cells[chosen[j], 1] - start
        if length == 0:
            out[j] = -1
            continue
        if length > 8:
            return -1
        key = np.uint64(0)
        for i in range(length):
            c = body[start + i]
            if c < 33 or c > 126 or c in (38, 60, 92):  # an entity, markup or an escape begins
                return -1
            key = (key << np.uint64(8)) | np.uint64(c)
        slot = (key * _SPREAD) >> np.uint64(55)
        while slots[slot] >= 0 and keys[slots[slot]] != key:
            slot = (slot + np.uint64(1)) & np.uint64(SLOTS - 1)
        if slots[slot] < 0:
            if count >= len(keys):
                return -1
            slots[slot] = count
            keys[count] = key
            count += 1
        out[j] = slots[slot]
    return count


@nb.njit(cache=True, nogil=True)
def cells_of_instances(cells, order, low, high, cell_of, more):
    """The first of cells order[low:high] in each instance; `more` marks those that have another."""
    for j in range(low, high):
        owner = cells[order[j], 4]
        if owner >= 0:
            if cell_of[owner] >= 0:
                more[owner] = True
            else:
                cell_of[owner] = order[j]


@nb.njit(cache=True, nogil=True)
def pick_instances(cells, instances, cell_of, more, chosen, repeated):
    """Put the cells of some instances at their records; a second one marks `repeated`."""
    for j in range(len(instances)):
        cell = cell_of[instances[j]]
        if cell < 0:
            continue
        record = cells[cell, 3]
        if record < 0:
            continue
        if more[instances[j]] or chosen[record] >= 0:
            repeated[record] = True
        if chosen[record] < 0:
            chosen[record] = cell
