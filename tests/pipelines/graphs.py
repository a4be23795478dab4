"""Markets for the rules on the graph: stars of every band, hidden ones, busy trade around them."""

from functools import partial

from hypothesis import strategies as st

from pipelines.rules.registry import parameters_on
from tests.pipelines.streams import AH, DAY, HOUR, JS, MONDAY, SH, YUAN, ZJ, Market, Rows

REGIONS = (SH, JS, ZJ, AH)
_AMOUNT = 9_000 * YUAN
# In a market as small as the stars one-off edges of quiet payers are less rare than in a real one.
NUMBERS = parameters_on().changed("fan_in", rare_bp=1_500)


def stars(start: int = MONDAY) -> Market:
    """Every rule of fans and gather-scatter crosses in every band, hidden, and not jointly.

    Parties below 1,000 are busy ones and hubs; a spoke has a number of its own.
    """
    market = Market()
    spoke = 1_000
    pay = partial(market.pay, person=False)

    def fresh() -> int:
        nonlocal spoke
        spoke += 1
        return spoke

    for region in REGIONS:  # what the graphs know reaches back far enough to speak
        pay(start - 50 * DAY, _AMOUNT, 90 + region, 80 + region, region)
    for region in REGIONS:  # busy trade in every region: payers and payees, all with all
        for a in range(7):
            for b in range(8):
                pay(start + a * HOUR + b * 60_000_000, _AMOUNT, 100 * region + a,
                           100 * region + 50 + b, region)  # fmt: skip
        for n in range(20):  # and quiet payers of a shop there, who pay it again
            for again in range(2):
                pay(start + again * DAY, _AMOUNT, 500 + 20 * region + n, 60 + region, region)
    for hub, size, regions in ((21, 4, (SH,)), (22, 9, (JS,)), (23, 4, REGIONS)):
        for n in range(size):
            pay(start + (1 + n) * DAY, _AMOUNT, fresh(), hub, regions[n % len(regions)])
    for hub, size, regions in ((31, 7, (ZJ,)), (32, 12, (SH,)), (33, 8, REGIONS)):
        for n in range(size):
            pay(start + (1 + n) * DAY, _AMOUNT, hub, fresh(), regions[n % len(regions)])
    for hub, ins, outs, regions in ((41, 3, 3, (SH,)), (42, 6, 6, (JS,)), (43, 3, 3, (SH, JS))):
        for n in range(ins):
            pay(start + (1 + n) * DAY, _AMOUNT, fresh(), hub, regions[0])
        for n in range(outs):
            pay(start + (8 + n) * DAY, _AMOUNT, hub, fresh(), regions[-1])
    # Raised in one region and not jointly: elsewhere the same spokes are busy.
    for hub, outward in ((24, False), (34, True), (44, False), (44, True)):
        for n in range(3 if hub == 44 else 7):
            quiet = fresh()
            day = start + (1 + n + 8 * (hub == 44 and outward)) * DAY
            for other in range(16):
                payer, payee = (700 + other, quiet) if outward else (quiet, 700 + other)
                pay(day - HOUR + other * 1_000_000, _AMOUNT, payer, payee, AH)
            payer, payee = (hub, quiet) if outward else (quiet, hub)
            pay(day, _AMOUNT, payer, payee, ZJ)
    return market


PAYMENT = st.tuples(
    st.one_of(st.integers(0, 20), st.integers(0, 300)).map(lambda day: day * DAY),
    st.sampled_from([0, 1, 15 * HOUR + 59 * 60_000_000, 16 * HOUR, 16 * HOUR - 1]),  # midnight
    st.integers(1, 12),  # payer
    st.integers(1, 12),  # payee
    st.sampled_from([SH, JS, ZJ, AH, SH | JS, 0]),
    st.sampled_from([0, 0, 0, SH, ZJ]),  # a second leg
    st.sampled_from([0, 0, 1, 5]),  # and whom it names as payee instead
    st.sampled_from([False, False, True]),  # a person pays a firm
)


@st.composite
def graphs(draw: st.DrawFn, most: int = 80) -> Rows:
    """The stars, and up to 80 payments among few parties, who meet again after weeks or months."""
    market = stars(MONDAY + draw(st.integers(0, 40)) * DAY)
    for day, hour, payer, payee, mask, second, other, trade in draw(
        st.lists(PAYMENT, max_size=most)
    ):
        time = MONDAY + day + hour
        key = market.pay(time, _AMOUNT, payer, payee, mask, person=trade)
        if second:
            market.leg(key, time, _AMOUNT, payer, other or payee, second)
    return market.rows()
