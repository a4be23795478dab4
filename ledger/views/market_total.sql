/* How much of each contract was traded on each trading day, by the exchange's own count.

   question : what did an exchange publish of a contract's trading on a day?
   grain    : one row per (vantage, key)
   reads    : indicator
   units    : event_time in us UTC (start of the Beijing day); business_ordinal by the exchange's
              calendar; quantity in lots or shares, each trade once; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
SELECT
    v.vantage,
    i.report AS key,
    epoch_us(i.event_timestamp) AS event_time,
    i.market_segment,
    i.breakdown AS contract,
    i.business_ordinal,
    i.measure_value::DOUBLE AS quantity
FROM indicator AS i
JOIN vantages() AS v ON v.mask = i.vantage_mask & 15
WHERE i.measure = 'TRADE_QTY'
    AND i.period_frequency = 'D'
    AND NOT i.is_duplicate
    AND i.known_to IS NULL
