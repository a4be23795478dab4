/* Pass-through: money comes in and leaves again within a day, nearly all of it.

   question : does a party pay out within 24 hours nearly what it received?
   grain    : one crossing per (vantage, subject, deciding payment)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC
   shown to : every vantage its own rows
*/
WITH move AS (
    -- Both sides of every payment between two different parties.
    SELECT
        vantage, payee_party AS subject, payer_party AS other, false AS outgoing,
        key, event_time, amount_fen
    FROM tx
    WHERE event_code = 1 AND payee_party <> 0 AND payee_party <> payer_party  -- PAYM
    UNION ALL
    SELECT vantage, payer_party, payee_party, true, key, event_time, amount_fen
    FROM tx
    WHERE event_code = 1 AND payer_party <> 0 AND payee_party <> payer_party
),
summed AS (
    -- What came in and went out in the window that ends with each movement: everything up to it,
    -- less everything that had left the window by then.
    SELECT
        move.*,
        sum(CASE WHEN outgoing THEN 0 ELSE amount_fen END) OVER upto
        - coalesce(sum(CASE WHEN outgoing THEN 0 ELSE amount_fen END) OVER gone, 0) AS coming,
        sum(CASE WHEN outgoing THEN amount_fen ELSE 0 END) OVER upto
        - coalesce(sum(CASE WHEN outgoing THEN amount_fen ELSE 0 END) OVER gone, 0) AS going,
        count(*) OVER upto - count(*) OVER gone AS transfers
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
        AND going * 10000 BETWEEN coming * p.ratio_low_bp AND coming * p.ratio_high_bp
        AND transfers <= p.most_transfers
        AND amount_fen::HUGEINT * 10000 >= coming * p.small_bp
),
seen AS (
    -- The closer look, at those only: the movements of the window. Small ones are everyday
    -- spending: they count in the sums, but name no other party and are no evidence.
    SELECT
        c.*, w.key, w.event_time, w.outgoing, w.other, w.amount_fen,
        w.amount_fen::HUGEINT * 10000 >= c.coming * p.small_bp AS large
    FROM candidate AS c
    JOIN params AS p ON true
    JOIN move AS w
        ON w.vantage = c.vantage
        AND w.subject = c.subject
        AND w.event_time > c.instant - p.window_us
        AND (w.event_time, w.key) <= (c.instant, c.deciding)
),
fits AS (
    SELECT vantage, subject, instant, deciding
    FROM seen, params AS p
    GROUP BY vantage, subject, instant, deciding, p.most_counterparties
    HAVING count(DISTINCT other) FILTER (WHERE large) <= p.most_counterparties
),
running AS (
    -- What the party holds of the window's money after each of its movements.
    SELECT
        s.*,
        sum(CASE WHEN s.outgoing THEN -s.amount_fen ELSE s.amount_fen END) OVER (
            PARTITION BY vantage, subject, instant, deciding ORDER BY s.event_time, s.key
        ) AS holds
    FROM fits
    JOIN seen AS s USING (vantage, subject, instant, deciding)
)
SELECT
    'pass_through' AS rule,
    'pass_through' AS variant,
    vantage::UTINYINT AS vantage,
    subject::BIGINT AS subject,
    instant,
    going::BIGINT AS measure,
    CASE
        WHEN coming >= p.band_3_in_fen THEN 3 WHEN coming >= p.band_2_in_fen THEN 2 ELSE 1
    END::UTINYINT AS band,
    list_sort(list(key) FILTER (WHERE large)) AS evidence
FROM running, params AS p
GROUP BY
    vantage, subject, instant, deciding, going, coming,
    p.band_2_in_fen, p.band_3_in_fen, p.in_before_out, p.overdraw_bp
HAVING
    p.in_before_out = 0
    OR bool_and(holds * 10000 >= -coming * p.overdraw_bp) FILTER (WHERE outgoing)
