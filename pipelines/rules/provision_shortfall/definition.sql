/* A lender's provision against what the classes of its loans call for.

   question : is the provision less than the loans' classes call for, as stated here or elsewhere?
   grain    : one crossing per (variant, vantage, lender, day of the registers)
   reads    : holding, figure, params
   units    : measure in CNY fen; days Beijing; instants in us UTC
   shown to : every vantage its own rows
*/
WITH loan AS (
    -- Statements of loans on the last day of a month or another day; without a class it is unknown.
    SELECT
        h.vantage, h.key, h.event_time, h.business_date AS day, h.holder_party AS lender,
        h.other_party AS borrower, h.amount_fen AS fen, h.grade,
        h.grade IN ('SUBSTD', 'DOUBT', 'LOSS') AS is_bad,
        coalesce(h.other_nature = 'I', false) AS is_person,
        CASE h.grade
            WHEN 'NORMAL' THEN p.normal_bp
            WHEN 'WATCH' THEN p.watch_bp
            WHEN 'SUBSTD' THEN p.substandard_bp
            WHEN 'DOUBT' THEN p.doubtful_bp
            WHEN 'LOSS' THEN p.loss_bp
        END AS rate_bp
    FROM holding AS h
    CROSS JOIN params AS p
    WHERE h.market_segment = 'LOAN' AND h.amount_fen > 0 AND h.holder_party <> 0
        AND h.grade IS NOT NULL
),
stated AS (
    -- What a legal person states for all of its branches.
    SELECT vantage, institution AS lender, period_end AS day, max(event_time) AS event_time,
        max((value * 100)::BIGINT) AS fen, list(key) AS keys
    FROM figure
    WHERE measure = 'LOAN_PROVISION' AND measure_unit = 'CNY' AND breakdown IS NULL
        AND institution <> 0
    GROUP BY vantage, institution, period_end
),
called_for AS (
    SELECT l.vantage, l.lender, l.day,
        (sum(l.fen * l.rate_bp) // 10000)::BIGINT AS fen,
        coalesce(list(l.key) FILTER (WHERE l.grade <> 'NORMAL'), []) AS worse
    FROM loan AS l
    GROUP BY l.vantage, l.lender, l.day
),
short AS (
    SELECT
        'by_class' AS variant, c.vantage, c.lender, s.event_time AS instant,
        c.fen - s.fen AS measure,
        (c.fen - s.fen)::HUGEINT * 10000 >= c.fen::HUGEINT * p.least_short_bp AS crosses,
        (c.fen - s.fen)::HUGEINT * 10000 >= c.fen::HUGEINT * p.band_2_short_bp AS is_far,
        list_concat(s.keys, c.worse) AS evidence
    FROM called_for AS c
    JOIN stated AS s ON s.vantage = c.vantage AND s.lender = c.lender AND s.day = c.day
    CROSS JOIN params AS p
),
debtor AS (
    -- Firms of whose debts at all lenders enough is bad, by the registers of one day.
    SELECT vantage, borrower, day
    FROM loan
    WHERE borrower <> 0 AND NOT is_person
    GROUP BY vantage, borrower, day
    HAVING count(*) FILTER (WHERE is_bad) > 0
        AND coalesce(sum(fen) FILTER (WHERE is_bad), 0) * 10000
            >= sum(fen) * (SELECT least_bad_bp FROM params)
),
owed AS (
    SELECT l.*
    FROM loan AS l
    JOIN debtor AS d
        ON d.vantage = l.vantage AND d.borrower = l.borrower AND d.day = l.day
),
kept_sound AS (
    -- A lender's sound loans to a firm that another lender classes as bad.
    SELECT g.vantage, g.lender, g.day, g.event_time, g.borrower, g.key,
        g.fen * (p.substandard_bp - g.rate_bp) // 10000 AS more_fen
    FROM owed AS g
    CROSS JOIN params AS p
    WHERE NOT g.is_bad AND EXISTS (
        SELECT 1
        FROM owed AS b
        WHERE b.vantage = g.vantage
            AND b.day = g.day
            AND b.borrower = g.borrower
            AND b.lender <> g.lender
            AND b.is_bad
    )
),
better AS (
    SELECT 'better_than_elsewhere' AS variant, k.vantage, k.lender, k.day,
        max(k.event_time) AS instant, sum(k.more_fen)::BIGINT AS measure, list(k.key) AS own
    FROM kept_sound AS k
    GROUP BY k.vantage, k.lender, k.day
),
elsewhere AS (
    SELECT k.vantage, k.lender, k.day, list(DISTINCT b.key) AS keys
    FROM kept_sound AS k
    JOIN owed AS b
        ON b.vantage = k.vantage
        AND b.day = k.day
        AND b.borrower = k.borrower
        AND b.lender <> k.lender
        AND b.is_bad
    GROUP BY k.vantage, k.lender, k.day
),
found AS (
    SELECT variant, vantage, lender, instant, measure, is_far, evidence
    FROM short
    WHERE crosses
    UNION ALL
    SELECT b.variant, b.vantage, b.lender, b.instant, b.measure, b.measure >= p.far_more_fen,
        list_concat(b.own, e.keys)
    FROM better AS b
    JOIN elsewhere AS e ON e.vantage = b.vantage AND e.lender = b.lender AND e.day = b.day
    CROSS JOIN params AS p
    WHERE b.measure >= p.more_fen_from
)
SELECT
    'provision_shortfall' AS rule,
    variant,
    vantage::UTINYINT AS vantage,
    lender::BIGINT AS subject,
    instant::BIGINT AS instant,
    measure::BIGINT AS measure,
    CASE WHEN is_far THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(evidence)) AS evidence
FROM found
