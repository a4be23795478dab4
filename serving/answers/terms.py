"""What one transaction adds to the measure of its rule, and why."""

from typing import Any

from schemas.narrow import FLAG_PAYER_PERSON, MOST_LOTS
from serving.answers import pledges
from serving.answers.words import several, wan


def term(
    rule: str,
    subject: int,
    row: dict[str, Any],
    met: set[int],
    unit: str = "CNY fen",
    variant: str = "",
) -> tuple[int, tuple[str, str]]:
    """What one transaction adds to its rule's measure, and why, in zh and en.

    Args:
        rule: The rule's name.
        subject: The alert's subject.
        row: The transaction as the vantage holds it.
        met: Institutions, or other sides, counted so far; added to.
        unit: The measure's.
        variant: The alert's.
    """
    amount = row["amount_fen"] or 0
    if rule == "receipt_double_pledge":
        return pledges.term(variant, row, met)
    if rule in _ON_A_WAY:
        return _ON_A_WAY[rule](subject, row, amount)
    if rule == "invoice_double_financing":
        lends = row["payer_party"] if row["market_segment"] == "LOAN" else row["payee_party"]
        new = lends not in met
        met.add(lends)
        return int(new), (
            ("新增一家机构", "one more institution") if new else ("同一机构", "the same")
        )
    if rule == "structuring":
        return amount, ("接近大额线的付款", "a payment just under the line")
    return _plain_term(subject, row, met, unit)


def _through(subject: int, row: dict[str, Any], amount: int) -> tuple[int, tuple[str, str]]:
    if row["payee_party"] == subject:
        return 0, (f"转入 {wan(amount)} 万元（作分母）", "comes in: what the ratio is of")
    return amount, ("转出", "goes out")


def _around(subject: int, row: dict[str, Any], amount: int) -> tuple[int, tuple[str, str]]:
    if row["market_segment"] == "LOAN":
        return 0, ("支用", "drawn")
    if subject in (row["payee_party"], row["payee_group"]):
        return amount, ("转回", "comes back")
    return 0, ("过桥", "passed on")


def _settled(subject: int, row: dict[str, Any], amount: int) -> tuple[int, tuple[str, str]]:
    if not row["flags"] & FLAG_PAYER_PERSON:
        return amount, ("结算给商户", "settled")
    return 0, ("归集", "taken in")


_ON_A_WAY = {
    "pass_through": _through,
    "loan_round_trip": _around,
    "second_clearing": _settled,
}


def _plain_term(
    subject: int, row: dict[str, Any], met: set[int], unit: str
) -> tuple[int, tuple[str, str]]:
    """What a transaction adds to a sum, a number of transfers, or a number of others."""
    if unit in ("fen", "CNY fen"):
        return row["amount_fen"] or 0, ("计入", "counts")
    if unit in ("transfers", "count", "reports", "complaints"):
        return 1, ("一笔", "one")
    if unit == "cancels":
        lots = row["range_start"] & MOST_LOTS
        return 1, (f"撤单 {lots:,} 手", f"withdraws {several(lots, 'lot', 'lots')}")
    sides = {row["payer_party"], row["payee_party"]} - {subject, 0}
    more = len(sides - met)
    met |= sides
    return more, (f"新增 {more} 方", f"{more} more") if more else ("已计", "counted before")
