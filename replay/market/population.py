"""Who takes part: firms, persons, their groups and their accounts at banks of all regions.

Everything is a column. A party is a row of `Population`, its accounts are the rows
`account_start[p] .. account_start[p + 1]` of the account columns, the first one its main account.
Many parties bank in several regions, which is what makes a split possible at all.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from replay.market import identifiers
from schemas.reference_data import cross_reference, institutions
from schemas.regions import OUT, REGIONS, region_of_area

Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# County codes per area, all in use from 1985 on (source: GB/T 2260).
COUNTIES = {
    "310000": ("310101", "310104", "310107"),
    "320000": ("320102", "320104", "320501"),
    "330000": ("330102", "330106", "330402"),
    "330200": ("330203", "330205", "330211"),
    "340000": ("340102", "340104", "340202"),
    OUT: ("110105", "440103", "370102", "420102", "510101", "610102"),
}
_AREAS = ("310000", "320000", "330000", "330200", "340000")
_AREA_WEIGHTS = (0.27, 0.27, 0.20, 0.08, 0.18)
_PLACES = {
    "310000": ("申浦", "沪江", "浦岚"),
    "320000": ("苏澄", "宁淮", "锡梁"),
    "330000": ("杭越", "禾湖", "瓯泽"),
    "330200": ("甬海", "明港", "镇澜"),
    "340000": ("皖庐", "徽岭", "芜川"),
    OUT: ("京垣", "粤岭", "鲁岱", "荆楚", "蜀锦", "秦原"),
}
_WORDS = (
    "恒达",
    "瑞昌",
    "同创",
    "金石",
    "华锐",
    "百川",
    "信合",
    "明远",
    "卓越",
    "佳禾",
    "永泰",
    "新程",
)
_TRADES = (
    "贸易",
    "机械",
    "物流",
    "电子",
    "化工",
    "纺织",
    "建材",
    "食品",
    "科技",
    "零售",
    "能源",
    "医药",
)
_SURNAMES = (
    "赵",
    "钱",
    "孙",
    "李",
    "周",
    "吴",
    "郑",
    "王",
    "冯",
    "陈",
    "褚",
    "卫",
    "蒋",
    "沈",
    "韩",
    "杨",
)
_GIVEN = (
    "拟安",
    "拟宁",
    "拟和",
    "拟平",
    "拟嘉",
    "拟远",
    "拟明",
    "拟清",
    "拟文",
    "拟诚",
    "拟达",
    "拟博",
)
INDUSTRIES = ("F51", "C34", "G54", "C39", "C26", "C17", "F51", "C14", "I65", "F52", "D44", "C27")


@dataclass(frozen=True, slots=True)
class Banks:
    """The institutions that take part, Delta branches first.

    `region` is a position in `schemas.regions.REGIONS`, -1 outside the Delta.
    """

    ids: Texts
    names: Texts
    areas: Texts
    fin14: Texts
    lei: Texts  # of the legal person, "" where it has none
    legal: Texts
    region: Ints
    lenders: Ints  # rows that keep a loan register: Delta branches and small lenders
    branches: int  # the first so many rows are Delta bank branches
    banks: int  # the first so many rows are bank branches, Delta or not

    def in_region(self, region: int) -> Ints:
        """Bank branches of one region."""
        return np.flatnonzero(self.region[: self.branches] == region)


@dataclass(frozen=True, slots=True)
class Population:
    """Parties and accounts; every column is parallel to its kind."""

    banks: Banks
    person: Flags
    name: Texts
    identifier: Texts
    scheme: Texts  # LEI USCC NIDN: what it shows in payments; all its LEIs are cross-referenced
    uscc: Texts  # of firms, whatever identifier they show; empty for persons
    home: Texts  # area, or OUT
    county: Texts
    industry: Texts
    group: Ints  # -1: none
    weight: Floats  # how busy
    account_start: Ints
    account_party: Ints
    account_bank: Ints
    account_number: Texts

    @property
    def inside(self) -> Flags:
        """Parties at home in the Delta."""
        return np.asarray(self.home != OUT)

    def accounts_of(self, party: int) -> Ints:
        """Accounts of one party."""
        return np.arange(self.account_start[party], self.account_start[party + 1])

    def account_regions(self) -> Ints:
        """Region of every account's branch, -1 outside."""
        return np.asarray(self.banks.region[self.account_bank])


def banks(on: date) -> Banks:
    """Read the institution register: Delta branches, outside branches, small lenders."""
    rows = institutions().slice_on(on).to_pylist()
    inside = [r for r in rows if r["kind"] == "bank_branch" and region_of_area(r["area"]) != OUT]
    outside = [r for r in rows if r["kind"] == "bank_branch" and region_of_area(r["area"]) == OUT]
    lenders = [r for r in rows if r["kind"] == "small_lender"]
    every = [*inside, *outside, *lenders]
    region = [region_of_area(r["area"]) for r in every]
    first_lender = len(inside) + len(outside)
    return Banks(
        ids=np.array([r["institution_id"] for r in every]),
        names=np.array([r["name_zh"] for r in every]),
        areas=np.array([r["area"] for r in every]),
        fin14=np.array([r["fin14"] for r in every]),
        lei=np.array([r["lei"] or "" for r in every]),
        legal=np.array([r["legal_person_id"] for r in every]),
        region=np.array([REGIONS.index(r) if r != OUT else -1 for r in region]),
        lenders=np.r_[np.arange(len(inside)), np.arange(first_lender, len(every))],
        branches=len(inside),
        banks=first_lender,
    )


