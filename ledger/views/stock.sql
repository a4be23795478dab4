/* Goods that are stated to lie in a warehouse at the end of a day.

   question : how much of which goods does each warehouse state to hold?
   grain    : one row per (vantage, key)
   reads    : position
   units    : event_time in us UTC (start of the Beijing day it speaks of); grams; place is the id of
              variety and warehouse, 63-bit; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
SELECT
    v.vantage,
    p.transaction_id AS key,
    p.report,
    epoch_us(p.event_timestamp) AS event_time,
    p.business_date,
    p.asset AS place,
    p.source_instrument_id AS variety,
    p.instrument,
    p.warehouse_id AS warehouse,
    p.asset_region AS region,
    p.receipt_class = 'STD' AS is_standard,
    (p.notional_quantity * CASE p.quantity_unit_of_measure
        WHEN 'TNE' THEN 1000000 WHEN 'KGM' THEN 1000
    END)::BIGINT AS grams,
    p.reporter
FROM position AS p
JOIN vantages() AS v ON v.mask = p.vantage_mask & 15
WHERE p.market_segment = 'WRCT' AND NOT p.is_duplicate AND p.known_to IS NULL
