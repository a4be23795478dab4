"""Made markets of rings, scattered and gathered money and shared payees, in every band."""

from hypothesis import strategies as st

from pipelines.rules.registry import ParameterSet, parameters_on
from tests.pipelines.streams import AH, DAY, HOUR, JS, MONDAY, SH, YUAN, ZJ, Market, Rows

# Small numbers, so that small markets reach them.
NUMBERS = {
    "cycle": {"learning_days": 0, "edge_most": 2},
    "scatter_gather": {"learning_days": 0, "mean_most_milli": 700},
    "bipartite": {"learning_days": 0, "side_most": 2},
}
VARIANTS = (
    ("cycle", "quiet"),
    ("cycle", "ordered"),
    ("scatter_gather", "quiet"),
    ("scatter_gather", "conserving"),
    ("bipartite", "bipartite"),
)
BANDS_YUAN = (1_000, 200_000, 1_000_000)
_ANY_ORDER = (0, 2, 1, 3)


def numbers(**more: dict[str, int]) -> ParameterSet:
    """Today's set with small numbers."""
    agreed = parameters_on()
    for rule, values in NUMBERS.items():
        agreed = agreed.changed(rule, **{**values, **more.get(rule, {})})
    return agreed


def ring(market: Market, first: int, start: int, days: tuple[int, ...], yuan: int, *masks: int):  # type: ignore[no-untyped-def] # noqa: ANN201
    """Members `first`, `first + 1`, ...; each pays the next, on its day, seen by its mask."""
    n = len(days)
    for at, day in enumerate(days):
        payer, payee = first + at, first + (at + 1) % n
        market.pay(start + day * DAY + at * HOUR, yuan * YUAN, payer, payee, masks[at % len(masks)])


def scatter(market: Market, first: int, start: int, yuan: int, into: int, out: int) -> None:
    """Source `first`, sink `first + 1`, three middles after them."""
    for at in range(3):
        market.pay(start + at * HOUR, yuan * YUAN, first, first + 2 + at, into)
        left = yuan * YUAN * 9 // 10
        market.pay(start + DAY + at * HOUR, left, first + 2 + at, first + 1, out)


def share(market: Market, first: int, start: int, yuan: int, one: int, other: int) -> None:
    """Payers `first` and `first + 1`, three payees after them."""
    for at in range(3):
        market.pay(start + at * HOUR, yuan * YUAN, first, first + 2 + at, one)
        market.pay(start + DAY + at * HOUR, yuan * YUAN, first + 1, first + 2 + at, other)


def busy(market: Market, parties: range, start: int, mask: int) -> None:
    """Each of the parties pays and is paid by three strangers, seen by one region."""
    for party in parties:
        for at in range(3):
            market.pay(start + at * HOUR, YUAN, party, 90_000 + 10 * party + at, mask)
            market.pay(start + at * HOUR, YUAN, 95_000 + 10 * party + at, party, mask)


def every_flow() -> Market:
    """Every variant in every band, hidden by the split, and not raised jointly."""
    market = Market()
    for at, yuan in enumerate(BANDS_YUAN):
        ring(market, 100 + 10 * at, MONDAY, _ANY_ORDER, yuan, SH)
        ring(market, 200 + 10 * at, MONDAY, (0, 1, 2, 3), yuan, JS)
        scatter(market, 300 + 10 * at, MONDAY, yuan, ZJ, ZJ)
        share(market, 400 + 10 * at, MONDAY, yuan // 6 + 1, AH, AH)  # six transfers
    ring(market, 150, MONDAY, _ANY_ORDER, 1_000, SH, JS, ZJ, AH)
    ring(market, 250, MONDAY, (0, 1, 2, 3), 1_000, SH, JS, ZJ, AH)
    scatter(market, 350, MONDAY, 1_000, SH, AH)
    share(market, 450, MONDAY, 1_000, SH, AH)
    # Another region sees that the same parties are busy, or that the order tells nothing.
    later = MONDAY + 100 * DAY
    busy(market, range(160, 164), later, AH)
    ring(market, 160, later + DAY, _ANY_ORDER, 1_000, SH)
    busy(market, range(360, 365), later, AH)
    scatter(market, 360, later + DAY, 1_000, SH, SH)
    busy(market, range(460, 465), later, SH)
    share(market, 460, later + DAY, 1_000, JS, JS)
    ring(market, 260, later, (3, 2, 1, 0), 1_000, AH)
    ring(market, 270, later + 5 * DAY, (0, 1, 2, 3), 1_000, ZJ)
    # In one region the middles keep what another region shows they did not get alone.
    scatter(market, 370, later, 1_000, ZJ, ZJ)
    for at in range(3):
        market.pay(later + 12 * HOUR + at, 5_000 * YUAN, 380, 372 + at, AH)
    return market


_PAYMENT = st.tuples(
    st.integers(0, 40 * 24),  # hour
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([1_000, 900, 850, 5_000, 5_001, 200_000, 1_000_000]),
    st.sampled_from([SH, JS, ZJ | AH, SH | JS, 0]),
)


@st.composite
def flows(draw: st.DrawFn, most: int = 120) -> Rows:
    """`every_flow`, and months later a dense market at random among few parties."""
    market = every_flow()
    for hour, payer, payee, yuan, mask in draw(st.lists(_PAYMENT, min_size=20, max_size=most)):
        time = MONDAY + 300 * DAY + hour * HOUR
        market.pay(time, yuan * YUAN, payer, payee, mask)
    return market.rows()
