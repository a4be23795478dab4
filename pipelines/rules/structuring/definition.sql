/* Structuring: transfers kept just under the large-value line, frequently.

   question : does a payer keep paying amounts just under the large-value reporting line?
   grain    : one crossing per (variant, vantage, subject, deciding transfer)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC; business_ordinal in days
   shown to : every vantage its own rows

   A controller group is a payer like any other, to whom a transfer to one of its members is one
   between own accounts. `member` is a party as far as it was in the group; it crosses for nobody.
*/
WITH near AS (
    -- Transfers to another party in [near_low x line, line); the line goes by who pays.
    SELECT
        tx.vantage,
        tx.key,
        tx.event_time,
        tx.business_ordinal AS day,
        tx.amount_fen,
        tx.payer_party,
        tx.payee_party,
        tx.payer_group,
        CASE WHEN tx.payee_group <> 0 THEN tx.payee_group ELSE tx.payee_party END AS payee_whole,
        CASE WHEN tx.flags & 1 = 1 THEN p.line_person_fen ELSE p.line_other_fen END AS line
    FROM tx, params AS p
    WHERE
        tx.event_code = 1  -- PAYM
        AND tx.payer_party <> 0
        AND tx.payer_party <> tx.payee_party
        AND tx.amount_fen < line
        AND tx.amount_fen::HUGEINT * 10000 >= line::HUGEINT * p.near_low_bp
),
watched AS (
    SELECT
        'same_pair' AS variant,
        greatest(
            xor(payer_party, ((payee_party & 4294967295) << 31) | (payee_party >> 32)), 1
        ) AS subject,
        0 AS part,
        *
    FROM near
    WHERE payee_party <> 0
    UNION ALL
    SELECT 'same_customer', payer_party, 0, *
    FROM near
    UNION ALL
    SELECT 'same_controller', payer_group, 0, *
    FROM near
    WHERE payer_group <> 0 AND payer_group <> payee_whole
    UNION ALL
    SELECT 'member', payer_group, payer_party, *
    FROM near
    WHERE payer_group <> 0
),
seen AS (
    -- For each transfer, the near-line transfers of its subject up to and including it that lie
    -- in the window of business days ending on its day.
    SELECT
        d.variant,
        d.vantage,
        d.subject,
        d.part,
        d.event_time AS instant,
        d.key AS deciding,
        d.day AS today,
        d.line,
        w.key,
        w.event_time,
        w.day,
        w.amount_fen
    FROM watched AS d
    JOIN params AS p ON true
    JOIN watched AS w
        ON w.variant = d.variant
        AND w.vantage = d.vantage
        AND w.subject = d.subject
        AND w.part = d.part
        AND w.day > d.day - p.window_days
        AND w.day <= d.day
        AND (w.event_time, w.key) <= (d.event_time, d.key)
),
daily AS (
    SELECT
        variant, vantage, subject, part, instant, deciding, today, line, day,
        count(*) AS transfers,
        -- 0 for today, 1 for the last day before it that has a transfer, ...
        row_number() OVER (
            PARTITION BY variant, vantage, subject, part, instant, deciding ORDER BY day DESC
        ) - 1 AS rank
    FROM seen
    GROUP BY variant, vantage, subject, part, instant, deciding, today, line, day
),
frequent AS (
    SELECT variant, vantage, subject, part, instant, deciding, line
    FROM daily, params AS p
    GROUP BY
        variant, vantage, subject, part, instant, deciding, line, p.times_a_day, p.days_running
    HAVING
        max(transfers) >= p.times_a_day
        OR count(*) FILTER (WHERE today - day = rank) >= p.days_running
),
crossing AS MATERIALIZED (
    SELECT
        'structuring' AS rule,
        f.variant,
        f.vantage::UTINYINT AS vantage,
        f.subject::BIGINT AS subject,
        f.instant,
        sum(s.amount_fen)::BIGINT AS measure,
        CASE
            WHEN measure >= p.band_3_lines * f.line THEN 3
            WHEN measure >= p.band_2_lines * f.line THEN 2
            ELSE 1
        END::UTINYINT AS band,
        list_sort(
            list(s.key ORDER BY s.event_time DESC, s.key DESC)[1:p.evidence_limit]
        ) AS evidence
    FROM frequent AS f
    JOIN params AS p ON true
    JOIN seen AS s USING (variant, vantage, subject, part, instant, deciding)
    GROUP BY
        f.variant, f.vantage, f.subject, f.part, f.instant, f.deciding, f.line,
        p.band_2_lines, p.band_3_lines, p.evidence_limit
)
SELECT rule, variant, vantage, subject, instant, measure, band, evidence
FROM crossing AS c, params AS p
-- What a member has crossed on by itself until then is not said of its group again.
WHERE
    variant <> 'member'
    AND NOT (
        variant = 'same_controller'
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
