"""Entries of repeated groups picked by what they say they are: `party[452=119]/448`."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

SLOTS = 512  # of the table of codes; at most half are used
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
# Bytes of a value that is what it says: visible ASCII without what begins an entity, markup or an
# escape.
_PLAIN = np.array([33 <= c <= 126 and c not in b"&<\\" for c in range(256)])


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
        plain = True
        for i in range(np.uint64(start), np.uint64(start + length)):
            c = body[i]
            plain &= _PLAIN[c]
            key = (key << np.uint64(8)) | np.uint64(c)
        if not plain:
            return -1
        slot = (key * _SPREAD) >> np.uint64(55)
        number = slots[slot]
        while number >= 0 and keys[number] != key:
            slot = (slot + np.uint64(1)) & np.uint64(SLOTS - 1)
            number = slots[slot]
        if number < 0:
            if count >= len(keys):
                return -1
            number = slots[slot] = count
            keys[count] = key
            count += 1
        out[j] = number
    return count


@nb.njit(cache=True, nogil=True)
def instances_of(cells, chosen, parents, outer, out):
    """List the group instances in which some cells stand, in their order.

    Args: where `outer` is not empty it says of each instance whether others may lie in it, and
    `parents` in which one each lies, -1 for none.

    Returns how many there are; they stand in `out`.
    """
    count = 0
    for j in range(len(chosen)):
        owner = cells[chosen[j], 4]
        if owner < 0:
            continue
        if len(outer) and (parents[owner] < 0 or not outer[parents[owner]]):
            continue
        out[count] = owner
        count += 1
    return count


@nb.njit(cache=True, nogil=True)
def silent(cells, instances, group, chosen, codes, records):
    """Mark the records that have an instance of a group in which nothing says what it is.

    Args: `chosen` are the cells that could say it, `codes` the numbers of their values, -1 for a
    blank one, which says nothing.
    """
    said = np.zeros(len(instances), np.bool_)
    for j in range(len(chosen)):
        owner = cells[chosen[j], 4]
        if owner >= 0 and codes[j] >= 0:
            said[owner] = True
    for i in range(len(instances)):
        if instances[i, 1] == group and not said[i]:
            records[instances[i, 2]] = True


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
