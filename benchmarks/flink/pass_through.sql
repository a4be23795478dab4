/* Pass-through in Flink SQL: what came in within a day leaves again.

   clock : happened.
   how   : sums by OVER; other parties, and whether money came before it went, depend on the
           candidate's own sum, so candidates are joined with the day before them and counted.
           What a party held at a movement follows from two running balances.
   left  : evidence.
*/
WITH summed AS (
    SELECT *,
        SUM(CASE WHEN inward THEN amount ELSE 0 END) OVER w AS coming,
        SUM(CASE WHEN inward THEN 0 ELSE amount END) OVER w AS going,
        COUNT(*) OVER w AS transfers
    FROM entries
    WHERE NOT own
    WINDOW w AS (
        PARTITION BY vantage, subject ORDER BY happened
        RANGE BETWEEN INTERVAL '{window_us:within}' DAY(3) TO SECOND(3) PRECEDING AND CURRENT ROW)
),
held AS (
    SELECT *, SUM(CASE WHEN inward THEN amount ELSE -amount END) OVER (
        PARTITION BY vantage, subject ORDER BY happened
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS balance
    FROM summed
),
candidate AS (
    SELECT * FROM held
    WHERE NOT inward
        AND coming >= {least_in_fen}
        AND going * 10000 BETWEEN coming * {ratio_low_bp} AND coming * {ratio_high_bp}
        AND transfers <= {most_transfers}
        AND amount * 10000 >= coming * {small_bp}
)
SELECT
    'pass_through' AS way, c.vantage, c.subject, c.us, c.going,
    CASE
        WHEN c.coming >= {band_3_in_fen} THEN 3 WHEN c.coming >= {band_2_in_fen} THEN 2 ELSE 1
    END AS band
FROM candidate AS c
JOIN held AS w
    ON w.vantage = c.vantage AND w.subject = c.subject
    AND w.happened BETWEEN c.happened - INTERVAL '{window_us:within}' DAY(3) TO SECOND(3) AND c.happened
GROUP BY c.vantage, c.subject, c.us, c.tx, c.going, c.coming
HAVING
    COUNT(DISTINCT CASE WHEN w.amount * 10000 >= c.coming * {small_bp} THEN w.other END)
        <= {most_counterparties}
    AND MIN(CASE
        WHEN w.inward OR {in_before_out} = 0 THEN 0
        ELSE (w.balance - c.balance + c.coming - c.going) * 10000 + c.coming * {overdraw_bp}
    END) >= 0
