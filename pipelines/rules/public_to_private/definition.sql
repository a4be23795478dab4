/* Public to private: a firm pays much of what came in to a few natural persons within three days.

   question : does a firm pay much of what it received within three days to a few natural persons?
   grain    : one crossing per (vantage, subject, deciding payment)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC
   shown to : every vantage its own rows
*/
WITH move AS (
    -- Of parties that are no persons: all that comes in from others, and what goes to persons in
    -- amounts that are no wage.
    SELECT
        vantage, payee_party AS subject, payer_party AS other, false AS outgoing,
        key, event_time, amount_fen
    FROM tx
    WHERE
        event_code = 1  -- PAYM
        AND payee_party <> 0
        AND payee_party <> payer_party
        AND flags & 2 = 0
    UNION ALL
    SELECT vantage, payer_party, payee_party, true, key, event_time, amount_fen
    FROM tx, params AS p
    WHERE
        event_code = 1
        AND payer_party <> 0
        AND payee_party <> payer_party
        AND flags & 1 = 0
        AND flags & 2 = 2
        AND amount_fen >= p.least_each_fen
),
summed AS (
    -- What came in and went to persons in the window that ends with each movement: everything up
    -- to it, less everything that had left the window by then.
    SELECT
        move.*,
        sum(CASE WHEN outgoing THEN 0 ELSE amount_fen END) OVER upto
        - coalesce(sum(CASE WHEN outgoing THEN 0 ELSE amount_fen END) OVER gone, 0) AS coming,
        sum(CASE WHEN outgoing THEN amount_fen ELSE 0 END) OVER upto
        - coalesce(sum(CASE WHEN outgoing THEN amount_fen ELSE 0 END) OVER gone, 0) AS going
    FROM move, params AS p
    WINDOW
        upto AS (
            PARTITION BY vantage, subject ORDER BY event_time, key ROWS UNBOUNDED PRECEDING
        ),
        gone AS (
            PARTITION BY vantage, subject ORDER BY event_time
            RANGE BETWEEN UNBOUNDED PRECEDING AND p.window_us PRECEDING
        )
),
candidate AS (
    SELECT vantage, subject, event_time AS instant, key AS deciding, coming, going
    FROM summed, params AS p
    WHERE
        outgoing
        AND coming >= p.least_in_fen
        AND going * 10000 BETWEEN coming * p.ratio_bp AND coming * p.ratio_high_bp
)
SELECT
    'public_to_private' AS rule,
    'public_to_private' AS variant,
    c.vantage::UTINYINT AS vantage,
    c.subject::BIGINT AS subject,
    c.instant,
    c.going::BIGINT AS measure,
    CASE
        WHEN c.going * 10000 >= c.coming * p.band_3_bp THEN 3
        WHEN c.going * 10000 >= c.coming * p.band_2_bp THEN 2
        ELSE 1
    END::UTINYINT AS band,
    coalesce(
        list_sort(
            list(w.key) FILTER (WHERE w.amount_fen::HUGEINT * 10000 >= c.coming * p.small_bp)
        ),
        []
    ) AS evidence
FROM candidate AS c
JOIN params AS p ON true
JOIN move AS w
    ON w.vantage = c.vantage
    AND w.subject = c.subject
    AND w.event_time > c.instant - p.window_us
    AND (w.event_time, w.key) <= (c.instant, c.deciding)
GROUP BY
    c.vantage, c.subject, c.instant, c.deciding, c.going, c.coming,
    p.band_2_bp, p.band_3_bp, p.most_persons
HAVING count(DISTINCT w.other) FILTER (WHERE w.outgoing) <= p.most_persons
