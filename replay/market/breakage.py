"""Broken input of every kind a gate must stand: single records and whole submissions.

A fault of a record rewrites its rendered text and nothing else, so that a broken record sits among
good ones as in life. Whole hostile submissions are small; they are about form, not about size.
"""

import gzip
import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

# Stands for one byte that no GB18030 text can hold; the loan register's writer puts it in.
BAD_BYTE = "\ue0ff"

_AMOUNT = re.compile(r'(Ccy="[A-Z]{3}">)[^<]*')
_ACCEPTED = re.compile(r"(<AccptncDtTm>\d{4})-\d\d")
_CREDITOR_AGENT = re.compile(r"(<CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>)\d+")
_DEBTOR_ACCOUNT = re.compile(r"<DbtrAcct>.*?</DbtrAcct>")
_MONEY = re.compile(r'("billMoney":)"[^"]*"')
_DAY = re.compile(r'("dealDt":"\d{4})\d\d')
_KIND = re.compile(r'("busiType":")[A-Z0-9]{4}')

_Fault = tuple[re.Pattern[str], str]

PACS008: Mapping[str, _Fault] = MappingProxyType(
    {
        "exponent": (_AMOUNT, r"\g<1>1e3"),
        "underscore": (_AMOUNT, r"\g<1>1_000"),
        "not_a_number": (_AMOUNT, r"\g<1>NaN"),
        "full_width_digits": (_AMOUNT, r"\g<1>１２３.００"),
        "negative_amount": (_AMOUNT, r"\g<1>-250.00"),
        "month_13": (_ACCEPTED, r"\g<1>-13"),
        "unknown_agent": (_CREDITOR_AGENT, r"\g<1>9999"),
        "unknown_currency": (re.compile(r'Ccy="[A-Z]{3}"'), 'Ccy="XQZ"'),
        "bad_uuid": (re.compile(r"(<UETR>)[^<]*"), r"\g<1>0000-not-a-uuid"),
        "unknown_field": (re.compile(r"(<ChrgBr>SHAR</ChrgBr>)"), r"\g<1><NewFld>1</NewFld>"),
        "missing_account": (_DEBTOR_ACCOUNT, ""),
    }
)
BILL_EXCHANGE: Mapping[str, _Fault] = MappingProxyType(
    {
        "exponent": (_MONEY, r'\g<1>"1e3"'),
        "underscore": (_MONEY, r'\g<1>"1_000"'),
        "not_a_number": (_MONEY, r"\g<1>NaN"),
        "full_width_digits": (_MONEY, r'\g<1>"１２３.００"'),
        "negative_amount": (_MONEY, r'\g<1>"-250.00"'),
        "month_13": (_DAY, r"\g<1>13"),
        "unknown_code": (_KIND, r"\g<1>XX99"),
        "duplicate_key": (re.compile(r"\{"), r'{"dealNo":"TX0",'),
        "unknown_field": (re.compile(r"\{"), r'{"newField":"1",'),
    }
)
# The loan register's columns by position: 6 is the borrower's area, 13 the balance.
_AREA = re.compile(r"^((?:[^,]*,){6})[^,]*")
_BALANCE = re.compile(r"^((?:[^,]*,){13})[^,]*")
LOAN_REGISTER: Mapping[str, _Fault] = MappingProxyType(
    {
        "exponent": (_BALANCE, r"\g<1>1e3"),
        "underscore": (_BALANCE, r"\g<1>1_000"),
        "full_width_digits": (_BALANCE, r"\g<1>１２３.００"),
        "negative_amount": (_BALANCE, r"\g<1>-250.00"),
        "month_13": (re.compile(r"(,20\d\d)-\d\d-"), r"\g<1>-13-"),
        "unknown_region": (_AREA, r"\g<1>990000"),
        "wrong_encoding_one_byte": (re.compile("模拟|拟"), BAD_BYTE),
    }
)


def _decimals(column: str) -> dict[str, tuple[str, str]]:
    return {
        "exponent": (column, "1e3"),
        "underscore": (column, "1_000"),
        "not_a_number": (column, "NaN"),
        "full_width_digits": (column, "１２３.００"),
    }


