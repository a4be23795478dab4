"""Small markets made on purpose: schemes of every band, split ones, disagreeing legs, noise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from hypothesis import strategies as st

from ledger import duck
from pipelines.lanes.definitions import run_definition
from pipelines.pairing import pairing
from pipelines.rules.examples import agent
from pipelines.rules.registry import ParameterSet, load_rules, parameters_on
from schemas.narrow import FLAG_CROSS_BORDER, FLAG_PAYEE_PERSON, FLAG_PAYER_PERSON, NARROW

Rows = npt.NDArray[Any]
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
MONDAY = 20_465 * DAY  # 2026-01-12 00:00 UTC
YUAN = 100
PERSON_LINE, FIRM_LINE = 500_000 * YUAN, 2_000_000 * YUAN
SH, JS, ZJ, AH = 1, 2, 4, 8


def narrow(legs: Sequence[Mapping[str, int]]) -> Rows:
    """Reports as NARROW rows; a column that one does not name is 0."""
    rows = np.zeros(len(legs), NARROW)
    for at, leg in enumerate(legs):
        for name, value in leg.items():
            rows[name][at] = value
    return rows


@dataclass
class Market:
    """Legs are added one by one; every business day is a natural day here."""

    legs: list[dict[str, int]] = field(default_factory=list)
    keys: int = 0

    def leg(
        self, key: int, time: int, amount: int, payer: int, payee: int, mask: int, **more: int
    ) -> None:
        row = {
            "key": key,
            "report": 1_000 + len(self.legs),
            "event_time": time,
            "amount_fen": amount,
            "payer_party": payer,
            "payee_party": payee,
            "mask": mask,
            "business_ordinal": time // DAY,
            "event_code": 1,
        }
        self.legs.append(row | more)

    def pay(
        self,
        time: int,
        amount: int,
        payer: int,
        payee: int,
        *masks: int,
        person: bool = True,
        **more: int,
    ) -> int:
        """One transaction, a leg for each mask, all agreeing."""
        self.keys += 1
        key = 7_000_000 + self.keys * 97
        for mask in masks:
            flags = FLAG_PAYER_PERSON * person
            self.leg(key, time, amount, payer, payee, mask, **({"flags": flags} | more))
        return key

    def rows(self) -> Rows:
        return narrow(self.legs)


def every_kind(start: int, wobble: int) -> Market:
    """A market in which rules cross in every band, hidden by split, and not jointly.

    Args:
        start: us; three hours must be left of its day in Beijing (from 16:00 UTC).
        wobble: fen added to amounts that need not lie on a line.
    """
    market = Market()
    near = 450_000 * YUAN + wobble
    # structuring: three a day, four, seven (bands 1, 2, 3), within one region
    for payer, times in ((11, 3), (12, 4), (13, 7)):
        for n in range(times):
            market.pay(start + n * HOUR, near, payer, 21, SH)
    # on three business days running, one each; two regions, so that neither sees three
    for payer, mask in ((14, JS), (15, 0)):
        for n in range(3):
            market.pay(start + n * DAY, near, payer, 22, mask or (JS, ZJ)[n % 2])
    # one customer over three payees: the variants differ
    for n in range(3):
        market.pay(start + n * HOUR, near, 16, 31 + n, AH)
    # raised by one region and not jointly: the other leg, reported first, lies above the line
    for n in range(3):
        market.leg(100 + n, start + n * HOUR, PERSON_LINE + 1, 17, 23, ZJ, flags=FLAG_PAYER_PERSON)
        market.leg(100 + n, start + n * HOUR, near, 17, 23, AH, flags=FLAG_PAYER_PERSON)
    # pass-through of each band, in one region, and in at one region and out through another
    for subject, yuan in ((41, 600_000), (42, 2_400_000), (43, 6_000_000)):
        market.pay(start, yuan * YUAN, 51, subject, SH, person=False)
        market.pay(start + 2 * HOUR, yuan * 95 * YUAN // 100, subject, 52, SH, person=False)
    market.pay(start, 700_000 * YUAN, 53, 44, JS, person=False)
    market.pay(start + HOUR, 680_000 * YUAN, 44, 54, ZJ, person=False)
    # another region sees more come in: jointly the money does not pass through
    market.pay(start, 700_000 * YUAN, 55, 45, JS, person=False)
    market.pay(start + HOUR, 900_000 * YUAN, 56, 45, AH, person=False)
    market.pay(start + 2 * HOUR, 690_000 * YUAN, 45, 57, JS, person=False)
    windows(market, start, wobble)
    # legs that fill each other, and one that comes long after
    market.leg(201, start + HOUR, near, 18, 0, SH, flags=FLAG_PAYER_PERSON)
    market.leg(201, start + HOUR, near, 0, 24, JS, flags=FLAG_PAYER_PERSON)
    market.leg(202, start, near, 18, 24, SH, flags=FLAG_PAYER_PERSON)
    market.leg(202, start + 9 * HOUR, near, 18, 24, SH | ZJ, flags=FLAG_PAYER_PERSON)
    return market


def windows(market: Market, start: int, wobble: int) -> None:
    """What the rules of a day's sums and of payments to persons cross on, in every band."""
    banks = {SH: (agent("1-SH"), agent("2-SH"), agent("3-SH"), agent("4-SH")), JS: (agent("2-JS"),)}
    part = 300_000 * YUAN + wobble
    for n, bank in enumerate(banks[SH]):
        market.pay(start + n * HOUR // 2, 450_000 * YUAN, 61, 26, SH, payer_agent=bank)
    for n, mask in enumerate((SH, JS)):  # each bank and each region has a part of the line
        market.pay(start + n * HOUR, part, 62, 26, mask, payer_agent=banks[mask][0])
    # Jiangsu knows that a report is due at the second bank, Shanghai does not
    market.pay(start, part, 63, 26, JS, payer_agent=banks[JS][0])
    market.pay(start + HOUR, part, 63, 26, SH, payer_agent=banks[JS][0])
    market.pay(start + 2 * HOUR, part, 63, 26, SH, payer_agent=banks[SH][2])
    to_person = {"flags": FLAG_PAYEE_PERSON}
    for subject, yuan in ((71, 350_000), (72, 500_000), (73, 900_000)):
        market.pay(start, 1_000_000 * YUAN, 58, subject, SH, person=False)
        market.pay(start + 2 * DAY, yuan * YUAN, subject, 59, SH, **to_person)
    market.pay(start, 800_000 * YUAN, 58, 74, JS, person=False)
    market.pay(start + DAY, 500_000 * YUAN, 74, 59, ZJ, **to_person)
    market.pay(start, 600_000 * YUAN, 58, 75, JS, person=False)
    market.pay(start, 2_000_000 * YUAN, 58, 75, AH, person=False)
    market.pay(start + DAY, 200_000 * YUAN, 75, 59, JS, **to_person)
    sisters(market, start, wobble)


def sisters(market: Market, start: int, wobble: int) -> None:
    """What crosses only with the members of a group together, in every band.

    Parties from 100 on: those with the same tens are of one group (`controlled`).
    """
    near = 450_000 * YUAN + wobble
    # structuring: two a day of each of two or three members; two regions; and not jointly
    for n in range(6):
        market.pay(start + n * HOUR // 2, near, 100 + n % 3, 21, SH)
    for n, mask in enumerate((JS, ZJ, JS)):
        market.pay(start + n * HOUR, near, 110 + n, 21, mask)
    for n in range(3):
        above = PERSON_LINE + 1
        for mask, amount in ((ZJ, above), (AH, near)):
            of = 300 + n, start + n * HOUR, amount, 120 + n % 2, 23, mask
            market.leg(*of, flags=FLAG_PAYER_PERSON)
    # pass-through: in at one member, part of it over to another, out there
    for first, yuan in ((130, 600_000), (140, 2_400_000), (150, 6_000_000)):
        market.pay(start, yuan * YUAN, 51, first, SH, person=False)
        market.pay(start + HOUR, yuan * 50, first, first + 1, SH, person=False)
        market.pay(start + 2 * HOUR, yuan * 95 * YUAN // 100, first + 1, 52, SH, person=False)
    market.pay(start, 700_000 * YUAN, 53, 160, JS, person=False)
    market.pay(start + HOUR, 680_000 * YUAN, 161, 54, ZJ, person=False)
    market.pay(start, 700_000 * YUAN, 55, 170, JS, person=False)
    market.pay(start + HOUR, 900_000 * YUAN, 56, 171, AH, person=False)
    market.pay(start + 2 * HOUR, 690_000 * YUAN, 172, 57, JS, person=False)
    # large value: each at a bank of its own; each in a region of its own
    banks = [agent(name) for name in ("1-SH", "2-SH", "3-SH", "4-SH", "2-JS")]
    part = 300_000 * YUAN + wobble
    for n, bank in enumerate(banks[:4]):
        market.pay(start + n * HOUR // 2, 450_000 * YUAN, 180 + n, 26, SH, payer_agent=bank)
    for n, mask in enumerate((SH, JS)):
        market.pay(start + n * HOUR, part, 190 + n, 26, mask, payer_agent=banks[-n])
    market.pay(start, part, 200, 26, JS, payer_agent=banks[4])
    market.pay(start + HOUR, part, 200, 26, SH, payer_agent=banks[4])
    market.pay(start + 2 * HOUR, part, 201, 26, SH, payer_agent=banks[2])
    # to persons: in at one firm, out at another
    to_person = {"flags": FLAG_PAYEE_PERSON}
    for first, yuan in ((210, 350_000), (220, 500_000), (230, 900_000)):
        market.pay(start, 1_000_000 * YUAN, 58, first, SH, person=False)
        market.pay(start + 2 * DAY, yuan * YUAN, first + 1, 59, SH, **to_person)
    market.pay(start, 800_000 * YUAN, 58, 240, JS, person=False)
    market.pay(start + DAY, 500_000 * YUAN, 241, 242, ZJ, **to_person)  # a person of the group
    market.pay(start, 600_000 * YUAN, 58, 250, JS, person=False)
    market.pay(start, 2_000_000 * YUAN, 58, 251, AH, person=False)
    market.pay(start + DAY, 200_000 * YUAN, 252, 59, JS, **to_person)


def controlled(rows: Rows) -> Rows:
    """Name the groups: 1 with 2 until a midnight in Beijing, then 1 with 3; those of `sisters`."""
    moved = rows["event_time"] >= MONDAY + 4 * DAY + 16 * HOUR
    for end in ("payer", "payee"):
        party = rows[f"{end}_party"]
        group = np.where(party >= 100, party // 10 * 10, 0)
        with_one = (party == 1) | (party == np.where(moved, 3, 2))
        rows[f"{end}_group"] = np.where(with_one, 1, group)
    return rows


PAYMENT = st.tuples(
    st.integers(0, 30 * DAY // HOUR).map(lambda hours: hours * HOUR),
    st.sampled_from([0, 0, 1, 5 * SECOND, HOUR - 1]),
    st.sampled_from(
        [
            PERSON_LINE * 8 // 10 - 1, PERSON_LINE * 8 // 10, PERSON_LINE - 1, PERSON_LINE,
            FIRM_LINE * 8 // 10 - 1, FIRM_LINE * 8 // 10, FIRM_LINE - 1, FIRM_LINE, 0, 1,
            1_999_999 * YUAN, 6_000_000 * YUAN,
        ]
    ),
    st.sampled_from([0, 1, 2, 3]),  # payer
    st.sampled_from([0, 1, 2, 3, 4]),  # payee
    st.sampled_from([SH, JS, ZJ, AH, SH | JS, 0]),
    st.sampled_from([0, 0, SH, ZJ]),  # a second leg
    st.sampled_from([0, 0, 1, -1]),  # what the second leg says differently
    st.booleans(),
    st.sampled_from([0, 0, FLAG_PAYEE_PERSON, FLAG_CROSS_BORDER]),
    st.sampled_from([0, *map(agent, ("1-SH", "2-SH", "2-JS", "3-OUT"))]),
    st.sampled_from([0, *map(agent, ("1-SH", "2-JS", "3-OUT"))]),
)  # fmt: skip


@st.composite
def streams(draw: st.DrawFn) -> Rows:
    """A market of every kind, with up to 60 payments at random among few parties."""
    hour = draw(st.sampled_from([*range(1, 14), *range(17, 21)]))  # not over Beijing's midnight
    start = MONDAY + hour * HOUR + draw(st.sampled_from([0, 1, -1]))
    market = every_kind(start, draw(st.integers(0, 40_000 * YUAN)))
    for hours, extra, amount, payer, payee, mask, second, change, person, more, *banks in draw(
        st.lists(PAYMENT, max_size=60)
    ):
        time = MONDAY + hours + extra
        stated = {
            "flags": FLAG_PAYER_PERSON * person | more,
            "payer_agent": banks[0],
            "payee_agent": banks[1],
        }
        key = market.pay(time, amount, payer, payee, mask, **stated)
        if second:
            market.leg(key, time, amount + change, payer, payee, second, **stated)
    return controlled(market.rows())


def arrivals(
    rows: Rows, order: Sequence[int] | None, size: int, slack: int
) -> tuple[list[Rows], list[int]]:
    """Rows in batches, with watermarks no row arrives behind."""
    time = rows["event_time"]
    if order is not None:
        # nobody overtakes by more than the slack
        shifted = time + np.resize(np.asarray(order, np.int64), len(rows)) % max(slack, 1)
        rows = rows[np.argsort(shifted, kind="stable")]
    else:
        rows = rows[np.argsort(time, kind="stable")]
    batches = [rows[at : at + size] for at in range(0, len(rows), size)]
    highest = np.maximum.accumulate([int(batch["event_time"].max()) for batch in batches])
    return batches, (highest - slack - 1).tolist()


def as_table(rows: Rows) -> pa.Table:
    return pa.table({name: rows[name].copy() for name in NARROW.names})


def by_definition(rows: Rows, parameters: ParameterSet | None = None) -> pa.Table:
    """Crossings of the stream rules by definition alone: pairing, tx, each rule's own."""
    agreed = parameters or parameters_on()
    with duck.memory() as connection:
        define_tx(connection, rows)
        found = []
        for rule in load_rules().values():
            if rule.lane == "stream":
                found.append(run_definition(connection, rule, agreed.of(rule)))
        return pa.concat_tables(found)


def define_tx(connection: duck.Connection, rows: Rows, wait: int = 5 * SECOND) -> None:
    connection.register("report", as_table(rows))
    connection.register(
        "pairing_params", pa.table({"wait_us": [wait], "memory_us": [pairing.PAIR_MEMORY_US]})
    )
    connection.execute(f"CREATE OR REPLACE TABLE variant AS {pairing.definition()}")
    folder = pairing.__file__.rsplit("/", 1)[0]
    with open(f"{folder}/tx.sql", encoding="utf-8") as file:
        connection.execute(f"CREATE OR REPLACE TABLE tx AS {file.read()}")


def tuples(crossings: pa.Table) -> list[tuple[Any, ...]]:
    """Crossings as sorted tuples, evidence included."""
    names = ("rule", "variant", "vantage", "subject", "instant", "measure", "band", "evidence")
    columns = [crossings[name].to_pylist() for name in names]
    return sorted((*row[:-1], tuple(row[-1])) for row in zip(*columns, strict=True))


def proves(found: list[tuple[Any, ...]], rule: str, variant: str) -> None:
    """Assert that crossings of every band are there, hidden ones, and ones not raised jointly."""
    mine = [row for row in found if row[0] == rule and row[1] == variant]
    assert {row[6] for row in mine} == {1, 2, 3}, f"{variant}: not every band"
    by_vantage: Mapping[int, set[int]] = {
        vantage: {row[3] for row in mine if row[2] == vantage} for vantage in range(5)
    }
    solo = set.union(*(by_vantage[vantage] for vantage in range(4)))
    assert by_vantage[4] - solo, f"{variant}: nothing hidden by the split"
    assert solo - by_vantage[4], f"{variant}: nothing that is not raised jointly"


Strategy = Callable[..., Any]
