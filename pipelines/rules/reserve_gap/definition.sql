/* A payment institution's reserve against what its clients hold.

   question : does what is kept for clients cover what clients hold?
   grain    : one crossing per (variant, vantage, institution, day with a gap)
   reads    : figure, account, holding, params
   units    : measure in CNY fen; days Beijing; instants in us UTC
   shown to : every vantage its own rows
*/
WITH stated AS (
    -- What an institution says of the last day of a period. A part (a business) is not the whole.
    SELECT
        vantage,
        institution AS subject,
        period_end AS day,
        min(event_time) AS event_time,
        max((value * 100)::BIGINT) FILTER (WHERE measure = 'RSV_CLIENT') AS client_fen,
        max((value * 100)::BIGINT) FILTER (WHERE measure = 'RSV_BAL') AS reserve_fen,
        max((value * 100)::BIGINT) FILTER (WHERE measure = 'RSV_CENTRAL') AS central_fen,
        max((value * 100)::BIGINT) FILTER (WHERE measure = 'RSV_TRANSIT') AS transit_fen,
        list(key) FILTER (WHERE measure IN ('RSV_CLIENT', 'RSV_BAL')) AS own,
        list(key) FILTER (WHERE measure IN ('RSV_CLIENT', 'RSV_CENTRAL', 'RSV_TRANSIT')) AS keys
    FROM figure
    WHERE
        measure IN ('RSV_CLIENT', 'RSV_BAL', 'RSV_CENTRAL', 'RSV_TRANSIT')
        AND measure_unit = 'CNY'
        AND breakdown IS NULL
        AND institution <> 0
    GROUP BY vantage, institution, period_end
),
kept AS (
    -- Accounts for clients' money, as registered; the newest entry says whether one is open.
    SELECT vantage, party AS subject, account, min(valid_from) AS since,
        arg_max(coalesce(valid_to, DATE '9999-12-31'), (valid_from, key)) AS until
    FROM account
    WHERE account_type = 'SPECIAL' AND party <> 0 AND account <> 0
    GROUP BY vantage, party, account
),
balance AS (
    SELECT vantage, account, business_date AS day, max(event_time) AS event_time,
        max(amount_fen) AS fen, max(key) AS key
    FROM holding
    WHERE market_segment = 'PYMT' AND account <> 0 AND amount_fen IS NOT NULL
    GROUP BY vantage, account, business_date
),
asked AS (
    -- Days around a stated figure on which a bank speaks of at least one of the accounts.
    SELECT DISTINCT s.vantage, s.subject, s.day AS of, b.day,
        greatest(b.event_time, s.event_time) AS instant,
        s.client_fen - s.central_fen - coalesce(s.transit_fen, 0) AS due_fen, s.keys
    FROM stated AS s
    CROSS JOIN params AS p
    JOIN kept AS k ON k.vantage = s.vantage AND k.subject = s.subject
    JOIN balance AS b
        ON b.vantage = k.vantage
        AND b.account = k.account
        AND abs(b.day - s.day) <= p.carry_days
    WHERE s.client_fen IS NOT NULL AND s.central_fen IS NOT NULL
),
judged AS (
    -- A day on which any account that was open lacks its statement cannot be judged.
    SELECT
        'at_custodians' AS variant, a.vantage, a.subject, a.of, a.day, a.instant,
        a.due_fen - sum(b.fen) AS gap_fen,
        any_value(a.keys) AS keys,
        list(b.key) AS statements
    FROM asked AS a
    JOIN kept AS k
        ON k.vantage = a.vantage AND k.subject = a.subject AND a.day BETWEEN k.since AND k.until
    LEFT JOIN balance AS b
        ON b.vantage = k.vantage AND b.account = k.account AND b.day = a.day
    GROUP BY a.vantage, a.subject, a.of, a.day, a.instant, a.due_fen
    HAVING count(*) = count(b.key)
    UNION ALL
    SELECT
        'as_reported', vantage, subject, DATE '1970-01-01', day, event_time,
        client_fen - reserve_fen, own, []
    FROM stated
    WHERE client_fen IS NOT NULL AND reserve_fen IS NOT NULL
),
numbered AS (
    -- A day without a gap ends a run; one that cannot be judged does neither.
    SELECT
        j.*,
        j.gap_fen >= p.least_gap_fen AS is_gap,
        sum((j.gap_fen < p.least_gap_fen)::INTEGER) OVER (
            PARTITION BY j.variant, j.vantage, j.subject, j.of ORDER BY j.day
        ) AS run
    FROM judged AS j
    CROSS JOIN params AS p
),
counted AS (
    SELECT
        *,
        count(*) FILTER (WHERE is_gap) OVER so_far AS days,
        flatten(list(statements) FILTER (WHERE is_gap) OVER so_far) AS run_statements,
        flatten(list(keys) FILTER (WHERE is_gap) OVER so_far) AS run_keys,
        lead(day) OVER (PARTITION BY variant, vantage, subject, of ORDER BY day) AS next_day
    FROM numbered
    WINDOW so_far AS (PARTITION BY variant, vantage, subject, of, run ORDER BY day)
)
SELECT
    'reserve_gap' AS rule,
    c.variant,
    c.vantage::UTINYINT AS vantage,
    c.subject::BIGINT AS subject,
    c.instant::BIGINT AS instant,
    c.gap_fen::BIGINT AS measure,
    CASE
        WHEN c.days >= CASE c.variant
            WHEN 'as_reported' THEN p.band_2_periods ELSE p.band_2_days
        END THEN 2
        ELSE 1
    END::UTINYINT AS band,
    list_sort(list_distinct(list_concat(c.run_keys, c.run_statements))) AS evidence
FROM counted AS c
CROSS JOIN params AS p
-- Before its own day a figure is not known: of the days before, the last one stands for it.
WHERE c.is_gap AND (c.day >= c.of OR c.next_day IS NULL OR c.next_day > c.of)
