/* Reports of trades on both sides of which one account, one party or one group may stand.

   question : which trades could be trades with oneself?
   reads    : event, indicator, group_member, params
*/
WITH told AS MATERIALIZED (
    SELECT transaction_id AS key, market_segment, event_type,
        market_segment IN ('EQTY', 'FUTR') AS one_sided,
        CASE
            WHEN one_sided THEN venue_of_execution || '/' || venue_trade_id
            ELSE coalesce(unique_transaction_identifier, source_trade_id)
        END AS trade,
        payer_account, payer_party, payee_account, payee_party, report
    FROM event
    WHERE event_type IN ('TRAD', 'CNCL') AND market_segment IN ('EQTY', 'FUTR', 'BOND', 'DERV')
),
-- Reports that could show both sides: at an exchange those of one number, elsewhere each its own.
stood AS (
    SELECT market_segment, trade, 0::BIGINT AS told_by, report, 1 AS side,
        payer_account AS account, payer_party AS party
    FROM told WHERE event_type = 'TRAD' AND one_sided
    UNION ALL
    SELECT market_segment, trade, report, report, 1, payer_account, payer_party
    FROM told WHERE event_type = 'TRAD' AND NOT one_sided
    UNION ALL
    SELECT market_segment, trade, report, report, 2, payee_account, payee_party
    FROM told WHERE event_type = 'TRAD' AND NOT one_sided
),
-- A group may have changed since: whoever was in one together at any time.
known AS (
    SELECT * EXCLUDE (account, party), 'account' AS kind, account AS id FROM stood
    UNION ALL
    SELECT * EXCLUDE (account, party), 'party', party FROM stood
    UNION ALL
    SELECT s.* EXCLUDE (account, party), 'group', g.group_id
    FROM stood AS s
    JOIN (SELECT DISTINCT party, group_id FROM group_member) AS g ON g.party = s.party
),
own AS (
    SELECT DISTINCT market_segment, trade
    FROM known
    WHERE id <> 0
    GROUP BY market_segment, trade, told_by, kind, id
    HAVING count(DISTINCT (report, side)) > 1
)
SELECT told.key
FROM told
SEMI JOIN own ON own.market_segment = told.market_segment AND own.trade = told.trade
UNION
-- What exchanges say was traded in all.
SELECT report FROM indicator WHERE measure = 'TRADE_QTY'
