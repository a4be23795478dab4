/* Alerts that no region alone would have raised.

   question : what do only all four regions together see?
   grain    : one row per (alert_id)
   reads    : alert
   units    : peak_measure in `unit`; best_coverage is the largest share of the evidence one region holds
   shown to : joint cases only
*/
SELECT
    alert_id, rule, variant, first_crossing,
    beijing(first_crossing) AS first_crossing_beijing,
    peak_measure, peak_band, unit,
    list_max(solo_coverage) AS best_coverage,
    operator_sees,
    CASE
        WHEN operator_sees IS NULL THEN 'hidden from every region and from any single operator'
        ELSE 'hidden from regions, visible to ' || operator_sees
    END AS hidden_from,
    data_origin, known_from
FROM alert
WHERE hidden_by_split AND NOT withdrawn AND known_to IS NULL
