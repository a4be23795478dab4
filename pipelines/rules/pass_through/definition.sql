/* Pass-through: money comes in and leaves again within a day, nearly all of it.

   question : does a party pay out within 24 hours nearly what it received?
   grain    : one crossing per (vantage, subject, deciding payment)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC
   shown to : every vantage its own rows

   To a controller group a payment between its members is one between own accounts, and other
   parties of one group are one other. `member` is a party as far as it was in the group; it
   crosses for nobody.
*/
WITH side AS (
    -- Both sides of every payment, each with its group, and the other side's group or itself.
    SELECT
        vantage, key, event_time, amount_fen, false AS outgoing,
        payee_party AS party, payee_group AS controller, payer_party AS other,
        CASE WHEN payer_group <> 0 THEN payer_group ELSE payer_party END AS other_whole
    FROM tx
    WHERE event_code = 1 AND payee_party <> 0  -- PAYM
    UNION ALL
    SELECT
        vantage, key, event_time, amount_fen, true, payer_party, payer_group, payee_party,
        CASE WHEN payee_group <> 0 THEN payee_group ELSE payee_party END
    FROM tx
    WHERE event_code = 1 AND payer_party <> 0
),
move AS (
    -- Payments between two different subjects.
    SELECT 'pass_through' AS variant, party AS subject, 0 AS part, other AS met, side.*
    FROM side
    WHERE party <> other
    UNION ALL
    SELECT 'pass_through_group', controller, 0, other_whole, side.*
    FROM side
    WHERE controller <> 0 AND controller <> other_whole
    UNION ALL
    SELECT 'member', controller, party, other_whole, side.*
    FROM side
    WHERE controller <> 0 AND party <> other
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
            PARTITION BY variant, vantage, subject, part
            ORDER BY event_time, key ROWS UNBOUNDED PRECEDING
        ),
        gone AS (
            PARTITION BY variant, vantage, subject, part ORDER BY event_time
            RANGE BETWEEN UNBOUNDED PRECEDING AND p.window_us PRECEDING
        )
),
candidate AS (
    SELECT
        variant, vantage, subject, part, event_time AS instant, key AS deciding, coming, going
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
        c.*, w.key, w.event_time, w.outgoing, w.met, w.amount_fen,
        w.amount_fen::HUGEINT * 10000 >= c.coming * p.small_bp AS large
    FROM candidate AS c
    JOIN params AS p ON true
    JOIN move AS w
        ON w.variant = c.variant
        AND w.vantage = c.vantage
        AND w.subject = c.subject
        AND w.part = c.part
        AND w.event_time > c.instant - p.window_us
        AND (w.event_time, w.key) <= (c.instant, c.deciding)
),
fits AS (
    SELECT variant, vantage, subject, part, instant, deciding
    FROM seen, params AS p
    GROUP BY variant, vantage, subject, part, instant, deciding, p.most_counterparties
    HAVING count(DISTINCT met) FILTER (WHERE large) <= p.most_counterparties
),
running AS (
    -- What the party holds of the window's money after each of its movements.
    SELECT
        s.*,
        sum(CASE WHEN s.outgoing THEN -s.amount_fen ELSE s.amount_fen END) OVER (
            PARTITION BY variant, vantage, subject, part, instant, deciding
            ORDER BY s.event_time, s.key
        ) AS holds
    FROM fits
    JOIN seen AS s USING (variant, vantage, subject, part, instant, deciding)
),
crossing AS MATERIALIZED (
    SELECT
        'pass_through' AS rule,
        variant,
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
        variant, vantage, subject, part, instant, deciding, going, coming,
        p.band_2_in_fen, p.band_3_in_fen, p.in_before_out, p.overdraw_bp
    HAVING
        p.in_before_out = 0
        OR bool_and(holds * 10000 >= -coming * p.overdraw_bp) FILTER (WHERE outgoing)
)
SELECT rule, variant, vantage, subject, instant, measure, band, evidence
FROM crossing AS c, params AS p
-- What a member has crossed on by itself until then is not said of its group again.
WHERE
    variant <> 'member'
    AND NOT (
        variant = 'pass_through_group'
        AND p.lowest_level = 1
        AND EXISTS (
            SELECT 1
            FROM crossing AS m
            WHERE
                m.variant = 'member'
                AND m.vantage = c.vantage
                AND m.subject = c.subject
                AND m.instant <= c.instant
                AND list_has_any(m.evidence, c.evidence)
        )
    )
