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
