/* Large value: what a customer receives or pays in a day, one side at a time, reaches the line.

   question : whose day reaches the large-value line, at one institution or only over several?
   grain    : one crossing per (variant, vantage, subject, side, line, deciding transfer)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC; days are Beijing days
   shown to : every vantage its own rows

   A controller group sums what its members have at institutions at which no report is due on
   them; a transfer between members is one between own accounts. `member` is a party as far as it
   was in the group; it crosses for nobody.
*/
WITH side AS (
    -- Both sides of every transfer whose customer and institution are known. Persons have one line
    -- for domestic transfers and one for cross-border ones, each with a sum of its own.
    SELECT
        vantage, key, event_time, amount_fen, true AS outgoing,
        payer_party AS party, payer_group AS controller, payee_party AS other,
        CASE WHEN payee_group <> 0 THEN payee_group ELSE payee_party END AS other_whole,
        payer_agent >> 3 AS institution,
        CASE WHEN flags & 1 = 0 THEN 2 WHEN flags & 4 = 4 THEN 1 ELSE 0 END AS kind
    FROM tx
    WHERE event_code = 1 AND payer_party <> 0 AND payer_agent <> 0  -- PAYM
    UNION ALL
    SELECT
        vantage, key, event_time, amount_fen, false, payee_party, payee_group, payer_party,
        CASE WHEN payer_group <> 0 THEN payer_group ELSE payer_party END, payee_agent >> 3,
        CASE WHEN flags & 2 = 0 THEN 2 WHEN flags & 4 = 4 THEN 1 ELSE 0 END
    FROM tx
    WHERE event_code = 1 AND payee_party <> 0 AND payee_agent <> 0
),
level AS (
    -- A party is a customer, a group sums over its members.
    SELECT 'customer' AS level, party AS subject, 0 AS part, party <> other AS foreign_side, side.*
    FROM side
    UNION ALL
    SELECT 'controller', controller, 0, controller <> other_whole, side.*
    FROM side
    WHERE controller <> 0
    UNION ALL
    SELECT 'member', controller, party, party <> other, side.*
    FROM side
    WHERE controller <> 0
),
lined AS (
    SELECT
        level.*,
        (event_time + 28800000000) // 86400000000 AS day,
        CASE kind
            WHEN 0 THEN p.line_person_fen
            WHEN 1 THEN p.line_person_abroad_fen
            ELSE p.line_other_fen
        END AS line,
        CASE WHEN foreign_side THEN amount_fen ELSE 0 END AS foreign_fen
    FROM level, params AS p
),
summed AS (
    -- The day's sums of a customer at the institution: all of it, which decides whether a report
    -- is due there, and without transfers between own accounts, which no sum over institutions
    -- may count twice.
    SELECT
        lined.*,
        sum(amount_fen) OVER own AS own_fen,
        sum(foreign_fen) OVER own - foreign_fen AS others_before
    FROM lined
    WINDOW own AS (
        PARTITION BY level, vantage, subject, part, party, outgoing, kind, day, institution
        ORDER BY event_time, key ROWS UNBOUNDED PRECEDING
    )
),
changed AS (
    -- What a transfer changes in the sum over the institutions at which no report is due: it adds
    -- itself, or, where a report is due by it, takes away what the institution had.
    SELECT
        *,
        CASE
            WHEN own_fen - amount_fen >= line THEN 0
            WHEN own_fen >= line THEN -others_before
            ELSE foreign_fen
        END AS change
    FROM summed
),
over_all AS (
    SELECT
        *,
        sum(change) OVER (
            PARTITION BY level, vantage, subject, part, outgoing, kind, day
            ORDER BY event_time, key ROWS UNBOUNDED PRECEDING
        ) AS unreported
    FROM changed
),
banded AS (
    SELECT
        d.*,
        'per_institution' AS variant,
        own_fen AS measure,
        own_fen - amount_fen AS before
    FROM over_all AS d, params AS p
    WHERE p.raise_reports <> 0 AND level = 'customer'
    UNION ALL
    SELECT
        *,
        CASE level
            WHEN 'customer' THEN 'over_institutions'
            WHEN 'controller' THEN 'over_institutions_group'
            ELSE 'member'
        END,
        unreported,
        unreported - change
    FROM over_all
    WHERE change > 0
),
crossed AS (
    -- Unless every one is asked for, a crossing is the transfer by which a sum reaches a band that it had not reached.
    SELECT
        b.*,
        (measure * 10000 >= line * p.least_bp)::INTEGER
        + (measure >= line * p.band_2_lines)::INTEGER
        + (measure >= line * p.band_3_lines)::INTEGER AS band,
        (before * 10000 >= line * p.least_bp)::INTEGER
        + (before >= line * p.band_2_lines)::INTEGER
        + (before >= line * p.band_3_lines)::INTEGER AS band_before
    FROM banded AS b, params AS p
    WHERE CASE WHEN p.once_a_band = 1 THEN band > band_before ELSE band > 0 END
),
due AS (
    -- Institutions at which a customer's day had reached the line by then.
    SELECT
        c.level, c.vantage, c.part, c.subject, c.key AS deciding, c.event_time AS instant,
        c.outgoing, e.party, e.institution
    FROM crossed AS c
    JOIN over_all AS e USING (level, vantage, subject, part, outgoing, kind, day)
    WHERE
        c.variant <> 'per_institution'
        AND (e.event_time, e.key) <= (c.event_time, c.key)
        AND e.own_fen >= e.line
    GROUP BY ALL
),
crossing AS MATERIALIZED (
    SELECT
        'large_value' AS rule,
        c.variant,
        c.vantage::UTINYINT AS vantage,
        c.subject::BIGINT AS subject,
        c.event_time AS instant,
        c.measure::BIGINT AS measure,
        c.band::UTINYINT AS band,
        list_sort(
            list(e.key ORDER BY e.event_time DESC, e.key DESC)[1:p.evidence_limit]
        ) AS evidence
    FROM crossed AS c
    JOIN params AS p ON true
    JOIN over_all AS e USING (level, vantage, subject, part, outgoing, kind, day)
    LEFT JOIN due AS d
        ON d.level = c.level AND d.vantage = c.vantage AND d.subject = c.subject AND d.part = c.part
        AND d.deciding = c.key AND d.instant = c.event_time AND d.outgoing = c.outgoing
        AND d.party = e.party AND d.institution = e.institution
    WHERE
        (e.event_time, e.key) <= (c.event_time, c.key)
        AND CASE
            WHEN c.variant = 'per_institution' THEN e.institution = c.institution
            ELSE e.foreign_side AND d.institution IS NULL
        END
    GROUP BY
        c.variant, c.vantage, c.subject, c.part, c.event_time, c.key, c.outgoing, c.kind, c.measure,
        c.band,
        p.evidence_limit
)
SELECT rule, variant, vantage, subject, instant, measure, band, evidence
FROM crossing AS c, params AS p
-- What a member has crossed on by itself until then is not said of its group again.
WHERE
    variant <> 'member'
    AND NOT (
        variant = 'over_institutions_group'
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
