/* Receipts of a good piled up together with a futures position that gains from its price.

   question : does a controller build up spot goods and buy futures on the same good?
   grain    : one crossing per (variant, vantage, subject, variety, act or fill that keeps both up)
   reads    : receipt_act, trade_side, group_member, params
   units    : measure in CNY fen; instants in us UTC
   shown to : every vantage its own rows
*/
WITH spot AS (
    -- Goods that come into somebody's hands count up, goods that leave them down.
    SELECT vantage, key, event_time, lower(variety) AS variety, owner AS party,
        CASE act WHEN 'ISSU' THEN 1 ELSE -1 END * value_fen AS fen
    FROM receipt_act
    WHERE act IN ('ISSU', 'TRFR', 'DLVR', 'CNCL')
    UNION ALL
    SELECT vantage, key, event_time, lower(variety), taker, value_fen
    FROM receipt_act
    WHERE act = 'TRFR'
),
move AS (
    SELECT s.*, coalesce(g.group_id, 0) AS group_id, true AS is_spot
    FROM spot AS s
    LEFT JOIN group_member AS g
        ON g.party = s.party AND g.valid_from <= s.event_time AND g.valid_to > s.event_time
    WHERE s.fen IS NOT NULL
    UNION ALL BY NAME
    -- Approved hedges and market making are exempt; a hedger of goods sells futures anyway.
    SELECT vantage, key, event_time, lower(regexp_extract(contract, '^[A-Za-z]+')) AS variety,
        party, CASE side WHEN 1 THEN 1 ELSE -1 END * amount_fen AS fen, group_id, false AS is_spot
    FROM trade_side
    WHERE market_segment = 'FUTR' AND coalesce(purpose, '') NOT IN ('HEDG', 'MKTM')
),
asked AS (
    SELECT 'one_party' AS variant, party AS subject, 0 AS low, 1 AS high, *
    FROM move WHERE party <> 0
    UNION ALL
    -- Where one party alone holds both, the group says nothing more.
    SELECT 'one_group', group_id, party, party, *
    FROM move WHERE group_id <> 0 AND party <> 0
),
paired AS (
    SELECT a.*
    FROM asked AS a
    SEMI JOIN (
        SELECT variant, vantage, subject, variety
        FROM asked
        GROUP BY ALL
        HAVING bool_or(is_spot) AND NOT bool_and(is_spot)
    ) AS m
        ON m.variant = a.variant
        AND m.vantage = a.vantage
        AND m.subject = a.subject
        AND m.variety = a.variety
),
built AS (
    SELECT b.variant, b.vantage, b.subject, b.event_time,
        coalesce(sum(b.fen) FILTER (WHERE b.is_spot) OVER lately, 0) AS spot_fen,
        coalesce(sum(b.fen) FILTER (WHERE NOT b.is_spot) OVER lately, 0) AS future_fen,
        min(b.low) OVER lately < max(b.high) OVER lately AS is_wider,
        list(b.key) OVER lately AS keys
    FROM paired AS b
    CROSS JOIN params AS p
    WINDOW lately AS (
        PARTITION BY b.variant, b.vantage, b.subject, b.variety
        ORDER BY b.event_time
        RANGE BETWEEN p.window_days * 86400000000 - 1 PRECEDING AND CURRENT ROW
    )
)
SELECT DISTINCT
    'spot_futures' AS rule,
    b.variant,
    b.vantage::UTINYINT AS vantage,
    b.subject::BIGINT AS subject,
    b.event_time::BIGINT AS instant,
    least(b.spot_fen, b.future_fen)::BIGINT AS measure,
    CASE WHEN measure >= p.band_2_fen THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(b.keys)) AS evidence
FROM built AS b
CROSS JOIN params AS p
WHERE b.spot_fen >= p.least_spot_fen AND b.future_fen >= p.least_future_fen AND b.is_wider
