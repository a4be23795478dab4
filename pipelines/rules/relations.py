"""Relations of the ledger in examples of the ledger lane: small tables, one row a line.

A row is what a report says and which regions hold it; here it becomes one row for each of these
vantages and one for the joint one, as the named relations of the ledger have them. A row whose
`known` says `replaced` was corrected since and is not there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from pipelines.rules import relations_goods, relations_reports, relations_trades
from pipelines.rules.relations_lines import Readers, Row, columns, day, fen, text
from schemas.errors import ConfigurationError
from schemas.narrow import EVENT_CODES, FLAG_CROSS_BORDER, FLAG_PAYEE_PERSON, FLAG_PAYER_PERSON

_BEIJING_US, _DAY_US = 28_800_000_000, 86_400_000_000
_EVER = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class _Relation:
    """`columns`: of the relation. `row`: one of them from a line, all but its vantage.

    Reference data and controller groups are known to everybody: their lines name no region.
    """

    name: str
    columns: Mapping[str, pa.DataType]
    row: Callable[[Row, Readers], Mapping[str, Any]]
    everybody: bool = False


def _payment(row: Row, read: Readers) -> Mapping[str, Any]:
    flags = {
        FLAG_PAYER_PERSON: "from_person",
        FLAG_PAYEE_PERSON: "to_person",
        FLAG_CROSS_BORDER: "abroad",
    }
    time = read.instant(row["time"])
    return {
        "key": read.party(row["tx"]),
        "start": time,
        "event_time": time,
        "event_code": EVENT_CODES["PAYM"],
        "business_ordinal": relations_reports.bank_day(time),
        "amount_fen": read.fen(row["yuan"]),
        "payer_party": read.party(row["payer"]),
        "payee_party": read.party(row["payee"]),
        "payer_account": read.party(row.get("from", "-")),
        "payee_account": read.party(row.get("to", "-")),
        "payer_group": read.party(row.get("payer_group", "-")),
        "payee_group": read.party(row.get("payee_group", "-")),
        "flags": sum(flag for flag, name in flags.items() if row.get(name, "no") == "yes"),
    }


def _drawdown(row: Row, read: Readers) -> Mapping[str, Any]:
    time = read.instant(row["time"])
    return {
        "key": read.party(row["tx"]),
        "start": time,
        "event_time": time,
        "event_code": EVENT_CODES["DRAW"],
        "amount_fen": read.fen(row["yuan"]),
        "payer_party": read.party(row["lender"]),
        "payee_party": read.party(row["borrower"]),
        "payee_group": read.party(row.get("borrower_group", "-")),
        "flags": 0,
    }


def _owed(row: Row, read: Readers) -> Mapping[str, Any]:
    """A statement of a loan: what a borrower owes a bank on a day."""
    return {
        "key": read.party(row["loan"]),
        "event_time": read.instant(row["day"]),
        "business_date": day(row["day"]),
        "market_segment": row.get("market", "LOAN"),
        "amount_fen": fen(row["yuan"], read),
        "holder_party": read.party(row["bank"]),
        "other_party": read.party(row["borrower"]),
        "other_nature": "I" if row.get("person", "no") == "yes" else "C",
        "grade": text(row.get("grade", "-")),
    }


def _statement(row: Row, read: Readers) -> Mapping[str, Any]:
    """What an account holds at the end of a day, as its bank says."""
    return {
        "key": read.party(row["statement"]),
        "event_time": read.instant(row["day"]),
        "business_date": day(row["day"]),
        "market_segment": "PYMT",
        "amount_fen": read.fen(row["yuan"]),
        "holder_party": read.party(row["owner"]),
        "account": read.party(row["account"]),
    }


def _account(row: Row, read: Readers) -> Mapping[str, Any]:
    return {
        "key": read.party(row["entry"]),
        "event_time": read.instant(row["from"]),
        "account": read.party(row["account"]),
        "party": read.party(row["owner"]),
        "account_type": row["type"],
        "valid_from": day(row["from"]),
        "valid_to": day(row.get("until", "-")),
    }


def _figure(row: Row, read: Readers) -> Mapping[str, Any]:
    """A figure of a period that ends on `day`; `part` where it is not the whole's."""
    return {
        "key": read.party(row["figure"]),
        "event_time": read.instant(row["day"]),
        "institution": read.party(row["institution"]),
        "period_end": day(row["day"]),
        "measure": row["measure"],
        "measure_unit": row.get("unit", "CNY"),
        "value": Decimal(row["value"].replace("_", "")),
        "breakdown": text(row.get("part", "-")),
    }


def _complaint(row: Row, read: Readers) -> Mapping[str, Any]:
    """A state of a complaint that is known by its number."""
    return {
        "key": read.party(row["state"]),
        "complaint": read.party(row["complaint"]),
        "event_time": read.instant(row["time"]),
        "institution": read.party(row["institution"]),
        "complainant": read.party(row.get("by", "-")),
        "phone": read.party(row.get("phone", "-")),
        "region": text(row.get("place", "-")),
    }


def _capital(row: Row, read: Readers) -> Mapping[str, Any]:
    return {
        "party": read.party(row["bank"]),
        "valid_from": day(row["from"]),
        "valid_to": day(row.get("until", "-")),
        "net_capital_fen": read.fen(row["yuan"]),
    }


def _member(row: Row, read: Readers) -> Mapping[str, Any]:
    """A party in a controller group; the instant `until` is no part of it."""
    until = row.get("until", "-")
    return {
        "party": read.party(row["party"]),
        "group_id": read.party(row["group"]),
        "valid_from": read.instant(row.get("from", "2020-01-01")),
        "valid_to": _EVER if until == "-" else read.instant(until),
    }


