/* Alerts that no region alone would have raised.

   question : what do only all four regions together see?
   grain    : one row per (alert_id)
   reads    : alert, alert_evidence
   units    : peak_measure in `unit`; best_coverage is the largest share of the evidence one region holds, 0 to 1
   shown to : joint cases only
*/
WITH holders AS (
    SELECT DISTINCT alert_id, transaction_id, unnest(seen_by) AS region FROM alert_evidence
),
held AS (
    SELECT alert_id, region, count(*) AS transactions FROM holders GROUP BY alert_id, region
),
best AS (
    SELECT alert_id, max(transactions) AS transactions FROM held GROUP BY alert_id
)
SELECT
    alert_id, rule, variant, first_crossing,
    beijing(first_crossing) AS first_crossing_beijing,
    peak_measure, peak_band, unit,
    coalesce(best.transactions, 0) / len(evidence) AS best_coverage,
    operator_sees,
    CASE
        WHEN operator_sees IS NULL THEN 'hidden from every region and from any single operator'
        ELSE 'hidden from regions, visible to ' || operator_sees
    END AS hidden_from,
    data_origin, known_from
FROM alert
LEFT JOIN best USING (alert_id)
WHERE hidden_by_split AND NOT withdrawn AND known_to IS NULL
