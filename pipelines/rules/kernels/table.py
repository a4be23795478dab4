# mypy: disable-error-code="no-untyped-def,no-untyped-call"
"""A table from subject id to slot, and growing output arrays, shared by kernels."""

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import HIT


@nb.njit(cache=True, nogil=True)
def slot_of(keys, slots, used, key):
    """The slot of a key, or `used` for a key that is new (the caller then owns slot `used`).

    Args:
        keys: int64, a power of two long, never more than half full; 0 = free.
        slots: int32, beside `keys`.
        used: how many slots there are.
        key: not 0.
    """
    mask = len(keys) - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    place = np.int64(mixed >> np.uint64(20)) & mask
    while keys[place] != 0 and keys[place] != key:
        place = (place + 1) & mask
    if keys[place] == 0:
        keys[place] = key
        slots[place] = used
    return slots[place]


@nb.njit(cache=True, nogil=True)
def build_table(subjects, size):
    """A fresh table of `size` places in which subject i has slot i."""
    keys = np.zeros(size, np.int64)
    slots = np.zeros(size, np.int32)
    for i in range(len(subjects)):
        slot_of(keys, slots, i, subjects[i])
    return keys, slots


@nb.njit(cache=True, nogil=True)
def place_again(keys, slots, old_keys, old_slots):
    """Put keys with the slots they have into a larger table."""
    for i in range(len(old_keys)):
        slot_of(keys, slots, old_slots[i], old_keys[i])


def larger_table(
    keys: npt.NDArray[np.int64], slots: npt.NDArray[np.int32], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The keys of a table with the slots they have in one for `size` slots, at most half full."""
    places = 256
    while places < 2 * size:
        places *= 2
    taken = np.flatnonzero(keys)
    larger = np.zeros(places, np.int64), np.zeros(places, np.int32)
    place_again(*larger, keys[taken], slots[taken])
    return larger


@nb.njit(cache=True, nogil=True)
def room_for_hit(hits, used):
    """`hits` with room for one more row."""
    if used < len(hits):
        return hits
    grown = np.empty(2 * len(hits) + 16, HIT)
    grown[:used] = hits[:used]
    return grown


@nb.njit(cache=True, nogil=True)
def room_for_evidence(evidence, used, more):
    """`evidence` with room for `more` ids."""
    if used + more <= len(evidence):
        return evidence
    grown = np.empty(2 * (used + more) + 64, np.int64)
    grown[:used] = evidence[:used]
    return grown


@nb.njit(cache=True, nogil=True)
def pair_id(payer, payee):
    """The id of an ordered pair of parties: payer XOR payee rotated by 31 of 63 bits, never 0."""
    mixed = payer ^ (((payee & 0xFFFFFFFF) << 31) | (payee >> 32))
    return mixed if mixed != 0 else 1


def pair_ids(payers: npt.NDArray[np.int64], payees: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """`pair_id` over arrays; 0 where one of the two is absent."""
    mixed = payers ^ (((payees & 0xFFFFFFFF) << 31) | (payees >> 32))
    return np.where((payers == 0) | (payees == 0), 0, np.where(mixed == 0, 1, mixed))


def pair_sql(payer: str, payee: str) -> str:
    """`pair_id` of two columns, as SQL."""
    return f"greatest(xor({payer}, (({payee} & 4294967295) << 31) | ({payee} >> 32)), 1)"
