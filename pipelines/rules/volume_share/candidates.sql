/* Trades of contracts of which somebody, or a group, may have had enough of the volume.

   question : which trades could belong to a share that reaches the line?
   reads    : event, indicator, group_member, params
*/
WITH told AS MATERIALIZED (
    SELECT transaction_id AS key, event_type, market_segment, source_instrument_id AS contract,
        business_ordinal, notional_quantity::DOUBLE AS quantity, payer_party AS party
    FROM event
    WHERE event_type IN ('TRAD', 'CNCL') AND market_segment IN ('EQTY', 'FUTR')
),
-- A group may have changed since: whoever was in one together at any time.
asked AS MATERIALIZED (
    SELECT *, party AS subject FROM told WHERE event_type = 'TRAD' AND party <> 0
    UNION ALL
    SELECT t.*, g.group_id
    FROM told AS t
    JOIN (SELECT DISTINCT party, group_id FROM group_member) AS g ON g.party = t.party
    WHERE t.event_type = 'TRAD'
),
day AS (
    SELECT market_segment, contract, subject, business_ordinal, sum(quantity) AS quantity
    FROM asked
    GROUP BY ALL
),
-- The least that was ever said of a day: a total may have been corrected.
total AS (
    SELECT market_segment, breakdown AS contract, business_ordinal,
        min(measure_value)::DOUBLE AS quantity
    FROM indicator
    WHERE measure = 'TRADE_QTY' AND period_frequency = 'D'
    GROUP BY ALL
),
run AS (
    SELECT d.market_segment, d.contract, d.subject, d.business_ordinal,
        sum(w.quantity) AS quantity
    FROM day AS d
    CROSS JOIN params AS p
    JOIN day AS w
        ON w.market_segment = d.market_segment
        AND w.contract = d.contract
        AND w.subject = d.subject
        AND w.business_ordinal BETWEEN d.business_ordinal - p.window_days + 1
            AND d.business_ordinal
    GROUP BY ALL
),
every AS (
    SELECT d.market_segment, d.contract, d.business_ordinal, sum(t.quantity) AS quantity
    FROM (SELECT DISTINCT market_segment, contract, business_ordinal FROM day) AS d
    CROSS JOIN params AS p
    JOIN total AS t
        ON t.market_segment = d.market_segment
        AND t.contract = d.contract
        AND t.business_ordinal BETWEEN d.business_ordinal - p.window_days + 1
            AND d.business_ordinal
    GROUP BY ALL
),
enough AS (
    SELECT DISTINCT r.market_segment, r.contract, r.subject
    FROM run AS r
    CROSS JOIN params AS p
    JOIN every AS e
        ON e.market_segment = r.market_segment
        AND e.contract = r.contract
        AND e.business_ordinal = r.business_ordinal
    WHERE r.quantity * 10000 >= e.quantity * p.least_share_bp
)
SELECT a.key
FROM asked AS a
SEMI JOIN enough AS n
    ON n.market_segment = a.market_segment
    AND n.contract = a.contract
    AND n.subject = a.subject
UNION
SELECT key FROM told WHERE event_type = 'CNCL'
UNION
-- What exchanges say was traded in all.
SELECT report FROM indicator WHERE measure = 'TRADE_QTY'
