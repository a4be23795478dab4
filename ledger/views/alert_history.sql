/* Every state an alert ever had, withdrawn ones included.

   question : when was each alert raised, amended and withdrawn, and what took its place?
   grain    : one row per (alert_id, revision)
   reads    : alert
   units    : peak_measure in `unit`; times UTC and, with _beijing, local; known_to null = in force
   shown to : joint cases only
*/
SELECT
    alert_id, revision, status, cause, known_from, known_to,
    beijing(known_from) AS known_from_beijing,
    rule, variant, subject_kind, subject,
    first_crossing, last_crossing, beijing(first_crossing) AS first_crossing_beijing,
    peak_measure, peak_band, unit,
    solo_status[1] AS shanghai, solo_status[2] AS jiangsu,
    solo_status[3] AS zhejiang, solo_status[4] AS anhui,
    hidden_by_split, not_raised_jointly, operator_sees,
    len(evidence)::INTEGER AS transactions,
    withdrawn, superseded_by, data_origin
FROM alert