def _deal(row: Row, read: Readers) -> Mapping[str, Any]:
    time = read.instant(row["time"])
    return {
        "key": read.party(row["deal"]),
        "event_time": time,
        "day": (time + _BEIJING_US) // _DAY_US,
        "act": {"buys": "PURC", "sells": "SELL"}[row["act"]],
        "person": read.party(row["person"]),
        "representative": read.party(row.get("by", "-")),
        "payee_account": read.party(row.get("to", "-")),
        "usd_cents": read.fen(row["usd"]),
        "amount_fen": read.fen(row["usd"]) * 7,
        "quota_counted": {"yes": "Y", "no": "N"}[row.get("quota", "yes")],
    }


def _contact(row: Row, read: Readers) -> Mapping[str, Any]:
    return {
        "key": read.party(row["entry"]),
        "kind": row["kind"],
        "token": read.party(row["token"]),
        "event_time": read.instant(row["time"]),
        "party": read.party(row["party"]),
        "account": read.party(row.get("account", "-")),
        "valid_from": day(row.get("from", "2020-01-01")),
        "valid_to": day(row.get("until", "-")),
    }


def _edge(row: Row, read: Readers) -> Mapping[str, Any]:
    return {
        "key": read.party(row["entry"]),
        "event_time": read.instant(row["time"]),
        "party": read.party(row["party"]),
        "behind": read.party(row["behind"]),
        "role": row["role"],
        "share_bp": None if row.get("share", "-") == "-" else int(row["share"]) * 100,
        "valid_from": day(row.get("from", "2020-01-01")),
        "valid_to": day(row.get("until", "-")),
    }


_TX = columns(
    "key start event_time event_code amount_fen payer_party payee_party payer_account "
    "payee_account payer_group payee_group business_ordinal flags"
)
# Table of an example -> the relation it fills; several may fill one.
_RELATIONS: Mapping[str, _Relation] = MappingProxyType(
    {
        "payments": _Relation("tx", _TX, _payment),
        "drawdowns": _Relation("tx", _TX, _drawdown),
        "owed": _Relation(
            "holding",
            columns(
                "key event_time amount_fen holder_party other_party",
                "market_segment other_nature grade",
                "business_date",
            ),
            _owed,
        ),
        "statements": _Relation(
            "holding",
            columns(
                "key event_time amount_fen holder_party account",
                "market_segment",
                "business_date",
            ),
            _statement,
        ),
        "accounts": _Relation(
            "account",
            columns("key event_time account party", "account_type", "valid_from valid_to"),
            _account,
        ),
        "figures": _Relation(
            "figure",
            {
                **columns(
                    "key event_time institution", "measure measure_unit breakdown", "period_end"
                ),
                "value": pa.decimal128(25, 5),
            },
            _figure,
        ),
        "complaints": _Relation(
            "complaint_state",
            columns("key complaint event_time institution complainant phone", "region"),
            _complaint,
        ),
        "capital": _Relation(
            "capital", columns("party net_capital_fen", "", "valid_from valid_to"), _capital, True
        ),
        "groups": _Relation(
            "group_member", columns("party group_id valid_from valid_to"), _member, True
        ),
        "receipts": _Relation("receipt_act", relations_goods.RECEIPT, relations_goods.receipt),
        "stocks": _Relation("stock", relations_goods.STOCK, relations_goods.stocked),
        "debts": _Relation("loan_state", relations_goods.LOAN, relations_goods.loan),
        "deals": _Relation(
            "fx_deal",
            columns(
                "key event_time day person representative payee_account usd_cents amount_fen",
                "act quota_counted",
            ),
            _deal,
        ),
        "contacts": _Relation(
            "contact",
            columns("key token event_time party account", "kind", "valid_from valid_to"),
            _contact,
        ),
        "edges": _Relation(
            "edge",
            columns("key event_time party behind share_bp", "role", "valid_from valid_to"),
            _edge,
        ),
        "licences": _Relation(
            "payment_licence", relations_reports.LICENCE, relations_reports.licence
        ),
        "owed_reports": _Relation(
            "expected_report", relations_reports.EXPECTED, relations_reports.expected
        ),
        "sides": _Relation("trade_side", relations_trades.SIDE, relations_trades.side),
        "totals": _Relation("market_total", relations_trades.TOTAL, relations_trades.total),
    }
)
TABLES = (*_RELATIONS, "heard")


def relations(tables: Mapping[str, Iterable[Row]], read: Readers) -> dict[str, pa.Table]:
    """Every relation an example can fill, those it does not speak of empty.

    Args:
        tables: rows of the example's tables, among them some of `TABLES`.
        read: how its texts are read.

    Raises:
        ConfigurationError: a row lacks a column.
    """
    out: dict[str, pa.Table] = {}
    for name, relation in _RELATIONS.items():
        rows: list[Mapping[str, Any]] = []
        for line in tables.get(name, ()):
            if line.get("known", "now") == "replaced":
                continue
            try:
                row = relation.row(line, read)
            except KeyError as error:
                raise ConfigurationError(
                    f"examples: {name}: {error.args[0]}: expected this column or value; add it"
                ) from error
            if relation.everybody:
                rows.append(row)
            else:
                rows += [{**row, "vantage": v} for v in read.vantages(line["region"])]
        own = [] if relation.everybody else [("vantage", pa.int64())]
        table = pa.Table.from_pylist(rows, schema=pa.schema([*own, *relation.columns.items()]))
        before = [out[relation.name]] if relation.name in out else []
        out[relation.name] = pa.concat_tables([*before, table], promote_options="default")
    out["calendar"] = relations_reports.bank_calendar()
    out["submission"] = relations_reports.submissions(tables.get("heard", ()), read)
    return out