def populate(rng: np.random.Generator, reports: int, on: date) -> Population:
    """Make the parties and accounts of a market of about `reports` reports."""
    table = banks(on)
    firms, persons = max(700, reports // 110), max(900, reports // 32)
    firms_out, persons_out = max(120, reports // 450), max(160, reports // 160)
    person = np.repeat([False, True, False, True], [firms, persons, firms_out, persons_out])
    outside = np.repeat([False, False, True, True], [firms, persons, firms_out, persons_out])
    n = len(person)
    home = np.where(outside, OUT, rng.choice(_AREAS, n, p=_AREA_WEIGHTS))
    pick = rng.integers(0, 1 << 30, (n, 5))
    county = _by_home(home, COUNTIES, pick[:, 0])
    lei, uscc = identifiers.lei(rng, n), identifiers.uscc(rng, county)
    resident = identifiers.resident(rng, county)
    with_lei = _with_lei(home, ~person & (rng.random(n) < 0.55), lei, uscc, on)
    scheme = np.where(person, "NIDN", np.where(with_lei, "LEI", "USCC"))
    identifier = np.where(person, resident, np.where(with_lei, lei, uscc))
    trade = pick[:, 1] % len(_TRADES)
    start, party, bank = _accounts(rng, table, home, person)
    return Population(
        banks=table,
        person=person,
        name=_names(person, home, pick, trade),
        identifier=identifier,
        scheme=scheme,
        uscc=np.where(person, "", uscc),
        home=home,
        county=county,
        industry=np.where(person, "", np.array(INDUSTRIES)[trade]),
        group=_groups(rng, person, outside),
        # A few parties are very busy: Pareto with a finite mean, capped.
        weight=np.minimum(rng.pareto(1.6, n) + 0.3, 25.0),
        account_start=start,
        account_party=party,
        account_bank=bank,
        account_number=identifiers.accounts(rng, person[party]),
    )


def _with_lei(home: Texts, might: Flags, lei: Texts, uscc: Texts, on: date) -> Flags:
    """Firms that show their LEI in some markets: those the cross-reference knows under both.

    An LEI that nobody can tie to the firm's USCC would make one firm two, so whoever is not in the
    cross-reference shows its USCC everywhere. `lei` and `uscc` are overwritten for those who are.
    """
    institute = set(institutions().table["legal_person_id"].to_pylist())
    known = cross_reference().slice_on(on).to_pylist()
    known = [row for row in known if row["party_id"] not in institute]
    codes = {row["party_id"]: row["identifier"] for row in known if row["scheme"] == "uscc"}
    firms = [
        (codes[row["party_id"]], row["identifier"])
        for row in known
        if row["scheme"] == "lei" and row["party_id"] in codes
    ]
    shown = np.zeros(len(home), bool)
    for area in _AREAS:
        # Digits 3 to 8 of a USCC are where the firm was registered.
        mine = [both for both in firms if both[0][2:8] == area]
        rows = np.flatnonzero(might & (home == area))[: len(mine)]
        for row, both in zip(rows.tolist(), mine, strict=False):
            uscc[row], lei[row] = both
        shown[rows] = True
    return shown


def _by_home(home: Texts, table: dict[str, tuple[str, ...]], pick: Ints) -> Texts:
    result = np.empty(len(home), dtype=f"U{max(len(v) for row in table.values() for v in row)}")
    for area, values in table.items():
        mine = np.flatnonzero(home == area)
        result[mine] = np.array(values)[pick[mine] % len(values)]
    return result


def _names(person: Flags, home: Texts, pick: Ints, trade: Ints) -> Texts:
    add = np.char.add
    place = _by_home(home, _PLACES, pick[:, 2])
    word = np.array(_WORDS)[pick[:, 3] % len(_WORDS)]
    number = (pick[:, 4] % 900 + 100).astype(str)
    firm = add(add(add(place, word), add(number, np.array(_TRADES)[trade])), "模拟有限公司")
    given = np.array(_GIVEN)[pick[:, 2] % len(_GIVEN)]
    human = add(np.array(_SURNAMES)[pick[:, 1] % len(_SURNAMES)], given)
    return np.where(person, human, firm)


def _groups(rng: np.random.Generator, person: Flags, outside: Flags) -> Ints:
    """Put about a quarter of the Delta's firms into groups of four."""
    group = np.full(len(person), -1, np.int64)
    firms = np.flatnonzero(~person & ~outside)
    members = rng.permutation(firms)[: len(firms) // 16 * 4]
    group[members] = np.arange(len(members)) // 4
    return group


def _accounts(
    rng: np.random.Generator, table: Banks, home: Texts, person: Flags
) -> tuple[Ints, Ints, Ints]:
    """One to five accounts a party: the main one at home, others anywhere in the Delta."""
    n = len(home)
    outside = home == OUT
    more = np.where(person, 0.0, 0.12)
    draw = rng.random(n) + more
    count = 1 + (draw > 0.45) + (draw > 0.72) + (draw > 0.88) + (draw > 0.97)
    count = np.where(outside, 1, count)
    start = np.r_[0, np.cumsum(count)]
    party = np.repeat(np.arange(n), count)
    # Branches of unequal size, so that some submit much more than others.
    size = rng.gamma(2.0, 1.0, table.banks) + 0.4
    bank = _draw_bank(rng, np.arange(table.branches), size, len(party))
    for area in (*_AREAS, OUT):
        within = np.arange(table.banks)
        within = within[table.areas[: table.banks] == area] if area != OUT else within
        within = within[table.branches :] if area == OUT else within
        mine = np.flatnonzero(home == area)
        bank[start[mine]] = _draw_bank(rng, within, size, len(mine))
    return start, party, bank


def _draw_bank(rng: np.random.Generator, choice: Ints, size: Floats, n: int) -> Ints:
    weight = size[choice] / size[choice].sum()
    return np.asarray(rng.choice(choice, n, p=weight), np.int64)
