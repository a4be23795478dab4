"""The markets beside payments, bills and loans, made from the same economy.

Each draws from a generator of its own, so that one market's size changes no other one. What is
planted in a market comes as rows of the market's own columns and goes among the everyday ones.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from replay.market import (
    bank_transfers,
    derivatives,
    drawdowns,
    exchanges,
    fx,
    goods,
    interbank,
    outcomes,
    receivables,
    statements,
    totals,
)
from replay.market.columns import Columns, joined
from replay.market.days import Span
from replay.market.loans import LoanFeed
from replay.market.payments import PaymentFeed
from replay.market.population import Flags, Population
from replay.market.sending import Sent

# Share of all reports.
SHARES = {
    outcomes.STATUS: 0.009,
    outcomes.RETURN: 0.003,
    bank_transfers.FEED: 0.009,
    statements.FEED: 0.030,
    derivatives.FEED: 0.009,
    interbank.FEED: 0.014,
    exchanges.FEED: 0.030,
    totals.FEED: 0.0025,  # at 200,000 reports: as many lines as there are contracts and days
    fx.FEED: 0.015,
    receivables.FEED: 0.010,
    goods.RECEIPTS: 0.008,
    goods.STOCK: 0.006,
    drawdowns.FEED: 0.017,
}
_FX = 6  # number of the currency market's generator
_COPIES = 1.6  # measured: reports of a message between two banks

Planted = Callable[[str], Sequence[Columns]]
Rows = TypeVar("Rows", bound=Columns)


def dealers(
    seed: int, who: Population, when: Span, reports: int, planted: Sequence[Columns]
) -> Flags:
    """Which parties buy or sell currency in the market that `others` will make.

    Args:
        seed: of the whole simulation.
        who: the population.
        when: the simulated span.
        reports: of the whole simulation.
        planted: deals of labelled schemes.
    """
    usual = fx.everyday(_rng(seed, _FX), who, when, round(reports * SHARES[fx.FEED]))
    deals = joined([usual, *(part for part in planted if isinstance(part, fx.Deals))])
    out = np.zeros(len(who.person), bool)
    out[who.account_party[deals.account]] = True
    out[deals.agent[deals.agent >= 0]] = True
    return out


def _rng(seed: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, 10 + number])


def others(
    seed: int,
    paid: PaymentFeed,
    owed: LoanFeed,
    when: Span,
    reports: int,
    broken_share: float,
    planted: Planted = lambda feed: (),
) -> list[Sent]:
    """Everything these markets send.

    Args:
        seed: of the whole simulation.
        paid: the payments, which some of these speak of.
        owed: the loans.
        when: the simulated span.
        reports: of the whole simulation.
        broken_share: share of records that carry a fault.
        planted: rows of labelled schemes by feed.
    """
    who = paid.who
    size = {feed: round(reports * share) for feed, share in SHARES.items()}

    def rng(number: int) -> np.random.Generator:
        return _rng(seed, number)

    def with_planted(feed: str, rows: Rows) -> Rows:
        more = [part for part in planted(feed) if isinstance(part, type(rows))]
        return joined([rows, *more]) if more else rows

    draw = rng(0)
    states, returns = outcomes.everyday(
        draw, paid, when,
        round(size[outcomes.STATUS] / _COPIES), round(size[outcomes.RETURN] / _COPIES),
    )  # fmt: skip
    states = with_planted(outcomes.STATUS, states)
    returns = with_planted(outcomes.RETURN, returns)
    made = [
        outcomes.states_feed(draw, paid, states, broken_share),
        outcomes.returns_feed(draw, paid, returns, broken_share),
        statements.feed(rng(1), paid, states, returns, when, size[statements.FEED], broken_share),
    ]
    draw = rng(2)
    transfers = bank_transfers.everyday(
        draw, paid, when, round(size[bank_transfers.FEED] / _COPIES)
    )
    transfers = with_planted(bank_transfers.FEED, transfers)
    made.append(bank_transfers.feed(draw, paid, transfers, broken_share))
    draw = rng(3)
    trades = derivatives.everyday(
        draw, who, when, round(size[derivatives.FEED] / derivatives.REPORTS_PER_TRADE)
    )
    trades = with_planted(derivatives.FEED, trades)
    made.append(derivatives.feed(draw, who, when, trades, broken_share))
    draw, platform = rng(4), interbank.members(when)
    deals = interbank.everyday(draw, platform, when, size[interbank.FEED])
    deals = with_planted(interbank.FEED, deals)
    made.append(interbank.feed(draw, platform, when, deals, broken_share))
    draw = rng(5)
    orders = exchanges.everyday(
        draw, who, when, round(size[exchanges.FEED] / exchanges.MESSAGES_PER_ORDER)
    )
    orders = with_planted(exchanges.FEED, orders)
    made.append(exchanges.feed(draw, who, when, orders, broken_share))
    made.append(totals.feed(rng(10), when, orders, broken_share))
    draw = rng(_FX)
    exchanged = with_planted(fx.FEED, fx.everyday(draw, who, when, size[fx.FEED]))
    made.append(fx.feed(draw, who, exchanged, broken_share))
    draw = rng(7)
    assigned = receivables.everyday(draw, who, when, size[receivables.FEED])
    assigned = with_planted(receivables.FEED, assigned)
    made.append(receivables.feed(draw, who, assigned, broken_share))
    draw = rng(8)
    places = goods.places_for(size[goods.STOCK], when)
    stored = goods.everyday(draw, who, when, size[goods.RECEIPTS], places)
    stored = with_planted(goods.RECEIPTS, stored)
    made.append(goods.receipts_feed(draw, who, stored, broken_share))
    emptied = [part for part in planted(goods.STOCK) if isinstance(part, goods.Emptied)]
    made.append(goods.stock_feed(draw, when, stored, places, broken_share, emptied))
    draw = rng(9)
    moves = drawdowns.everyday(draw, owed, when, size[drawdowns.FEED])
    moves = with_planted(drawdowns.FEED, moves)
    wanted = [one for one in planted(drawdowns.FEED) if isinstance(one, drawdowns.Promised)]
    moves = drawdowns.promised(moves, owed, wanted)
    made.append(drawdowns.feed(draw, owed, moves, broken_share))
    return made
