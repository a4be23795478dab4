"""A hash table from text to a dense number, over whole columns; the texts lie in one arena."""

# mypy: disable-error-code="no-untyped-def,assignment"
# numba takes the types from the arrays it is called with

import numba as nb
import numpy as np

_MIX_A = np.uint64(0x9E3779B97F4A7C15)
_MIX_B = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)
_EIGHT = np.uint64(8)


@nb.njit(cache=True, nogil=True)
def _hash(data, start, end, seed):
    """64 bits over bytes; the seed is random per memory, so nobody can prepare collisions."""
    h = seed ^ (np.uint64(end - start) * _MIX_A)
    i = start
    while i < end:
        word = np.uint64(0)
        stop = min(i + 8, end)
        shift = np.uint64(0)
        while i < stop:
            word |= np.uint64(data[i]) << shift
            shift += _EIGHT
            i += 1
        h = (h ^ word) * _MIX_B
        h ^= h >> _SHIFT
    h = (h ^ seed) * _MIX_A
    return h ^ (h >> _SHIFT)


@nb.njit(cache=True, nogil=True)
def recall(data, offsets, valid, first, seed, slots, hashes, ends, arena, size, codes, fresh):
    """Number each row's text from row `first` on; a text not met before gets the next number.

    Arguments in brief:
        data, offsets, valid: The texts; a row that is not valid gets -1.
        slots: int32, a power of two long: number of the text there, -1 free.
        hashes: uint64 per number.
        ends: int64 per number and one more: where its text ends in the arena; begins with 0.
        arena: uint8, the texts one after the other.
        size: int64[1]: numbers given so far; advanced.
        codes: int32 per row, filled.
        fresh: int32: the row that first showed each new number.

    Returns:
        The row at which there was no room, len(rows) when done.
    """
    rows = len(offsets) - 1
    mask = np.uint64(len(slots) - 1)
    count = size[0]
    begun = count
    row = first
    while row < rows:
        if not valid[row]:
            codes[row] = -1
            row += 1
            continue
        start, end = offsets[row], offsets[row + 1]
        length = end - start
        h = _hash(data, start, end, seed)
        slot = h & mask
        found = -1
        while slots[slot] >= 0:
            number = slots[slot]
            at = ends[number]
            if hashes[number] == h and ends[number + 1] - at == length:
                equal = True
                for i in range(length):
                    if arena[at + i] != data[start + i]:
                        equal = False
                        break
                if equal:
                    found = number
                    break
            slot = (slot + np.uint64(1)) & mask
        if found < 0:
            at = ends[count]
            full = 2 * (count + 1) > len(slots) or count + 1 >= len(ends)
            if full or at + length > len(arena):
                break
            for i in range(length):
                arena[at + i] = data[start + i]
            ends[count + 1] = at + length
            hashes[count] = h
            slots[slot] = count
            fresh[count - begun] = row
            found = count
            count += 1
        codes[row] = found
        row += 1
    size[0] = count
    return row


@nb.njit(cache=True, nogil=True)
def place(slots, hashes, count):
    """Put the numbers into an empty table."""
    mask = np.uint64(len(slots) - 1)
    for number in range(count):
        slot = hashes[number] & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = number


@nb.njit(cache=True, nogil=True)
def spread(codes, ends, there, offsets, valid):
    """Where the results of the rows will lie: fills offsets and validity, returns the bytes."""
    at = 0
    for row in range(len(codes)):
        offsets[row] = at
        code = codes[row]
        good = code >= 0 and there[code]
        valid[row] = good
        if good:
            at += ends[code + 1] - ends[code]
    offsets[len(codes)] = at
    return at


@nb.njit(cache=True, nogil=True)
def copy_out(codes, ends, arena, offsets, out):
    """Copy the results of the rows to where `spread` put them."""
    for row in range(len(codes)):
        length = offsets[row + 1] - offsets[row]
        if length:
            at, start = offsets[row], ends[codes[row]]
            for i in range(length):
                out[at + i] = arena[start + i]
