"""Rings, plainly: see rule.toml and docs/rules/cycle.md.

question : does a transfer close a ring of first-time pairs?
grain    : one crossing per (variant, vantage, set of members, deciding transfer, ring)
units    : measure in CNY fen

A search looks at edges in a stated order, the newest first, and stops after so many of them or so
many rings: so the kernel gives the same rings where a search is cut short.
"""

from collections.abc import Iterator, Mapping, Sequence

from pipelines.rules.edges import Edge, View, views
from pipelines.rules.plain import Found, Tx, set_id

Params = Mapping[str, int]
Rings = tuple[list[list[Edge]], bool]  # and whether the search was cut short


def crossings(tx: Sequence[Tx], params: Params) -> Iterator[Found]:
    """Every crossing, vantage by vantage apart."""
    closed: dict[int, list[tuple[int, int, int]]] = {}  # vantage: (day, with time, against)
    for view in views(tx):
        learned = view.reaches_back(params["learning_days"])
        if learned:
            rings, cut = quiet_rings(view, params)
            for ring in rings:
                yield found("quiet", view, ring, params, cut)
        ordered, cut = ordered_rings(view, params, against=False)
        against, _ = ordered_rings(view, params, against=True)
        today = view.edges[-1].day
        counts = closed.setdefault(view.vantage, [])
        counts.append((today, len(ordered), len(against)))
        recent = [row for row in counts if row[0] > today - params["against_days"]]
        ran_with, ran_against = (sum(row[at] for row in recent) for at in (1, 2))
        if learned and ran_against * params["against_percent"] <= ran_with * 100:
            for ring in ordered:
                yield found("ordered", view, ring, params, cut)


class Budget:
    """How many edges a search may still look at; `cut` says that it was not enough."""

    def __init__(self, steps: int) -> None:
        self.steps, self.cut = steps, False

    def spent(self) -> bool:
        """Count an edge that is looked at; True if none may be any more."""
        if self.steps == 0:
            self.cut = True
        else:
            self.steps -= 1
        return self.cut


def first_of(search: Iterator[list[Edge]], most: int, budget: Budget) -> Rings:
    """So many rings of a search, and whether it was cut short."""
    rings: list[list[Edge]] = []
    for ring in search:
        if len(rings) == most:
            return rings, True
        rings.append(ring)
    return rings, budget.cut


def quiet_rings(view: View, params: Params) -> Rings:
    """Rings of quiet edges, in any order of time."""
    closing = view.edges[-1]
    days, longest = params["quiet_days"], params["quiet_longest"]
    budget = Budget(params["quiet_steps"])

    def search(path: list[Edge]) -> Iterator[list[Edge]]:
        for edge in view.into(path[-1].payer, days):
            if budget.spent():
                return
            if product(view, edge) > params["edge_most"]:
                continue
            ring = [*path, edge]
            if edge.payer == closing.payee:
                noise = sum(view.loudness(one) for one in ring)
                if len(ring) >= params["shortest"] and noise <= params["mean_most_milli"] * len(
                    ring
                ):
                    yield ring
            elif len(ring) < longest and edge.payer not in {one.payer for one in path}:
                yield from search(ring)

    if product(view, closing) > params["edge_most"]:
        return [], False
    return first_of(search([closing]), params["quiet_rings"], budget)


def ordered_rings(view: View, params: Params, against: bool) -> Rings:
    """Rings whose days do not fall along the money, or, against time, along its way back."""
    closing = view.edges[-1]
    days, longest = params["ordered_days"], params["ordered_longest"]
    budget = Budget(params["ordered_steps"])
    goal = closing.payer if against else closing.payee

    def search(path: list[Edge], turned: bool) -> Iterator[list[Edge]]:
        last = path[-1]
        edges = view.out_of(last.payee, days) if against else view.into(last.payer, days)
        for edge in edges:
            if budget.spent():
                return
            turns = turned or edge.day > last.day
            if turns and edge.day != closing.day:
                continue
            low, high = sorted((edge.amount_fen, last.amount_fen))
            if high > low * params["amount_factor"]:
                continue
            if product(view, edge) > params["ordered_edge_most"]:
                continue
            ring = [*path, edge]
            end = edge.payee if against else edge.payer
            if end == goal:
                took = closing.day - min(one.day for one in ring)
                if len(ring) >= params["shortest"] and took * 10 <= params["hop_tenth_days"] * len(
                    ring
                ):
                    yield ring
            elif len(ring) < longest and end not in {
                one.payee if against else one.payer for one in path
            }:
                yield from search(ring, turns)

    if product(view, closing) > params["ordered_edge_most"]:
        return [], False
    return first_of(search([closing], False), params["ordered_rings"], budget)


def product(view: View, edge: Edge) -> int:
    """How many its payer pays, times how many pay its payee."""
    return view.payees(edge.payer) * view.payers(edge.payee)


def found(variant: str, view: View, ring: list[Edge], params: Params, cut: bool) -> Found:
    """A ring as a crossing."""
    least = min(edge.amount_fen for edge in ring)
    return Found(
        variant=variant,
        vantage=view.vantage,
        subject=set_id(edge.payer for edge in ring),
        instant=ring[0].time,
        measure=least,
        band=3 if least >= params["band_3_fen"] else 2 if least >= params["band_2_fen"] else 1,
        evidence=[edge.key for edge in ring],
        search_cut=cut,
    )
