"""The batches a keyed operator keeps: raw, in arrival order, dropped when nothing needs them.

A kernel's own state is large and changes everywhere with each row, so snapshots of it cost more
than the work. The batches it was made from are written once each; after a restore the kernel is
made again by feeding them to it. In thread mode an operator gets no call when a checkpoint is
taken, so a batch is written when it arrives.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

Tag = TypeVar("Tag")


class BatchStore(Protocol):
    """A mapping kept by the stream engine: number of a batch -> bytes."""

    def put(self, key: int, value: bytes) -> None:
        """Keep a batch."""

    def remove(self, key: int) -> None:
        """Forget a batch."""

    def items(self) -> Iterable[tuple[int, bytes]]:
        """All batches kept, in any order."""


class MemoryStore(dict[int, bytes]):
    """A store in memory, for runs without Flink."""

    def put(self, key: int, value: bytes) -> None:
        """Keep a batch."""
        self[key] = value

    def remove(self, key: int) -> None:
        """Forget a batch."""
        del self[key]


class Retained(Generic[Tag]):
    """What one key keeps. Calls are made only while that key is the operator's current key.

    Args:
        store: Where the batches are kept.
        tag: Batch -> what must be known of it to say whether it is still needed.
    """

    def __init__(self, store: BatchStore, tag: Callable[[bytes], Tag]) -> None:
        self._store, self._tag = store, tag
        kept = sorted((int(number), bytes(batch)) for number, batch in store.items())
        self._tags = deque((number, tag(batch)) for number, batch in kept if number >= 0)
        self._next = max(kept[-1][0] + 1, 0) if kept else 0
        self._restored = [batch for _, batch in kept]

    def take_restored(self) -> list[bytes]:
        """What the store held when it was opened, oldest first; empty at the second call."""
        restored, self._restored = self._restored, []
        return restored

    def append(self, batch: bytes) -> None:
        """Keep a batch."""
        self._store.put(self._next, batch)
        self._tags.append((self._next, self._tag(batch)))
        self._next += 1

    def put_in_place(self, place: int, batch: bytes) -> None:
        """Keep a batch instead of the one that was put in this place (0 and up) before."""
        self._store.put(-1 - place, batch)

    def drop_while(self, unneeded: Callable[[Tag], bool]) -> None:
        """Forget batches from the oldest on, up to the first one that is still needed."""
        while self._tags and unneeded(self._tags[0][1]):
            self._store.remove(self._tags.popleft()[0])

    def __len__(self) -> int:
        return len(self._tags)
