"""What supervisors receive beside the markets: off-site reports, complaints, the entity register.

Few records, no labelled schemes: figures of four payment institutions each month, some complaints a
day, and the register entries of the firms that belong to groups. Drawn apart from the markets, so
that those stay what they are.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from connectors.feeds.complaints import write as complaint_form
from connectors.feeds.entity_register import write as entry_form
from connectors.feeds.reserve_report import write as report_form
from replay.market import complaints
from replay.market.batches import MINUTE, Submission
from replay.market.columns import Columns
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.population import Ints, Population, Texts
from schemas.regions import NAMES, REGIONS, region_of_area

_CODES = ("SH", "JS", "ZJ", "AH")  # in the order of REGIONS: of centres, authorities, institutions
_NAMES = ("云汇模拟支付", "金陵模拟支付", "之江模拟支付", "徽付模拟支付")
_BUSINESSES = ("互联网支付", "预付卡", "银行卡收单")
_PER_DAY = 3  # complaints, on average
_CATEGORIES = ("PAYMENT", "CARD", "LOAN", "WEALTH", "FRAUD", "PREPAID", "FUNDRAISING", "OTHER")
_SHARES = (0.24, 0.16, 0.16, 0.1, 0.14, 0.08, 0.06, 0.06)
_CAUSES = ("SERVICE", "PRICE", "UNPAID", "LOSTMONEY", "OTHER")
_CHANNELS = ("HOTLINE", "ONLINE", "LETTER", "VISIT")
_ROADS = ("模拟路", "样例街", "示范大道")

Row = dict[str, str | None]
FEED = "entity_register"


@dataclass(frozen=True, slots=True)
class Openings(Columns):
    """Accounts that natural persons open during the span, one row each."""

    position: Ints  # day of the span on which the bank says so
    account: Ints
    phone: Texts
    plan: Ints
    number: Ints  # which opening it is, for its entry and its label


def opening_entry(bank: str, number: int) -> str:
    """The number of the entry that tells of an opening."""
    return f"{bank}-N{number:06d}"


def submissions(
    seed: int,
    who: Population,
    when: Span,
    openings: Sequence[Openings] = (),
    complained: Sequence[Columns] = (),
) -> Iterator[Submission]:
    """Every submission of the three feeds, in order of arrival.

    Args:
        seed: as the market's; draws of the market do not depend on these.
        who: parties and their accounts.
        when: the simulated span.
        openings: accounts opened by labelled schemes.
        complained: what labelled schemes planted into the complaints.
    """
    rng = np.random.default_rng([seed, 3])
    made = [*_reports(rng, when), *_complaints(rng, who, when, complained)]
    made += _entries(rng, who, when)
    made += [one for part in openings for one in _opened(who, when, part)]
    end = int(when.midnight(np.array([when.length]))[0])
    inside = (one for one in made if one.received_at < end)
    return iter(sorted(inside, key=lambda one: (one.received_at, one.submitter, one.file_name)))


def _reports(rng: np.random.Generator, when: Span) -> Iterator[Submission]:
    """Each institution's report of a month, on the fifth to tenth day of the next one."""
    for end in when.month_ends():
        for code, name in zip(_CODES, _NAMES, strict=True):
            filled = end + timedelta(days=int(rng.integers(5, 11)))
            header = {"institution": f"PI-{code}", "name": name, "filled_on": filled.isoformat()}
            table = pa.Table.from_pylist(_figures(rng, end), report_form.RECORD)
            as_csv = bool(rng.random() < 0.25)
            body = (report_form.write_csv if as_csv else report_form.write)(table, header)
            file = f"reserve-{end:%Y%m}.{'csv' if as_csv else 'xlsx'}"
            at = _instant(filled, 10, rng)
            yield Submission(at, "reserve_report", f"PI-{code}", body, file, table.num_rows)


