"""Clients' money of payment institutions: what they report, where it is kept, what the banks say.

Each institution files its figures of a month some days after it, has accounts for clients' money at
banks of any region, entered in the register of its seat, and each of these banks states what is
there on the business days around a month's end.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa

from connectors.feeds.camt053 import write as statement_form
from connectors.feeds.entity_register import write as entry_form
from connectors.feeds.reserve_report import write as report_form
from replay.market.batches import MINUTE, Submission
from replay.market.days import BEIJING, DAY, HOUR, Span
from replay.market.population import Banks

REPORTS, STATEMENTS, REGISTER = "reserve_report", "camt053", "entity_register"
UNIT_FEN = 10_000  # figures are in 万元 with two decimals
_ITEMS = {
    "B01": "客户备付金余额",
    "B02": "存放人民银行的备付金",
    "B03": "存放备付金银行的备付金",
    "B05": "在途备付金",
    "B04": "客户备付金应有余额",
}
_SINCE = "2021-03-01"


@dataclass(slots=True)
class Reserve:
    """One institution's clients' money.

    `figures`: of the last day of each month, by item, in units of 100 yuan. `accounts`: (bank row,
    number). `stated`: (account, day of the span) -> fen. `filed`: days after the month.
    """

    institution: str
    name: str
    uscc: str
    area: str
    filed: int
    figures: dict[date, dict[str, int]] = field(default_factory=dict)
    accounts: list[tuple[int, str]] = field(default_factory=list)
    stated: dict[tuple[int, int], int] = field(default_factory=dict)
    numbers: dict[tuple[int, int], str] = field(default_factory=dict)  # of the statements


def figure_reference(institution: str, end: date, item: str) -> str:
    """How a label names a figure of a month."""
    return f"{REPORTS}:{institution}/{end:%Y年%m月}/{item}/合计"


def submissions(banks: Banks, when: Span, reserves: Sequence[Reserve]) -> Iterator[Submission]:
    """Every report, register entry and statement, in order of arrival."""
    made = [*_reports(reserves), *_entries(banks, when, reserves)]
    made += _statements(banks, when, reserves)
    end = int(_midnight(when.day(when.length)))
    inside = (one for one in made if one.received_at < end)
    return iter(sorted(inside, key=lambda one: (one.received_at, one.submitter, one.file_name)))


def _reports(reserves: Sequence[Reserve]) -> Iterator[Submission]:
    for order, one in enumerate(reserves):
        for end, items in one.figures.items():
            rows = [
                {
                    "code": code, "title": _ITEMS[code], "unit": "万元",
                    "month": f"{end:%Y年%m月}", "business": "合计",
                    "value": f"{units // 100}.{units % 100:02d}",
                }
                for code, units in items.items()
            ]  # fmt: skip
            filled = end + timedelta(days=one.filed)
            header = {
                "institution": one.institution,
                "name": one.name,
                "filled_on": filled.isoformat(),
            }
            body = report_form.write(pa.Table.from_pylist(rows, report_form.RECORD), header)
            at = _midnight(filled) + 10 * HOUR + (7 * order % 400) * MINUTE
            name = f"reserve-{end:%Y%m}.xlsx"
            yield Submission(at, REPORTS, one.institution, body, name, len(rows))


def _entries(banks: Banks, when: Span, reserves: Sequence[Reserve]) -> Iterator[Submission]:
    """The banks' first extract: whose accounts for clients' money they keep."""
    files: dict[int, list[dict[str, str]]] = defaultdict(list)
    for one in reserves:
        for bank, number in one.accounts:
            sender = str(banks.ids[bank])
            files[bank].append(
                {
                    "entry": f"{sender}-R{len(files[bank]) + 1:05d}", "kind": "账户", "act": "设立",
                    "as_of": when.first.isoformat(), "scheme": "A01", "id": one.uscc,
                    "name": one.name, "area": one.area, "status": "存续", "start": _SINCE,
                    "account": number, "bank": sender, "account_type": "专用户",
                }
            )  # fmt: skip
    for order, (bank, rows) in enumerate(sorted(files.items())):
        body = entry_form.write(_table(rows, entry_form.RECORD), {})
        at = _midnight(when.first) + 18 * HOUR + order * MINUTE
        yield Submission(at, REGISTER, str(banks.ids[bank]), body, "kept.csv", len(rows))


def _statements(banks: Banks, when: Span, reserves: Sequence[Reserve]) -> Iterator[Submission]:
    """One submission a bank and day; an account without a number for a day has no statement."""
    files: dict[tuple[int, int], list[dict[str, str]]] = defaultdict(list)
    for one in reserves:
        before: dict[int, int] = {}
        for (account, day), fen in sorted(one.stated.items(), key=lambda item: item[0][1]):
            bank, number = one.accounts[account]
            opening = before.get(account, fen)
            before[account] = fen
            files[day, bank].append(
                {
                    "statement_id": one.numbers[account, day],
                    "created_at": _local(_midnight(when.day(day + 1)) + HOUR),
                    "day": when.day(day).isoformat(), "servicer": str(banks.ids[bank]),
                    "account": number, "account_type": "SPECIAL", "currency": "CNY",
                    "owner_name": one.name, "owner_scheme": "USCC", "owner_id": one.uscc,
                    "opening": _yuan(opening), "closing": _yuan(fen),
                    "credits": _yuan(max(fen - opening, 0)),
                    "debits": _yuan(max(opening - fen, 0)),
                }
            )  # fmt: skip
    for order, ((day, bank), rows) in enumerate(sorted(files.items())):
        created = _midnight(when.day(day + 1)) + HOUR
        header = {"message_id": f"R{when.day(day):%Y%m%d}-{bank}", "created_at": _local(created)}
        body = statement_form.write(_table(rows, statement_form.RECORD), header)
        at = created + (6 + order % 50) * MINUTE
        sender = str(banks.ids[bank])
        yield Submission(at, STATEMENTS, sender, body, f"kept-{day:03d}.xml", len(rows))


def _table(rows: Sequence[Mapping[str, str]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{n: row.get(n) for n in schema.names} for row in rows], schema)


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY - BEIJING


def _local(instant: int) -> str:
    seconds = (instant + BEIJING) // 1_000_000
    day = date(1970, 1, 1) + timedelta(days=seconds // 86_400)
    hour, rest = divmod(seconds % 86_400, 3_600)
    return f"{day.isoformat()}T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}"


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