# Where a fault is one value of a record: the writer's column and what stands there instead.
VALUES: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "pacs009": _decimals("amount")
        | {
            "negative_amount": ("amount", "-250.00"),
            "month_13": ("settlement_date", "2026-13-01"),
            "bad_uuid": ("uetr", "0000-not-a-uuid"),
            "unknown_currency": ("currency", "XQZ"),
        },
        "pacs002": {
            "unknown_code": ("status", "XXXX"),
            "bad_uuid": ("original_uetr", "0000-not-a-uuid"),
        },
        "pacs004": _decimals("amount")
        | {
            "month_13": ("settlement_date", "2026-13-01"),
            "bad_uuid": ("original_uetr", "0000-not-a-uuid"),
        },
        "camt053": _decimals("closing") | {"month_13": ("day", "2026-13-01")},
        "derivative_trade": _decimals("amount_1")
        | {
            "month_13": ("executed_at", "2026-13-01T10:00:00+08:00"),
            "unknown_code": ("contract", "XXXX"),
            "unknown_action": ("action", "PortOut"),
        },
        "cfets_imix": _decimals("price")
        | {
            "month_13": ("happened_at", "20261301-10:00:00.000"),
            "unknown_code": ("market", "99"),
            "unknown_currency": ("currency", "XQZ"),
        },
        "exchange_orders": {
            "exponent": ("quantity", "1e3"),
            "underscore": ("quantity", "1_000"),
            "month_13": ("happened_at", "20261301-02:00:00.000"),
            "unknown_code": ("side", "Z"),
            "unknown_purpose": ("purpose", "9"),
        },
        "market_totals": _decimals("value")
        | {
            "negative_amount": ("value", "-250"),
            "month_13": ("day", "20261301"),
            "unknown_code": ("item", "结算价"),
        },
        "fx_settlement": _decimals("amount")
        | {
            "month_13": ("at", "2026-13-01 10:00:00"),
            "unknown_code": ("kind", "换汇"),
            "unknown_currency": ("currency", "XQZ"),
            "unknown_document": ("scheme", "B99"),
        },
        "receivables": _decimals("amount")
        | {
            "month_13": ("at", "2026-13-01 10:00:00"),
            "unknown_code": ("kind", "其他"),
            "wrong_check_digit": ("debtor", "91310000MX0000000Z"),
        },
        "warehouse_stock": {
            "exponent": ("weight", "1e3"),
            "groups_of_two": ("weight", "12,34"),
            "unknown_region": ("region", "某地$$Somewhere"),
            "unknown_unit": ("unit", "9"),
        },
        "warehouse_receipts": {
            "exponent": ("quantity", "1e3"),
            "groups_of_two": ("quantity", "12,34.5"),
            "month_13": ("at", "2026-13-01 10:00:00"),
            "unknown_code": ("kind", "其他"),
            "unknown_region": ("warehouse_area", "3x0000"),
        },
        "loan_drawdowns": _decimals("amount")
        | {
            "month_13": ("day", "20261301"),
            "unknown_code": ("kind", "其他"),
        },
    }
)


def break_text(kind: str, fault: _Fault, text: str) -> str:
    """Put one fault into one rendered record.

    Raises:
        ValueError: the text has no place for this fault: the writer and this table disagree.
    """
    broken, count = fault[0].subn(fault[1], text, count=1)
    if not count:
        raise ValueError(f"fault {kind}: no place for it in the rendered record")
    return broken


def choose(
    rng: np.random.Generator,
    faults: Mapping[str, object],
    eligible: npt.NDArray[np.bool_],
    share: float,
) -> dict[int, str]:
    """Choose rows to break: each kind equally often, at least once where rows allow it.

    Args:
        rng: source of the choice.
        faults: the kinds of this feed.
        eligible: bool mask; rows of labelled schemes are not eligible.
        share: share of all rows to break.

    Returns:
        The kind of fault by row; nothing where the share is 0.
    """
    if not share:
        return {}
    rows = np.flatnonzero(eligible)
    count = min(len(rows), max(round(share * len(eligible)), len(faults)))
    kinds = list(faults)
    chosen = rng.choice(rows, count, replace=False)
    return {int(row): kinds[at % len(kinds)] for at, row in enumerate(chosen)}


def hostile(feed_bodies: Mapping[str, bytes]) -> list[tuple[str, str, bytes]]:
    """Whole submissions that are broken: (kind, feed, body).

    Args:
        feed_bodies: one good submission a feed, to be damaged.
    """
    xml, bills = feed_bodies.get("pacs008", b""), feed_bodies.get("bill_exchange", b"")
    loans = feed_bodies.get("loan_register", b"")
    entity = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
        b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>\n'
        b"<Document>&c;</Document>\n"
    )
    document = b'{"fileTm":"20260407180000","org":"SHCPE","count":1,"totalMoney":"1.00","data":'
    damaged = [
        ("wrong_encoding_file", "pacs008", xml.decode().encode("utf-16")),
        ("truncated_file", "pacs008", xml[: len(xml) * 2 // 3]),
        ("doctype", "pacs008", entity),
        ("deep_nesting", "pacs008", b"<a>" * 20_000 + b"</a>" * 20_000),
        ("gzip_bomb", "pacs008", gzip.compress(bytes(4_000_000), 9, mtime=0)),
        ("empty_file", "pacs008", b""),
        ("wrong_encoding_file", "bill_exchange", b"\xff\xfe" + bills[:2000]),
        ("truncated_file", "bill_exchange", bills[: len(bills) * 2 // 3]),
        ("truncated_file", "bill_exchange_json", document + b'[{"busiType":"TX01"'),
        ("deep_nesting", "bill_exchange_json", document + b"[" * 200_000),
        ("wrong_encoding_file", "loan_register", loans.decode("gb18030", "replace").encode()),
        ("truncated_file", "loan_register", loans[: len(loans) * 2 // 3]),
    ]
    needs = {"bill_exchange_json": "bill_exchange"}
    return [each for each in damaged if needs.get(each[1], each[1]) in feed_bodies]