def _figures(rng: np.random.Generator, end: date) -> list[dict[str, str]]:
    """Balances that add up, volumes that move them; in the units a report uses."""
    month = f"{end:%Y年%m月}"
    out: list[dict[str, str]] = []

    def say(code: str, title: str, unit: str, values: list[int], decimals: int) -> None:
        for business, value in zip(("合计", *_BUSINESSES), (sum(values), *values), strict=True):
            whole, rest = divmod(value, 10**decimals)
            text = f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)
            out.append(
                {"code": code, "title": title, "unit": unit, "month": month}
                | {"business": business, "value": text}
            )

    held = rng.integers(2_000_000, 90_000_000, 3)  # in units of 100 yuan: 万元 with two decimals
    banks, transit = held // 12, held // 60
    volume = held * rng.integers(4, 9, 3)
    say("B01", "客户备付金余额", "万元", held.tolist(), 2)
    say("B02", "存放人民银行的备付金", "万元", (held - banks - transit).tolist(), 2)
    say("B03", "存放备付金银行的备付金", "万元", banks.tolist(), 2)
    say("B05", "在途备付金", "万元", transit.tolist(), 2)
    say("B04", "客户备付金应有余额", "万元", (held - held // 200).tolist(), 2)
    say("V01", "业务发生额", "万元", volume.tolist(), 2)
    say("V02", "业务笔数", "万笔", (volume // 40).tolist(), 4)
    say("P01", "风险准备金余额", "万元", (held // 100).tolist(), 2)
    return out


def _complaints(
    rng: np.random.Generator, who: Population, when: Span, planted: Sequence[Columns]
) -> Iterator[Submission]:
    """A handful a day; each centre sends the day's states in the evening."""
    people = np.flatnonzero(who.person & who.inside)
    files: dict[tuple[int, int], list[Row]] = defaultdict(list)
    number = 0
    for position in when.business:
        for _ in range(int(rng.poisson(_PER_DAY))):
            number += 1
            centre = int(rng.integers(len(REGIONS)))
            base = _complaint(rng, who, int(rng.choice(people)), centre, when.day(position), number)
            received = when.midnight(np.array([position]))[0] + int(rng.integers(9, 16)) * HOUR
            for days, row in _states(rng, base, int(received)):
                files[position + days, centre].append(row)
    for position, centre, row in complaints.states(who, when, planted):
        files[position, centre].append(row)
    for (position, centre), rows in files.items():
        rows.sort(key=lambda row: (row["state_at"] or "", row["complaint"] or ""))
        at = int(when.midnight(np.array([position]))[0]) + 19 * HOUR + centre * MINUTE
        sent = complaints.text(at - 30 * MINUTE)
        table = pa.Table.from_pylist(
            [_filled(row | {"sent_at": sent}, complaint_form.RECORD) for row in rows],
            complaint_form.RECORD,
        )
        body = complaint_form.write(table, {})
        name = f"complaints-{position:03d}.ndjson"
        yield Submission(at, "complaints", f"CC-{_CODES[centre]}", body, name, len(rows))


def _complaint(
    rng: np.random.Generator, who: Population, person: int, centre: int, day: date, number: int
) -> Row:
    account = int(rng.choice(who.accounts_of(person)))
    bank = who.banks.ids[who.account_bank[account]]
    category = str(rng.choice(_CATEGORIES, p=_SHARES))
    institution = f"PI-{_CODES[centre]}" if category == "PREPAID" else str(bank)
    fen = int(np.exp(rng.normal(13.5, 1.4)))
    return {
        "complaint": f"{_CODES[centre]}{day:%Y%m%d}{number:05d}",
        "category": category,
        "cause": str(rng.choice(_CAUSES)),
        "channel": str(rng.choice(_CHANNELS)),
        "area": str(who.county[person]),
        "institution": institution,
        "amount": f"{fen // 100}.{fen % 100:02d}",
        "currency": "CNY",
        "id_type": "B01",
        "id": str(who.identifier[person]),
        "name": str(who.name[person]),
        "phone": f"139{int(rng.integers(10**8)):08d}",
        "bank": str(bank),
        "account": str(who.account_number[account]),
    }


def _states(rng: np.random.Generator, base: Row, received: int) -> Iterator[tuple[int, Row]]:
    """(days after receipt, the record of a state), from received to closed."""
    base = base | {"received": complaints.text(received)}
    yield 0, base | {"state": "RECEIVED", "state_at": complaints.text(received)}
    days = int(rng.integers(1, 4))
    accepted = received + days * DAY
    base |= {"accepted": complaints.text(accepted), "due": complaints.text(accepted + 15 * DAY)}
    yield days, base | {"state": "ACCEPTED", "state_at": complaints.text(accepted)}
    days += int(rng.integers(3, 15))  # within the fifteen days
    answered = received + days * DAY
    base |= {"answered": complaints.text(answered), "closed": complaints.text(answered)}
    outcome = str(rng.choice(("UPHELD", "PARTLY", "UNFOUNDED", "MEDIATED")))
    yield (
        days,
        base | {"state": "CLOSED", "state_at": complaints.text(answered), "outcome": outcome},
    )


def _entries(rng: np.random.Generator, who: Population, when: Span) -> Iterator[Submission]:
    """The first day's extract: firms in groups, who controls them, and their accounts."""
    files: dict[str, list[Row]] = defaultdict(list)
    as_of = when.first.isoformat()
    people = np.flatnonzero(who.person & who.inside)
    numbers = iter(range(1, 1 << 30))

    def entry(submitter: str, kind: str, **more: str | None) -> None:
        number = f"{submitter}-{next(numbers):06d}"
        row: Row = {"entry": number, "kind": kind, "act": "设立", "as_of": as_of}
        files[submitter].append(row | more)

    for group in range(int(who.group.max()) + 1):
        members = np.flatnonzero(who.group == group)
        controller, parent = int(rng.choice(people)), int(members[0])
        phone = f"138{int(rng.integers(10**8)):08d}"  # one contact for the group's firms
        since = date(2015, 1, 1) + timedelta(days=int(rng.integers(3_000)))
        for firm in members.tolist():
            area = str(who.home[firm])
            authority = f"RA-{_CODES[REGIONS.index(region_of_area(area))]}"
            own: Row = {
                "scheme": "A01",
                "id": str(who.uscc[firm]),
                "name": str(who.name[firm]),
                "area": str(who.county[firm]),
                "status": "存续",
                "start": since.isoformat(),
            }
            house = int(rng.integers(1, 400))
            address = f"{NAMES[area][0]}{rng.choice(_ROADS)}{house}号"
            entry(
                authority, "主体", **own, address=address, phone=phone,
                industry=str(who.industry[firm]), capital=f"{int(rng.integers(1, 500))}0000.00",
                capital_currency="CNY",
            )  # fmt: skip
            edge = {name: own[name] for name in ("scheme", "id", "name", "area", "start")}
            person: Row = {
                "related_scheme": "B01",
                "related_id": str(who.identifier[controller]),
                "related_name": str(who.name[controller]),
                "related_area": str(who.county[controller]),
            }
            entry(authority, "关系", **edge, **person, role="实际控制人")
            if firm != parent:
                holder: Row = {
                    "related_scheme": "A01",
                    "related_id": str(who.uscc[parent]),
                    "related_name": str(who.name[parent]),
                    "related_area": str(who.county[parent]),
                }
                share = f"{int(rng.integers(34, 101))}"
                entry(authority, "关系", **edge, **holder, role="股东", share=share)
            for account in who.accounts_of(firm).tolist():
                bank = who.account_bank[account]
                if who.banks.region[bank] >= 0:
                    entry(
                        str(who.banks.ids[bank]), "账户", **own,
                        account=str(who.account_number[account]), bank=str(who.banks.ids[bank]),
                        account_type="一般户",
                    )  # fmt: skip
    start = int(when.midnight(np.array([0]))[0]) + 17 * HOUR
    for order, (submitter, rows) in enumerate(sorted(files.items())):
        table = pa.Table.from_pylist(
            [_filled(row, entry_form.RECORD) for row in rows], entry_form.RECORD
        )
        body = entry_form.write(table, {})
        at = start + order * MINUTE
        yield Submission(at, "entity_register", submitter, body, "register.csv", len(rows))


def _opened(who: Population, when: Span, openings: Openings) -> Iterator[Submission]:
    """What banks say in the evening of the accounts that were opened."""
    files: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for position, account, phone, number in zip(
        openings.position.tolist(), openings.account.tolist(), openings.phone.tolist(),
        openings.number.tolist(), strict=True,
    ):  # fmt: skip
        party, bank = int(who.account_party[account]), str(who.banks.ids[who.account_bank[account]])
        day = when.day(position).isoformat()
        files[position, bank].append(
            {
                "entry": opening_entry(bank, number), "kind": "账户", "act": "设立", "as_of": day,
                "scheme": "B01", "id": str(who.identifier[party]), "name": str(who.name[party]),
                "area": str(who.county[party]), "status": "存续", "start": day,
                "account": str(who.account_number[account]), "bank": bank,
                "account_type": "个人二类", "phone": phone,
            }
        )  # fmt: skip
    for order, ((position, bank), rows) in enumerate(sorted(files.items())):
        table = pa.Table.from_pylist(
            [_filled(row, entry_form.RECORD) for row in rows], entry_form.RECORD
        )
        at = int(when.midnight(np.array([position]))[0]) + 18 * HOUR + order % 50 * MINUTE
        body = entry_form.write(table, {})
        yield Submission(at, FEED, bank, body, f"openings-{position:03d}.csv", len(rows))


def merged(others: Iterator[Submission], markets: Iterator[Submission]) -> Iterator[Submission]:
    """Both streams as one, in order of arrival."""
    return heapq.merge(markets, others, key=lambda one: one.received_at)


def _filled(row: Row, schema: pa.Schema) -> Row:
    return {name: row.get(name) for name in schema.names}


def _instant(day: date, hour: int, rng: np.random.Generator) -> int:
    start = (day - date(1970, 1, 1)).days * DAY - BEIJING
    return int(start + hour * HOUR + int(rng.integers(0, 7 * 60)) * MINUTE)
