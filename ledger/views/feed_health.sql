/* What each feed delivered, per region and day, and the working days on which nothing came.

   question : which feeds were late, held or absent, and how much of a delivery was usable?
   grain    : one row per (feed, region, day)
   reads    : submission, calendar
   units    : counts of records; day of receipt in Beijing; share 0 to 1
   shown to : all four supervisors
*/
WITH daily AS (
    SELECT
        feed,
        reporting_region AS region,
        beijing(received_at)::DATE AS day,
        count(*)::BIGINT AS submissions,
        count(*) FILTER (WHERE status = 'held')::BIGINT AS held_submissions,
        sum(submitted)::BIGINT AS submitted,
        sum(accepted)::BIGINT AS accepted,
        sum(rejected)::BIGINT AS rejected,
        sum(quarantined)::BIGINT AS quarantined,
        sum(duplicates)::BIGINT AS duplicates,
        sum(late)::BIGINT AS late,
        max(received_at) AS last_received
    FROM submission
    GROUP BY ALL
),
period AS (
    SELECT min(day) AS first_day, max(day) AS last_day FROM daily
),
expected AS (
    -- A feed that came on fewer than half of the working days is not a daily one.
    SELECT f.feed, f.region, c.business_date AS day
    FROM (
        SELECT feed, region
        FROM daily
        GROUP BY ALL
        HAVING count(*) * 2 >= (
            SELECT count(*) FROM calendar, period
            WHERE calendar = 'BANK' AND business_date BETWEEN first_day AND last_day
        )
    ) AS f, calendar AS c, period AS p
    WHERE c.calendar = 'BANK' AND c.business_date BETWEEN p.first_day AND p.last_day
)
SELECT
    coalesce(d.feed, e.feed) AS feed,
    coalesce(d.region, e.region) AS region,
    coalesce(d.day, e.day) AS day,
    CASE
        WHEN d.feed IS NULL THEN 'absent'
        WHEN d.held_submissions > 0 THEN 'held'
        WHEN d.late > 0 THEN 'late'
        ELSE 'in time'
    END AS state,
    coalesce(d.submissions, 0) AS submissions,
    coalesce(d.held_submissions, 0) AS held_submissions,
    coalesce(d.submitted, 0) AS submitted,
    coalesce(d.accepted, 0) AS accepted,
    coalesce(d.rejected, 0) AS rejected,
    coalesce(d.quarantined, 0) AS quarantined,
    coalesce(d.duplicates, 0) AS duplicates,
    coalesce(d.late, 0) AS late,
    d.accepted / nullif(d.submitted, 0) AS accepted_share,
    d.last_received
FROM daily AS d
FULL JOIN expected AS e ON e.feed = d.feed AND e.region = d.region AND e.day = d.day
