# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""Ids of sets of parties, as kernels compute them (`rules.plain.set_id` in plain Python)."""

import numba as nb
import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_63 = np.uint64(0x7FFFFFFFFFFFFFFF)


@nb.njit(cache=True, nogil=True)
def set_id(members, count):
    """The id of the set of the first `count` of `members` (int64), which are sorted in place.

    Members are told apart: none comes twice.
    """
    members[:count].sort()
    state = np.uint64(0)
    for k in range(count):
        state = (state ^ np.uint64(members[k])) + _STEP
        state = (state ^ (state >> np.uint64(30))) * _FIRST
        state = (state ^ (state >> np.uint64(27))) * _SECOND
        state ^= state >> np.uint64(31)
    found = np.int64(state & _63)
    return found if found != 0 else np.int64(1)
