/* Structuring in Flink SQL: near-line transfers of a payer, and of a pair, in business days.

   clock : day_clock. A business day is a day of it and the order of the day lies in its first half,
           so half a day more than n days takes n whole ones before today's.
   left  : evidence.
*/
WITH near AS (
    SELECT * FROM (
        SELECT *, CASE WHEN person THEN {line_person_fen} ELSE {line_other_fen} END AS line
        FROM entries
        WHERE NOT inward AND NOT own
    )
    WHERE amount < line AND amount * 10000 >= line * {near_low_bp}
),
watched AS (
    SELECT 'same_pair' AS way, pair AS watch, * FROM near WHERE pair <> 0
    UNION ALL
    SELECT 'same_customer' AS way, subject AS watch, * FROM near
),
summed AS (
    SELECT *, SUM(amount) OVER (
        PARTITION BY way, vantage, watch ORDER BY day_clock
        RANGE BETWEEN INTERVAL '{window_days:half}' DAY(3) TO HOUR PRECEDING AND CURRENT ROW) AS total
    FROM watched
),
counted AS (
    SELECT *, COUNT(*) OVER (
        PARTITION BY way, vantage, watch ORDER BY day_clock
        RANGE BETWEEN INTERVAL '12' HOUR PRECEDING AND CURRENT ROW) AS today
    FROM summed
),
daily AS (
    SELECT *, COUNT(DISTINCT bday) OVER (
        PARTITION BY way, vantage, watch ORDER BY day_clock
        RANGE BETWEEN INTERVAL '{days_running:half}' DAY(3) TO HOUR PRECEDING AND CURRENT ROW) AS days
    FROM counted
)
SELECT
    way, vantage, watch, us, total,
    CASE
        WHEN total >= {band_3_lines} * line THEN 3
        WHEN total >= {band_2_lines} * line THEN 2
        ELSE 1
    END AS band
FROM daily
WHERE today >= {times_a_day} OR days >= {days_running}
