/* Alerts in force, one line each.

   question : which alerts stand, and what did each region alone see of them?
   grain    : one row per (alert_id)
   reads    : alert
   units    : peak_measure in `unit`; times UTC and, with _beijing, local; coverage 0 to 1
   shown to : joint cases only
*/
SELECT
    alert_id, rule, variant, subject_kind, subject, parameter_set, legal_status,
    first_crossing, last_crossing,
    beijing(first_crossing) AS first_crossing_beijing,
    peak_measure, peak_band, unit,
    solo_status[1] AS shanghai, solo_status[2] AS jiangsu,
    solo_status[3] AS zhejiang, solo_status[4] AS anhui,
    hidden_by_split, not_raised_jointly, operator_sees,
    hidden_by_split AND operator_sees IS NULL AS hidden_also_from_operators,
    len(evidence)::INTEGER AS transactions,
    data_origin, known_from,
    (SELECT min(a.known_from) FROM alert AS a WHERE a.alert_id = alert.alert_id) AS known_since
FROM alert
WHERE NOT withdrawn AND known_to IS NULL
