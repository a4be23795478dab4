/* Purchases and settlements of foreign currency by persons.

   question : who bought or sold how much currency where, and who acted or was paid?
   grain    : one row per (vantage, key)
   reads    : event, rate
   units    : event_time in us UTC; day in days since 1970, Beijing; usd_cents at the rate of the
              day, null = no rate; amount_fen in CNY fen; ids 63-bit, 0 = absent; vantage 0-3 the
              regions, 4 joint
   shown to : every vantage its own rows
*/
WITH newest AS (
    -- A correction takes the place of what it corrects; a deal that was cancelled is none.
    SELECT *
    FROM event
    WHERE event_type IN ('PURC', 'SELL') AND NOT is_duplicate AND known_to IS NULL
    QUALIFY row_number() OVER (
        PARTITION BY transaction_id ORDER BY revision_number DESC, known_from DESC, report
    ) = 1
),
deal AS (
    SELECT
        n.transaction_id AS key,
        n.report,
        epoch_us(n.event_timestamp) AS event_time,
        (epoch_us(n.event_timestamp) + 28800000000) // 86400000000 AS day,
        n.event_type AS act,
        n.payer_party AS person,
        n.payer_account AS account,
        n.representative,
        n.payee_account,  -- of the remittance that goes with a purchase
        n.payee_party,
        n.counterparty_2_residency AS payee_country,
        n.purpose_code,
        n.quota_counted,
        n.notional_currency_1 AS currency,
        CASE
            WHEN n.notional_currency_1 = 'USD' THEN n.notional_amount_leg_1 * 100
            ELSE (n.amount_cny * 100)::DOUBLE / r.cny::DOUBLE
        END::BIGINT AS usd_cents,
        (n.amount_cny * 100)::BIGINT AS amount_fen,
        n.counterparty_1_region AS region,
        n.reporter,
        n.vantage_mask
    FROM newest AS n
    LEFT JOIN rate AS r
        ON r.currency = 'USD'
        AND n.business_date BETWEEN r.valid_from AND coalesce(r.valid_to, DATE '9999-12-31')
    WHERE n.action_type <> 'EROR' AND n.payer_party <> 0
)
SELECT v.vantage, deal.* EXCLUDE (vantage_mask)
FROM deal
JOIN vantages() AS v ON v.mask = deal.vantage_mask & 15
