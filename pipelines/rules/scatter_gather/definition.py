"""Scatter-gather, plainly: see rule.toml and docs/rules/scatter_gather.md.

question : does money leave one side in parts and come together again at another?
grain    : one crossing per (vantage, source and sink, deciding transfer) where it is quiet,
           per (vantage, set of middles, deciding transfer) where they conserve
units    : measure in CNY fen, what the middles paid on

A search looks at edges in a stated order, the newest first, and stops after so many of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pipelines.rules.edges import Edge, View, milli, views
from pipelines.rules.plain import Found, Tx, set_id

Params = Mapping[str, int]


class Spent(Exception):
    """A search has looked at as many edges as it may."""


def crossings(tx: Sequence[Tx], params: Params) -> Iterator[Found]:
    """Every crossing, vantage by vantage apart."""
    for view in views(tx):
        last = view.edges[-1]
        if not view.reaches_back(params["learning_days"]):
            continue
        if view.payers(last.payer) and view.payers(last.payee) >= 2:
            found, cut = quiet(view, params)
            yield from (one._replace(search_cut=cut) for one in found)
            one = conserving(view, params)
            if one is not None:
                yield one


def quiet(view: View, params: Params) -> tuple[list[Found], bool]:
    """Sources whose quiet middles pay the newest edge's sink; was the search cut short?"""
    found: list[Found] = []
    last, days, steps = view.edges[-1], params["quiet_days"], params["quiet_steps"]
    sink = last.payee
    gathered = {edge.payer: edge for edge in view.into(sink, days)}
    for leg in view.into(last.payer, days):
        source = leg.payer
        ends = milli(view.payees(source)) + milli(view.payers(sink))
        if source == sink or ends > 2 * params["mean_most_milli"]:
            continue
        scattered = {edge.payee: edge for edge in view.out_of(source, days)}
        steps -= len(scattered if view.payees(source) < view.payers(sink) else gathered)
        if steps < 0:
            return found, True
        middles = [
            middle
            for middle in scattered.keys() & gathered.keys()
            if scattered[middle].day <= gathered[middle].day
        ]
        noise = sum(
            ends + milli(view.payers(middle)) + milli(view.payees(middle)) for middle in middles
        )
        if (
            len(middles) < params["quiet_middles"]
            or noise > 2 * len(middles) * params["mean_most_milli"]
        ):
            continue
        amount = sum(gathered[middle].amount_fen for middle in middles)
        one = Found(
            variant="quiet",
            vantage=view.vantage,
            subject=pair_id(source, sink),
            instant=last.time,
            measure=amount,
            band=band(amount, params),
            evidence=[legs[middle].key for middle in middles for legs in (scattered, gathered)],
        )
        found.append(one)
    return found, False


def conserving(view: View, params: Params) -> Found | None:
    """The newest leg into the middle whose source and other middles make the picture."""
    budget = [params["conserving_steps"]]
    try:
        for leg in view.into(view.edges[-1].payer, params["conserving_days"]):
            spend(budget)
            if leg.payer != view.edges[-1].payee:
                one = of_source(view, leg.payer, params, budget)
                if one is not None:
                    return one
    except Spent:
        pass
    return None


def spend(budget: list[int]) -> None:
    """Count one edge that is looked at."""
    if not budget[0]:
        raise Spent
    budget[0] -= 1


def of_source(view: View, source: int, params: Params, budget: list[int]) -> Found | None:
    """Whether the middles of one source make the picture."""
    last, days = view.edges[-1], params["conserving_days"]
    sink, mine = last.payee, last.payer
    paid = {edge.payee for edge in view.out_of(source, days)}
    payers = {edge.payer for edge in view.into(sink, days)}
    forth = view.payees(source) < view.payers(sink)
    candidates = (
        [edge.payee for edge in view.out_of(source, days)]
        if forth
        else [edge.payer for edge in view.into(sink, days)]
    )
    for other in candidates:  # does another of its payees pay the sink at all?
        spend(budget)
        if other != mine and other in paid and other in payers:
            break
    else:
        return None
    for _ in view.out_of(source, days):
        spend(budget)
    fan = [edge for edge in view.out_of(source, days) if edge.payee != sink]
    if len(fan) < params["conserving_middles"]:
        return None
    outs: dict[int, list[Edge]] = {}
    ins: dict[int, list[Edge]] = {}
    for edge in fan:
        middle = edge.payee
        for _ in [*view.out_of(middle, days), *view.into(middle, days)]:
            spend(budget)
        outs[middle] = [
            one for one in view.out_of(middle, days) if one.day >= edge.day and one.payee != source
        ]
        ins[middle] = [one for one in view.into(middle, days) if one.payer != sink]
    sinks = Counter(one.payee for legs in outs.values() for one in legs)
    sources = Counter(one.payer for legs in ins.values() for one in legs)
    kept: dict[int, list[Edge]] = {}
    amount = 0
    for middle, legs_out in outs.items():
        going = [one for one in legs_out if sinks[one.payee] >= 2]
        until = max((one.day for one in going), default=-1)
        coming = [one for one in ins[middle] if sources[one.payer] >= 2 and one.day <= until]
        came, went = (sum(one.amount_fen for one in legs) for legs in (coming, going))
        low, high = params["keeps_low_bp"], params["keeps_high_bp"]
        if came > 0 and came * low <= went * 10_000 <= came * high:
            kept[middle] = [*coming, *going]
            amount += went
    if mine not in kept or len(kept) < params["conserving_middles"]:
        return None
    return Found(
        variant="conserving",
        vantage=view.vantage,
        subject=set_id(kept),
        instant=last.time,
        measure=amount,
        band=band(amount, params),
        evidence=[edge.key for legs in kept.values() for edge in legs],
    )


def band(amount: int, params: Params) -> int:
    """The band of what was paid on."""
    return 3 if amount >= params["band_3_fen"] else 2 if amount >= params["band_2_fen"] else 1


def pair_id(payer: int, payee: int) -> int:
    """The id of an ordered pair: payer XOR payee rotated by 31 of 63 bits, never 0."""
    return payer ^ (((payee & 0xFFFFFFFF) << 31) | (payee >> 32)) or 1
