"""A rule's examples: small tables a supervisor can read, run against kernel and definition alike.

An example is a TOML file: `about`, the input as tables with one row a line and columns apart by
blanks, `expected` crossings (every one of them), and `parameters` where it needs other values.
Times are Beijing time, amounts yuan, parties letters; `-` is absent.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.rules.kernels.table import pair_id
from pipelines.rules.plain import set_id
from pipelines.rules.registry import Rule
from pipelines.rules.relations import TABLES, relations
from pipelines.rules.relations_lines import Readers
from schemas.agents import REGION_BITS
from schemas.contracts import CONTRACT_CLASSES
from schemas.errors import ConfigurationError
from schemas.narrow import (
    CLASS_SHIFT,
    EVENT_CODES,
    FLAG_CANCELLED,
    FLAG_CROSS_BORDER,
    FLAG_HEDGE,
    FLAG_IMMEDIATE,
    FLAG_MARKET_MAKER,
    FLAG_PAYEE_PERSON,
    FLAG_PAYER_PERSON,
    NARROW,
    order_size,
)
from schemas.reference_data import calendars

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEIJING = timedelta(hours=8)
_FLAGS = {
    "person": FLAG_PAYER_PERSON,
    "to_person": FLAG_PAYEE_PERSON,
    "abroad": FLAG_CROSS_BORDER,
}
_PURPOSES = {"SPEC": 0, "HEDG": FLAG_HEDGE, "MKTM": FLAG_MARKET_MAKER}
_CANCELLED = {"yes": FLAG_CANCELLED, "self": FLAG_CANCELLED | FLAG_IMMEDIATE, "no": 0}
_VANTAGES = ("SH", "JS", "ZJ", "AH", "joint")

# (variant, vantage, subject, instant, measure, band, how many transactions are evidence)
Crossing = tuple[str, int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Example:
    """One example. A stream rule has `reports` (NARROW), a ledger rule `relations`."""

    name: str
    about: str
    reports: npt.NDArray[Any]
    relations: Mapping[str, pa.Table]
    parameters: Mapping[str, int]
    expected: tuple[Crossing, ...]


def party(label: str) -> int:
    """The id of a party, paper or asset label; `A>B` is the pair, `A+B` the set.

    Example:
        >>> party("-"), party("A"), party("12")
        (0, 65, 12594)
    """
    if label == "-":
        return 0
    if "+" in label:
        return set_id(party(member) for member in label.split("+"))
    if ">" in label:
        payer, payee = label.split(">")
        return int(pair_id.py_func(party(payer), party(payee)))
    return int.from_bytes(label.encode(), "big")


def agent(label: str) -> int:
    """The number of a bank's branch, such as `2-SH`: bank 2 in Shanghai; `2-OUT` is elsewhere.

    Example:
        >>> agent("-"), agent("2-SH"), agent("2-OUT")
        (0, 17, 16)
    """
    if label == "-":
        return 0
    bank, place = label.split("-")
    region = _VANTAGES.index(place) + 1 if place in _VANTAGES else 0
    return int(bank) << REGION_BITS | region


def instant(text: str) -> int:
    """Beijing time to us UTC.

    Example:
        >>> instant("2026-01-12T08:00:00.000001") - instant("2026-01-12T08:00")
        1
    """
    beijing = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return (beijing - _BEIJING - _EPOCH) // timedelta(microseconds=1)


def fen(text: str) -> int:
    """Yuan to fen.

    Example:
        >>> fen("500_000.01")
        50000001
    """
    return int(Decimal(text.replace("_", "")) * 100)


def load_examples(rule: Rule) -> list[Example]:
    """Every example of a rule, in name order.

    Raises:
        ConfigurationError: a table has a row with another number of columns than its head.
    """
    return [_read(path, rule) for path in sorted((rule.folder / "examples").glob("*.toml"))]


def _read(path: Path, rule: Rule) -> Example:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    where = f"{rule.name}/examples/{path.name}"
    tables = {
        name: _rows(where, name, text)
        for name, text in content.items()
        if name in {"reports", "orders", "acts", "loans", "expected", *TABLES}
    }
    found = {}
    if rule.lane == "ledger" and "acts" in tables:
        found = {"tx": _acts(tables["acts"]), "holding": _loans(tables["loans"])}
    elif rule.lane == "ledger":
        found = relations(tables, Readers(party, instant, fen, _vantages))
    money = rule.unit == "CNY fen"
    return Example(
        name=path.stem,
        about=content["about"],
        reports=_orders(tables["orders"])
        if "orders" in tables
        else _reports(tables.get("reports", []), rule),
        relations=found,
        parameters=content.get("parameters", {}),
        expected=tuple(
            sorted(
                (
                    row["variant"],
                    _VANTAGES.index(row["vantage"]),
                    party(row["subject"]),
                    instant(row["time"]),
                    fen(row["measure"]) if money else int(row["measure"]),
                    int(row["band"]),
                    int(row["evidence"]),
                )
                for row in tables["expected"]
            )
        ),
    )


def _rows(where: str, name: str, text: str) -> list[dict[str, str]]:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    head, *rows = lines
    for number, row in enumerate(rows, start=1):
        if len(row) != len(head):
            raise ConfigurationError(
                f"{where}: {name}: row {number}: expected {len(head)} columns; "
                f"write - for what is absent"
            )
    return [dict(zip(head, row, strict=True)) for row in rows]


def _reports(rows: list[dict[str, str]], rule: Rule) -> npt.NDArray[Any]:
    """NARROW rows. `times` repeats a payment second by second; a replaced report is not there."""
    legs: list[dict[str, int]] = []
    for row in rows:
        if row.get("known", "now") == "replaced":
            continue
        for turn in range(int(row.get("times", "1"))):
            legs.append(
                {
                    "key": party(row["tx"]) + turn,
                    "report": 1 + len(legs),
                    "event_time": instant(row["time"]) + turn * 1_000_000,
                    "amount_fen": fen(row["yuan"]),
                    "payer_party": party(row["payer"]),
                    "payee_party": party(row["payee"]),
                    "payer_group": party(row.get("payer_group", "-")),
                    "payee_group": party(row.get("payee_group", "-")),
                    "mask": _mask(row["region"]),
                    "payer_account": party(row.get("from", "-")),
                    "payee_account": party(row.get("to", "-")),
                    "payer_agent": agent(row.get("from_bank", "-")),
                    "payee_agent": agent(row.get("to_bank", "-")),
                    "flags": sum(
                        flag * (row.get(name, "no") == "yes") for name, flag in _FLAGS.items()
                    ),
                    "event_code": EVENT_CODES["PAYM"],
                }
            )
    return _narrow(legs, rule.calendar if rule.calendar == "BANK" else "NATURAL")


def _narrow(legs: list[dict[str, int]], calendar: str) -> npt.NDArray[Any]:
    """NARROW rows with their business days."""
    out = np.zeros(len(legs), NARROW)
    for at, leg in enumerate(legs):
        for column, value in leg.items():
            out[column][at] = value
    times = pa.array(out["event_time"]).cast(pa.timestamp("us", "UTC"))
    out["business_ordinal"] = calendars().business_date(times, calendar)[1].to_numpy()
    return out


def _orders(rows: list[dict[str, str]]) -> npt.NDArray[Any]:
    """NARROW rows of withdrawn orders: lots, and of how many in the largest order allowed.

    `times` repeats one second by second. `purpose` is SPEC, HEDG or MKTM; `cancelled` says whether
    on request (yes), by itself (self), or not at all (no).
    """
    legs: list[dict[str, int]] = []
    for row in rows:
        if row.get("known", "now") == "replaced":
            continue
        lots, most = (int(row.get(name, "0")) for name in ("lots", "of"))
        flags = _PURPOSES[row.get("purpose", "SPEC")] | _CANCELLED[row.get("cancelled", "yes")]
        if row["class"] != "-":
            flags |= (CONTRACT_CLASSES.index(row["class"]) + 1) << CLASS_SHIFT
        for turn in range(int(row.get("times", "1"))):
            legs.append(
                {
                    "key": party(row["tx"]) * 10_000 + turn,
                    "report": 1 + len(legs),
                    "event_time": instant(row["time"]) + turn * 1_000_000,
                    "payer_party": party(row["client"]),
                    "payer_group": party(row.get("group", "-")),
                    "payer_account": party(row["account"]),
                    "instrument": party(row["contract"]),
                    "range_start": int(order_size(np.array([lots]), np.array([most]))[0]),
                    "mask": _mask(row["region"]),
                    "flags": flags,
                    "event_code": EVENT_CODES["EXEC"],
                }
            )
    return _narrow(legs, "SHFE")


def _mask(regions: str) -> int:
    return sum(1 << _VANTAGES.index(name) for name in regions.split(",") if name != "-")


def _vantages(regions: str) -> list[int]:
    return [bit for bit in range(4) if _mask(regions) >> bit & 1] + [4]


def _acts(rows: list[dict[str, str]]) -> pa.Table:
    columns = ("vantage", "key", "event_time", "event_code", "asset", "payer_party", "payee_party",
               "invoice", "contract")  # fmt: skip
    out = [
        (
            vantage, 1_000 + number, instant(row["time"]), EVENT_CODES[row["act"]],
            party(row["bill"]), party(row["seller"]), party(row["bank"]), party(row["invoice"]),
            party(row["contract"]),
        )
        for number, row in enumerate(rows)
        for vantage in _vantages(row["region"])
    ]  # fmt: skip
    return pa.table(dict(zip(columns, _columns(out, len(columns)), strict=True)))


def _loans(rows: list[dict[str, str]]) -> pa.Table:
    columns = ("vantage", "key", "event_time", "amount_fen", "holder_party", "asset", "invoice",
               "contract")  # fmt: skip
    held = [(number, row, v) for number, row in enumerate(rows) for v in _vantages(row["region"])]
    out = [
        (
            vantage, 9_000 + number, instant(row["stated"]), fen(row["owed"]), party(row["bank"]),
            party(row["loan"]), party(row["invoice"]), party(row["contract"]),
        )
        for number, row, vantage in held
    ]  # fmt: skip
    days = {
        name: pa.array([_day(row[key]) for _, row, _ in held], pa.date32())
        for name, key in (("effective_date", "start"), ("expiration_date", "end"))
    }
    return pa.table(dict(zip(columns, _columns(out, len(columns)), strict=True)) | days)


def _day(text: str) -> date | None:
    return None if text == "-" else date.fromisoformat(text)


def _columns(rows: Sequence[tuple[int, ...]], count: int) -> list[pa.Array]:
    return [pa.array([row[at] for row in rows], pa.int64()) for at in range(count)]
