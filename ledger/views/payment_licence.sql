/* Licences for payment business, as registered.

   question : which parties does each region know to hold a licence for payment business, and since when?
   grain    : one row per (vantage, key)
   reads    : register
   units    : event_time in us UTC (start of the Beijing day the entry speaks of); party 63-bit,
              0 = absent; dates Beijing, valid_to the last day, null = open; vantage 0-3 the
              regions, 4 joint
   shown to : every vantage its own rows
*/
SELECT
    v.vantage,
    r.report AS key,
    epoch_us(r.event_timestamp) AS event_time,
    r.entity_party AS party,
    r.entity_region AS region,
    r.entity_status AS status,
    r.valid_from,
    r.valid_to,
    r.reporter
FROM register AS r
JOIN vantages() AS v ON v.mask = r.vantage_mask & 15
WHERE r.register_type = 'PAYLIC' AND NOT r.is_duplicate AND r.known_to IS NULL
