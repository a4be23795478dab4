"""Derivative reports made by others, against the flat answer sheet that comes with each.

A field of ours is compared with its counterpart in every report; agreement is counted over the
(report, field) pairs in which either side has a value, and apart from them where neither has.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from benchmarks.trials.decoding import decode, lenient
from connectors.engine.spec import Feed

# our field (x. = extension) : places in the answer sheet, the first that has a value
COUNTERPARTS: Mapping[str, Sequence[str]] = {
    "action_type": ["actionType"],
    "asset_class": ["assetClass"],
    "contract_type": ["contractType"],
    "event_type": ["eventType"],
    "cleared": ["cleared"],
    "counterparty_1_id": ["counterparty1"],
    "counterparty_2_id": ["counterparty2"],
    "counterparty_1_nature": ["natureOfCounterparty1"],
    "counterparty_2_nature": ["natureOfCounterparty2"],
    "delivery_type": ["deliveryType"],
    "direction_1": ["direction1", "leg1.direction2"],
    "effective_date": ["effectiveDate"],
    "expiration_date": ["expirationDate"],
    "settlement_date": ["finalContractualSettlementDate"],
    "execution_timestamp": ["executionTimestamp"],
    "exchange_rate": ["exchangeRate"],
    "fixed_rate_leg_1": ["leg1.fixedRate"],
    "fixed_rate_leg_2": ["leg2.fixedRate"],
    "floating_rate_indicator": ["leg1.periodicPayment.floatingRateIndicator"],
    "floating_rate_indicator_leg_2": ["leg2.periodicPayment.floatingRateIndicator"],
    "intragroup_indicator": ["intragroup"],
    "isin": ["isin"],
    "notional_amount_leg_1": ["leg1.notionalAmount"],
    "notional_amount_leg_2": ["leg2.notionalAmount"],
    "notional_currency_1": ["leg1.notionalCurrency"],
    "notional_currency_2": ["leg2.notionalCurrency"],
    "option_premium_amount": ["optionPremiumAmount"],
    "option_style": ["optionStyle"],
    "option_type": ["optionType"],
    "package_id": ["packageIdentifier"],
    "price": ["price.monetary", "price.percentage", "price.decimal"],
    "price_currency": ["priceCurrency"],
    "price_notation": ["priceNotation"],
    "prior_uti": ["priorUTI"],
    "product_classification": ["productClassification"],
    "reporting_timestamp": ["reportingTimestamp"],
    "settlement_currency": ["leg1.settlementCurrency", "leg2.settlementCurrency"],
    "strike_price": ["strikePrice.monetary", "strikePrice.percentage", "strikePrice.decimal"],
    "underlying_identification": ["underlyingIdentification"],
    "unique_product_identifier": ["uniqueProductIdentifier"],
    "unique_transaction_identifier": ["uniqueTransactionIdentifier"],
    "venue_of_execution": ["venueOfExecution"],
    "x.attachment_point": ["cdSIndexAttachmentPoint"],
    "x.basket_constituents": ["basketConstituents[].identifier"],
    "x.basket_id": ["customBasketCode"],
    "x.broker_id": ["brokerID"],
    "x.clearing_obligation": ["clearingObligation"],
    "x.clearing_threshold_1": ["clearingThresholdOfCounterparty1"],
    "x.clearing_threshold_2": ["clearingThresholdOfCounterparty2"],
    "x.collateral_portfolio": ["collateralPortfolioCode"],
    "x.collateralised_as_portfolio": ["collateralPortfolioIndicator"],
    "x.commodity_base": ["baseProduct"],
    "x.commodity_further": ["furtherSubProduct"],
    "x.commodity_sub": ["subProduct"],
    "x.confirmation": ["confirmed"],
    "x.confirmed_at": ["confirmationTimestamp"],
    "x.crypto_underlying": ["cryptoAssetUnderlyingIndicator"],
    "x.delivery_point": ["deliveryPoint[]"],
    "x.detachment_point": ["cdSIndexDetachmentPoint"],
    "x.directly_linked_1": ["directlyLinkedToCommercialActivityOrTreasuryFinancing"],
    "x.direction_leg_2": ["leg2.direction2"],
    "x.event_date": ["eventDate"],
    "x.exchange_rate_basis": ["exchangeRateBasis"],
    "x.fixed_day_count_1": ["leg1.periodicPayment.fixedRateDayCountConvention"],
    "x.fixed_day_count_2": ["leg2.periodicPayment.fixedRateDayCountConvention"],
    "x.fixed_frequency_1": ["leg1.periodicPayment.fixedRatePaymentFrequencyPeriod"],
    "x.fixed_frequency_2": ["leg2.periodicPayment.fixedRatePaymentFrequencyPeriod"],
    "x.fixed_frequency_count_1": ["leg1.periodicPayment.fixedRatePaymentFrequencyPeriodMultiplier"],
    "x.fixed_frequency_count_2": ["leg2.periodicPayment.fixedRatePaymentFrequencyPeriodMultiplier"],
    "x.floating_day_count_1": ["leg1.periodicPayment.floatingRateDayCountConvention"],
    "x.floating_day_count_2": ["leg2.periodicPayment.floatingRateDayCountConvention"],
    "x.floating_frequency_1": ["leg1.periodicPayment.floatingRatePaymentFrequencyPeriod"],
    "x.floating_frequency_2": ["leg2.periodicPayment.floatingRatePaymentFrequencyPeriod"],
    "x.floating_frequency_count_1": [
        "leg1.periodicPayment.floatingRatePaymentFrequencyPeriodMultiplier"
    ],
    "x.floating_frequency_count_2": [
        "leg2.periodicPayment.floatingRatePaymentFrequencyPeriodMultiplier"
    ],
    "x.forward_exchange_rate": ["forwardExchangeRate"],
    "x.index_factor": ["indexFactor"],
    "x.index_series": ["series"],
    "x.index_version": ["seriesVersion"],
    "x.interconnection_point": ["interconnectionPoint"],
    "x.level": ["level"],
    "x.load_type": ["loadType"],
    "x.master_agreement": ["masterAgreementType"],
    "x.master_agreement_version": ["masterAgreementVersion"],
    "x.notional_schedule_1": ["leg1.notionalAmountSchedule[].value"],
    "x.notional_schedule_1_from": ["leg1.notionalAmountSchedule[].effectiveDate"],
    "x.notional_schedule_2": ["leg2.notionalAmountSchedule[].value"],
    "x.notional_schedule_2_from": ["leg2.notionalAmountSchedule[].effectiveDate"],
    "x.package_price": ["packageTransactionPrice.monetary"],
    "x.package_price_currency": ["packageTransactionPriceCurrency"],
    "x.package_spread_bp": ["packageTransactionSpread.basis"],
    "x.payment_amount": ["otherPayment[].amount"],
    "x.payment_currency": ["otherPayment[].currency"],
    "x.payment_date": ["otherPayment[].date"],
    "x.payment_payer": ["otherPayment[].payer"],
    "x.payment_receiver": ["otherPayment[].receiver"],
    "x.payment_type": ["otherPayment[].paymentType"],
    "x.post_trade_risk_reduction": ["ptrr"],
    "x.premium_currency": ["optionPremiumCurrency"],
    "x.premium_date": ["optionPremiumPaymentDate"],
    "x.quantity_leg_1": ["leg1.totalNotionalQuantity"],
    "x.quantity_leg_2": ["leg2.totalNotionalQuantity"],
    "x.reference_entity": ["referenceEntity"],
    "x.reference_period_1": ["leg1.periodicPayment.floatingRateReferencePeriod"],
    "x.reference_period_2": ["leg2.periodicPayment.floatingRateReferencePeriod"],
    "x.reference_period_count_1": ["leg1.periodicPayment.floatingRateReferencePeriodMultiplier"],
    "x.reference_period_count_2": ["leg2.periodicPayment.floatingRateReferencePeriodMultiplier"],
    "x.report_tracking_number": ["reportTrackingNumber"],
    "x.reporting_obligation_2": ["reportingObligationOfTheCounterparty2"],
    "x.reset_frequency_1": ["leg1.periodicPayment.floatingRateResetFrequencyPeriod"],
    "x.reset_frequency_2": ["leg2.periodicPayment.floatingRateResetFrequencyPeriod"],
    "x.reset_frequency_count_1": ["leg1.periodicPayment.floatingRateResetFrequencyMultiplier"],
    "x.reset_frequency_count_2": ["leg2.periodicPayment.floatingRateResetFrequencyMultiplier"],
    "x.responsible_entity_id": ["entityResponsibleForReporting"],
    "x.risk_reduction_technique": ["typeOfPTRRTechnique"],
    "x.sector_1": ["corporateSectorOfTheCounterparty1[]"],
    "x.sector_2": ["corporateSectorOfTheCounterparty2[]"],
    "x.seniority": ["seniority"],
    "x.spread_amount_1": ["leg1.spread.monetary"],
    "x.spread_amount_2": ["leg2.spread.monetary"],
    "x.spread_bp_1": ["leg1.spread.basis"],
    "x.spread_bp_2": ["leg2.spread.basis"],
    "x.spread_currency_1": ["leg1.spreadCurrency"],
    "x.spread_currency_2": ["leg2.spreadCurrency"],
    "x.strike_currency": ["strikePriceCurrency"],
    "x.strike_notation": ["strikePriceNotation"],
    "x.strike_schedule_from": ["strikePriceSchedule[].effectiveDate"],
    "x.strike_schedule_to": ["strikePriceSchedule[].endDate"],
    "x.submitting_entity_id": ["reportSubmittingEntityID"],
    "x.underlying_index_code": ["indicatorOfTheUnderlyingIndex[]"],
    "x.underlying_index_name": ["nameOfTheUnderlyingIndex"],
    "x.underlying_maturity": ["maturityDateOfTheUnderlying"],
}
# The sheet fills these where the message has no element they could be read from.
WITHOUT_COUNTERPART = ("tranche", "underlyingIdentificationType")
# (kind, field): why; every difference must be one of these
REASONS: Mapping[tuple[str, str], str] = {
    ("sheet", "counterparty_2_id"): "the message leaves out the other counterparty's identifier",
    ("sheet", "x.strike_currency"): "the strike is an amount without its currency attribute",
    ("sheet", "x.strike_notation"): "strike prices of a schedule: the message has the dates only",
    ("sheet", "x.spread_currency_2"): "a spread in basis points: the message has no currency",
    ("sheet", "price_notation"): "the message has no price, the sheet a notation",
    ("sheet", "underlying_identification"): "an exchange's own code, left out of the message",
    ("sheet", "x.underlying_index_name"): "left out of the message",
    ("sheet", "x.interconnection_point"): "left out of the message",
    ("sheet", "x.payment_receiver"): "left out of the message",
    ("sheet", "x.crypto_underlying"): "an error report states identifiers only",
    ("sheet", "option_premium_amount"): "25 nines, not known yet: absent here",
    ("ours", "counterparty_1_nature"): "not stated: taken from the institution register",
    ("ours", "counterparty_2_nature"): "not stated: taken from the institution register",
    ("ours", "execution_timestamp"): "not stated: the moment of the event or of the report",
}
_PERCENT = ("fixed_rate_leg_1", "fixed_rate_leg_2")
_NOTATIONS = {"Monetary": "1", "Percentage": "2", "Decimal": "3", "Basis": "4"}
_OURS_ONLY = ("NONE", "NAME-ONLY")  # what stands where the report says nothing


@dataclass(slots=True)
class Agreement:
    """Counts over (report, field) pairs.

    `differences` has (kind, field, report): a value `sheet` only, `ours` only, or two of them.
    `refused` and `warned` count findings by what was expected.
    """

    reports: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    fields: int = 0
    agree: int = 0
    compared: int = 0  # reports whose values were compared
    differences: list[tuple[str, str, str]] = field(default_factory=list)
    neither: int = 0

    @property
    def share(self) -> float:
        """Share of the pairs with a value on either side that agree."""
        return self.agree / max(1, self.agree + len(self.differences))


def compare(feed: Feed, folder: Path) -> Agreement:
    """Decode every report of a folder and compare it with its answer sheet.

    Args:
        feed: The derivative feed.
        folder: Has `xml/<topic>/*.xml` and `json/<topic>/*.json` of the same stems.
    """
    files = sorted((folder / "xml").glob("*/*.xml"))
    bodies = [path.read_bytes() for path in files]
    out = Agreement(reports=len(files), fields=len(COUNTERPARTS))
    verdict = decode(feed, bodies)
    out.accepted = verdict.batch.num_rows
    for row in verdict.findings.to_pylist():
        told = f"{row['rule_id']} {row['field'].rpartition('*/')[2]}: {row['expected']}"
        (out.warned if row["outcome"] == "warning" else out.refused)[told] += 1
    values = decode(lenient(feed), bodies).batch.to_pylist()
    found = {row["submission"]: row for row in values}
    for number, path in enumerate(files):
        sheet = json.loads(
            (folder / "json" / path.parent.name / f"{path.stem}.json").read_text(),
            parse_float=Decimal,
            parse_int=Decimal,
        )
        row = found.get(number)
        if row is None:  # refused for a value that cannot be read, whatever is required
            continue
        out.compared += 1
        for name, places in COUNTERPARTS.items():
            expected = next((v for p in places if (v := _place(sheet, p)) is not None), None)
            _count(out, name, row, _expected(name, expected), path.stem)
    return out


def _count(
    out: Agreement,
    name: str,
    row: dict[str, Any],
    expected: Any,  # noqa: ANN401 - JSON
    report: str,
) -> None:
    ours = _ours(name, row)
    if ours is None and expected is None:
        out.neither += 1
    elif _same(ours, expected):
        out.agree += 1
    else:
        kind = "sheet" if ours is None else ("ours" if expected is None else "two")
        out.differences.append((kind, name, report))


def _place(sheet: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at a path; `[]` gives a list."""
    at: Any = sheet
    for number, step in enumerate(path.split(".")):
        if at is None:
            return None
        at = at.get(step.removesuffix("[]"))
        if step.endswith("[]") and at is not None:
            rest = ".".join(path.split(".")[number + 1 :])
            return [_place(one, rest) if rest else one for one in at] or None
    return at


def _expected(name: str, value: Any) -> Any:  # noqa: ANN401
    if name in _PERCENT and value is not None:
        return value / 100
    if name in ("price_notation", "x.strike_notation"):
        return _NOTATIONS.get(value, value)
    if isinstance(value, list):
        return ";".join(str(_text(one)) for one in value)
    return value


def _ours(name: str, row: dict[str, Any]) -> Any:  # noqa: ANN401
    if name.startswith("x."):
        value: Any = dict(row["extension"] or ()).get(name[2:])
    else:
        value = row[name]
    return None if value in _OURS_ONLY else value


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _same(ours: Any, expected: Any) -> bool:  # noqa: ANN401
    if ours is None or expected is None:
        return False
    if _text(ours) == _text(expected):
        return True
    try:
        return Decimal(_text(ours)) == Decimal(_text(expected))
    except InvalidOperation:
        pass
    try:
        pairs = zip(_text(ours).split(";"), _text(expected).split(";"), strict=True)
        return all(Decimal(one) == Decimal(two) for one, two in pairs)
    except (InvalidOperation, ValueError):
        return False
