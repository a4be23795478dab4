"""Looking through: a rule's kernel with controller groups in its customers' place.

The kernel runs twice over a bucket's entries (`entry.THROUGH`): once with the group as the subject,
where a transfer within the group is one between own accounts, and once with its members, each as
far as it was in the group. A group's crossing that shares a transfer with one a member made by
then says nothing more, and is left out: what is left only looking through to the controller shows.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipelines.lanes.entry import ROLE_OWN, ROLE_WHOLE
from pipelines.rules.declared import LOWEST_LEVEL, Rule
from pipelines.rules.kernels.table import pair_ids

Found = tuple[npt.NDArray[Any], npt.NDArray[Any]]


class _State(Protocol):
    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None: ...

    def run(self, entries: npt.NDArray[Any]) -> Found: ...


class Through:
    """Two states of one kernel, a group's and its members'; a `host.KernelState` itself.

    What members crossed on is remembered as long as the host lives: closings make a new one.

    Args:
        rule: looks through.
        values: its parameters by name.
        kernel: makes the kernel's state from its numbers.
    """

    def __init__(
        self, rule: Rule, values: Mapping[str, int], kernel: Callable[[Mapping[str, int]], _State]
    ) -> None:
        names = [variant.name for variant in rule.variants]
        self._of = {names.index(one.of): at for at, one in enumerate(rule.variants) if one.of}
        self._whole, self._members = kernel(values), kernel(values)
        self._lowest = values[LOWEST_LEVEL] == 1
        # (variant, vantage, group, transaction) -> when a member first crossed on it, us
        self._told: dict[tuple[int, int, int, int], int] = {}

    def claim(self, entries: npt.NDArray[Any], classes: npt.NDArray[Any], level: int) -> None:
        """Set the class of every entry that the group or a member needs."""
        self._whole.claim(entries, classes, level)
        if self._lowest:
            self._members.claim(_of_members(entries), classes, level)

    def run(self, entries: npt.NDArray[Any]) -> Found:
        """Feed entries in order; return the groups' own hits, and the evidence they point into."""
        hits, evidence = self._whole.run(entries)
        if self._lowest:
            members = _of_members(entries)
            said, keys = self._members.run(members)
            # others than those that look through may have subjects that are no member: pairs
            said = said[np.isin(said["variant"], list(self._of))]
            self._tell(said, keys, _groups_of(said["subject"], members, entries))
        kept = np.array([self._stands(hit, evidence) for hit in hits], np.bool_)
        found = hits[kept]
        found["variant"] = [self._of[number] for number in found["variant"].tolist()]
        return found, evidence[np.repeat(kept, hits["count"])]

    def _tell(
        self, hits: npt.NDArray[Any], evidence: npt.NDArray[np.int64], groups: list[int]
    ) -> None:
        for hit, group in zip(hits, groups, strict=True):
            of = int(hit["variant"]), int(hit["vantage"]), group
            for key in _keys(hit, evidence):
                self._told.setdefault((*of, key), int(hit["instant"]))

    def _stands(self, hit: npt.NDArray[Any], evidence: npt.NDArray[np.int64]) -> bool:
        """Whether a hit is of a variant that looks through, and no member crossed on its part."""
        if int(hit["variant"]) not in self._of:
            return False
        of = int(hit["variant"]), int(hit["vantage"]), int(hit["subject"])
        instant = int(hit["instant"])
        told = (self._told.get((*of, key)) for key in _keys(hit, evidence))
        return not any(since is not None and since <= instant for since in told)


def _keys(hit: npt.NDArray[Any], evidence: npt.NDArray[np.int64]) -> list[int]:
    first = int(hit["first"])
    keys: list[int] = evidence[first : first + int(hit["count"])].tolist()
    return keys


def _groups_of(
    subjects: npt.NDArray[np.int64], members: npt.NDArray[Any], entries: npt.NDArray[Any]
) -> list[int]:
    """The groups of members that crossed: the entry that decided is among those of its run."""
    if not len(subjects):
        return []
    known, first = np.unique(members["subject"], return_index=True)
    groups: list[int] = entries["subject"][first[np.searchsorted(known, subjects)]].tolist()
    return groups


def _of_members(entries: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Entries of controllers as those of their members, each as a member of that group."""
    members = entries.copy()
    members["subject"] = pair_ids(entries["subject"], entries["account"])
    own = entries["role"] & ROLE_OWN != 0
    members["other"][own] = members["subject"][own]
    members["role"] &= np.uint8(0xFF ^ (ROLE_WHOLE | ROLE_OWN))
    return members
