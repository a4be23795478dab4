/* Several persons who split currency for one payee, one source of funds or one collector.

   question : do persons, on the same, next or consecutive days, split currency for somebody?
   grain    : one crossing per (variant, vantage, subject, deal that brings another person)
   reads    : fx_deal, tx, params
   units    : measure in persons; instants in us UTC; usd_cents
   shown to : every vantage its own rows
*/
WITH deal AS (
    SELECT vantage, key, event_time, day, act, person, representative, payee_account,
        coalesce(usd_cents, 0) AS usd_cents, amount_fen
    FROM fx_deal
    WHERE coalesce(quota_counted, 'Y') = 'Y'  -- with papers a deal needs no quota
),
paid AS (
    SELECT vantage, key, event_time, amount_fen, payer_party, payee_party,
        (event_time + 28800000000) // 86400000000 AS day
    FROM tx
    WHERE event_code = 1 AND amount_fen > 0 AND payer_party <> payee_party
),
-- What each shape puts together: whose deal it is, for whom, when that could be seen first.
brought AS (
    SELECT 'one_payee_abroad' AS variant, vantage, payee_account AS subject, person,
        event_time AS instant, day, usd_cents, [key] AS keys
    FROM deal
    WHERE act = 'PURC' AND payee_account <> 0
    UNION ALL
    SELECT 'one_representative', vantage, representative, person, event_time, day, usd_cents, [key]
    FROM deal
    WHERE representative <> 0 AND representative <> person
    UNION ALL
    SELECT 'one_funder', d.vantage, p.payer_party, d.person, d.event_time, d.day,
        any_value(d.usd_cents), list_prepend(d.key, list_sort(list(p.key)))
    FROM deal AS d
    JOIN paid AS p
        ON p.vantage = d.vantage
        AND p.payee_party = d.person
        AND p.event_time <= d.event_time
    CROSS JOIN params AS r
    WHERE d.act = 'PURC' AND d.day - p.day <= r.most_days_between AND p.payer_party <> 0
    GROUP BY d.vantage, p.payer_party, d.person, d.event_time, d.day, d.key, d.amount_fen,
        r.least_funded_bp
    HAVING sum(p.amount_fen) * 10000 >= d.amount_fen::HUGEINT * r.least_funded_bp
    UNION ALL
    -- Seen when the yuan are passed on; the run of days is that of the payments.
    SELECT 'one_collector', d.vantage, p.payee_party, d.person, p.event_time, p.day,
        sum(d.usd_cents)::BIGINT, list_prepend(p.key, list_sort(list(d.key)))
    FROM deal AS d
    JOIN paid AS p
        ON p.vantage = d.vantage
        AND p.payer_party = d.person
        AND p.event_time >= d.event_time
    CROSS JOIN params AS r
    WHERE d.act = 'SELL' AND p.day - d.day <= r.most_days_between AND p.payee_party <> 0
    GROUP BY d.vantage, p.payee_party, d.person, p.event_time, p.day, p.key, p.amount_fen,
        r.least_funded_bp
    HAVING p.amount_fen::HUGEINT * 10000 >= sum(d.amount_fen) * r.least_funded_bp
),
-- Subjects with too few persons in all can have no run of enough.
many AS (
    SELECT b.*
    FROM brought AS b
    SEMI JOIN (
        SELECT variant, vantage, subject
        FROM brought
        GROUP BY ALL
        HAVING count(DISTINCT person) >= (SELECT least_persons FROM params)
    ) AS enough
        ON enough.variant = b.variant
        AND enough.vantage = b.vantage
        AND enough.subject = b.subject
),
marked AS (
    SELECT
        *,
        coalesce(day - lag(day) OVER subject_line > (SELECT most_gap_days FROM params), true)
            AS begins,
        row_number() OVER (
            PARTITION BY variant, vantage, subject, person ORDER BY instant, keys
        ) = 1 AS is_new
    FROM many
    WINDOW subject_line AS (PARTITION BY variant, vantage, subject ORDER BY instant, keys)
),
numbered AS (
    SELECT
        *,
        sum(begins::INTEGER) OVER subject_line AS run,
        sum(is_new::INTEGER) OVER subject_line - is_new::INTEGER AS met_before
    FROM marked
    WINDOW subject_line AS (PARTITION BY variant, vantage, subject ORDER BY instant, keys)
),
counted AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY variant, vantage, subject, run, person ORDER BY instant, keys
        ) = 1 AS is_another,
        first(met_before) OVER run_line AS known_before,
        sum(usd_cents) OVER run_line AS usd_so_far,
        flatten(list(keys) OVER run_line) AS evidence
    FROM numbered
    WINDOW run_line AS (PARTITION BY variant, vantage, subject, run ORDER BY instant, keys)
),
measured AS (
    SELECT
        *,
        sum(is_another::INTEGER) OVER (
            PARTITION BY variant, vantage, subject, run ORDER BY instant, keys
        )::BIGINT AS persons
    FROM counted
)
SELECT
    'quota_splitting' AS rule,
    m.variant,
    m.vantage::UTINYINT AS vantage,
    m.subject::BIGINT AS subject,
    m.instant::BIGINT AS instant,
    m.persons AS measure,
    CASE WHEN m.persons >= p.band_2_persons THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(list_distinct(m.evidence)) AS evidence
FROM measured AS m
CROSS JOIN params AS p
WHERE m.is_another
    AND m.persons >= p.least_persons
    AND m.usd_so_far >= p.quota_usd_cents
    AND m.known_before <= p.most_persons_before
