"""How well one submitted field alone separates labelled records: what a leak test measures.

Each feed's records are read back from the submitted bytes as columns of text, the way a reader
who knows nothing of the simulator would. For each field the best single split is looked for on
half of the schemes and judged on the other half, so that chance among many values is no leak.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from connectors.ends.tape import Tape

Column = np.ndarray
_XML = {
    "end_to_end": "<EndToEndId>([^<]*)",
    "tx_id": "<TxId>([^<]*)",
    "uetr": "<UETR>([^<]*)",
    "currency": 'Ccy="([^"]*)',
    "amount": 'Ccy="[^"]*">([^<]*)',
    "settlement_date": "<IntrBkSttlmDt>([^<]*)",
    "accepted": "<AccptncDtTm>([^<]*)",
    "debtor_name": "<Dbtr><Nm>([^<]*)",
    "debtor_id": "<Dbtr>.*?<(?:LEI|Id)>([0-9A-Z]+)<",
    "debtor_kind": "<Dbtr>.*?(LEI|USCC|NIDN)",
    "debtor_account": "<DbtrAcct><Id><Othr><Id>([^<]*)",
    "debtor_agent": "<DbtrAgt>.*?<MmbId>([^<]*)",
    "creditor_agent": "<CdtrAgt>.*?<MmbId>([^<]*)",
    "creditor_name": "<Cdtr><Nm>([^<]*)",
    "creditor_id": "<Cdtr>.*?<(?:LEI|Id)>([0-9A-Z]+)<",
    "creditor_kind": "<Cdtr>.*?(LEI|USCC|NIDN)",
    "creditor_account": "<CdtrAcct><Id><Othr><Id>([^<]*)",
    "purpose": "<Purp><Cd>([^<]*)",
}
_MONEY = {
    "amount",
    "billMoney",
    "sttlAmt",
    "billRangeEnd",
    "贷款余额",
    "贷款余额折人民币",
}  # amounts excepted
# The rule's own subject: two records sharing it are the pattern, not a leak of one field.
_SUBJECT = {"invoiceNo", "contractNo", "发票号码", "贸易合同编号"}


def columns(tape: Tape, feed: str) -> tuple[dict[str, list[str]], list[str]]:
    """Fields of every good record of a feed, as text, and the record's reference."""
    read: Callable[[str, bytes], list[dict[str, str]]] = {
        "pacs008": _payments,
        "bill_exchange": _bills,
        "loan_register": _loans,
    }[feed]
    rows: list[dict[str, str]] = []
    for number in range(len(tape.segments())):
        for row in tape.read(number).to_pylist():
            if row["feed"] == feed and not row["file_name"].startswith("broken"):
                for at, record in enumerate(read(row["submitter"], row["body"])):
                    record |= {"submitter": row["submitter"], "place": f"{at:05d}"}
                    rows.append(record)
    names = sorted({name for row in rows for name in row} - {"ref"})
    return {name: [row.get(name, "") for row in rows] for name in names}, [r["ref"] for r in rows]


def _payments(_: str, body: bytes) -> list[dict[str, str]]:
    result = []
    for text in body.decode().split("<CdtTrfTxInf>")[1:]:
        found = {name: re.search(pattern, text) for name, pattern in _XML.items()}
        row = {name: match[1] if match else "" for name, match in found.items()}
        result.append(row | {"ref": f"pacs008:{row['uetr']}"})
    return result


def _bills(_: str, body: bytes) -> list[dict[str, str]]:
    result = []
    for line in body.decode().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        row = {name: str(value) for name, value in record.items()}
        result.append(row | {"ref": f"bill_exchange:{row.get('dealNo', '')}"})
    return result


def _loans(submitter: str, body: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(body.decode("gb18030", "replace")))
    return [dict(row) | {"ref": f"loan_register:{submitter}:{row['贷款借据编码']}"} for row in rows]


def separations(
    fields: Mapping[str, list[str]], refs: list[str], labels: pa.Table
) -> dict[str, float]:
    """AUC of the best split of each reading of each field, on schemes not used to find it."""
    half: dict[str, int] = {}
    schemes = [row for row in labels.to_pylist() if row["kind"] == "scheme"]
    for number, row in enumerate(schemes):
        half |= dict.fromkeys(row["refs"], number % 2)
    side = np.array([half.get(ref, -1) for ref in refs])
    rest = np.arange(len(refs)) % 2
    fit = (side == 0) | ((side < 0) & (rest == 0))
    judge = (side == 1) | ((side < 0) & (rest == 1))
    result = {}
    for name, values in fields.items():
        if name in _MONEY:
            continue
        for reading, column in _readings(name, np.array(values)).items():
            result[f"{name}:{reading}"] = _judged(column, side >= 0, fit, judge)
    return result


def _readings(name: str, values: Column) -> dict[str, Column]:
    """Ways to read a field as something to split: order, length, code, day, time, empty."""
    _, order = np.unique(values, return_inverse=True)
    readings = {"empty": (values == "").astype(int), "length": np.char.str_len(values)}
    if name not in _SUBJECT:
        readings["order"] = order
    if len(np.unique(order)) <= 100:
        readings["code"] = order
    if name in ("accepted", "dealTm"):
        time = np.array([re.sub(r"\D", "", text[-18:])[:9] or "0" for text in values]).astype(int)
        readings |= {"time": time, "fraction": time % 1000}
    return readings


def _judged(column: Column, positive: Column, fit: Column, judge: Column) -> float:
    """Find the best split on one half and return its AUC on the other (0.5: tells nothing)."""
    values = np.unique(column)
    codes = np.searchsorted(values, column)

    def shares(rows: Column) -> tuple[Column, Column]:
        yes = np.bincount(codes[rows & positive], minlength=len(values)).astype(float)
        no = np.bincount(codes[rows & ~positive], minlength=len(values)).astype(float)
        return yes / max(yes.sum(), 1), no / max(no.sum(), 1)

    yes, no = shares(fit)
    # Ordered values are cut once; a code may go to either side, as a set.
    orders = [np.arange(len(values))]
    if len(values) <= 100:
        orders.append(np.argsort(-(yes - no), kind="stable"))
    best, chosen = 0.0, (orders[0], 0, 1)
    for order in orders:
        gap = np.cumsum(yes[order] - no[order])
        at = int(np.argmax(np.abs(gap)))
        if abs(gap[at]) > best:
            best, chosen = abs(gap[at]), (order, at, 1 if gap[at] > 0 else -1)
    order, at, sign = chosen
    yes, no = shares(judge)
    return float(0.5 + sign * (yes[order][: at + 1].sum() - no[order][: at + 1].sum()) / 2)
