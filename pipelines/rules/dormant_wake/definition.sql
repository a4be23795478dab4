/* Dormant wake: an account or a customer is unused for long, then moves heavy sums in short time.

   question : does an account unused for a year suddenly move sums near the large-value line?
   grain    : one crossing per (variant, vantage, subject, deciding transfer)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC; days are Beijing days,
              business_ordinal is in business days
   shown to : every vantage its own rows
*/
WITH side AS (
    SELECT
        vantage, key, event_time, business_ordinal, amount_fen, false AS incoming,
        payer_account AS account, payer_party AS party, payer_agent & 7 AS home,
        payer_party <> payee_party AS foreign_side, flags & 1 = 1 AS person
    FROM tx
    WHERE event_code = 1 AND payer_party <> 0  -- PAYM
    UNION ALL
    SELECT
        vantage, key, event_time, business_ordinal, amount_fen, true,
        payee_account, payee_party, payee_agent & 7,
        payer_party <> payee_party, flags & 2 = 2
    FROM tx
    WHERE event_code = 1 AND payee_party <> 0
),
used AS (
    -- A region sees every use of the accounts at its own banks, and only part of others'. Accounts
    -- outside the four regions are left out.
    SELECT 'account' AS variant, account AS subject, side.*
    FROM side
    WHERE account <> 0 AND home <> 0 AND (vantage = home - 1 OR vantage = 4)
    UNION ALL
    SELECT 'customer', party, side.*
    FROM side
    WHERE home <> 0 AND (vantage = home - 1 OR vantage = 4)
),
dated AS (
    SELECT
        *,
        (event_time + 28800000000) // 86400000000 AS day
    FROM used
),
gap AS (
    -- A use wakes its subject if the last one before it lies so many days back. A first use ever
    -- wakes nothing: nobody knows how long the account had been there.
    SELECT
        dated.*,
        coalesce(day - lag(day) OVER uses >= p.dormant_days, false) AS wakes
    FROM dated, params AS p
    WINDOW uses AS (
        PARTITION BY variant, vantage, subject ORDER BY event_time, key, incoming
    )
),
woken AS (
    SELECT
        *,
        count(*) FILTER (WHERE wakes) OVER uses AS wake,
        max(business_ordinal) FILTER (WHERE wakes) OVER uses AS wake_ordinal
    FROM gap
    WINDOW uses AS (
        PARTITION BY variant, vantage, subject ORDER BY event_time, key, incoming
        ROWS UNBOUNDED PRECEDING
    )
),
flow AS (
    SELECT
        woken.*,
        CASE WHEN person THEN p.line_person_fen ELSE p.line_other_fen END AS line,
        sum(CASE WHEN incoming THEN amount_fen ELSE 0 END) OVER since AS came,
        sum(CASE WHEN incoming THEN 0 ELSE amount_fen END) OVER since AS went
    FROM woken, params AS p
    WHERE wake > 0 AND foreign_side AND business_ordinal < wake_ordinal + p.window_days
    WINDOW since AS (
        PARTITION BY variant, vantage, subject, wake ORDER BY event_time, key
        ROWS UNBOUNDED PRECEDING
    )
),
measured AS (
    -- Each side for itself: money that only passes is not counted twice.
    SELECT
        *,
        greatest(came, went) AS measure,
        greatest(
            came - CASE WHEN incoming THEN amount_fen ELSE 0 END,
            went - CASE WHEN incoming THEN 0 ELSE amount_fen END
        ) AS before
    FROM flow
),
crossed AS (
    SELECT
        m.*,
        (measure * 10000 >= line * p.heavy_bp)::INTEGER
        + (measure >= line * p.band_2_lines)::INTEGER
        + (measure >= line * p.band_3_lines)::INTEGER AS band,
        (before * 10000 >= line * p.heavy_bp)::INTEGER
        + (before >= line * p.band_2_lines)::INTEGER
        + (before >= line * p.band_3_lines)::INTEGER AS band_before
    FROM measured AS m, params AS p
    WHERE CASE WHEN p.once_a_band = 1 THEN band > band_before ELSE band > 0 END
)
SELECT
    'dormant_wake' AS rule,
    c.variant,
    c.vantage::UTINYINT AS vantage,
    c.subject::BIGINT AS subject,
    c.event_time AS instant,
    c.measure::BIGINT AS measure,
    c.band::UTINYINT AS band,
    list_sort(
        list(f.key ORDER BY f.event_time DESC, f.key DESC)[1:p.evidence_limit]
    ) AS evidence
FROM crossed AS c
JOIN params AS p ON true
JOIN flow AS f USING (variant, vantage, subject, wake)
WHERE (f.event_time, f.key) <= (c.event_time, c.key)
GROUP BY
    c.variant, c.vantage, c.subject, c.wake, c.event_time, c.key, c.measure, c.band,
    p.evidence_limit
