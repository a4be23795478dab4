/* What is reported to exist, as each vantage knows it.

   question : which balances and assets does each region hold a statement of?
   grain    : one row per (vantage, key, business_date)
   reads    : position
   units    : event_time in us UTC (start of the Beijing day it speaks of); amount_fen in CNY fen;
              ids 63-bit, 0 = absent; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH stated AS (
    -- One statement per reporter, asset and day; a revision has replaced what it corrects.
    SELECT
        p.transaction_id AS key,
        p.report,
        p.reference_id,
        epoch_us(p.event_timestamp) AS event_time,
        p.business_date,
        p.business_ordinal,
        p.market_segment,
        p.event_type,
        p.reporter,
        p.report_submitting_entity_id AS reporter_id,
        (p.amount_cny * 100)::BIGINT AS amount_fen,  -- null: not stated, which is not zero
        p.payer_party AS holder_party,
        p.payee_party AS other_party,
        p.payer_account AS account,
        p.counterparty_1_account_type AS account_type,
        p.asset,
        p.asset_reference_type,
        p.effective_date,
        p.expiration_date,
        p.pledge_status,
        p.credit_classification AS grade,  -- of a loan: NORMAL, WATCH, SUBSTD, DOUBT, LOSS
        p.counterparty_2_nature AS other_nature,  -- I for a natural person
        p.invoice,
        p.contract,
        p.counterparty_1_region AS holder_region,
        p.counterparty_2_region AS other_region,
        p.vantage_mask,
        -- Registers of loans and stocks are complete: what the newest one lacks, or says nothing is
        -- owed of, is over. Other statements speak of one account each.
        p.business_date = CASE
            WHEN p.market_segment IN ('LOAN', 'WRCT')
                THEN max(p.business_date) OVER (PARTITION BY p.reporter, p.market_segment)
            ELSE max(p.business_date) OVER (
                PARTITION BY p.reporter, CASE WHEN p.asset <> 0 THEN p.asset ELSE p.reference_id END
            )
        END AND NOT (p.market_segment = 'LOAN' AND coalesce(p.amount_cny = 0, false)) AS is_current
    FROM position AS p
    WHERE NOT p.is_duplicate AND p.known_to IS NULL
)
SELECT v.vantage, stated.* EXCLUDE (vantage_mask)
FROM stated
JOIN vantages() AS v ON v.mask = stated.vantage_mask & 15
