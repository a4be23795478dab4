/* One institution whose reports are missing, late, or differ, while others report their side.

   question : which institution leaves its side of payments unreported, and how much of it?
   grain    : one crossing per (variant, vantage, subject, day at whose deadline it is judged)
   reads    : expected_report, calendar, submission, params
   units    : measure in reports; amounts in CNY fen; days are business days of the banks, a deadline
              is the midnight (Beijing) that ends one; instants in us UTC
   shown to : every vantage its own rows
*/
WITH midnight AS (
    -- The instant at which each business day ends.
    SELECT business_ordinal AS day,
        ((business_date - DATE '1970-01-01') + 1) * 86400000000 - 28800000000 AS ends
    FROM calendar
    WHERE calendar = 'BANK'
),
-- What nobody could have received yet is not missing.
heard AS (
    SELECT max(epoch_us(received_at)) AS until FROM submission
),
due AS (
    SELECT m.day, late.ends AS late_at, gone.ends AS gone_at
    FROM midnight AS m
    CROSS JOIN params AS p
    JOIN midnight AS late ON late.day = m.day + p.late_after_days
    JOIN midnight AS gone ON gone.day = m.day + p.missing_after_days
),
owed AS (
    -- A report that came after its day was judged did not come.
    SELECT
        e.vantage,
        e.institution AS subject,
        e.business_ordinal AS day,
        e.key,
        e.amount_fen,
        d.late_at,
        d.gone_at,
        coalesce(e.told_us <= d.gone_at, false) AS is_told,
        coalesce(e.reported_us <= d.gone_at, false) AS is_reported,
        coalesce(e.reported_us > d.late_at, false) AS is_late,
        e.amount_gap_fen > p.most_gap_fen OR e.time_gap_us > p.most_gap_us AS is_different,
        coalesce(e.reported_us <= d.late_at, false) AS is_prompt,
        coalesce(e.told_us <= d.late_at, false) AS is_told_promptly
    FROM expected_report AS e
    JOIN due AS d ON d.day = e.business_ordinal
    CROSS JOIN params AS p
    WHERE least(e.reported_us, e.told_us) <= d.gone_at
),
-- Everything that is wrong with a report, and out of which reports it counts.
wrong AS (
    SELECT 'missing_legs' AS variant, vantage, subject, day, gone_at AS instant, key, amount_fen,
        NOT is_reported AS is_wrong
    FROM owed
    UNION ALL
    SELECT 'late_reports', vantage, subject, day, gone_at, key, amount_fen, is_late
    FROM owed
    WHERE is_reported
    UNION ALL
    SELECT 'mismatched_legs', vantage, subject, day, gone_at, key, amount_fen, is_different
    FROM owed
    WHERE is_reported AND is_told
),
daily AS (
    SELECT variant, vantage, subject, day, instant, count(*) AS of_all,
        count(*) FILTER (is_wrong) AS wrong
    FROM wrong
    GROUP BY ALL
),
judged AS (
    SELECT d.variant, d.vantage, d.subject, d.day, d.instant, d.wrong AS today,
        sum(d.wrong) OVER so_far AS wrong, sum(d.of_all) OVER so_far AS of_all
    FROM daily AS d
    CROSS JOIN params AS p
    WINDOW so_far AS (
        PARTITION BY d.variant, d.vantage, d.subject ORDER BY d.day
        RANGE BETWEEN p.window_days - 1 PRECEDING AND CURRENT ROW
    )
),
reached AS (
    SELECT j.variant, j.vantage, j.subject, j.day, j.instant, j.wrong,
        j.wrong * 10000 >= j.of_all * p.band_2_share_bp AS is_half
    FROM judged AS j
    CROSS JOIN params AS p
    WHERE j.today > 0
        AND j.wrong >= p.least_reports
        AND j.wrong * 10000 >= j.of_all * CASE j.variant
            WHEN 'missing_legs' THEN p.missing_share_bp
            WHEN 'late_reports' THEN p.late_share_bp
            ELSE p.mismatched_share_bp
        END
),
silent AS (
    SELECT o.vantage, o.subject, o.late_at AS instant, count(*) AS named,
        list_sort(list(o.key)) AS evidence
    FROM owed AS o
    SEMI JOIN (
        SELECT vantage, subject, day
        FROM owed
        GROUP BY vantage, subject, day
        -- A straggler or two do not make a day on which somebody reported.
        HAVING count(*) FILTER (is_prompt) * 10000
            <= count(*) FILTER (is_prompt OR is_told_promptly) * (SELECT stragglers_bp FROM params)
    ) AS nothing
        ON nothing.vantage = o.vantage AND nothing.subject = o.subject AND nothing.day = o.day
    CROSS JOIN params AS p
    WHERE o.is_told_promptly AND NOT o.is_prompt
    GROUP BY o.vantage, o.subject, o.late_at, p.least_reports, p.silent_line_fen
    HAVING count(*) >= p.least_reports AND sum(o.amount_fen) >= p.silent_line_fen
),
told AS (
    SELECT r.variant, r.vantage, r.subject, r.instant, r.wrong AS measure, r.is_half,
        list_sort(list(w.key)) AS evidence
    FROM reached AS r
    CROSS JOIN params AS p
    JOIN wrong AS w
        ON w.variant = r.variant AND w.vantage = r.vantage AND w.subject = r.subject
        AND w.is_wrong AND w.day > r.day - p.window_days AND w.day <= r.day
    GROUP BY ALL
    UNION ALL
    SELECT 'silent_day', vantage, subject, instant, named, true, evidence
    FROM silent
)
SELECT
    'reporting_gap' AS rule,
    variant,
    vantage::UTINYINT AS vantage,
    subject::BIGINT AS subject,
    instant::BIGINT AS instant,
    measure::BIGINT AS measure,
    CASE WHEN is_half THEN 2 ELSE 1 END::UTINYINT AS band,
    evidence
FROM told
WHERE instant <= (SELECT until FROM heard)
