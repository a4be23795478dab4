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
seen AS (
    -- For each payment a party makes, what it received and paid in the window that ends there.
    SELECT
        d.vantage,
        d.subject,
        d.event_time AS instant,
        d.key AS deciding,
        w.key,
        w.event_time,
        w.outgoing,
        w.other,
        w.amount_fen
    FROM move AS d
    JOIN params AS p ON true
    JOIN move AS w
        ON w.vantage = d.vantage
        AND w.subject = d.subject
        AND w.event_time > d.event_time - p.window_us
        AND (w.event_time, w.key) <= (d.event_time, d.key)
    WHERE d.outgoing
),
fits AS (
    SELECT
        vantage,
        subject,
        instant,
        deciding,
        coalesce(sum(amount_fen) FILTER (WHERE NOT outgoing), 0) AS coming,
        sum(amount_fen) FILTER (WHERE outgoing) AS going
    FROM seen, params AS p
    GROUP BY
        vantage, subject, instant, deciding, p.least_in_fen, p.ratio_low_bp, p.ratio_high_bp,
        p.most_counterparties, p.most_transfers
    HAVING
        coming >= p.least_in_fen
        AND going * 10000 BETWEEN coming * p.ratio_low_bp AND coming * p.ratio_high_bp
        AND count(DISTINCT other) <= p.most_counterparties
        AND count(*) <= p.most_transfers
),
running AS (
    -- What the party holds of the window's money after each of its movements.
    SELECT
        f.*,
        s.key,
        s.outgoing,
        sum(CASE WHEN s.outgoing THEN -s.amount_fen ELSE s.amount_fen END) OVER (
            PARTITION BY vantage, subject, instant, deciding ORDER BY s.event_time, s.key
        ) AS holds
    FROM fits AS f
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
    list_sort(list(key)) AS evidence
FROM running, params AS p
GROUP BY
    vantage, subject, instant, deciding, going, coming,
    p.band_2_in_fen, p.band_3_in_fen, p.in_before_out
HAVING p.in_before_out = 0 OR bool_and(holds >= 0) FILTER (WHERE outgoing)
