"""A camouflaged copy of a table: labelled accounts that do nothing else take busy accounts' ids.

In some generators most labelled accounts are silent apart from their pattern, which flatters every
rule that looks for quiet accounts. In the copy each of them becomes a busy account that has no
label, at its own bank where one is left, else in its own area, else anywhere; nobody is taken
twice, and who finds no place stays as it is. Same seed, same copy.
"""

from dataclasses import dataclass, replace

import numpy as np

from replay.scoring.tables import Flags, Ints, Transfers

SILENT = 2  # at most so many transfers without a label
BUSY = 10  # at least so many


@dataclass(frozen=True, slots=True)
class Camouflage:
    """What was done: how many labelled accounts were silent, and how many took another's id."""

    silent: int
    moved: int
    same_bank: int

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return {"silent": self.silent, "moved": self.moved, "same_bank": self.same_bank}


def camouflaged(transfers: Transfers, seed: int = 1) -> tuple[Transfers, Camouflage]:
    """The copy, and what was done.

    Args:
        transfers: the table; not changed.
        seed: decides who becomes whom.
    """
    rng = np.random.default_rng([seed, 11])
    labelled = transfers.pattern >= 0
    plain = np.r_[transfers.payer[~labelled], transfers.payee[~labelled]]
    traffic = np.bincount(plain, minlength=transfers.accounts)
    marked = np.zeros(transfers.accounts, bool)
    marked[transfers.payer[labelled]] = marked[transfers.payee[labelled]] = True
    silent = rng.permutation(np.flatnonzero(marked & (traffic <= SILENT)))
    becomes = np.arange(transfers.accounts)
    free = ~marked & (traffic >= BUSY)
    areas = np.array([name.partition("_")[0] for name in transfers.banks] or [""])
    bank = transfers.account_bank
    # Own bank first for everybody, then own area, then anywhere.
    left = silent
    for places in (bank, _numbers(areas[bank]), np.zeros_like(bank)):
        left = _place(rng, left, places, free, becomes)
    moved = becomes[silent] != silent
    copy = replace(transfers, payer=becomes[transfers.payer], payee=becomes[transfers.payee])
    same = bank[becomes[silent]] == bank[silent]
    return copy, Camouflage(len(silent), int(moved.sum()), int((moved & same).sum()))


def _numbers(names: np.ndarray[tuple[int], np.dtype[np.str_]]) -> Ints:
    return np.asarray(np.unique(names, return_inverse=True)[1], np.int64)


def _place(rng: np.random.Generator, who: Ints, places: Ints, free: Flags, becomes: Ints) -> Ints:
    """Give each a free account of its place, while there are any; returns who is left."""
    left = []
    for place in np.unique(places[who]):
        mine = who[places[who] == place]
        there = rng.permutation(np.flatnonzero(free & (places == place)))
        taken = there[: len(mine)]
        becomes[mine[: len(taken)]] = taken
        free[taken] = False
        left.append(mine[len(taken) :])
    return np.concatenate(left) if left else who
