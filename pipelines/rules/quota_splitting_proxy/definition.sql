/* Several persons who remit to one payee abroad within a run of days: a proxy for split currency.

   question : do several persons remit to one payee abroad on the same, next or consecutive days?
   grain    : one crossing per (vantage, payee, remittance that brings another person)
   reads    : tx, params
   units    : measure in persons; amounts in CNY fen; instants in us UTC
   shown to : every vantage its own rows
*/
WITH remitted AS (
    SELECT vantage, payee_party AS subject, payer_party AS person, event_time AS instant, key,
        amount_fen, (event_time + 28800000000) // 86400000000 AS day
    FROM tx
    WHERE event_code = 1 AND flags & 5 = 5  -- of a natural person, across the border
        AND payer_party <> 0 AND payee_party <> 0 AND amount_fen > 0
),
many AS (
    SELECT r.*
    FROM remitted AS r
    SEMI JOIN (
        SELECT vantage, subject
        FROM remitted
        GROUP BY ALL
        HAVING count(DISTINCT person) >= (SELECT least_persons FROM params)
    ) AS enough ON enough.vantage = r.vantage AND enough.subject = r.subject
),
marked AS (
    SELECT
        *,
        coalesce(day - lag(day) OVER subject_line > (SELECT most_gap_days FROM params), true)
            AS begins,
        row_number() OVER (PARTITION BY vantage, subject, person ORDER BY instant, key) = 1
            AS is_new
    FROM many
    WINDOW subject_line AS (PARTITION BY vantage, subject ORDER BY instant, key)
),
numbered AS (
    SELECT
        *,
        sum(begins::INTEGER) OVER subject_line AS run,
        sum(is_new::INTEGER) OVER subject_line - is_new::INTEGER AS met_before
    FROM marked
    WINDOW subject_line AS (PARTITION BY vantage, subject ORDER BY instant, key)
),
counted AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY vantage, subject, run, person ORDER BY instant, key) = 1
            AS is_another,
        first(met_before) OVER run_line AS known_before,
        sum(amount_fen) OVER run_line AS fen_so_far,
        list(key) OVER run_line AS evidence
    FROM numbered
    WINDOW run_line AS (PARTITION BY vantage, subject, run ORDER BY instant, key)
),
measured AS (
    SELECT
        *,
        sum(is_another::INTEGER) OVER (PARTITION BY vantage, subject, run ORDER BY instant, key)
            ::BIGINT AS persons
    FROM counted
)
SELECT
    'quota_splitting_proxy' AS rule,
    'remittances' AS variant,
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
    AND m.fen_so_far >= p.least_fen
    AND m.known_before <= p.most_persons_before
