"""Messages of several partitions in the order of their times.

A broker hands partitions over one after another, so a backlog would be read feed by feed, hours
past each other. What is read here is as far out of order as it was sent, never more.
"""

import heapq
from collections import deque
from collections.abc import Container, Iterable

from connectors.ends.messages import Message, Place


class Merge:
    """Waiting messages of some partitions, handed out oldest first.

    A partition's own order is kept. Marks come after the submissions of their time.

    Args:
        places: The partitions.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self._waiting: dict[Place, deque[Message]] = {place: deque() for place in places}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, messages: Iterable[Message]) -> None:
        """Let messages wait; those of one partition come in their order."""
        for message in messages:
            self._waiting[message.place].append(message)

    def ahead(self, most: int) -> set[Place]:
        """Partitions of which more than so many messages wait."""
        return {place for place, queue in self._waiting.items() if len(queue) > most}

    def take(self, ended: Container[Place], most: int) -> list[Message]:
        """The oldest messages, up to the point where an older one may still come.

        Args:
            ended: Partitions that have nothing more at present; known after their messages were
                added. Where another one has nothing waiting, nothing can be said to be the oldest.
            most: How many at most.
        """
        if any(not queue and place not in ended for place, queue in self._waiting.items()):
            return []
        heads = [_key(queue[0]) for queue in self._waiting.values() if queue]
        heapq.heapify(heads)
        taken: list[Message] = []
        while heads and len(taken) < most:
            place = heads[0][2]
            queue = self._waiting[place]
            taken.append(queue.popleft())
            if queue:
                heapq.heapreplace(heads, _key(queue[0]))
            elif place in ended:
                heapq.heappop(heads)
            else:
                break
        return taken


def _key(message: Message) -> tuple[int, bool, Place]:
    return message.timestamp_ms, message.is_flush, message.place
