"""Reports of payments that a bank withholds, sends days late, or writes with another amount.

What a bank does wrong touches everyday payments only, never a report that a scheme of another rule
needs; the report of the other side's bank stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from replay.market.batches import MINUTE, Batches
from replay.market.columns import Columns
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.flows import Payments
from replay.market.population import Flags, Ints, Population

WITHHELD, LATE, NEXT_DAY, DIFFERS, SILENT = range(5)
ANY, ACROSS, WITHIN = range(3)
_LATE_DAYS = 3  # business days after that of the payment
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Gaps(Columns):
    """What a bank does to its reports of a span of time, one row a bank."""

    bank: Ints
    since: Ints  # instants, UTC microseconds
    until: Ints
    what: Ints  # WITHHELD LATE NEXT_DAY DIFFERS; SILENT: withheld, repeated and broken ones, too
    where: Ints  # ANY; ACROSS: the other bank is in another region; WITHIN: in the same
    share_bp: Ints  # of its reports of such payments, basis points
    draw: Ints  # seed of the choice
    plan: Ints


@dataclass(frozen=True, slots=True)
class Touched:
    """Legs that are dealt with otherwise: masks over all legs, and which plan each is of."""

    withheld: Flags
    late: Flags
    next_day: Flags
    more_fen: Ints  # what is added to the amount
    plan: Ints  # -1: none

    def named(self, payment: Ints) -> Iterator[tuple[int, int]]:
        """(plan, payment) of every leg that was touched."""
        for leg in np.flatnonzero(self.plan >= 0).tolist():
            yield int(self.plan[leg]), int(payment[leg])


def choose(
    who: Population,
    payments: Payments,
    payment: Ints,
    submitter: Ints,
    free: Flags,
    planted: Sequence[Gaps],
) -> Touched:
    """Choose the legs.

    Args:
        who: parties and banks.
        payments: all payments.
        payment: of each leg, its row.
        submitter: of each leg, the bank that reports it.
        free: legs that may be touched.
        planted: what the banks do.

    Raises:
        ValueError: a bank has hardly any such report: the market is too small.
    """
    size = len(payment)
    payer_bank = who.account_bank[payments.payer[payment]]
    payee_bank = who.account_bank[payments.payee[payment]]
    other = np.where(submitter == payer_bank, payee_bank, payer_bank)
    two_sided = (other < who.banks.branches) & (other != submitter) & (payments.plan[payment] < 0)
    across = who.banks.region[other] != who.banks.region[submitter]
    instant = payments.instant[payment]
    taken = np.zeros(len(payments), bool)
    plan, what = np.full(size, -1), np.full(size, -1)
    more = np.zeros(size, np.int64)
    for part in planted:
        for row in range(len(part)):
            fits = two_sided & ~taken[payment] & (submitter == part.bank[row])
            if part.what[row] != SILENT:
                fits &= free
            fits &= (instant >= part.since[row]) & (instant < part.until[row])
            if part.where[row] != ANY:
                fits &= across == (part.where[row] == ACROSS)
            rows = np.flatnonzero(fits)
            if len(rows) < _FEWEST:  # a market too small for it: the plan stays without reports
                continue
            rng = np.random.default_rng(int(part.draw[row]))
            count = max(round(len(rows) * int(part.share_bp[row]) / 10_000), _FEWEST)
            chosen = rng.choice(rows, count, replace=False)
            taken[payment[chosen]] = True
            plan[chosen], what[chosen] = part.plan[row], part.what[row]
            if part.what[row] == DIFFERS:
                more[chosen] = rng.integers(1, 100, count) * 100
    return Touched(
        (what == WITHHELD) | (what == SILENT), what == LATE, what == NEXT_DAY, more, plan
    )


def rearranged(batches: Batches, touched: Touched, instant: Ints, when: Span) -> Batches:
    """The submissions without the legs that are withheld, and with the late ones when they come.

    Args:
        batches: as everybody sends them.
        touched: of `choose`.
        instant: of each leg, that of its payment.
        when: the simulated span.
    """
    rows = batches.order
    at = np.repeat(np.arange(len(batches)), batches.sizes())
    business = np.array(when.business)
    position = (instant[rows] + BEIJING) // DAY * DAY - BEIJING
    position = (position - when.midnight(np.zeros(1, np.int64))) // DAY
    number = np.searchsorted(business, position)
    received = batches.received_at[at]
    jitter = batches.submitter[at] % 50 * MINUTE
    for mask, later in ((touched.late, _LATE_DAYS), (touched.next_day, 1)):
        day = business[np.minimum(number + later, len(business) - 1)]
        comes = when.midnight(day) + 10 * HOUR + jitter
        received = np.where(mask[rows], np.maximum(comes, received), received)
    own = touched.late[rows] | touched.next_day[rows]
    kept = np.flatnonzero(~touched.withheld[rows])
    order = kept[np.lexsort((at[kept], batches.submitter[at][kept], received[kept]))]
    key = np.column_stack([received, batches.submitter[at], np.where(own, -1, at)])[order]
    fresh = np.flatnonzero(np.r_[True, (key[1:] != key[:-1]).any(axis=1)])
    return replace(
        batches,
        order=rows[order],
        start=np.r_[fresh, len(order)],
        submitter=batches.submitter[at][order][fresh],
        received_at=received[order][fresh],
        late=batches.late + int((touched.late | touched.next_day).sum()),
    )
