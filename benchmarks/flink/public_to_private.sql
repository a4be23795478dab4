/* Public to private in Flink SQL: much of what a firm received goes to a few persons.

   clock : happened.
   left  : evidence.
*/
WITH summed AS (
    SELECT *,
        SUM(CASE WHEN inward THEN amount ELSE 0 END) OVER w AS coming,
        SUM(CASE WHEN inward THEN 0 ELSE amount END) OVER w AS going,
        COUNT(DISTINCT CASE WHEN inward THEN CAST(NULL AS INT) ELSE other END) OVER w AS persons
    FROM entries
    WHERE NOT own AND NOT person
        AND (inward OR (other_person AND amount >= {least_each_fen}))
    WINDOW w AS (
        PARTITION BY vantage, subject ORDER BY happened
        RANGE BETWEEN INTERVAL '{window_us:within}' DAY(3) TO SECOND(3) PRECEDING AND CURRENT ROW)
)
SELECT
    'public_to_private' AS way, vantage, subject, us, going,
    CASE
        WHEN going * 10000 >= coming * {band_3_bp} THEN 3
        WHEN going * 10000 >= coming * {band_2_bp} THEN 2
        ELSE 1
    END AS band
FROM summed
WHERE NOT inward
    AND coming >= {least_in_fen}
    AND going * 10000 BETWEEN coming * {ratio_bp} AND coming * {ratio_high_bp}
    AND persons <= {most_persons}
