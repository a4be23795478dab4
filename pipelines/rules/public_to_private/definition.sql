/* Public to private: a firm pays much of what came in to a few natural persons within three days.

   question : does a firm pay much of what it received within three days to a few natural persons?
   grain    : one crossing per (vantage, subject, deciding payment)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC
   shown to : every vantage its own rows

   To a controller group what one of its firms pays another is no money that comes in; what they
   pay to a person of the group has left the firms like any other. `member` is a party as far as
   it was in the group; it crosses for nobody.
*/
WITH side AS (
    -- Of parties that are no persons: all that comes in, and what goes to persons in amounts that
    -- are no wage; each with its group, and the other side's group or itself.
    SELECT
        vantage, key, event_time, amount_fen, false AS outgoing,
        payee_party AS party, payee_group AS controller, payer_party AS other,
        CASE WHEN payer_group <> 0 THEN payer_group ELSE payer_party END AS other_whole
    FROM tx
    WHERE event_code = 1 AND payee_party <> 0 AND flags & 2 = 0  -- PAYM
    UNION ALL
    SELECT
        vantage, key, event_time, amount_fen, true, payer_party, payer_group, payee_party,
        CASE WHEN payee_group <> 0 THEN payee_group ELSE payee_party END
    FROM tx, params AS p
    WHERE
        event_code = 1
        AND payer_party <> 0
        AND flags & 1 = 0
        AND flags & 2 = 2
        AND amount_fen >= p.least_each_fen
),
move AS (
    SELECT 'public_to_private' AS variant, party AS subject, 0 AS part, other AS met, side.*
    FROM side
    WHERE party <> other
    UNION ALL
    SELECT 'public_to_private_group', controller, 0, other_whole, side.*
    FROM side
    WHERE controller <> 0 AND party <> other AND (outgoing OR controller <> other_whole)
    UNION ALL
    SELECT 'member', controller, party, other_whole, side.*
    FROM side
    WHERE controller <> 0 AND party <> other
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
        AND going * 10000 BETWEEN coming * p.ratio_bp AND coming * p.ratio_high_bp
),
crossing AS MATERIALIZED (
    SELECT
        'public_to_private' AS rule,
        c.variant,
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
        ON w.variant = c.variant
        AND w.vantage = c.vantage
        AND w.subject = c.subject
        AND w.part = c.part
        AND w.event_time > c.instant - p.window_us
        AND (w.event_time, w.key) <= (c.instant, c.deciding)
    GROUP BY
        c.variant, c.vantage, c.subject, c.part, c.instant, c.deciding, c.going, c.coming,
        p.band_2_bp, p.band_3_bp, p.most_persons
    HAVING count(DISTINCT w.met) FILTER (WHERE w.outgoing) <= p.most_persons
)
SELECT rule, variant, vantage, subject, instant, measure, band, evidence
FROM crossing AS c, params AS p
-- What a member has crossed on by itself until then is not said of its group again.
WHERE
    variant <> 'member'
    AND NOT (
        variant = 'public_to_private_group'
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
