/* Trades whose buyer and seller are one account, one party, or parties of one controller.

   question : does somebody trade with itself, five times a day in one contract, or a fifth of it?
   grain    : one crossing per (variant, vantage, subject, contract, deciding trade or day)
   reads    : trade_side, market_total, params
   units    : measure in trades; instants in us UTC; quantity in lots or shares
   shown to : every vantage its own rows
*/
WITH side AS MATERIALIZED (
    SELECT vantage, key, event_time, business_ordinal, market_segment, contract, trade, side,
        quantity, account, party, group_id
    FROM trade_side
    WHERE trade IS NOT NULL AND coalesce(purpose, '') <> 'MKTM'
),
own AS MATERIALIZED (
    SELECT b.vantage, b.market_segment, b.contract, b.business_ordinal, b.trade,
        greatest(b.event_time, s.event_time) AS instant,
        least(b.quantity, s.quantity) AS quantity,
        [b.key, s.key] AS keys,
        b.account, b.party, b.group_id,
        b.account <> 0 AND b.account = s.account AS is_account,
        b.party <> 0 AND b.party = s.party AS is_party,
        b.group_id <> 0 AND b.group_id = s.group_id AS is_group,
        least(b.account, s.account) AS first_account,
        greatest(b.account, s.account) AS last_account,
        least(b.party, s.party) AS first_party,
        greatest(b.party, s.party) AS last_party
    FROM side AS b
    JOIN side AS s
        ON s.vantage = b.vantage
        AND s.market_segment = b.market_segment
        AND s.trade = b.trade
        AND s.side > b.side
),
-- At which level a trade is one with oneself. `low` and `high` range over what the next narrower
-- level tells apart: where all trades have one of it, the narrower level says the same already.
asked AS (
    SELECT *, 'one_account' AS variant, account AS subject, 0 AS low, 1 AS high
    FROM own WHERE is_account AND market_segment = 'FUTR'
    UNION ALL
    SELECT *, 'one_party', party, first_account, last_account
    FROM own WHERE is_party AND market_segment = 'FUTR'
    UNION ALL
    SELECT *, 'one_group', group_id, first_party, last_party
    FROM own WHERE is_group AND market_segment = 'FUTR'
    UNION ALL
    SELECT *, 'other_party', party, 0, 1
    FROM own WHERE is_party AND market_segment <> 'FUTR'
    UNION ALL
    SELECT *, 'other_group', group_id, first_party, last_party
    FROM own WHERE is_group AND market_segment <> 'FUTR'
),
counted AS (
    SELECT variant, vantage, subject, instant,
        count(*) OVER day_line AS trades,
        min(low) OVER day_line < max(high) OVER day_line AS is_wider,
        flatten(list(keys) OVER day_line) AS evidence
    FROM asked
    WINDOW day_line AS (
        PARTITION BY variant, vantage, subject, market_segment, contract, business_ordinal
        ORDER BY instant, trade ROWS UNBOUNDED PRECEDING
    )
),
-- What of a contract somebody traded with itself, by trading day.
day AS (
    SELECT 'share_party' AS variant, vantage, party AS subject, market_segment, contract,
        business_ordinal, max(instant) AS instant, sum(quantity) AS quantity, count(*) AS trades,
        0 AS low, 1 AS high, flatten(list(keys)) AS keys
    FROM own WHERE is_party
    GROUP BY ALL
    UNION ALL
    SELECT 'share_group', vantage, group_id, market_segment, contract,
        business_ordinal, max(instant), sum(quantity), count(*),
        min(first_party), max(last_party), flatten(list(keys))
    FROM own WHERE is_group
    GROUP BY ALL
),
run AS (
    SELECT d.variant, d.vantage, d.subject, d.market_segment, d.contract, d.business_ordinal,
        max(w.instant) AS instant, sum(w.quantity) AS quantity, sum(w.trades) AS trades,
        min(w.low) < max(w.high) AS is_wider, flatten(list(w.keys)) AS evidence
    FROM day AS d
    CROSS JOIN params AS p
    JOIN day AS w
        ON w.variant = d.variant
        AND w.vantage = d.vantage
        AND w.subject = d.subject
        AND w.market_segment = d.market_segment
        AND w.contract = d.contract
        AND w.business_ordinal BETWEEN d.business_ordinal - p.window_days + 1
            AND d.business_ordinal
    GROUP BY d.variant, d.vantage, d.subject, d.market_segment, d.contract, d.business_ordinal
),
-- The exchange's own count of the same days; a day without it, and nothing is judged.
total AS (
    SELECT r.vantage, r.market_segment, r.contract, r.business_ordinal,
        sum(t.quantity) AS quantity, max(t.event_time) AS event_time
    FROM (SELECT DISTINCT vantage, market_segment, contract, business_ordinal FROM run) AS r
    CROSS JOIN params AS p
    JOIN market_total AS t
        ON t.vantage = r.vantage
        AND t.market_segment = r.market_segment
        AND t.contract = r.contract
        AND t.business_ordinal BETWEEN r.business_ordinal - p.window_days + 1
            AND r.business_ordinal
    GROUP BY r.vantage, r.market_segment, r.contract, r.business_ordinal, p.window_days
    HAVING count(DISTINCT t.business_ordinal) = p.window_days
),
reached AS (
    SELECT c.variant, c.vantage, c.subject, c.instant, c.trades,
        CASE WHEN c.trades >= p.band_2_trades THEN 2 ELSE 1 END AS band, c.evidence
    FROM counted AS c
    CROSS JOIN params AS p
    WHERE c.trades >= p.least_trades AND c.is_wider
    UNION ALL
    SELECT r.variant, r.vantage, r.subject, greatest(r.instant, t.event_time), r.trades,
        CASE WHEN r.quantity * 10000 >= t.quantity * p.band_2_share_bp THEN 2 ELSE 1 END,
        r.evidence
    FROM run AS r
    CROSS JOIN params AS p
    JOIN total AS t
        ON t.vantage = r.vantage
        AND t.market_segment = r.market_segment
        AND t.contract = r.contract
        AND t.business_ordinal = r.business_ordinal
    WHERE r.quantity * 10000 >= t.quantity * p.least_share_bp AND r.is_wider
)
SELECT
    'self_matched_trade' AS rule,
    variant,
    vantage::UTINYINT AS vantage,
    subject::BIGINT AS subject,
    instant::BIGINT AS instant,
    trades::BIGINT AS measure,
    band::UTINYINT AS band,
    list_sort(list_distinct(evidence)) AS evidence
FROM reached
