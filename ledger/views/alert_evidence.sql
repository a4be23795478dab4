/* The transactions behind each alert, as all four regions together know them.

   question : which transactions are an alert's evidence, and who holds a report of each?
   grain    : one row per (alert_id, transaction_id, start)
   reads    : alert, tx
   units    : event_time in us UTC; amount_fen in CNY fen; seen_by lists region codes
   shown to : joint cases only
*/
WITH named AS (
    SELECT alert_id, unnest(evidence) AS key
    FROM alert
    WHERE NOT withdrawn AND known_to IS NULL
),
involved AS (
    SELECT * FROM tx WHERE key IN (SELECT key FROM named)
),
holders AS (
    SELECT key, start, list(code ORDER BY code) AS seen_by
    FROM involved
    JOIN (VALUES (0, '310000'), (1, '320000'), (2, '330000'), (3, '340000')) AS r (vantage, code)
        USING (vantage)
    GROUP BY key, start
)
SELECT
    named.alert_id,
    joint.transaction_id,
    joint.start,
    joint.event_time,
    beijing(instant_of(joint.event_time)) AS event_time_beijing,
    joint.event_type,
    joint.market_segment,
    joint.amount_fen,
    joint.payer_party,
    joint.payee_party,
    joint.payer_account,
    joint.payee_account,
    joint.payer_region,
    joint.payee_region,
    joint.asset,
    joint.flags,
    joint.legs,
    coalesce(holders.seen_by, []) AS seen_by
FROM named
JOIN involved AS joint ON joint.key = named.key AND joint.vantage = 4
LEFT JOIN holders ON holders.key = joint.key AND holders.start = joint.start
