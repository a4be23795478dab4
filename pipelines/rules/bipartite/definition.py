"""Shared payees, plainly: see rule.toml and docs/rules/bipartite.md.

question : do two parties begin to pay the same parties within days?
grain    : one crossing per (vantage, pair of payers, deciding transfer)
units    : measure in CNY fen

A search looks at edges in a stated order, the newest first, and stops after so many of them.
"""

from collections.abc import Iterator, Mapping, Sequence

from pipelines.rules.edges import Edge, View, views
from pipelines.rules.plain import Found, Tx, set_id


def crossings(tx: Sequence[Tx], params: Mapping[str, int]) -> Iterator[Found]:
    """Every crossing, vantage by vantage apart."""
    for view in views(tx):
        found, cut = asked(view, params)
        yield from (one._replace(search_cut=cut) for one in found)


def asked(view: View, params: Mapping[str, int]) -> tuple[list[Found], bool]:
    """Other payers that share enough payees with the newest edge's; was the search cut short?"""
    found: list[Found] = []
    last = view.edges[-1]
    days, least, steps = params["window_days"], params["shared_payees"], params["steps"]
    if not few(view, last, params) or view.payees(last.payer) < least:
        return found, False
    if view.payers(last.payee) < 2 or not view.reaches_back(params["learning_days"]):
        return found, False
    looked = view.out_of(last.payer, days)[:steps]
    steps -= len(looked)
    mine = [edge for edge in looked if few(view, edge, params)]
    if len(mine) < least:
        return found, False
    for other in view.into(last.payee, days):
        if other == last or not few(view, other, params) or view.payees(other.payer) < least:
            continue
        theirs = {edge.payee: edge for edge in view.out_of(other.payer, days)}
        if steps < len(mine):
            return found, True
        steps -= len(mine)
        shared = [
            (edge, theirs[edge.payee])
            for edge in mine
            if edge.payee in theirs and few(view, theirs[edge.payee], params)
        ]
        if len(shared) >= least:
            amount = sum(own.amount_fen + its.amount_fen for own, its in shared)
            one = Found(
                variant="bipartite",
                vantage=view.vantage,
                subject=set_id((last.payer, other.payer)),
                instant=last.time,
                measure=amount,
                band=3
                if amount >= params["band_3_fen"]
                else 2
                if amount >= params["band_2_fen"]
                else 1,
                evidence=[edge.key for pair in shared for edge in pair],
            )
            found.append(one)
    return found, False


def few(view: View, edge: Edge, params: Mapping[str, int]) -> bool:
    """Whether its payer pays few parties, or few parties pay its payee."""
    return min(view.payees(edge.payer), view.payers(edge.payee)) <= params["side_most"]
