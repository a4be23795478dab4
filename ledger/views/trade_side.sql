/* Who stood on which side of every trade: at exchanges, between banks, over the counter.

   question : who bought, who sold, and which number do both sides of a trade have in common?
   grain    : one row per (vantage, key, side)
   reads    : event, group_member
   units    : event_time in us UTC; side 1 buys (or pays the first leg), 2 sells; quantity in lots or
              shares, in CNY of face value where there are none; amount_fen in CNY fen; trade null =
              no number stated; purpose null = not stated; groups as known at the trade; ids 63-bit,
              0 = absent; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
WITH told AS (
    SELECT
        e.transaction_id AS key,
        e.report,
        e.event_type,
        epoch_us(e.event_timestamp) AS event_time,
        e.business_ordinal,
        e.market_segment,
        coalesce(e.source_instrument_id, e.isin, e.unique_product_identifier, '') AS contract,
        -- A broker reports one side under the venue's number; elsewhere a report has both sides.
        e.market_segment IN ('EQTY', 'FUTR') AS one_sided,
        CASE
            WHEN one_sided THEN e.venue_of_execution || '/' || e.venue_trade_id
            ELSE coalesce(e.unique_transaction_identifier, e.source_trade_id)
        END AS trade,
        coalesce(e.side IN ('SELL', 'SHRT') OR e.direction_1 IN ('TAKE', 'SLLR'), false) AS sells,
        e.position_effect,
        e.trading_purpose AS purpose,
        coalesce(e.notional_quantity, e.notional_amount_leg_1)::DOUBLE AS quantity,
        coalesce((e.amount_cny * 100)::BIGINT, 0) AS amount_fen,
        e.payer_account, e.payer_party, e.payee_account, e.payee_party,
        e.vantage_mask
    FROM event AS e
    WHERE e.event_type IN ('TRAD', 'CNCL')
        AND e.market_segment IN ('EQTY', 'FUTR', 'BOND', 'DERV')
        AND NOT e.is_duplicate
        AND e.known_to IS NULL
),
held AS (
    SELECT v.vantage, told.* EXCLUDE (vantage_mask)
    FROM told
    JOIN vantages() AS v ON v.mask = told.vantage_mask & 15
),
-- A trade that was cancelled is none, as far as a vantage knows.
done AS (
    SELECT h.*
    FROM held AS h
    ANTI JOIN held AS c
        ON c.event_type = 'CNCL'
        AND c.vantage = h.vantage
        AND c.market_segment = h.market_segment
        AND c.trade = h.trade
    WHERE h.event_type = 'TRAD'
),
stood AS (
    SELECT
        * EXCLUDE (payer_account, payer_party, payee_account, payee_party),
        CASE WHEN sells THEN 2 ELSE 1 END::UTINYINT AS side,
        payer_account AS account,
        payer_party AS party
    FROM done
    UNION ALL BY NAME
    SELECT
        * EXCLUDE (payer_account, payer_party, payee_account, payee_party),
        CASE WHEN sells THEN 1 ELSE 2 END::UTINYINT AS side,
        payee_account AS account,
        payee_party AS party
    FROM done
    WHERE NOT one_sided
),
once AS (
    -- Both counterparties of a trade may report it: one row a side all the same.
    SELECT * EXCLUDE (event_type, one_sided, sells)
    FROM stood
    QUALIFY row_number() OVER (PARTITION BY vantage, key, side ORDER BY report) = 1
)
SELECT once.* EXCLUDE (report), coalesce(g.group_id, 0) AS group_id
FROM once
LEFT JOIN group_member AS g
    ON g.party = once.party
    AND g.valid_from <= once.event_time
    AND g.valid_to > once.event_time
