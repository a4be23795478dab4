"""Gather-scatter, plainly: see rule.toml and docs/rules/gather_scatter.md.

question : does a party collect from new payers and then pay new payees, all of them quiet?
grain    : one crossing per (vantage, hub, deciding transfer)
units    : measure in legs
"""

from collections.abc import Iterator, Mapping, Sequence

from pipelines.rules.edges import views
from pipelines.rules.plain import Found, Tx


def crossings(tx: Sequence[Tx], params: Mapping[str, int]) -> Iterator[Found]:
    """What is found after each edge."""
    for view in views(tx):
        edge = view.edges[-1]
        hub = edge.payer
        if view.payees(hub) + view.payers(hub) > params["busy_degree"]:
            continue
        if edge.trade or not view.reaches_back(params["learning_days"]):
            continue
        days = params["window_days"]
        gathered = [one for one in view.into(hub, days)[::-1] if not one.trade]  # the oldest first
        if len(gathered) < params["least_payers"]:
            continue
        enough = gathered[params["least_payers"] - 1]
        scattered = [
            one
            for one in view.out_of(hub, days)
            if not one.trade and (one.time, one.key) > (enough.time, enough.key)
        ]
        if len(scattered) < params["least_payees"]:
            continue
        legs = gathered + scattered
        loud = sum(view.loudness(one) for one in legs)
        usual = sum(view.loudness(one) for one in view.edges) // len(view.edges)
        limit = max(usual - params["margin_milli"], params["quiet_milli"]) * len(legs)
        if loud <= limit:
            yield Found(
                variant="gather_scatter",
                vantage=view.vantage,
                subject=hub,
                instant=edge.time,
                measure=len(legs),
                band=2 if len(legs) >= params["band_2_legs"] else 1,
                evidence=[one.key for one in legs],
            )
