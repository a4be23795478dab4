"""Fan-in, plainly: see rule.toml for what is asked and docs/rules/fan_in.md for the words.

question : do many payers who pay nobody else new begin to pay one party?
grain    : one crossing per (vantage, payee, deciding transfer)
units    : measure in payers
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
                variant="fan_in",
                vantage=view.vantage,
                subject=edge.payee,
                instant=edge.time,
                measure=count,
                band=2 if count >= params["band_2_payers"] else 1,
                evidence=[one.key for one in evidence],
            )


def asked(view: View, params: Mapping[str, int], degree: int) -> tuple[int, list[Edge]]:
    """How unlikely it is that the payee has so many payers of at most this degree; -1 = usual."""
    hub = view.edges[-1].payee
    mine = view.into(hub, params["window_days"])
    quiet = [
        edge
        for edge in mine
        if view.payees(edge.payer) <= degree
        and view.one_off(edge)
        and not view.paid_lately(hub, edge.payer)  # one-way
        and not edge.trade
        and alike(edge, view.edges[-1], params["amount_factor"])
    ]
    if (
        view.edges[-1] not in quiet
        or view.payers(hub) > params["busy_degree"]
        or view.payees(hub) > params["payees_per_payer"] * view.payers(hub)
        or len(quiet) < params["least_payers"]
        or len({edge.day for edge in quiet}) < params["least_days"]
    ):
        return -1, []
    n, share = len(mine), shared(view, degree, view.edges, False)
    own = [edge for edge in view.edges if not edge.trade]
    if (once := shared(view, degree, own, True)) <= params["rare_bp"]:
        n, share = sum(not edge.trade for edge in mine), once
    share = max(share, 1)
    if len(quiet) * 10_000 < share * n:
        return -1, []
    return chance(n, len(quiet), share), quiet


def shared(view: View, degree: int, among: Sequence[Edge], once: bool) -> int:
    """Of 10,000 edges so many are of a payer of at most this degree (and one-off)."""
    usual = sum(
        view.payees(edge.payer) <= degree and (not once or view.one_off(edge)) for edge in among
    )
    return 10_000 * usual // len(among)
