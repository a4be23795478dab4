/* What is said of every loan: balances of the registers, drawdowns, repayments.

   question : who owes whom how much on which loan, and since when is that known?
   grain    : one row per (vantage, key)
   reads    : event, position
   units    : event_time in us UTC (of a balance the start of the Beijing day it speaks of); owed_fen
              in CNY fen after the act, null = not stated; ids 63-bit, 0 = absent; contract and
              former as the lender writes them; dates Beijing; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH moved AS (
    -- A correction takes the place of what it corrects; a movement that was cancelled is none.
    SELECT *
    FROM event
    WHERE market_segment = 'LOAN' AND NOT is_duplicate AND known_to IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY transaction_id ORDER BY revision_number DESC, known_from DESC, report
    ) = 1
),
said AS (
    SELECT
        transaction_id AS key, report, event_timestamp, event_type AS act, asset, payer_party,
        payee_party, counterparty_2_nature,
        CASE
            WHEN settlement_currency = 'CNY' THEN outstanding_amount * 100
            ELSE (outstanding_amount * 100)::DOUBLE * amount_cny::DOUBLE
                / nullif(settlement_amount::DOUBLE, 0)
        END::BIGINT AS owed_fen,
        parent_asset_id AS former, extension, effective_date, expiration_date, asset_reference_id,
        counterparty_1_region, counterparty_2_region, reporter, vantage_mask
    FROM moved
    WHERE action_type <> 'EROR'
    UNION ALL
    SELECT
        transaction_id, report, event_timestamp, 'BALANCE', asset, payer_party,
        payee_party, counterparty_2_nature, (amount_cny * 100)::BIGINT,
        NULL, extension, effective_date, expiration_date, asset_reference_id,
        counterparty_1_region, counterparty_2_region, reporter, vantage_mask
    FROM position
    WHERE market_segment = 'LOAN' AND NOT is_duplicate AND known_to IS NULL
)
SELECT
    v.vantage,
    s.key,
    s.report,
    epoch_us(s.event_timestamp) AS event_time,
    s.act,
    s.asset AS loan,
    s.asset_reference_id AS number,
    s.former,
    s.extension['contract_id'] AS contract,
    s.payer_party AS lender,
    s.payee_party AS borrower,
    s.counterparty_2_nature = 'I' AS borrower_is_person,
    s.owed_fen,
    s.effective_date,
    s.expiration_date,
    s.counterparty_1_region AS lender_region,
    s.counterparty_2_region AS borrower_region,
    s.reporter
FROM said AS s
JOIN vantages() AS v ON v.mask = s.vantage_mask & 15
