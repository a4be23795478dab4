/* Dormant wake in Flink SQL: a use long after the last one, and the sums that follow it.

   clock : happened.
   how   : the day of the use before is the smaller one of two rows; each wake is a number, and
           its sums are those of a partition of its own.
   left  : evidence.
*/
WITH used AS (
    SELECT 'account' AS way, account AS watch, * FROM entries
    WHERE account <> 0 AND home <> 0 AND (vantage = home - 1 OR vantage = 4)
    UNION ALL
    SELECT 'customer' AS way, subject AS watch, * FROM entries
    WHERE home <> 0 AND (vantage = home - 1 OR vantage = 4)
),
gap AS (
    SELECT *, CASE WHEN nday - MIN(nday) OVER (
        PARTITION BY way, vantage, watch ORDER BY happened
        ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) >= {dormant_days} THEN 1 ELSE 0 END AS wakes
    FROM used
),
woken AS (
    SELECT *,
        SUM(wakes) OVER uses AS wake,
        MAX(CASE WHEN wakes = 1 THEN bday END) OVER uses AS wake_ordinal
    FROM gap
    WINDOW uses AS (
        PARTITION BY way, vantage, watch ORDER BY happened
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
flow AS (
    SELECT *,
        SUM(CASE WHEN inward THEN amount ELSE 0 END) OVER since AS came,
        SUM(CASE WHEN inward THEN 0 ELSE amount END) OVER since AS went
    FROM woken
    WHERE wake > 0 AND NOT own AND bday < wake_ordinal + {window_days}
    WINDOW since AS (
        PARTITION BY way, vantage, watch, wake ORDER BY happened
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
measured AS (
    SELECT *,
        CASE WHEN person THEN {line_person_fen} ELSE {line_other_fen} END AS line,
        GREATEST(came, went) AS measure,
        GREATEST(
            came - CASE WHEN inward THEN amount ELSE 0 END,
            went - CASE WHEN inward THEN 0 ELSE amount END) AS measure_before
    FROM flow
),
banded AS (
    SELECT *,
        CASE
            WHEN measure >= line * {band_3_lines} THEN 3
            WHEN measure >= line * {band_2_lines} THEN 2
            WHEN measure * 10000 >= line * {heavy_bp} THEN 1
            ELSE 0
        END AS band,
        CASE
            WHEN measure_before >= line * {band_3_lines} THEN 3
            WHEN measure_before >= line * {band_2_lines} THEN 2
            WHEN measure_before * 10000 >= line * {heavy_bp} THEN 1
            ELSE 0
        END AS band_before
    FROM measured
)
SELECT way, vantage, watch, us, measure, band
FROM banded
WHERE band > CASE WHEN {once_a_band} = 1 THEN band_before ELSE 0 END
