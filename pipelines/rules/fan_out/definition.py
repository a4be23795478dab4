"""Fan-out, plainly: see rule.toml for what is asked and docs/rules/fan_out.md for the words.

question : does one party begin to pay many payees whom hardly anybody else pays?
grain    : one crossing per (vantage, payer, deciding transfer)
units    : measure in payees
"""

from collections.abc import Iterator, Mapping, Sequence

from pipelines.rules.edges import Edge, View, alike, chance, views
from pipelines.rules.plain import Found, Tx


def crossings(tx: Sequence[Tx], params: Mapping[str, int]) -> Iterator[Found]:
    """What is found after each edge."""
    for view in views(tx):
        if not view.reaches_back(params["learning_days"]):
            continue
        best = -1
        evidence: list[Edge] = []
        for degree in range(1, min(params["quiet_degree"], 16) + 1):
            unlikely, quiet = asked(view, params, degree)
            if unlikely >= params["chance_milli"] and unlikely > best:
                best, evidence = unlikely, quiet
        if evidence:
            edge = view.edges[-1]
            count = len(evidence)
            yield Found(
                variant="fan_out",
                vantage=view.vantage,
                subject=edge.payer,
                instant=edge.time,
                measure=count,
                band=2 if count >= params["band_2_payees"] else 1,
                evidence=[one.key for one in evidence],
            )


def asked(view: View, params: Mapping[str, int], degree: int) -> tuple[int, list[Edge]]:
    """How unlikely it is that the payer has so many payees of at most this degree; -1 = usual."""
    hub = view.edges[-1].payer
    mine = view.out_of(hub, params["window_days"])
    quiet = [
        edge
        for edge in mine
        if view.payers(edge.payee) <= degree
        and view.payees(edge.payee) <= params["active_degree"]
        and view.one_off(edge)
        and not view.paid_lately(edge.payee, hub)  # one-way
        and not edge.trade
        and alike(edge, view.edges[-1], params["amount_factor"])
    ]
    if (
        view.edges[-1] not in quiet
        or view.payees(hub) > params["busy_degree"]
        or len(mine) > params["payees_per_spoke"] * len(quiet)
        or len(quiet) < params["least_payees"] + params["more_payees"] * (degree - 1)
        or len({edge.day for edge in quiet}) < params["least_days"]
    ):
        return -1, []
    usual = sum(view.payers(edge.payee) <= degree for edge in view.edges)
    share = max(10_000 * usual // len(view.edges), 1)  # in 10,000
    if len(quiet) * 10_000 < share * len(mine):
        return -1, []
    return chance(len(mine), len(quiet), share), quiet
