"""What a pledge adds to the secured money that no goods stand behind, term by term."""

from typing import Any

Note = tuple[int, tuple[str, str]]


def term(variant: str, row: dict[str, Any], met: set[int]) -> Note:
    """The term of one act on a receipt, and why, in zh and en.

    Args:
        variant: of the rule `receipt_double_pledge`.
        row: the act; `amount_fen` is what a pledge secures, `goods_fen` what the goods are worth.
        met: receipts met so far; added to.
    """
    amount, alone = row["amount_fen"] or 0, not met
    met.add(row["asset"])
    if row["event_type"] != "PLDG" or variant == "over_stock":
        return 0, _ACTS.get(row["event_type"], ("证据", "evidence"))
    if variant in ("over_value", "equal_rank") and alone:
        return amount - (row["goods_fen"] or 0), (
            "担保金额减去货值",
            "secured, less what the goods are worth",
        )
    if variant in ("same_goods", "same_lot") and len(met) == 1:
        return 0, ("首张仓单，有货物支撑", "the first receipt: the goods stand behind it")
    return amount, ("担保金额", "secured")


_ACTS = {
    "PLDG": ("质押", "pledged"),
    "DLVR": ("已提货", "the goods were taken out"),
    "CNCL": ("仓单已注销", "the receipt was cancelled"),
    "UPDT": ("申报库存", "the stock that is stated"),
}
