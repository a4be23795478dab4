/* Complaints about an institution against its own past weeks.

   question : did complaints about an institution surge, beyond what chance and everybody's wave give?
   grain    : one crossing per (vantage, institution, complaint with which the week is too many)
   reads    : complaint_state, params
   units    : measure in complaints; instants in us UTC
   shown to : every vantage its own rows
*/
WITH RECURSIVE told AS (
    -- A complaint counts once, from the first state that is known of it.
    SELECT
        vantage,
        complaint,
        min(event_time) AS event_time,
        arg_min(key, (event_time, key)) AS key,
        arg_min(institution, (event_time, key)) AS subject,
        coalesce(arg_min(region, (event_time, key)), '') AS region,
        coalesce(
            nullif(arg_min(complainant, (event_time, key)), 0),
            nullif(arg_min(phone, (event_time, key)), 0),
            complaint
        ) AS person
    FROM complaint_state
    GROUP BY vantage, complaint
),
counted AS (
    -- Who complains of an institution again and again is counted once.
    SELECT vantage, event_time, key, subject, region
    FROM told
    CROSS JOIN params AS p
    WHERE subject <> 0
    QUALIFY coalesce(
        event_time - lag(event_time) OVER (
            PARTITION BY vantage, subject, person ORDER BY event_time, key
        ) > p.same_person_us,
        true
    )
),
known AS (
    SELECT vantage, min(event_time) AS since FROM counted GROUP BY vantage
),
week AS (
    -- Each complaint with those of its institution in the seven days up to it, and on how many
    -- weeks before them the vantage holds complaints at all.
    SELECT
        d.vantage, d.subject, d.event_time AS instant, d.key AS deciding,
        least(p.weeks, (d.event_time - k.since) // p.window_us - 1) AS weeks,
        list(o.key) AS evidence
    FROM counted AS d
    CROSS JOIN params AS p
    JOIN known AS k ON k.vantage = d.vantage
    JOIN counted AS o
        ON o.vantage = d.vantage
        AND o.subject = d.subject
        AND o.event_time > d.event_time - p.window_us
        AND (o.event_time, o.key) <= (d.event_time, d.key)
    GROUP BY d.vantage, d.subject, d.event_time, d.key, p.weeks, k.since, p.window_us,
        p.least_complaints, p.least_weeks
    HAVING count(*) >= p.least_complaints
        AND least(p.weeks, (d.event_time - k.since) // p.window_us - 1) >= p.least_weeks
),
each AS (
    -- By whom they are about and where: complaints in the seven days, and in the weeks before.
    SELECT
        w.vantage, w.subject, w.instant, w.deciding, w.weeks, o.region, o.subject AS about,
        count(*) FILTER (WHERE o.event_time > w.instant - p.window_us) AS now,
        count(*) FILTER (WHERE o.event_time <= w.instant - p.window_us) AS past
    FROM week AS w
    CROSS JOIN params AS p
    JOIN counted AS o
        ON o.vantage = w.vantage
        AND o.event_time > w.instant - (w.weeks + 1) * p.window_us
        AND (o.event_time, o.key) <= (w.instant, w.deciding)
    GROUP BY w.vantage, w.subject, w.instant, w.deciding, w.weeks, o.region, o.subject, p.window_us
),
around AS (
    -- Everybody's wave is what others have without the one that has most: another's surge is none.
    SELECT
        vantage, subject, instant, deciding, weeks, region,
        coalesce(sum(now) FILTER (WHERE about = subject), 0)::BIGINT AS own_now,
        coalesce(sum(past) FILTER (WHERE about = subject), 0)::BIGINT AS own_past,
        coalesce(
            sum(now) FILTER (WHERE about <> subject) - max(now) FILTER (WHERE about <> subject), 0
        )::BIGINT AS others_now,
        coalesce(
            sum(past) FILTER (WHERE about <> subject)
            - arg_max(past, (now, about)) FILTER (WHERE about <> subject),
            0
        )::BIGINT AS others_past
    FROM each
    GROUP BY vantage, subject, instant, deciding, weeks, region
),
expected AS (
    -- In millionths of a complaint: as many as in a past week, or as many more as others have there.
    SELECT
        vantage, subject, instant, deciding, weeks,
        sum(own_now)::BIGINT AS now, sum(own_past)::BIGINT AS past,
        sum(
            greatest(
                own_past * 1000000 // weeks,
                CASE WHEN others_past > 0 THEN own_past * 1000000 * others_now // others_past
                    ELSE 0 END
            )
        )::BIGINT AS millionths
    FROM around
    GROUP BY vantage, subject, instant, deciding, weeks
),
odds AS (
    -- Without a surge each of all `n` complaints falls into these days with odds `a` to `b`. Who was
    -- never complained of has one week's share of nothing known.
    SELECT DISTINCT
        now + past AS n,
        (CASE WHEN past = 0 THEN 1 ELSE millionths END)::HUGEINT AS a,
        (CASE WHEN past = 0 THEN weeks ELSE past * 1000000 END)::HUGEINT AS b
    FROM expected
),
term AS (
    -- Binomial probabilities from the most likely number outwards, each from its neighbour, in
    -- whole 10^-20ths of the largest: no logarithm, no rounding that another machine does otherwise.
    SELECT n, a, b, least(n, ((n + 1) * a // (a + b)))::BIGINT AS j,
        100000000000000000000::HUGEINT AS t, 0 AS goes
    FROM odds
    UNION ALL
    SELECT
        n, a, b, j + d.step,
        CASE d.step
            WHEN 1 THEN t * (n - j) * a // ((j + 1) * b)
            ELSE t * j * b // ((n - j + 1) * a)
        END,
        d.step
    FROM term
    JOIN (SELECT unnest([1, -1]) AS step) AS d ON term.goes IN (0, d.step)
    WHERE j + d.step BETWEEN 0 AND n AND t > 0
),
judged AS (
    SELECT
        e.vantage, e.subject, e.instant, e.deciding, e.now,
        coalesce(sum(t.t) FILTER (WHERE t.j >= e.now), 0)::HUGEINT AS tail,
        sum(t.t)::HUGEINT AS whole
    FROM expected AS e
    JOIN term AS t
        ON t.n = e.now + e.past
        AND t.a = CASE WHEN e.past = 0 THEN 1 ELSE e.millionths END
        AND t.b = CASE WHEN e.past = 0 THEN e.weeks ELSE e.past * 1000000 END
    GROUP BY e.vantage, e.subject, e.instant, e.deciding, e.now
)
SELECT
    'complaint_surge' AS rule,
    'week' AS variant,
    j.vantage::UTINYINT AS vantage,
    j.subject::BIGINT AS subject,
    j.instant::BIGINT AS instant,
    j.now::BIGINT AS measure,
    CASE WHEN j.tail * p.band_2_one_in <= j.whole THEN 2 ELSE 1 END::UTINYINT AS band,
    list_sort(w.evidence) AS evidence
FROM judged AS j
CROSS JOIN params AS p
JOIN week AS w
    ON w.vantage = j.vantage
    AND w.subject = j.subject
    AND w.instant = j.instant
    AND w.deciding = j.deciding
WHERE j.tail * p.one_in <= j.whole
