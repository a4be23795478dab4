"""First-time pairs in plain Python, for definitions of rules on the graph. Slow and obvious.

An edge is a transfer between two known, different parties whose payer made no transfer to the payee
earlier on that day or on the 89 days before (days in Beijing). It lives on its day and the 89 days
after. Degrees count what lives on a day: edges up to and including the one that is looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log10

from pipelines.rules.plain import Tx

MEMORY_DAYS = 90


@dataclass(frozen=True, slots=True)
class Edge:
    """A transfer of a pair that is new."""

    key: int
    time: int
    day: int
    amount_fen: int
    payer: int
    payee: int
    trade: bool  # a natural person pays another kind of party, or is paid by one


@dataclass(slots=True)
class View:
    """What lives when the last edge of `edges` was made, in one vantage."""

    vantage: int
    edges: list[Edge]  # the oldest first
    last_day: dict[tuple[int, int], int] = field(default_factory=dict)  # of a pair's transfers
    paid: dict[int, list[Edge]] = field(default_factory=dict)  # the same edges by payer
    got: dict[int, list[Edge]] = field(default_factory=dict)  # and by payee

    def payees(self, payer: int) -> int:
        """To how many parties it made its first transfer."""
        return len(self.paid.get(payer, ()))

    def payers(self, payee: int) -> int:
        """From how many parties it received a first transfer."""
        return len(self.got.get(payee, ()))

    def one_off(self, edge: Edge) -> bool:
        """Whether its payer has made its payee no transfer on a later day."""
        return self.last_day[edge.payer, edge.payee] == edge.day

    def paid_lately(self, payer: int, payee: int) -> bool:
        """Whether the one made the other any transfer today or on the 89 days before."""
        day = self.last_day.get((payer, payee))
        return day is not None and day > self.edges[-1].day - MEMORY_DAYS

    def newest(self, edges: Sequence[Edge], days: int) -> list[Edge]:
        """Of a party's edges those of the last so many days, the newest first."""
        return [edge for edge in reversed(edges) if edge.day > self.edges[-1].day - days]

    def out_of(self, party: int, days: int) -> list[Edge]:
        """The party's edges as payer, the newest first."""
        return self.newest(self.paid.get(party, ()), days)

    def into(self, party: int, days: int) -> list[Edge]:
        """The party's edges as payee, the newest first."""
        return self.newest(self.got.get(party, ()), days)

    def reaches_back(self, days: int) -> bool:
        """Whether what lives reaches back so many days: before, everybody seems quiet."""
        return self.edges[0].day <= self.edges[-1].day - days

    def loudness(self, edge: Edge) -> int:
        """1000 log10 of its payer's payees, and the same of its payee's payers."""
        return milli(self.payees(edge.payer)) + milli(self.payers(edge.payee))

    def since(self, days: int) -> list[Edge]:
        """The edges of the last so many days, today included."""
        return [edge for edge in self.edges if edge.day > self.edges[-1].day - days]


def views(tx: Sequence[Tx]) -> Iterator[View]:
    """After each edge, in order, what lives then; the view is good until the next one.

    Args:
        tx: in (event time, key) order; vantages may be mixed.
    """
    of: dict[int, View] = {}
    for one in tx:
        if not one.payer_party or not one.payee_party or one.payer_party == one.payee_party:
            continue
        view = of.setdefault(one.vantage, View(one.vantage, []))
        day = (one.event_time + 8 * 3_600_000_000) // 86_400_000_000
        pair = (one.payer_party, one.payee_party)
        before = view.last_day.get(pair)
        view.last_day[pair] = day
        if before is not None and before > day - MEMORY_DAYS:
            continue
        while view.edges and view.edges[0].day <= day - MEMORY_DAYS:
            gone = view.edges.pop(0)
            view.paid[gone.payer].remove(gone)
            view.got[gone.payee].remove(gone)
        edge = Edge(one.key, one.event_time, day, one.amount_fen, *pair, one.flags & 3 in (1, 2))
        view.edges.append(edge)
        view.paid.setdefault(edge.payer, []).append(edge)
        view.got.setdefault(edge.payee, []).append(edge)
        yield view


def alike(one: Edge, other: Edge, factor: int) -> bool:
    """Whether two amounts differ by no more than a factor."""
    low, high = sorted((one.amount_fen, other.amount_fen))
    return high <= low * factor


def milli(count: int) -> int:
    """1000 log10, rounded; counts above 10,000 are taken as 10,000."""
    return round(1000 * log10(min(count, 10_000)))


def factorial(n: int) -> int:
    """1000 log10 of n!, as a sum of rounded logarithms."""
    return sum(milli(i) for i in range(1, n + 1))


def chance(n: int, k: int, share: int) -> int:
    """-1000 log10 of n! / k! / (n-k)! x share^k x (1 - share)^(n-k), each logarithm rounded."""
    ways = factorial(n) - factorial(k) - factorial(n - k)
    return -(ways + k * (milli(share) - 4000) + (n - k) * (milli(max(10_000 - share, 1)) - 4000))
