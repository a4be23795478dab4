# mypy: disable-error-code="no-untyped-def"
"""Cutting sorted crossings into episodes. No I/O, no clock."""

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True)
def cut(subjects, instants, days, codes, horizon_us, horizon_days, longest_us):
    """Number the episodes of crossings sorted by (code, subject, instant).

    Args:
        subjects: int64.
        instants: us.
        days: business ordinals of the instants in the rule's calendar.
        codes: which rule and variant, an index into the horizons.
        horizon_us: per code, us; 0 = the horizon is in days.
        horizon_days: per code, business days; 0 = the horizon is in us.
        longest_us: an episode ends when this long after its first crossing.

    Returns:
        (episode number of each crossing, for each episode whether it continues the one before).
    """
    n = len(subjects)
    episode = np.empty(n, np.int64)
    continues = np.zeros(n, np.bool_)
    count = 0
    first = 0
    for i in range(n):
        fresh = i == 0 or codes[i] != codes[i - 1] or subjects[i] != subjects[i - 1]
        if not fresh:
            code = codes[i]
            if horizon_us[code] > 0:
                fresh = instants[i] - instants[i - 1] > horizon_us[code]
            else:
                fresh = days[i] - days[i - 1] > horizon_days[code]
            if not fresh and instants[i] - first > longest_us:
                fresh = True
                continues[count] = True
        if fresh:
            first = instants[i]
            count += 1
        episode[i] = count - 1
    return episode, continues[:count]


@nb.njit(cache=True, nogil=True)
def components(offsets, transactions, known, least):
    """Crossings that belong together because they share transactions.

    Args:
        offsets: where each crossing's transactions begin; crossings in the order they came.
        transactions: small numbers from 0; the same number in two crossings is shared.
        known: how many numbers there are.
        least: per crossing, how many it must share with what came before to belong to it.

    Returns:
        For each crossing the first one of what it belongs to. A transaction counts for those that
        had it first; who shares enough with two of them makes them one.
    """
    n = len(offsets) - 1
    first = np.arange(n)
    owner = np.full(known, -1, np.int64)
    shared = np.zeros(n, np.int64)
    for i in range(n):
        mine = transactions[offsets[i] : offsets[i + 1]]
        for t in mine:
            if owner[t] >= 0:
                shared[_first(first, owner[t])] += 1
        joined = i
        for t in mine:
            if owner[t] >= 0:
                other = _first(first, owner[t])
                if shared[other] >= least[i]:
                    joined = min(joined, other)
        for t in mine:
            if owner[t] >= 0:
                other = _first(first, owner[t])
                enough = shared[other] >= least[i]
                shared[other] = 0
                if enough:
                    first[other] = joined
        first[i] = joined
        for t in mine:
            if owner[t] < 0:
                owner[t] = joined
    for i in range(n):
        first[i] = _first(first, i)
    return first


@nb.njit(cache=True, nogil=True)
def _first(first, i):
    while first[i] != i:
        i = first[i]
    return i


@nb.njit(cache=True, nogil=True)
def peaks(episode, vantages, instants, measures, bands, count):
    """First and last instant, peak measure and peak band by episode and vantage.

    Returns:
        (first, last, measure, band), each (count, 5); first is -1 where the vantage is silent.
    """
    first = np.full((count, 5), -1, np.int64)
    last = np.full((count, 5), -1, np.int64)
    measure = np.zeros((count, 5), np.int64)
    band = np.zeros((count, 5), np.uint8)
    for i in range(len(episode)):
        e, v = episode[i], vantages[i]
        if first[e, v] < 0:
            first[e, v] = instants[i]
            measure[e, v] = measures[i]
        last[e, v] = instants[i]
        measure[e, v] = max(measure[e, v], measures[i])
        band[e, v] = max(band[e, v], bands[i])
    return first, last, measure, band


@nb.njit(cache=True, nogil=True)
def evidence_masks(episode_of, transactions, bits):
    """Distinct (episode, transaction) with the vantages that hold it as evidence.

    Args:
        episode_of: sorted.
        transactions: sorted within an episode.
        bits: one vantage bit a row.

    Returns:
        (episodes, transactions, masks), one row a distinct pair.
    """
    n = len(transactions)
    episodes = np.empty(n, np.int64)
    ids = np.empty(n, np.int64)
    masks = np.empty(n, np.uint8)
    k = -1
    for i in range(n):
        if k < 0 or episodes[k] != episode_of[i] or ids[k] != transactions[i]:
            k += 1
            episodes[k] = episode_of[i]
            ids[k] = transactions[i]
            masks[k] = 0
        masks[k] |= bits[i]
    return episodes[: k + 1], ids[: k + 1], masks[: k + 1]
