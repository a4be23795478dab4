/* Large value: what a customer receives or pays in a day, one side at a time, reaches the line.

   question : whose day reaches the large-value line, at one institution or only over several?
   grain    : one crossing per (variant, vantage, subject, side, line, deciding transfer)
   reads    : tx, params
   units    : amount_fen and measure in CNY fen; event_time in us UTC; days are Beijing days
   shown to : every vantage its own rows
*/
WITH side AS (
    -- Both sides of every transfer whose customer and institution are known. Persons have one line
    -- for domestic transfers and one for cross-border ones, each with a sum of its own.
    SELECT
        vantage, key, event_time, amount_fen, payer_party <> payee_party AS foreign_side,
        true AS outgoing, payer_party AS subject, payer_agent >> 3 AS institution,
        CASE WHEN flags & 1 = 0 THEN 2 WHEN flags & 4 = 4 THEN 1 ELSE 0 END AS kind
    FROM tx
    WHERE event_code = 1 AND payer_party <> 0 AND payer_agent <> 0  -- PAYM
    UNION ALL
    SELECT
        vantage, key, event_time, amount_fen, payer_party <> payee_party,
        false, payee_party, payee_agent >> 3,
        CASE WHEN flags & 2 = 0 THEN 2 WHEN flags & 4 = 4 THEN 1 ELSE 0 END
    FROM tx
    WHERE event_code = 1 AND payee_party <> 0 AND payee_agent <> 0
),
lined AS (
    SELECT
        side.*,
        (event_time + 28800000000) // 86400000000 AS day,
        CASE kind
            WHEN 0 THEN p.line_person_fen
            WHEN 1 THEN p.line_person_abroad_fen
            ELSE p.line_other_fen
        END AS line,
        CASE WHEN foreign_side THEN amount_fen ELSE 0 END AS foreign_fen
    FROM side, params AS p
),
summed AS (
    -- The day's sums at the institution: all of it, which decides whether a report is due there,
    -- and without transfers between the customer's own accounts, which no sum over institutions
    -- may count twice.
    SELECT
        lined.*,
        sum(amount_fen) OVER own AS own_fen,
        sum(foreign_fen) OVER own - foreign_fen AS others_before
    FROM lined
    WINDOW own AS (
        PARTITION BY vantage, subject, outgoing, kind, day, institution
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
            PARTITION BY vantage, subject, outgoing, kind, day
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
    WHERE p.raise_reports <> 0
    UNION ALL
    SELECT *, 'over_institutions', unreported, unreported - change
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
    -- Institutions at which the customer's day had reached the line by then.
    SELECT c.vantage, c.key AS deciding, c.event_time AS instant, c.outgoing, e.institution
    FROM crossed AS c
    JOIN over_all AS e USING (vantage, subject, outgoing, kind, day)
    WHERE
        c.variant = 'over_institutions'
        AND (e.event_time, e.key) <= (c.event_time, c.key)
        AND e.own_fen >= e.line
    GROUP BY ALL
)
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
JOIN over_all AS e USING (vantage, subject, outgoing, kind, day)
LEFT JOIN due AS d
    ON d.vantage = c.vantage AND d.deciding = c.key AND d.instant = c.event_time
    AND d.outgoing = c.outgoing AND d.institution = e.institution
WHERE
    (e.event_time, e.key) <= (c.event_time, c.key)
    AND CASE
        WHEN c.variant = 'per_institution' THEN e.institution = c.institution
        ELSE e.foreign_side AND d.institution IS NULL
    END
GROUP BY
    c.variant, c.vantage, c.subject, c.event_time, c.key, c.outgoing, c.kind, c.measure, c.band,
    p.evidence_limit
