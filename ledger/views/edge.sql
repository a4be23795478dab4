/* Who stands behind whom, as registered: shareholders, controllers, officers.

   question : which ties between entities does each region have in its register?
   grain    : one row per (vantage, key)
   reads    : register
   units    : event_time in us UTC (start of the Beijing day the entry speaks of); share_bp in basis
              points, null = not stated; ids 63-bit, 0 = absent; dates Beijing, valid_to the last
              day, null = open; vantage 0-3 the regions, 4 joint
   shown to : every vantage its own rows
*/
SELECT
    v.vantage,
    r.report AS key,
    epoch_us(r.event_timestamp) AS event_time,
    r.entity_party AS party,
    r.related_party AS behind,
    r.edge_role AS role,
    (r.edge_share * 10000)::INTEGER AS share_bp,
    r.entity_region AS region,
    r.related_region AS behind_region,
    r.valid_from,
    r.valid_to,
    r.reporter
FROM register AS r
JOIN vantages() AS v ON v.mask = r.vantage_mask & 15
WHERE r.register_type = 'EDGE' AND NOT r.is_duplicate AND r.known_to IS NULL
