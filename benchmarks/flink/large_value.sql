/* Large value in Flink SQL: a day's sums over institutions, those left out at which a report is due.

   clock : happened.
   left  : evidence; sums at one institution, which are reports by law and no alerts.
*/
WITH lined AS (
    SELECT *,
        CASE WHEN own THEN CAST(0 AS BIGINT) ELSE amount END AS foreign_fen,
        CASE kind
            WHEN 0 THEN {line_person_fen} WHEN 1 THEN {line_person_abroad_fen}
            ELSE {line_other_fen}
        END AS line
    FROM (
        SELECT *, CASE WHEN NOT person THEN 2 WHEN abroad THEN 1 ELSE 0 END AS kind
        FROM entries
        WHERE institution <> 0
    )
),
summed AS (
    SELECT *,
        SUM(amount) OVER at_one AS own_fen,
        SUM(foreign_fen) OVER at_one - foreign_fen AS others_before
    FROM lined
    WINDOW at_one AS (
        PARTITION BY vantage, subject, inward, kind, nday, institution ORDER BY happened
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
changed AS (
    SELECT *, CASE
        WHEN own_fen - amount >= line THEN 0
        WHEN own_fen >= line THEN -others_before
        ELSE foreign_fen
    END AS change
    FROM summed
),
over_all AS (
    SELECT *, SUM(change) OVER (
        PARTITION BY vantage, subject, inward, kind, nday ORDER BY happened
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS unreported
    FROM changed
),
banded AS (
    SELECT *,
        CASE
            WHEN unreported >= line * {band_3_lines} THEN 3
            WHEN unreported >= line * {band_2_lines} THEN 2
            WHEN unreported * 10000 >= line * {least_bp} THEN 1
            ELSE 0
        END AS band,
        CASE
            WHEN unreported - change >= line * {band_3_lines} THEN 3
            WHEN unreported - change >= line * {band_2_lines} THEN 2
            WHEN (unreported - change) * 10000 >= line * {least_bp} THEN 1
            ELSE 0
        END AS band_before
    FROM over_all
    WHERE change > 0
)
SELECT 'over_institutions' AS way, vantage, subject, us, unreported, band
FROM banded
WHERE band > CASE WHEN {once_a_band} = 1 THEN band_before ELSE 0 END
