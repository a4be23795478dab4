/* A controller's share of what was traded of a contract in ten trading days.

   question : does somebody stand on a side of a fifth, or half, of all trades in a contract?
   grain    : one crossing per (variant, vantage, subject, contract, trading day)
   reads    : trade_side, market_total, params
   units    : measure in basis points of the exchange's total; instants in us UTC
   shown to : every vantage its own rows
*/
WITH asked AS MATERIALIZED (
    SELECT vantage, key, event_time, business_ordinal, market_segment, contract, trade, quantity,
        'one_party' AS variant, party AS subject, 0 AS low, 1 AS high
    FROM trade_side
    WHERE market_segment IN ('EQTY', 'FUTR') AND party <> 0 AND coalesce(purpose, '') <> 'MKTM'
    UNION ALL
    -- What one party traded alone is that party's share, not the group's.
    SELECT vantage, key, event_time, business_ordinal, market_segment, contract, trade, quantity,
        'one_group', group_id, party, party
    FROM trade_side
    WHERE market_segment IN ('EQTY', 'FUTR') AND group_id <> 0 AND coalesce(purpose, '') <> 'MKTM'
),
-- Whoever stands on both sides of a trade took part in it once.
traded AS (
    SELECT variant, vantage, subject, market_segment, contract, business_ordinal,
        coalesce(trade, key::VARCHAR) AS trade, max(quantity) AS quantity,
        max(event_time) AS instant, min(low) AS low, max(high) AS high, list(key) AS keys
    FROM asked
    GROUP BY ALL
),
day AS MATERIALIZED (
    SELECT variant, vantage, subject, market_segment, contract, business_ordinal,
        sum(quantity) AS quantity, max(instant) AS instant, min(low) AS low, max(high) AS high,
        flatten(list(keys)) AS keys
    FROM traded
    GROUP BY ALL
),
-- The exchange's count of the days that end with each; a day without it, and nothing is judged.
total AS (
    SELECT d.vantage, d.market_segment, d.contract, d.business_ordinal,
        sum(t.quantity) AS quantity, max(t.event_time) AS event_time
    FROM (SELECT DISTINCT vantage, market_segment, contract, business_ordinal FROM day) AS d
    CROSS JOIN params AS p
    JOIN market_total AS t
        ON t.vantage = d.vantage
        AND t.market_segment = d.market_segment
        AND t.contract = d.contract
        AND t.business_ordinal BETWEEN d.business_ordinal - p.window_days + 1
            AND d.business_ordinal
    GROUP BY d.vantage, d.market_segment, d.contract, d.business_ordinal, p.window_days
    HAVING count(DISTINCT t.business_ordinal) = p.window_days
),
run AS (
    SELECT d.variant, d.vantage, d.subject, d.market_segment, d.contract,
        greatest(d.instant, t.event_time) AS instant,
        floor(sum(w.quantity) * 10000 / t.quantity) AS share_bp,
        CASE WHEN min(w.low) < max(w.high) THEN 2 ELSE 1 END AS parties,
        flatten(list(w.keys)) AS evidence
    FROM day AS d
    CROSS JOIN params AS p
    JOIN total AS t
        ON t.vantage = d.vantage
        AND t.market_segment = d.market_segment
        AND t.contract = d.contract
        AND t.business_ordinal = d.business_ordinal
        AND t.quantity > 0
    JOIN day AS w
        ON w.variant = d.variant
        AND w.vantage = d.vantage
        AND w.subject = d.subject
        AND w.market_segment = d.market_segment
        AND w.contract = d.contract
        AND w.business_ordinal BETWEEN d.business_ordinal - p.window_days + 1
            AND d.business_ordinal
    GROUP BY d.variant, d.vantage, d.subject, d.market_segment, d.contract, d.business_ordinal,
        d.instant, t.event_time, t.quantity
)
SELECT
    'volume_share' AS rule,
    r.variant,
    r.vantage::UTINYINT AS vantage,
    r.subject::BIGINT AS subject,
    r.instant::BIGINT AS instant,
    r.share_bp::BIGINT AS measure,
    CASE WHEN r.share_bp >= p.band_2_share_bp THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(r.evidence)) AS evidence
FROM run AS r
CROSS JOIN params AS p
WHERE r.share_bp >= p.least_share_bp AND r.parties >= p.least_parties
