/* Figures that institutions report of a period.

   question : which figures of which institutions does each region hold?
   grain    : one row per (vantage, key)
   reads    : indicator, institution
   units    : event_time in us UTC (end of the period, Beijing); value in the unit beside it;
              institution the party of its legal person, 63-bit, 0 = not registered; vantage 0-3 the
              regions, 4 joint
   shown to : every vantage its own rows
*/
SELECT
    v.vantage,
    i.report AS key,
    epoch_us(i.event_timestamp) AS event_time,
    i.institution_id,
    coalesce(n.party, 0) AS institution,
    i.institution_region AS region,
    i.period_start,
    i.period_end,
    i.period_frequency,
    i.measure,
    i.measure_nature,
    i.measure_unit,
    i.measure_value AS value,
    i.breakdown,  -- null = the total
    i.reporter
FROM indicator AS i
JOIN vantages() AS v ON v.mask = i.vantage_mask & 15
LEFT JOIN (
    SELECT institution_id, arg_max(party, valid_from) AS party FROM institution GROUP BY ALL
) AS n ON n.institution_id = i.institution_id
WHERE NOT i.is_duplicate AND i.known_to IS NULL
